//! .NET: project files, solutions, and the files that MSBuild finds by itself.

use std::sync::LazyLock;

use regex::Regex;

use crate::manifest::error::Error;
use crate::manifest::facts::Facts;
use crate::manifest::place;
use crate::manifest::syntax::lines::Lines;
use crate::manifest::syntax::xml::{Element, Xml};
use crate::model::manifest::{Ecosystem::Dotnet, Makes, Manifest, Tie, What};
use crate::model::path::FilePath;

/// What MSBuild and NuGet read for all projects below.
const FOR_ALL_BELOW: &[&str] = &[
    "directory.build.props",
    "directory.build.targets",
    "directory.packages.props",
    "global.json",
    "nuget.config",
];

pub fn knows(name: &str) -> bool {
    is_project(name) || is_solution(name) || is_shared(name)
}

fn is_project(name: &str) -> bool {
    [".csproj", ".fsproj", ".vbproj"]
        .iter()
        .any(|end| name.ends_with(end))
}

fn is_solution(name: &str) -> bool {
    name.ends_with(".sln") || name.ends_with(".slnx")
}

fn is_shared(name: &str) -> bool {
    FOR_ALL_BELOW
        .iter()
        .any(|known| name.eq_ignore_ascii_case(known))
}

pub fn read(file: &FilePath, text: &str) -> Result<Manifest, Error> {
    let mut facts = Facts::of(file);
    let name = place::name(file);
    if is_shared(name) {
        let (ecosystem, path) = (Dotnet, file.clone());
        facts.say(1, What::ReadBelow { ecosystem, path });
        if name.to_ascii_lowercase().starts_with("directory.") {
            let xml = Xml::of(file, text)?;
            references(&mut facts, xml.root());
        }
    } else if name.ends_with(".sln") {
        solution(&mut facts, text);
    } else if name.ends_with(".slnx") {
        let xml = Xml::of(file, text)?;
        let projects = xml.root().descendants().filter(|it| it.name() == "Project");
        let paths = projects.filter_map(|it| it.attribute("Path"));
        facts.gathers(1, Dotnet, members(paths));
    } else {
        let xml = Xml::of(file, text)?;
        package(&mut facts, name, xml.root());
        references(&mut facts, xml.root());
    }
    Ok(facts.finish())
}

fn solution(facts: &mut Facts, text: &str) {
    static PROJECT: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r#"(?m)^\s*Project\("[^"\n]*"\)\s*=\s*"[^"\n]*"\s*,\s*"([^"\n]*)""#)
            .expect("the pattern is well formed")
    });
    let mut found = PROJECT.captures_iter(text).peekable();
    let first = found.peek().and_then(|it| it.get(0));
    let line = first.map_or(1, |it| Lines::of(text).at(it.start()));
    let paths = found.filter_map(|it| Some(it.get(1)?.as_str()));
    facts.gathers(line, Dotnet, members(paths));
}

/// Only projects: solutions also name folders of their own.
fn members<'a>(paths: impl Iterator<Item = &'a str>) -> Vec<String> {
    let paths = paths.map(|it| it.replace('\\', "/"));
    paths.filter(|it| it.ends_with("proj")).collect()
}

fn package(facts: &mut Facts, file: &str, project: Element<'_>) {
    let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem);
    let name = property(project, "AssemblyName").filter(|it| !it.contains("$("));
    let name = name.unwrap_or(stem).to_owned();
    facts.package(project.line(), Dotnet, Some(name), makes(project));
}

fn makes(project: Element<'_>) -> Makes {
    let sdk = project.attribute("Sdk").unwrap_or_default();
    let runs = ["Sdk.Web", "Sdk.Worker", "BlazorWebAssembly", "AppHost"];
    let references = |name: &str| {
        let all = project.descendants();
        let mut all = all.filter(|it| it.name() == "PackageReference");
        all.any(|it| it.attribute("Include") == Some(name))
    };
    if property(project, "IsTestProject") == Some("true") || references("Microsoft.NET.Test.Sdk") {
        // It runs, but only to test: nobody deploys it.
        return Makes::Library;
    }
    match property(project, "OutputType").map(str::to_ascii_lowercase) {
        Some(kind) if kind == "exe" || kind == "winexe" => Makes::Program,
        Some(_) => Makes::Library,
        None if runs.iter().any(|it| sdk.contains(it)) => Makes::Program,
        None if property(project, "AzureFunctionsVersion").is_some() => Makes::Program,
        None => Makes::Library,
    }
}

fn property<'x>(project: Element<'x>, name: &str) -> Option<&'x str> {
    let mut groups = project.all("PropertyGroup");
    groups.find_map(|it| it.text_of(name))
}

/// Everything that is named by a path.
fn references(facts: &mut Facts, project: Element<'_>) {
    for element in project.descendants() {
        let (attribute, tie) = match element.name() {
            "ProjectReference" => ("Include", Tie::Declares),
            "Import" => ("Project", Tie::Declares),
            _ => ("Include", Tie::Takes),
        };
        let Some(written) = element.attribute(attribute) else {
            continue;
        };
        for path in written.split(';').filter_map(plain) {
            // Items within the own directory are its own files.
            if tie == Tie::Declares || path.starts_with("../") {
                facts.reads(element.line(), place::before_pattern(&path), tie);
            }
        }
    }
}

/// A path without variables, other than that of the file's own directory.
fn plain(written: &str) -> Option<String> {
    let path = written.trim().replace('\\', "/");
    let own = ["$(MSBuildThisFileDirectory)", "$(MSBuildProjectDirectory)/"];
    let own = own.iter().find_map(|it| path.strip_prefix(it));
    let path = own.map_or(path.clone(), str::to_owned);
    (!path.is_empty() && !path.contains(['$', '@', '%'])).then_some(path)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::manifest::testing;

    pub const SAMPLE: &str = r#"<Project Sdk="Microsoft.NET.Sdk.Web">
  <Import Project="..\..\build\common.props" />
  <ItemGroup>
    <ProjectReference Include="..\..\libs\Common\Common.csproj" />
    <ProjectReference Include="$(Libs)\Other.csproj" />
    <Protobuf Include="..\..\protos\demo.proto" GrpcServices="Both" />
    <Compile Include="../Shared/**/*.cs" />
    <Content Include="appsettings.json" />
    <PackageReference Include="Grpc.AspNetCore" Version="2.0" />
  </ItemGroup>
</Project>"#;
    pub const SOLUTION: &str = "\u{a}Microsoft Visual Studio Solution File\n\
        Project(\"{2150E333}\") = \"src\", \"src\", \"{1}\"\nEndProject\n\
        Project(\"{FAE04EC0}\") = \"Cart\", \"src\\Cart\\Cart.csproj\", \"{2}\"\nEndProject\n";

    fn check(file: &str, text: &str, expected: &[&str]) {
        testing::check(read, file, text, expected);
    }

    #[test]
    fn a_project_says_what_it_is_and_refers_to() {
        check(
            "src/Cart/Cart.csproj",
            SAMPLE,
            &[
                "1: package Dotnet Cart Program",
                "2: reads build/common.props Declares",
                "4: reads libs/Common/Common.csproj Declares",
                "6: reads protos/demo.proto Takes",
                "7: reads src/Shared Takes",
            ],
        );
    }

    #[test]
    fn what_it_makes_is_known_by_sdk_and_output() {
        let makes = |sdk: &str, inside: &str, expected: &str| {
            let text =
                format!("<Project Sdk=\"{sdk}\"><PropertyGroup>{inside}</PropertyGroup></Project>");
            check("a/A.fsproj", &text, &[expected]);
        };
        let plain = "Microsoft.NET.Sdk";
        makes(plain, "", "1: package Dotnet A Library");
        makes(
            plain,
            "<OutputType>Exe</OutputType>",
            "1: package Dotnet A Program",
        );
        makes(
            "Microsoft.NET.Sdk.Worker",
            "",
            "1: package Dotnet A Program",
        );
        makes(
            plain,
            "<IsTestProject>true</IsTestProject><OutputType>Exe</OutputType>",
            "1: package Dotnet A Library",
        );
        makes(
            plain,
            "<AssemblyName>Shop.A</AssemblyName>",
            "1: package Dotnet Shop.A Library",
        );
    }

    #[test]
    fn solutions_gather_projects() {
        check(
            "Shop.sln",
            SOLUTION,
            &["3: gathers Dotnet src/Cart/Cart.csproj"],
        );
        let text = "<Solution><Folder Name=\"/src/\"><Project Path=\"src\\A\\A.csproj\" /></Folder></Solution>";
        check("Shop.slnx", text, &["1: gathers Dotnet src/A/A.csproj"]);
    }

    #[test]
    fn shared_files_are_read_by_all_below() {
        let text = "<Project><Import Project=\"../x.props\"/></Project>";
        check(
            "src/Directory.Build.props",
            text,
            &[
                "1: read below Dotnet src/Directory.Build.props",
                "1: reads x.props Declares",
            ],
        );
        check("global.json", "{}", &["1: read below Dotnet global.json"]);
    }
}
