//! The fast reader and the `git` program give the same answers, whatever a repository looks like.

use svc::git::{Fetch, Repo};
use svc::model::change::Head;
use svc::model::path::FilePath;

use crate::world::{World, index, shell, work_tree};

/// Everything that a state says: what differs from its commit and from nothing, and its files.
fn answers(repo: &Repo, head: Head) -> Vec<String> {
    let snapshot = repo.snapshot(head);
    let mut said = Vec::new();
    let changed = snapshot.changed_since(repo.head_commit().unwrap()).unwrap();
    for changed in [&changed, &snapshot.changed_since(None).unwrap()] {
        said.extend(changed.iter().map(|it| format!("changed {it:?}")));
    }
    let files = snapshot.files(&[FilePath::default()]).unwrap();
    for file in files.iter() {
        let path = FilePath::from_bytes(file.path);
        let (mode, id, tracked) = (file.mode, file.content, file.is_tracked);
        said.push(format!("{path:?} {mode:o} {id} tracked: {tracked}"));
    }
    for path in &changed {
        said.push(format!("{path:?} {:?}", snapshot.read(path).unwrap()));
    }
    said
}

/// Compares both readers in the repository at `directory` of `world`.
pub fn agree(world: &World, directory: &str, what: &str) {
    let repo = world.repo(directory).fetching(Fetch::Forbidden);
    let program = world
        .repo(directory)
        .fetching(Fetch::Forbidden)
        .through_the_program();
    assert_eq!(repo.head_commit().unwrap(), program.head_commit().unwrap());
    for head in [
        Head::Commit(repo.head_commit().unwrap()),
        index(&repo),
        work_tree(&repo),
    ] {
        let (fast, slow) = (answers(&repo, head), answers(&program, head));
        assert_eq!(fast, slow, "{head:?}: {what}");
    }
}

/// Runs `script` in a repository with some files, and compares both readers at its top and in its directory `d`.
fn check(script: &str) {
    let world = World::with_repo();
    for file in ["a", "b", "d/e", "d/f/g", "d/up.up", "z"] {
        world.write(&format!("r/{file}"), "1\n");
    }
    world.git("r", "add -A");
    world.git("r", "commit -q -m all");
    shell(&world, "r", script);
    for directory in ["r", "r/d"] {
        agree(&world, directory, script);
    }
}

#[test]
fn both_agree_on_repositories_inside() {
    let sub =
        "git init -q -b main d/sub; cd d/sub; echo 1 > x; git add x; git commit -q -m x; cd ../..;";
    let submodule = "git init -q -b main ../s; echo 1 > ../s/x; git -C ../s add x; git -C ../s commit -q -m x; \
                     git submodule -q add ../s d/s; git commit -q -m s;";
    for work in [
        "true",
        "echo 2 > d/sub/x",
        "rm d/sub/x",
        "echo 1 > d/sub/y",
        "git -C d/sub rm -q x",
        "chmod +x d/sub/x",
        "touch d/sub/.gitignore; echo y > d/sub/.git/info/exclude; echo 1 > d/sub/y",
        "git add d/sub",
        "git add d/sub; git commit -q -m s; rm -r d/sub/.git",
        "git add d/sub; git commit -q -m s; rm -r d/sub",
        "git add d/sub; git commit -q -m s; echo 2 > d/sub/x",
        "mkdir d/sub/in; git init -q d/sub/in; git -C d/sub/in commit -q --allow-empty -m y",
        "cd d/sub; printf '1\\r\\n' > x; git config core.autocrlf true",
        "cd d/sub; git config filter.up.clean 'tr a-z A-Z'; echo '*.up filter=up' > .gitattributes; echo q > q.up; \
         git add -A; git commit -q -m q; touch -d 2001-01-01 q.up",
        "cd d/sub; git config filter.up.clean 'tr a-z A-Z'; echo '*.up filter=up' > .gitattributes; echo q > q.up; \
         git add -A; git commit -q -m q; echo r > q.up",
        "echo y > ~/ignored; git config -f ~/config core.excludesFile ~/ignored; echo 1 > d/sub/y",
        "mkdir -p ~/.config/git; echo y > ~/.config/git/ignore; echo 1 > d/sub/y",
        "cd d/sub; git replace $(git rev-parse HEAD:x) $(echo other | git hash-object -w --stdin); touch x",
        "cd d/sub; git checkout -q --detach; git commit -q --allow-empty -m z",
    ] {
        check(&format!("{sub} {work}"));
    }
    for work in [
        "true",
        "echo 2 > d/s/x",
        "git -C d/s commit -q --allow-empty -m y",
        "git -C d/s commit -q --allow-empty -m y; git add d/s",
        "git submodule -q deinit -f d/s",
        "rm -r d/s",
        "git rm -q d/s",
        "git config submodule.d/s.ignore all; echo 2 > d/s/x",
    ] {
        check(&format!("{submodule} {work}"));
    }
}

#[test]
fn both_agree_on_what_is_ignored() {
    let many = "mkdir -p n/o; echo 1 > n/o/p; echo 1 > y; echo 1 > d/y; echo 1 > d/f/y.log;";
    for rules in [
        "echo y > .gitignore",
        "echo y > d/.gitignore",
        "echo /y > .gitignore",
        "echo 'n/' > .git/info/exclude",
        "printf '*\\n!*.log\\n!*/\\n' > .gitignore",
        "printf 'd/f\\n' > .gitignore",
        "mkdir -p ~/.config/git; echo y > ~/.config/git/ignore",
        "echo y > ~/rules; git config core.excludesFile '~/rules'",
        "echo y > ~/rules; git config core.excludesFile ~/rules",
        "echo y > rules; git config core.excludesFile rules",
        "echo y > ~/rules; git config -f ~/more core.excludesFile ~/rules; git config include.path ~/more",
        "echo y > ~/rules; git config -f ~/more core.excludesFile ~/rules; \
         git config includeIf.gitdir:**/r/.git.path ~/more",
        "echo y > ~/rules; git config -f ~/more core.excludesFile ~/rules; \
         git config includeIf.onbranch:main.path ~/more",
        "echo y > ~/rules; git config -f ~/more core.excludesFile ~/rules; git remote add o https://example.test/x; \
         git config includeIf.hasconfig:remote.*.url:https://example.test/**.path ~/more",
        "git config core.ignoreCase true; echo Y > .gitignore",
        "echo y > ~/rules; ln -s ~/rules .gitignore",
        "mkdir .gitignore",
        "git config extensions.worktreeConfig true; echo y > ~/rules; git config --worktree core.excludesFile ~/rules",
    ] {
        check(&format!("{many} {rules}"));
    }
}

#[test]
fn both_agree_on_filters() {
    for work in [
        "echo '*.up filter=up' > .gitattributes; git config filter.up.clean 'tr a-z A-Z'; echo x > d/up.up",
        "echo '*.up filter=up' > .git/info/attributes; git config filter.up.clean 'tr a-z A-Z'; echo x > d/up.up",
        "echo '*.up filter=up' > ~/attr; git config core.attributesFile ~/attr; git config filter.up.clean 'tr a-z A-Z'; \
         echo x > d/up.up; echo x > d/new.up",
        "mkdir -p ~/.config/git; echo '*.up filter=up' > ~/.config/git/attributes; \
         git config filter.up.clean 'tr a-z A-Z'; echo x > d/up.up",
        "echo '* text=auto' > .gitattributes; printf '1\\r\\n' > a; printf '2\\r\\n' > d/e; printf 'x\\r\\n' > d/new",
        "git config core.autocrlf input; printf '1\\r\\n' > a; printf '2\\r\\n' > d/e; printf 'x\\r\\n' > d/new",
        "echo '*.up working-tree-encoding=UTF-16LE' > .gitattributes; printf '1\\0\\n\\0' > d/up.up",
        "echo 'a ident' > .gitattributes; echo '$Id: x $' > a",
        "printf '[attr]loud filter=up\\n' > .gitattributes; echo '*.up loud' > d/.gitattributes; \
         git config filter.up.clean 'tr a-z A-Z'; echo x > d/up.up",
    ] {
        check(work);
    }
}

#[test]
fn both_agree_on_odd_states() {
    for work in [
        "rm -r d; ln -s . d; mkdir -p d2; mv d d3; mkdir d; echo 1 > d/x",
        "git rm -q --cached a; git add -N a",
        "rm a; mkdir a; echo 1 > a/x; git update-index --assume-unchanged b; echo 2 > b",
        "git update-index --skip-worktree d/e; echo 2 > d/e",
        "git update-index --skip-worktree d/e; rm d/e",
        "git config core.symlinks false; ln -s a l; git add l; rm l; echo nowhere > l",
        "git config core.fileMode false; chmod +x a; echo 2 > b; chmod +x b; echo 1 > n; chmod +x n",
        "chmod +x a b; git commit -qam x; git config core.fileMode false; echo 2 > a; chmod -x b; echo 1 > n",
        "git config core.checkStat minimal; git config core.trustctime false; touch -d 2001-01-01 a; echo 2 > b",
        "git checkout -q -b o; echo 2 > d/e; git commit -qam 2; git checkout -q main; echo 3 > d/e; git commit -qam 3; \
         git merge -q o || true",
        "git checkout -q -b o; git rm -q d/e; git commit -qm 2; git checkout -q main; echo 3 > d/e; git commit -qam 3; \
         git merge -q o || true",
        "git checkout -q -b o; git rm -q d/e; git commit -qm 2; git checkout -q main; echo 3 > d/e; git commit -qam 3; \
         git merge -q o || true; rm d/e",
        "git sparse-checkout set --cone d/f; echo 1 > d/f/n; mkdir -p q; echo 1 > q/r",
        "git sparse-checkout set --no-cone /d/f/; mkdir -p q; echo 1 > a",
        "git checkout -q --orphan other; git rm -rq --cached .",
        "rm -r .git/index",
        "ln -s /nowhere d/dangling; ln -s d/f d/loop; ln -s .. d/up",
        "git config core.worktree \"$PWD\"",
        "git commit -q --allow-empty -m 2; git replace HEAD HEAD~1",
        "git cat-file blob HEAD:a > /dev/null; \
         git replace $(git rev-parse HEAD:a) $(echo other | git hash-object -w --stdin)",
        "git replace $(git rev-parse HEAD:d/f) $(printf '100644 blob %s\\tother\\n' $(git rev-parse HEAD:a) | git mktree); echo 2 > d/f/g",
        "git replace $(git rev-parse HEAD:d/f) $(printf '100644 blob %s\\tother\\n' $(git rev-parse HEAD:a) | git mktree); git pack-refs --all",
    ] {
        check(work);
    }
}
