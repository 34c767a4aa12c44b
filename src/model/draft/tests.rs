//! Whole drafts from facts that are written by hand.

use super::*;
use crate::model::manifest::{Ecosystem, Fact, ForeignTask, Makes, Tie, What};
use crate::model::path::FilePath;
use crate::model::preset::Detect;

/// Facts in short: each line of a manifest is one.
#[derive(Default)]
struct World {
    files: Vec<String>,
    manifests: Vec<Manifest>,
}

impl World {
    fn files(mut self, paths: &[&str]) -> Self {
        self.files.extend(paths.iter().map(|it| (*it).to_owned()));
        self
    }

    fn says(mut self, file: &str, about: &str, facts: Vec<What>) -> Self {
        self.files.push(file.to_owned());
        let facts = (1..).zip(facts).map(|(line, what)| Fact {
            about: about.into(),
            line,
            what,
        });
        self.manifests.push(Manifest {
            file: file.into(),
            facts: facts.collect(),
        });
        self
    }

    /// An npm package with what it needs.
    fn npm(self, directory: &str, name: &str, needs: &[&str]) -> Self {
        let mut facts = vec![package(Ecosystem::Npm, name, Makes::Either)];
        facts.extend(
            needs
                .iter()
                .map(|it| need(Ecosystem::Npm, it, Tie::Declares)),
        );
        let file = FilePath::from(directory).join(b"package.json").display();
        self.says(&file, directory, facts)
    }

    fn draft(&self) -> Draft {
        draft(&Found {
            name: Some("shop".into()),
            files: self.files.iter().map(String::as_str).collect(),
            manifests: self.manifests.clone(),
            presets: presets(),
        })
    }
}

fn package(ecosystem: Ecosystem, name: &str, makes: Makes) -> What {
    What::Package {
        ecosystem,
        name: Some(name.into()),
        makes,
    }
}

fn need(ecosystem: Ecosystem, name: &str, tie: Tie) -> What {
    What::Needs {
        ecosystem,
        name: name.into(),
        tie,
    }
}

fn reads(path: &str) -> What {
    What::Reads {
        path: path.into(),
        tie: Tie::Takes,
    }
}

fn copies(source: &str) -> What {
    What::Copies {
        source: source.into(),
    }
}

fn presets() -> Vec<Preset> {
    let all = [
        ("node", "package.json", 50),
        ("go", "go.mod", 50),
        ("dotnet", "*.sln", 50),
        ("docker", "Dockerfile", 10),
        ("make", "Makefile", 5),
        ("helm", "Chart.yaml", 20),
        ("terraform", "*.tf", 20),
        ("proto", "*.proto", 8),
    ];
    let presets = all.map(|(name, file, rank)| Preset {
        name: name.into(),
        about: String::new(),
        detect: Some(Detect {
            any: match name {
                "dotnet" => vec![file.into(), "*.csproj".into()],
                _ => vec![file.into()],
            },
            all: Vec::new(),
            rank,
        }),
        filled: Vec::new(),
        is_own: false,
    });
    presets.into()
}

/// The services as lines: name, path, preset, and what they depend on and read.
fn lines(draft: &Draft) -> Vec<String> {
    let services = draft.services.iter().map(|it| {
        let edges = it.depends_on.iter().map(|edge| match edge.is_left_out {
            true => format!("({})", edge.to),
            false => edge.to.to_string(),
        });
        let read = it.inputs.iter().map(|it| it.what.clone());
        let words: Vec<String> = edges.chain(read).collect();
        let uses = it.uses.as_ref().map_or("-", |it| it.preset.as_str());
        let library = if it.makes == Makes::Library {
            " library"
        } else {
            ""
        };
        format!(
            "{} {:?} {uses}{library} [{}]",
            it.name,
            it.path,
            words.join(" ")
        )
    });
    services.collect()
}

fn notes(draft: &Draft, kind: NoteKind) -> Vec<String> {
    let notes = draft.notes.iter().filter(|it| it.kind == kind);
    notes
        .map(|it| format!("{}: {}", it.path.display(), it.words))
        .collect()
}

#[test]
fn programs_and_the_libraries_they_need_are_services() {
    let world = World::default()
        .npm("services/web", "@shop/web", &["@shop/ui", "react"])
        .npm("packages/ui", "@shop/ui", &[])
        .says(
            "package.json",
            "",
            vec![
                What::Package {
                    ecosystem: Ecosystem::Npm,
                    name: Some("shop".into()),
                    makes: Makes::Nothing,
                },
                What::Gathers {
                    ecosystem: Ecosystem::Npm,
                    members: vec!["packages/*".into(), "services/*".into()],
                    excluded: vec![],
                },
            ],
        )
        .files(&["package-lock.json", ".nvmrc"]);
    let draft = world.draft();
    assert_eq!(
        lines(&draft),
        [
            "ui \"packages/ui\" node library []",
            "web \"services/web\" node [ui]"
        ]
    );
    assert_eq!(draft.lock_files[0].what, "package-lock.json");
    assert_eq!(draft.global_inputs[0].what, ".nvmrc");
    assert_eq!(
        draft.services[1].depends_on[0].evidence[0].words,
        "@shop/ui"
    );
    assert!(draft.notes.is_empty(), "{:?}", draft.notes);
}

#[test]
fn images_tie_languages_together() {
    let world = World::default()
        .says(
            "src/cart/go.mod",
            "src/cart",
            vec![package(Ecosystem::Go, "shop.test/cart", Makes::Either)],
        )
        .says(
            "src/cart/Dockerfile",
            "src/cart",
            vec![
                copies("src/cart"),
                copies("proto/cart.proto"),
                copies("go.work"),
                copies("libs/money"),
            ],
        )
        .says(
            "compose.yaml",
            "src/cart",
            vec![What::BuiltFrom {
                context: "".into(),
                dockerfile: "src/cart/Dockerfile".into(),
            }],
        )
        .says(
            "libs/money/go.mod",
            "libs/money",
            vec![package(Ecosystem::Go, "shop.test/money", Makes::Library)],
        )
        .files(&[
            "proto/cart.proto",
            "go.work",
            "libs/money/money.go",
            "src/cart/main.go",
            "Makefile",
        ]);
    assert_eq!(
        lines(&world.draft()),
        [
            "cart \"src/cart\" go [money proto /go.work]",
            "money \"libs/money\" go library []",
            "proto \"proto\" proto library []",
        ]
    );
}

#[test]
fn an_image_that_takes_everything_depends_on_nobody() {
    let world = World::default()
        .says("a/Dockerfile", "a", vec![copies(".")])
        .says(
            "compose.yaml",
            "a",
            vec![What::BuiltFrom {
                context: "".into(),
                dockerfile: "a/Dockerfile".into(),
            }],
        )
        .files(&["b/start.sh"])
        .says("b/Dockerfile", "b", vec![copies(".")]);
    let draft = world.draft();
    assert_eq!(lines(&draft), ["a \"a\" docker []", "b \"b\" docker []"]);
    assert_eq!(notes(&draft, NoteKind::NotTaken).len(), 1);
}

#[test]
fn a_recipe_that_is_told_what_to_take_is_no_service() {
    let check = |source: &str, files: &[&str], expected: &[&str]| {
        let world = World::default().npm("api", "api", &[]).files(files).says(
            "docker/Dockerfile",
            "docker",
            vec![copies(source)],
        );
        let draft = world.draft();
        let found = draft.services.iter().map(|it| it.path.display());
        assert_eq!(found.collect::<Vec<_>>(), expected, "{source} {files:?}");
        let is_told = !notes(&draft, NoteKind::LeftOut).is_empty();
        assert_eq!(is_told, expected.len() == 1, "{source} {files:?}");
    };
    check("*", &[], &["api"]);
    check(".", &["docker/README.md", "docker/.dockerignore"], &["api"]);
    // It has something of its own, or says what it is the image of.
    check(".", &["docker/start.sh"], &["api", "docker"]);
    check("api/dist", &[], &["api", "docker"]);
    // Somebody builds it there.
    let world = World::default().npm("api", "api", &[]);
    let world = world.says("docker/Dockerfile", "docker", vec![copies(".")]);
    let built = What::BuiltFrom {
        context: "docker".into(),
        dockerfile: "docker/Dockerfile".into(),
    };
    let world = world.says("compose.yaml", "docker", vec![built]);
    assert_eq!(world.draft().services.len(), 2);
}

#[test]
fn the_weakest_of_a_circle_is_left_out() {
    let offers = |name: &str| What::Offers {
        ecosystem: Ecosystem::Compose,
        name: name.into(),
        path: name.into(),
    };
    let world = World::default()
        .npm("a", "a", &["b"])
        .npm("b", "b", &[])
        .says(
            "compose.yaml",
            "b",
            vec![
                offers("a"),
                offers("b"),
                need(Ecosystem::Compose, "a", Tie::StartsAfter),
            ],
        );
    let draft = world.draft();
    assert_eq!(
        lines(&draft),
        ["a \"a\" node [b]", "b \"b\" node library [(a)]"]
    );
    assert_eq!(
        notes(&draft, NoteKind::Circle),
        [
            "b: a circle: a needs b (a/package.json:2: b), b needs a (compose.yaml:3: a); left out: b needs a"
        ]
    );
}

#[test]
fn examples_and_fixtures_are_left_out_unless_somebody_needs_them() {
    let world = World::default()
        .npm("web", "web", &["sample-data"])
        .npm("web/tests/app", "app", &[])
        .npm("examples/one", "one", &[])
        .npm("examples/two", "two", &[])
        .npm("web/testdata/x", "x", &[])
        .npm("samples/data", "sample-data", &[])
        .npm("node_modules/a/b", "b", &[]);
    let draft = world.draft();
    assert_eq!(
        lines(&draft),
        [
            "data \"samples/data\" node library []",
            "web \"web\" node [data]"
        ]
    );
    assert_eq!(
        notes(&draft, NoteKind::LeftOut),
        [
            "examples: an example, 2 directories",
            "node_modules: somebody else's code",
            "web/testdata: a fixture of tests",
        ]
    );
}

#[test]
fn where_all_is_an_example_examples_are_services() {
    let draft = World::default().npm("examples/one", "one", &[]).draft();
    assert_eq!(lines(&draft), ["one \"examples/one\" node []"]);
    assert!(draft.notes.is_empty());
}

#[test]
fn charts_and_modules_within_a_service_are_parts_of_it() {
    let world = World::default()
        .npm("cart", "cart", &[])
        .files(&[
            "cart/chart/Chart.yaml",
            "cart/deploy/Dockerfile",
            "charts/shop/Chart.yaml",
            "infra/prod/main.tf",
            "infra/vpc/main.tf",
        ])
        .says(
            "infra/prod/main.tf",
            "infra/prod",
            vec![What::Reads {
                path: "infra/vpc".into(),
                tie: Tie::Declares,
            }],
        );
    assert_eq!(
        lines(&world.draft()),
        [
            "cart \"cart\" node []",
            "prod \"infra/prod\" terraform [vpc]",
            "shop \"charts/shop\" helm []",
            "vpc \"infra/vpc\" terraform library []",
        ]
    );
}

#[test]
fn a_solution_around_sources_is_the_service() {
    let world = World::default()
        .says(
            "cart/src/cart.csproj",
            "cart/src",
            vec![package(Ecosystem::Dotnet, "cart", Makes::Program)],
        )
        .says(
            "cart/tests/cart.tests.csproj",
            "cart/tests",
            vec![
                package(Ecosystem::Dotnet, "cart.tests", Makes::Library),
                reads("cart/src/cart.csproj"),
            ],
        )
        .says(
            "cart/cart.sln",
            "cart",
            vec![What::Gathers {
                ecosystem: Ecosystem::Dotnet,
                members: vec!["src".into(), "tests".into()],
                excluded: vec![],
            }],
        );
    let draft = world.draft();
    assert_eq!(draft.services.len(), 1, "{:?}", lines(&draft));
    assert_eq!(draft.services[0].path, "cart".into());
}

#[test]
fn a_directory_of_services_that_is_read_is_each_of_them() {
    let world = World::default()
        .npm("app", "app", &[])
        .npm("libs/a", "a", &[])
        .npm("libs/b", "b", &[])
        .says("app/Dockerfile", "app", vec![copies("libs/")]);
    let draft = world.draft();
    assert_eq!(lines(&draft)[2 - 1], "app \"app\" node [a b]");
}

#[test]
fn one_service_at_the_top_and_nothing_at_all() {
    let draft = World::default().npm("", "store", &[]).draft();
    assert_eq!(lines(&draft), ["store \"\" node []"]);
    assert_eq!(World::default().draft().services, []);
}

#[test]
fn tasks_of_other_tools_are_taken_as_far_as_they_differ() {
    let task = |name: &str, needs: &[&str], is_endless| {
        What::Task(Box::new(ForeignTask {
            name: name.into(),
            needs: Some(needs.iter().map(|it| (*it).to_owned()).collect()),
            outputs: Some(vec!["dist/**".into()]),
            is_endless,
            whose: crate::model::manifest::Whose::OfThoseWithIt,
            ..Default::default()
        }))
    };
    let script = |name: &str| What::Script {
        name: name.into(),
        command: "x".into(),
    };
    let world = World::default()
        .npm("web", "web", &[])
        .npm("ui", "@shop/ui", &[])
        .says(
            "web/scripts",
            "web",
            vec![script("build"), script("docs"), script("dev")],
        )
        .says(
            "turbo.json",
            "",
            vec![
                task("build", &["^build"], false),
                task("docs", &["@shop/ui:build", "gone:x"], false),
                task("dev", &[], true),
            ],
        )
        .files(&["pnpm-lock.yaml"]);
    let draft = world.draft();
    let web = &draft.services[1];
    let task = |name: &str| {
        web.tasks
            .iter()
            .find(|(it, _)| it.as_str() == name)
            .map(|(_, task)| task.clone())
    };
    let build = task("build").unwrap();
    assert_eq!((build.run, build.needs), (None, None));
    assert_eq!(build.outputs.unwrap(), ["dist/**"]);
    let docs = task("docs").unwrap();
    assert_eq!(docs.run.unwrap(), ["pnpm run docs"]);
    assert_eq!(docs.needs.unwrap(), ["ui:build"]);
    assert!(task("dev").is_none());
    assert_eq!(notes(&draft, NoteKind::NotTaken).len(), 1);
    assert!(draft.services[0].tasks.is_empty());
}

#[test]
fn what_a_task_needs_closes_no_circle() {
    let task = |name: &str, needs: &[&str]| {
        let needs = needs.iter().map(|it| (*it).to_owned());
        What::Task(Box::new(ForeignTask {
            name: name.into(),
            run: Some("make".into()),
            needs: Some(needs.collect()),
            ..ForeignTask::default()
        }))
    };
    let world = World::default()
        .npm("api", "api", &["lib"])
        .npm("lib", "lib", &[])
        .says("api/moon.yml", "api", vec![task("build", &["lib:build"])])
        .says(
            "lib/moon.yml",
            "lib",
            vec![task("build", &["api:build", "lib:gen"])],
        );
    let draft = world.draft();
    let needs = draft.services.iter().map(|it| {
        let build = it.tasks.iter().find(|it| it.0.as_str() == "build");
        build.and_then(|it| it.1.needs.clone()).unwrap_or_default()
    });
    let needs: Vec<_> = needs.collect();
    assert!(!needs[1].contains(&"api:build".to_owned()), "{needs:?}");
    assert_eq!(notes(&draft, NoteKind::Circle).len(), 1);
}

#[test]
fn drafts_do_not_depend_on_the_order_of_facts() {
    let mut world = World::default()
        .npm("a", "a", &["b", "c"])
        .npm("b", "b", &["c"])
        .npm("c", "c", &["a"])
        .npm("x/a", "xa", &[]);
    let one = world.draft();
    world.manifests.reverse();
    world.files.reverse();
    assert_eq!(world.draft(), one);
}
