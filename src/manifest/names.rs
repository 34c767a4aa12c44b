//! Which names no tool knows, told by their endings: of most files of a repository nothing more has to be asked.

/// Whether some tool may know the file at `path`. Names that are new to a tool have to be let through here; that this is so is
/// looked at wherever names are asked for, save in a released program.
pub fn may_be_known(path: &[u8]) -> bool {
    let start = path.iter().rposition(|byte| *byte == b'/');
    let name = &path[start.map_or(0, |slash| slash + 1)..];
    if BEGINNINGS.iter().any(|it| name.starts_with(it)) {
        return true;
    }
    let dot = name.iter().rposition(|byte| *byte == b'.');
    let Some(dot) = dot else {
        return PLAIN.contains(&name);
    };
    let (stem, ending) = (&name[..dot], &name[dot + 1..]);
    match ending {
        b"go" => stem == b"main",
        b"py" => stem == b"setup",
        b"rb" => stem == b"gems",
        b"js" | b"mjs" | b"cjs" | b"ts" | b"mts" | b"cts" => stem == b"vite.config",
        b"txt" | b"in" => {
            let holds = |part: &[u8]| stem.windows(part.len()).any(|it| it == part);
            stem == b"CMakeLists" || holds(b"requirements") || stem.starts_with(b"constraints")
        }
        b"xml" => stem == b"pom",
        b"exs" => stem == b"mix",
        b"cfg" => stem == b"setup",
        b"kts" => stem.ends_with(b".gradle"),
        b"json" | b"jsonc" | b"toml" | b"yaml" | b"yml" | b"proto" | b"mk" | b"tf" | b"hcl"
        | b"mod" | b"work" | b"gradle" | b"properties" | b"sln" | b"slnx" | b"csproj"
        | b"fsproj" | b"vbproj" | b"gemspec" | b"sh" | b"bash" | b"Dockerfile" | b"dockerfile"
        | b"Tiltfile" => true,
        // Files of a tool's own begin with a dot, and those of .NET are the same in any case.
        _ => stem.is_empty() || is_of_dotnet(ending),
    }
}

/// How names begin that may end in anything.
const BEGINNINGS: &[&[u8]] = &[
    b"Dockerfile",
    b"Containerfile",
    b"dockerfile",
    b"Tiltfile",
    b"buf.gen.",
];

/// Names without an ending.
const PLAIN: &[&[u8]] = &[
    b"Makefile",
    b"GNUmakefile",
    b"makefile",
    b"Gemfile",
    b"Pipfile",
    b"Kustomization",
    b"rust-toolchain",
];

fn is_of_dotnet(ending: &[u8]) -> bool {
    const ENDINGS: &[&[u8]] = &[b"props", b"targets", b"config", b"json"];
    ENDINGS.iter().any(|it| ending.eq_ignore_ascii_case(it))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::manifest::tools;

    use super::*;

    /// Parts of names that tools know, and of others.
    const PARTS: &str = "(main|setup|gems|gems\\.rb|vite\\.config|requirements|constraints|CMakeLists|pom|mix|build|settings|Dockerfile|dockerfile|Containerfile|Tiltfile|Makefile|GNUmakefile|makefile|Gemfile|Pipfile|Kustomization|kustomization|rust-toolchain|buf\\.gen|buf|buf\\.work|compose|docker-compose|Chart|values|skaffold|directory\\.build|Directory\\.Packages|nuget|NuGet|global|package|project|nx|turbo|lerna|rush|tsconfig|jsconfig|composer|libs\\.versions|gradle|terragrunt|pnpm-workspace|pyproject|Cargo|mise|\\.mise|\\.nvmrc|\\.tool-versions|\\.prototools|\\.gitattributes|\\.go-version|x|tag-x|workspace|codegen|go)";
    const ENDINGS: &str = "(go|py|rb|js|mjs|cjs|ts|mts|cts|txt|in|xml|exs|cfg|kts|gradle\\.kts|json|jsonc|toml|yaml|yml|proto|mk|tf|hcl|mod|work|gradle|properties|sln|slnx|csproj|fsproj|vbproj|gemspec|sh|bash|props|PROPS|targets|config|Config|Dockerfile|dockerfile|Tiltfile|dev|Containerfile|lock|md)";

    fn names() -> impl Strategy<Value = String> {
        let name = format!("(k8s/)?{PARTS}([-._]{PARTS})?(\\.{ENDINGS})?");
        proptest::string::string_regex(&name).unwrap()
    }

    proptest! {
        #[test]
        fn no_name_that_a_tool_knows_is_held_back(name in names()) {
            let is_known = tools(name.as_bytes()).next().is_some();
            prop_assert!(!is_known || may_be_known(name.as_bytes()), "{}", name);
        }
    }

    #[test]
    fn most_sources_are_held_back() {
        for name in [
            "a/b.ts",
            "x.rs",
            "a.py",
            "b.go",
            "Main.java",
            "a.cs",
            "README.md",
            "x",
        ] {
            assert!(!may_be_known(name.as_bytes()), "{name}");
        }
    }
}
