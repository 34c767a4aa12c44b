//! Finding the repository, whatever its shape.

use std::os::unix::fs::symlink;

use svc::git::{Error, Repo};

use crate::world::{World, changed, index, work_tree};

#[test]
fn no_repository_is_no_error() {
    let world = World::new();
    assert!(Repo::discover(&world.env("home")).unwrap().is_none());
}

#[test]
fn a_broken_dot_git_is_named() {
    let world = World::new();
    for (name, content) in [
        ("a", "gitdir: /nowhere/at/all\n"),
        ("b", "rubbish"),
        ("c", ""),
    ] {
        world.write(&format!("{name}/.git"), content);
        let fault = Repo::discover(&world.env(name)).err().unwrap();
        assert!(fault.to_string().contains(name), "{fault}");
    }
    world.git(".", "init -q -b main r");
    world.write("r/inner/.git", "gitdir: /nowhere/at/all\n");
    let fault = Repo::discover(&world.env("r/inner")).err().unwrap();
    assert!(fault.to_string().contains("r/inner"), "{fault}");
    world.write("r/.git/HEAD", "");
    let fault = world.repo("r").head_commit().unwrap_err();
    assert!(fault.to_string().contains("r/.git/HEAD"), "{fault}");
}

#[test]
fn a_workspace_below_the_top_has_its_scope() {
    let world = World::with_repo();
    world.commit("r", "shop/a b/x", "1");
    let repo = world.repo("r/shop/a b");
    assert_eq!(repo.scope().display(), "shop/a b");
    assert_eq!(repo.work_tree().unwrap(), world.path("r"));
    assert_eq!(world.repo("r").scope().display(), "");
    symlink(world.path("r/shop"), world.path("link")).unwrap();
    let linked = Repo::discover_at(&world.env("home"), &world.path("link")).unwrap();
    assert_eq!(linked.unwrap().scope().display(), "shop");
}

#[test]
fn an_unborn_branch_has_a_name_and_no_commit() {
    let world = World::with_repo();
    let repo = world.repo("r");
    assert_eq!(repo.head_commit().unwrap(), None);
    assert_eq!(repo.head_branch().unwrap().as_deref(), Some("main"));
    world.write("r/a", "1");
    world.git("r", "add a");
    world.write("r/b", "1");
    assert_eq!(changed(&repo, index(&repo)), ["a"]);
    assert_eq!(changed(&repo, work_tree(&repo)), ["a", "b"]);
}

#[test]
fn a_detached_head_has_no_branch() {
    let world = World::with_repo();
    let first = world.commit("r", "a", "1");
    world.git("r", "checkout -q --detach");
    let repo = world.repo("r");
    assert_eq!(repo.head_branch().unwrap(), None);
    assert_eq!(repo.head_commit().unwrap(), Some(first));
}

#[test]
fn revisions_are_peeled_to_commits() {
    let world = World::with_repo();
    let first = world.commit("r", "a", "1");
    world.git("r", "tag -a v1 -m one");
    let second = world.commit("r", "a", "2");
    let repo = world.repo("r");
    let check = |revision: &str, expected| {
        assert_eq!(repo.resolve(revision).unwrap(), expected, "{revision}");
    };
    check("v1", Some(first));
    check("refs/tags/v1", Some(first));
    check("HEAD~1", Some(first));
    check("main", Some(second));
    check("@", Some(second));
    check(&second.to_string(), Some(second));
    check(&second.to_string()[..8], Some(second));
    check(":/a", Some(second));
    check("main:a", None);
    check("nowhere", None);
    check("", None);
    check("--all", None);
    check("-1", None);
    check("a..b", None);
    check("\u{0}", None);
    check(&"1".repeat(40), None);
}

#[test]
fn a_linked_worktree_shares_the_common_directory() {
    let world = World::with_repo();
    world.commit("r", "a", "1");
    world.git("r", "worktree add -q ../w -b other");
    let repo = world.repo("w");
    assert_eq!(repo.work_tree().unwrap(), world.path("w"));
    assert_eq!(repo.git_dir(), world.path("r/.git/worktrees/w"));
    assert_eq!(repo.common_dir(), world.path("r/.git"));
    assert_eq!(repo.head_branch().unwrap().as_deref(), Some("other"));
    world.write("w/a", "2");
    assert_eq!(changed(&repo, work_tree(&repo)), ["a"]);
    let other = world.repo("r");
    assert_eq!(changed(&other, work_tree(&other)), [""; 0]);
}

#[test]
fn a_submodule_is_a_repository_of_its_own_and_a_path_in_the_other() {
    let world = World::with_repo();
    world.commit("r", "a", "1");
    world.git(".", "init -q -b main outer");
    let url = world.url("r");
    world.git("outer", &format!("submodule add -q {url} sub"));
    world.git("outer", "commit -q -m sub");
    let inner = world.repo("outer/sub");
    assert_eq!(inner.work_tree().unwrap(), world.path("outer/sub"));
    let outer = world.repo("outer");
    assert_eq!(changed(&outer, work_tree(&outer)), [""; 0]);
    let moved = world.commit("outer/sub", "b", "1");
    assert_eq!(changed(&outer, work_tree(&outer)), ["sub"]);
    world.git("outer", "config submodule.sub.ignore all");
    assert_eq!(changed(&outer, work_tree(&outer)), ["sub"]);
    world.git("outer", "add -f sub");
    let staged = outer.snapshot(index(&outer));
    assert_eq!(changed(&outer, index(&outer)), ["sub"]);
    let files = staged.files(&["sub".into()]).unwrap();
    assert_eq!(files.iter().next().unwrap().content, moved);
}

#[test]
fn a_bare_repository_has_commits_only() {
    let world = World::with_repo();
    let first = world.commit("r", "a", "1");
    let second = world.commit("r", "b", "1");
    world.clone("--bare", "bare");
    let repo = world.repo("bare");
    assert_eq!(repo.work_tree(), None);
    let head = svc::model::change::Head::Commit(Some(second));
    assert_eq!(crate::world::changed_since(&repo, head, Some(first)), ["b"]);
    assert!(repo.snapshot(work_tree(&repo)).changed_since(None).is_err());
}

#[test]
fn sha256_is_read() {
    let world = World::new();
    world.git(".", "init -q -b main --object-format=sha256 r");
    let first = world.commit("r", "a", "1");
    assert_eq!(first.as_bytes().len(), 32);
    world.write("r/b", "1");
    let repo = world.repo("r");
    assert!(repo.library().is_some());
    assert_eq!(repo.head_commit().unwrap(), Some(first));
    assert_eq!(repo.resolve("main").unwrap(), Some(first));
    assert_eq!(changed(&repo, work_tree(&repo)), ["b"]);
}

#[test]
fn reftable_is_read_through_the_program() {
    let world = World::new();
    let made = world.try_git(".", "init -q -b main --ref-format=reftable r");
    if !made.status.success() {
        println!("skipped: this git makes no reftable repositories");
        return;
    }
    assert_eq!(world.repo("r").head_commit().unwrap(), None);
    let first = world.commit("r", "a", "1");
    world.write("r/sub/b", "1");
    let repo = world.repo("r/sub");
    assert!(repo.library().is_none());
    assert_eq!(repo.git_dir(), world.path("r/.git"));
    assert_eq!(repo.common_dir(), world.path("r/.git"));
    assert_eq!(repo.scope().display(), "sub");
    assert_eq!(repo.head_commit().unwrap(), Some(first));
    assert_eq!(repo.head_branch().unwrap().as_deref(), Some("main"));
    assert_eq!(repo.resolve("main").unwrap(), Some(first));
    assert_eq!(changed(&repo, work_tree(&repo)), ["b"]);
    let (base, _) = crate::world::base(&repo, crate::world::default(), svc::git::Fetch::Allowed);
    assert_eq!(crate::world::found(base).1, "merge-base with main");
}

#[test]
fn a_repository_of_somebody_else_is_not_trusted_until_git_says_so() {
    if !rustix::process::geteuid().is_root() {
        println!("skipped: only root can give a repository away");
        return;
    }
    let world = World::with_repo();
    let first = world.commit("r", "a", "1");
    crate::world::shell(&world, ".", "chown -R 12345 r");
    let fault = Repo::discover(&world.env("r")).err().unwrap();
    let line = format!(
        "git config --global --add safe.directory {}",
        world.path("r").display()
    );
    assert!(matches!(fault, Error::Untrusted(_)), "{fault}");
    assert!(fault.to_string().contains(&line), "{fault}");

    let mut env = world.env("r");
    for (name, value) in [
        ("COUNT", "1"),
        ("KEY_0", "safe.directory"),
        ("VALUE_0", "*"),
    ] {
        env.variables
            .insert(format!("GIT_CONFIG_{name}").into(), value.into());
    }
    let repo = Repo::discover(&env).unwrap().unwrap();
    assert!(repo.library().is_some());
    assert_eq!(repo.head_commit().unwrap(), Some(first));
    assert_eq!(changed(&repo, work_tree(&repo)), [""; 0]);
}

#[test]
fn a_partial_clone_by_extension_is_opened() {
    let world = World::with_repo();
    world.commit("r", "a", "1");
    world.git("r", "config core.repositoryFormatVersion 1");
    world.git("r", "config extensions.partialClone origin");
    assert!(world.repo("r").library().is_some());
}

#[test]
fn a_search_stops_at_a_ceiling() {
    let world = World::with_repo();
    world.commit("r", "a/b/c", "1");
    let mut env = world.env("r/a/b");
    let ceiling = world.path("r/a").into_os_string();
    env.variables
        .insert("GIT_CEILING_DIRECTORIES".into(), ceiling);
    assert!(Repo::discover(&env).unwrap().is_none());
}

#[test]
fn a_damaged_index_is_named() {
    let world = World::with_repo();
    world.commit("r", "a", "1");
    world.write(
        "r/.git/index",
        "rubbish that is long enough to be looked at by git, as an index",
    );
    let repo = world.repo("r");
    let fault = repo.snapshot(index(&repo)).changed_since(None);
    let fault = fault.unwrap_err();
    assert!(matches!(fault, Error::Corrupt(_)), "{fault}");
    assert!(fault.to_string().contains("r/.git/index"), "{fault}");
}

/// Objects that are elsewhere are found by the program alone.
#[test]
fn objects_elsewhere_are_found_by_their_variable() {
    let world = World::with_repo();
    let first = world.commit("r", "a", "1");
    crate::world::shell(&world, ".", "mv r/.git/objects moved; mkdir r/.git/objects");
    let mut env = world.env("r");
    let moved = world.path("moved").into_os_string();
    let variable = "GIT_ALTERNATE_OBJECT_DIRECTORIES";
    env.variables.insert(variable.into(), moved);
    let repo = Repo::discover(&env).unwrap().unwrap();
    assert!(repo.library().is_none());
    assert_eq!(repo.head_commit().unwrap(), Some(first));
    assert_eq!(changed(&repo, work_tree(&repo)), [""; 0]);
}

#[test]
fn executables_are_told_from_other_files_without_asking_for_each() {
    let world = World::with_repo();
    world.commit("r", "a", "1");
    crate::world::shell(
        &world,
        "r",
        "for n in $(seq 50); do echo $n > $n; chmod +x $n; done",
    );
    let modes = |repo: &Repo| {
        let files = crate::world::listed(repo.snapshot(work_tree(repo)).as_ref());
        files.iter().filter(|file| file.ends_with("755")).count()
    };
    assert_eq!(modes(&world.repo("r")), 50);
    world.git("r", "config core.fileMode false");
    assert_eq!(modes(&world.repo("r")), 0);
}

#[test]
fn a_repository_that_ignores_the_workspace_is_not_meant() {
    let world = World::with_repo();
    world.write("r/.gitignore", "*\n!/.gitignore\n");
    world.write("r/shop/a", "1");
    world.write("r/kept/a", "1");
    world.git("r", "add -f .gitignore kept/a");
    world.git("r", "commit -q -m first");
    let discover = |directory| Repo::discover(&world.env(directory)).unwrap();
    assert!(discover("r/shop").is_none());
    assert!(discover("r/kept").is_some());
    assert!(discover("r").is_some());
    world.write("r/.gitignore", "");
    assert!(discover("r/shop").is_some());
}
