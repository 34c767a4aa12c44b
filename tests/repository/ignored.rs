//! Which paths git ignores.

use svc::git::Repo;
use svc::model::path::FilePath;

use crate::world::{World, shell};

/// Those of `paths` that are ignored; the two ways of reading have to agree.
fn ignored<'p>(world: &World, directory: &str, paths: &[&'p [u8]]) -> Vec<&'p [u8]> {
    let files: Vec<_> = paths.iter().map(|it| FilePath::from_bytes(*it)).collect();
    let ask = |repo: &Repo| repo.ignored(&files).unwrap();
    let answers = ask(&world.repo(directory));
    assert_eq!(answers, ask(&world.repo(directory).through_the_program()));
    assert_eq!(answers.len(), paths.len());
    let both = paths.iter().zip(answers);
    both.filter(|(_, is_ignored)| *is_ignored)
        .map(|(path, _)| *path)
        .collect()
}

#[track_caller]
fn check(script: &str, paths: &[&[u8]], expected: &[&[u8]]) {
    let world = World::with_repo();
    shell(&world, "r", script);
    let show = |paths: &[&[u8]]| -> Vec<String> {
        let paths = paths.iter();
        paths.map(|it| it.escape_ascii().to_string()).collect()
    };
    assert_eq!(
        show(&ignored(&world, "r", paths)),
        show(expected),
        "{script}"
    );
}

#[test]
fn rules_decide_unless_git_tracks_the_file() {
    check(
        "mkdir -p dist/kept d; touch dist/kept/a dist/b d/a.log; echo '*.log' > .git/info/exclude; \
         printf 'dist/\\n!keep\\n' > .gitignore; git add -f dist/kept/a .gitignore",
        &[
            b"dist",
            b"dist/b",
            b"dist/kept",
            b"dist/kept/a",
            b"dist/kept/new",
            b"d/a.log",
            b"gone.log",
            b"keep",
            b"d",
            b"",
            b"dist/b",
        ],
        &[
            b"dist/b",
            b"dist/kept/new",
            b"d/a.log",
            b"gone.log",
            b"dist/b",
        ],
    );
    check("true", &[b"a", b"b/c"], &[]);
    check("echo '*' > .gitignore", &[], &[]);
}

#[test]
fn hostile_names_are_asked_about_as_they_are() {
    let names: &[&[u8]] = &[
        b"-n", b"--stdin", b":(top)x", b":!x", b"a\nb", b"\"q\"", b"b\\c", b"n\xff", b" s ", b"*",
        b"[a]", b"#x", b"!x", b"d\n/:x",
    ];
    check("echo '*' > .gitignore", names, names);
    check("echo keep > .gitignore", names, &[]);
}

#[test]
fn what_git_has_no_answer_for_is_not_ignored() {
    let script = "echo '*' > .gitignore; mkdir real; ln -s real link; ln -s nowhere broken; touch real/a; \
                  git init -q -b main sub; git -C sub commit -q --allow-empty -m x; git add -f sub; \
                  git init -q -b main other; git init -q -b main gone; \
                  git -C gone commit -q --allow-empty -m x; git add -f gone; rm -r gone/.git";
    check(
        script,
        &[
            b"sub",
            b"sub/a",
            b"sub/b/c",
            b"gone/a",
            b"other/a",
            b"link",
            b"link/a",
            b"broken/a",
            b"real/a",
            b".git/config",
            b".git",
            b"real/.git/x",
            b"../x",
            b"real/../a",
            b"real//a",
            b"real/a/b",
        ],
        &[b"link", b"real/a", b"real/a/b"],
    );
}

#[test]
fn paths_start_at_the_workspace() {
    let world = World::with_repo();
    shell(
        &world,
        "r",
        "mkdir -p w/in; echo x > w/in/.gitignore; echo /w/y > .gitignore; touch w/in/x w/x; git add -f w/in/x",
    );
    let paths: &[&[u8]] = &[b"in/x", b"x", b"y", b"in/y", b"in/d/x", b""];
    assert_eq!(ignored(&world, "r/w", paths), [&b"y"[..], b"in/d/x"]);
    shell(
        &world,
        "r",
        "git sparse-checkout set --cone --sparse-index none; rm -rf w; mkdir -p w/in",
    );
    shell(&world, "r", "echo x > w/in/.gitignore");
    assert_eq!(ignored(&world, "r/w", paths), [&b"y"[..], b"in/d/x"]);
}

#[test]
fn long_lists_are_answered() {
    let world = World::with_repo();
    shell(&world, "r", "echo '*.o' > .gitignore");
    let paths: Vec<FilePath> = (0..60_000)
        .map(|at| {
            FilePath::from_bytes(
                format!("some/long/directory/{at}.{}", ["o", "c"][at % 2]).into_bytes(),
            )
        })
        .collect();
    let answers = world.repo("r").ignored(&paths).unwrap();
    assert!(
        answers
            .iter()
            .enumerate()
            .all(|(at, is_ignored)| *is_ignored == (at % 2 == 0))
    );
}

#[test]
fn a_bare_repository_ignores_nothing() {
    let world = World::new();
    world.git(".", "init -q --bare b.git");
    assert!(ignored(&world, "b.git", &[b"a"]).is_empty());
}
