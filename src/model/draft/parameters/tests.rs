//! What is said to a preset, from facts that are written by hand.

use super::*;
use crate::model::draft::{FileList, draft};
use crate::model::manifest::{Ecosystem, Manifest};
use crate::model::preset::Detect;

/// A preset that fills everything there is to fill.
fn preset(file: &str) -> Preset {
    let filled = Source::ALL.map(|(name, from)| Filled {
        parameter: name.to_owned(),
        from,
        default: (from == Source::ProgramSource).then(|| ".".to_owned()),
    });
    Preset {
        name: "own".into(),
        about: String::new(),
        detect: Some(Detect {
            any: vec![file.to_owned()],
            ..Detect::default()
        }),
        filled: filled.into(),
        is_own: false,
    }
}

fn manifest(file: &str, all: Vec<What>) -> Manifest {
    let about = FilePath::from_bytes(split(file.as_bytes()).0);
    let fact = |what| Fact {
        about: about.clone(),
        line: 1,
        what,
    };
    Manifest {
        file: file.into(),
        facts: all.into_iter().map(fact).collect(),
    }
}

fn leaves(product: Product, said: Said) -> What {
    What::Leaves { product, said }
}

fn package() -> What {
    What::Package {
        ecosystem: Ecosystem::Npm,
        name: None,
        makes: Makes::Program,
    }
}

/// What the service at `a` says to its preset, which knows `package.json`.
#[track_caller]
fn check(files: &[&str], mut manifests: Vec<Manifest>, expected: &[(&str, &str)]) {
    manifests.push(manifest("a/package.json", vec![package()]));
    let mut paths: Vec<&str> = manifests
        .iter()
        .map(|it| it.file.as_path().to_str().unwrap())
        .collect();
    paths.extend(files);
    paths.sort_unstable();
    let mut list = FileList::default();
    paths.iter().for_each(|it| list.push(it.as_bytes()));
    let found = Found {
        name: None,
        files: list,
        manifests: manifests.clone(),
        presets: vec![preset("package.json")],
    };
    let draft = draft(&found);
    let service = draft
        .services
        .iter()
        .find(|it| it.path == FilePath::from("a"));
    let uses = service
        .and_then(|it| it.uses.clone())
        .expect("a preset fits");
    let expected = expected
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    assert_eq!(uses.parameters, expected.collect(), "{manifests:?}");
}

fn own(all: Vec<What>) -> Vec<Manifest> {
    vec![manifest("a/package.json", all)]
}

fn program(said: Said) -> What {
    leaves(Product::Program, said)
}

fn directory(said: &str) -> What {
    leaves(Product::Directory, Said::As(said.into()))
}

#[test]
fn one_program_is_named_and_several_are_not() {
    let named = |name: &str| program(Said::As(name.into()));
    check(&[], own(vec![]), &[]);
    check(&[], own(vec![named("x")]), &[("program", "x")]);
    check(&[], own(vec![named("x"), named("x")]), &[("program", "x")]);
    check(&[], own(vec![named("x"), named("y")]), &[]);
    check(&[], own(vec![named("x"), program(Said::Unknown)]), &[]);
    for hostile in ["", "../x", "a/b", "-x", "x y", "$(x)", "x'", ".."] {
        check(&[], own(vec![named(hostile)]), &[]);
    }
}

#[test]
fn files_tell_of_programs() {
    let main = || {
        program(Said::IfThere {
            file: "src/main.rs".into(),
            name: "x".into(),
        })
    };
    let each = |ending: &str| {
        program(Said::Each {
            below: "src/bin/".into(),
            ending: ending.into(),
        })
    };
    check(&[], own(vec![main()]), &[]);
    check(
        &["a/src/main.rs"],
        own(vec![main()]),
        &[("program", "x"), ("program-source", "./src")],
    );
    let all = || own(vec![main(), each(".rs"), each("/main.rs")]);
    check(
        &["a/src/bin/y.rs"],
        all(),
        &[("program", "y"), ("program-source", "./src/bin/y")],
    );
    check(&["a/src/bin/y.rs", "a/src/main.rs"], all(), &[]);
    // There may be a program in a file of any name.
    check(&["a/src/bin/y/main.rs", "a/src/bin/z/other.rs"], all(), &[]);
    check(&["b/src/main.rs"], all(), &[]);
}

#[test]
fn sources_that_were_read_have_to_begin_a_program() {
    let each = || {
        program(Said::Each {
            below: "cmd/".into(),
            ending: "/main.go".into(),
        })
    };
    let mut all = own(vec![each()]);
    all.push(manifest("a/cmd/x/main.go", vec![What::Begins]));
    all.push(manifest("a/cmd/y/main.go", vec![]));
    check(&[], all, &[("program", "x"), ("program-source", "./cmd/x")]);
}

#[test]
fn directories_lie_in_the_service_and_hold_nothing_else() {
    check(
        &[],
        own(vec![directory("dist")]),
        &[("output-directory", "dist")],
    );
    check(
        &[],
        own(vec![directory("./dist/")]),
        &[("output-directory", "dist")],
    );
    check(&["a/dist/x.js"], own(vec![directory("dist")]), &[]);
    for elsewhere in [".", "..", "../b", "/dist", "../ab", ""] {
        check(&[], own(vec![directory(elsewhere)]), &[]);
    }
    let archive = leaves(Product::Archive, Said::As("target/x-*.jar".into()));
    check(&[], own(vec![archive]), &[("archive", "target/x-*.jar")]);
}

#[test]
fn other_files_only_speak_against_it() {
    let beside = |said| {
        vec![manifest(
            "a/vite.config.ts",
            vec![leaves(Product::Directory, said)],
        )]
    };
    let with = |mut all: Vec<Manifest>| {
        all.extend(own(vec![directory("dist")]));
        all
    };
    check(&[], beside(Said::As("dist".into())), &[]);
    check(&[], with(beside(Said::Unknown)), &[]);
    check(
        &[],
        with(beside(Said::As("x".into()))),
        &[("output-directory", "dist")],
    );
    let above = manifest(
        "package.json",
        vec![leaves(Product::Directory, Said::Unknown)],
    );
    check(&[], with(vec![above]), &[]);
}

#[test]
fn compilers_are_asked_through_all_their_files() {
    let configured = |follows| {
        leaves(
            Product::Directory,
            Said::Configured {
                file: "tsconfig.json".into(),
                follows,
            },
        )
    };
    let compiling = |file: &str, it: Compiling| manifest(file, vec![What::Compiles(Box::new(it))]);
    let with = |follows, files: Vec<Manifest>| {
        let mut all = own(vec![configured(follows)]);
        all.extend(files);
        all
    };
    let nothing = Compiling::default;
    let dist = || Compiling {
        into: Some("a/dist".into()),
        ..nothing()
    };
    let found: &[_] = &[("output-directory", "dist")];
    check(&[], with(false, vec![]), &[]);
    check(
        &[],
        with(false, vec![compiling("a/tsconfig.json", dist())]),
        found,
    );
    check(
        &[],
        with(true, vec![compiling("a/tsconfig.json", dist())]),
        &[],
    );
    check(
        &[],
        with(false, vec![compiling("a/tsconfig.json", nothing())]),
        &[],
    );
    let extends = Compiling {
        extends: vec!["base.json".into()],
        ..nothing()
    };
    let based = |base: Compiling| {
        let own = compiling("a/tsconfig.json", Compiling { ..extends.clone() });
        with(false, vec![own, compiling("base.json", base)])
    };
    check(&[], based(dist()), found);
    let remembers = Compiling {
        remembers: Some(true),
        ..dist()
    };
    check(&[], based(remembers), &[]);
    let obscure = Compiling {
        is_obscure: true,
        ..dist()
    };
    check(&[], based(obscure), &[]);
    // They may go in circles.
    let circle = Compiling {
        extends: vec!["a/tsconfig.json".into()],
        references: vec!["a".into()],
        ..dist()
    };
    check(&[], based(circle), &[]);
    // Types are checked by references that leave nothing; a bundler leaves the rest.
    let top = Compiling {
        emits: Some(false),
        references: vec!["a/tsconfig.app.json".into()],
        ..nothing()
    };
    let app = Compiling {
        emits: Some(false),
        ..nothing()
    };
    let mut all = with(
        true,
        vec![
            compiling("a/tsconfig.json", top),
            compiling("a/tsconfig.app.json", app),
        ],
    );
    all.extend(own(vec![directory("dist")]));
    check(&[], all, found);
}
