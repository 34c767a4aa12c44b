//! Inside of hooks, where git says which index counts.

use std::os::unix::fs::PermissionsExt;

use svc::git::Repo;
use svc::model::env::Env;

use crate::world::{World, changed, index, shell};

/// Installs a hook that keeps its variables and its index in the state that it saw, then makes `action` run it.
fn variables_of_hook(world: &World, directory: &str, action: &str) -> Vec<(String, String)> {
    let hooks = world.path("hooks");
    std::fs::create_dir_all(&hooks).unwrap();
    let kept = world.path("kept");
    let script = format!(
        "#!/bin/sh\nenv -0 > {0}\ncp \"$GIT_INDEX_FILE\" {0}.index\nexit 1\n",
        kept.display()
    );
    std::fs::write(hooks.join("pre-commit"), script).unwrap();
    std::fs::set_permissions(hooks.join("pre-commit"), PermissionsExt::from_mode(0o755)).unwrap();
    world.git(
        directory,
        &format!("config core.hooksPath {}", hooks.display()),
    );
    let refused = world.try_git(directory, action);
    assert!(!refused.status.success(), "the hook did not run");
    let text = std::fs::read_to_string(kept).unwrap();
    text.split('\0')
        .filter_map(|line| line.split_once('='))
        .filter(|(name, _)| name.starts_with("GIT_"))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

/// What svc would be started with in a hook of `action`. The index that git made for it is put back where it was.
fn in_hook(world: &World, directory: &str, action: &str) -> Env {
    let mut env = world.env(directory);
    for (name, value) in variables_of_hook(world, directory, action) {
        if name == "GIT_INDEX_FILE" {
            let file = world.path(directory).join(&value);
            std::fs::copy(world.path("kept.index"), file).unwrap();
        }
        env.variables.insert(name.into(), value.into());
    }
    env
}

fn staged(env: &Env) -> Vec<String> {
    let repo = Repo::discover(env).unwrap().unwrap();
    changed(&repo, index(&repo))
}

fn edited(world: &World, directory: &str) {
    for file in ["a", "sub/b"] {
        world.write(&format!("{directory}/{file}"), "2");
    }
}

fn two_files() -> World {
    let world = World::with_repo();
    world.write("r/a", "1");
    world.commit("r", "sub/b", "1");
    world
}

#[test]
fn commit_all_sees_the_index_that_git_made_for_it() {
    let world = two_files();
    edited(&world, "r");
    let env = in_hook(&world, "r", "commit -a -m x");
    assert_eq!(staged(&env), ["a", "sub/b"]);
}

#[test]
fn commit_of_one_path_sees_only_that_path() {
    let world = two_files();
    edited(&world, "r");
    world.git("r", "add a");
    let env = in_hook(&world, "r", "commit -m x -- sub/b");
    assert_eq!(staged(&env), ["sub/b"]);
}

#[test]
fn a_relative_index_counts_from_the_top_of_the_work_tree() {
    let world = two_files();
    edited(&world, "r");
    world.git("r", "add a");
    let mut env = in_hook(&world, "r", "commit -m x");
    assert_eq!(env.text("GIT_INDEX_FILE"), Some(".git/index"));
    assert_eq!(staged(&env), ["a"]);
    env.directory = world.path("r/sub");
    assert_eq!(staged(&env), [""; 0]);
    world.git("r", "add sub/b");
    assert_eq!(staged(&env), ["b"]);
}

#[test]
fn a_hook_of_a_linked_worktree_may_go_below_its_top() {
    let world = two_files();
    world.git("r", "worktree add -q ../w");
    edited(&world, "w");
    let mut env = in_hook(&world, "w", "commit -a -m x");
    assert!(env.text("GIT_DIR").is_some());
    assert_eq!(staged(&env), ["a", "sub/b"]);
    env.directory = world.path("w/sub");
    assert_eq!(staged(&env), ["b"]);
}

#[test]
fn another_directory_by_option_is_not_what_the_hook_speaks_of() {
    let world = two_files();
    world.git("r", "worktree add -q ../w");
    world.git(".", "init -q -b main other");
    world.commit("other", "x", "1");
    world.write("other/x", "2");
    world.git("other", "add x");
    edited(&world, "w");
    let mut env = in_hook(&world, "w", "commit -a -m x");
    env.directory = world.path("other");
    assert_eq!(staged(&env), ["x"], "went there");
    env.directory_given = true;
    assert_eq!(staged(&env), ["x"], "by -C");
    env.directory = world.path("w/sub");
    assert_eq!(staged(&env), ["b"], "by -C, but in the same worktree");
}

#[test]
fn a_bare_repository_knows_itself_in_its_hooks() {
    let world = two_files();
    world.clone("--bare", "bare");
    let mut env = world.env("bare");
    env.variables.insert("GIT_DIR".into(), ".".into());
    let repo = Repo::discover(&env).unwrap().unwrap();
    assert_eq!(repo.work_tree(), None);
    assert_eq!(repo.git_dir(), world.path("bare"));
}

#[test]
fn a_work_tree_elsewhere_is_found_by_its_variables() {
    let world = two_files();
    shell(&world, ".", "mkdir elsewhere elsewhere/sub; mv r/.git dot");
    world.write("elsewhere/a", "1");
    let mut env = world.env("elsewhere/sub");
    env.variables
        .insert("GIT_DIR".into(), world.path("dot").into());
    env.variables
        .insert("GIT_WORK_TREE".into(), world.path("elsewhere").into());
    let repo = Repo::discover(&env).unwrap().unwrap();
    assert_eq!(repo.scope().display(), "sub");
    assert_eq!(changed(&repo, crate::world::work_tree(&repo)), ["b"]);
}

#[test]
fn a_git_directory_that_is_none_is_named() {
    let world = World::new();
    let mut env = world.env("home");
    env.variables.insert("GIT_DIR".into(), "nowhere".into());
    let fault = Repo::discover(&env).err().unwrap();
    assert!(fault.to_string().contains("home/nowhere"), "{fault}");
}
