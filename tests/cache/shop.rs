//! A repository whose builds leave everything that an output can be, in two states of its sources.

use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::chance::Chance;
use crate::support::{Svc, TestRepo};
use crate::tree::Tree;

/// The two states, as branches.
pub const STATES: [&str; 2] = ["a", "b"];

/// What the builds leave, by service.
pub const OUTPUTS: [&str; 4] = ["lib/out", "many/dist", "big/target", "odd/made"];

const SERVICES: &str = r#"
version = 1
[workspace]
name = "shop"
pass-env = ["DO_NOT_RUN"]

[services.lib]
path = "lib"
[services.lib.build]
run = "sh make.sh"
outputs = ["out"]

[services.many]
path = "many"
depends-on = ["lib"]
[services.many.build]
run = "sh make.sh"
outputs = ["dist"]

[services.big]
path = "big"
[services.big.build]
run = "sh make.sh"
outputs = ["target/big.bin", "target/latest"]

[services.odd]
path = "odd"
depends-on = ["lib"]
[services.odd.build]
run = "sh make.sh"
outputs = ["made/**"]
"#;

/// Each begins with an end for tests that want to see results restored and nothing else.
const BEGIN: &str = "[ -z \"${DO_NOT_RUN:-}\" ] || { echo 'made again' >&2; exit 9; }
set -eu; umask 022; ulimit -S -f unlimited; s=$(cat state)\n";

const LIB: &str = r#"
rm -rf out; mkdir out
for i in 1 2 3 4 5; do echo "$s $i" > out/$i; done
echo "$s" > "out/only-$s"
echo "state=$s" >> "$SVC_VALUES"
"#;

const MANY: &str = r#"
from=$(cat ../lib/out/[1-5] ../lib/out/only-*)
[ "$(echo "$from" | wc -l)" = 6 ]
rm -rf dist; mkdir -p dist/sub dist/empty "dist/of-$s/empty"
i=0
while [ $i -lt 100 ]; do
    echo "$i" > "dist/sub/same-$i"
    echo "$s $i $from $SVC_VALUE_LIB_STATE" > "dist/sub/f-$i"
    i=$((i+1))
done
case $s in
    a) mkdir dist/turns; echo x > dist/turns/x; ln -s sub/f-1 dist/link ;;
    b) echo y > dist/turns; mkdir dist/link; echo z > dist/link/z ;;
esac
"#;

const BIG: &str = r#"
rm -rf target; mkdir target
{ echo "$s"; cat noise; } > target/big.bin
ln -s "big.bin" "target/latest"
case $s in b) rm target/latest; ln -s ../noise target/latest ;; esac
"#;

const ODD: &str = r#"
[ ! -e made ] || { chmod -R u+rwx made; rm -rf made; }
mkdir -p made/empty/deep made/closed made/names
cat ../lib/out/1 > made/secret; chmod 600 made/secret
echo "$s" > made/program; chmod 755 made/program
echo "$s" > made/fixed; chmod 444 made/fixed
echo mode > made/mode
case $s in a) chmod 640 made/mode ;; b) chmod 711 made/mode; mkdir -m 700 made/private ;; esac
ln -s nowhere/at/all made/broken; ln -s empty made/to-directory; ln -s "$s" made/link
echo 1 > "made/names/with space"; echo 2 > "made/names/-dash"; echo 3 > "made/names/ü"
echo 4 > "$(printf 'made/names/line\nbreak')"; : > "$(printf 'made/names/\377')"
echo "$s" > made/closed/inside; chmod 555 made/closed
"#;

/// The repository and what its builds leave.
pub struct Shop {
    pub repo: TestRepo,
    clean: [Tree; 2],
}

impl Shop {
    /// With a clean build of both states, made in clones of their own without a cache.
    pub fn new() -> Self {
        Self::with_noise(2 << 20)
    }

    /// The same with another size of the largest output.
    pub fn with_noise(length: usize) -> Self {
        let repo = TestRepo::new();
        repo.write("services.toml", SERVICES);
        repo.write(".gitignore", "out/\n/many/dist/\ntarget/\n");
        for (service, script) in [("lib", LIB), ("many", MANY), ("big", BIG), ("odd", ODD)] {
            repo.write(&format!("{service}/make.sh"), format!("{BEGIN}{script}"));
            repo.write(&format!("{service}/state"), "main\n");
        }
        repo.write("big/noise", noise(length));
        repo.commit("first");
        let clean = STATES.map(|state| {
            repo.git(&["checkout", "--quiet", "-b", state, "main"]);
            for service in ["lib", "many", "big", "odd"] {
                repo.write(&format!("{service}/state"), state);
            }
            repo.commit(state);
            let clone = clone(&repo, &format!("clean-{state}"), state);
            repo.at(&clone)
                .svc(&["build", "--all", "--no-cache"])
                .stdout();
            Tree::of(&clone)
        });
        Self { repo, clean }
    }

    /// What a clean build of a state leaves, sources and all.
    pub fn clean(&self, state: usize) -> &Tree {
        &self.clean[state]
    }

    /// A new clone of the state in a directory of this name.
    pub fn clone(&self, name: &str, state: usize) -> PathBuf {
        clone(&self.repo, name, STATES[state])
    }

    /// Checks out a state.
    pub fn turn(&self, root: &Path, state: usize) {
        let git = self.repo.at(root);
        git.git(&["checkout", "--quiet", STATES[state]]);
    }

    /// `svc build --all`, about to be called.
    pub fn build(&self, root: &Path, more: &[&str]) -> Svc {
        let arguments: Vec<&str> = ["build", "--all"].iter().chain(more).copied().collect();
        self.repo.at(root).svc(&arguments)
    }

    /// Where results are kept.
    pub fn store(&self) -> PathBuf {
        self.repo.beside("home").join(".cache/svc")
    }

    /// Removes some of the outputs, or all, or none.
    pub fn lose_outputs(&self, root: &Path, chance: &mut Chance) {
        for output in OUTPUTS {
            if chance.once_in(3) {
                open(&root.join(output));
                let _ = std::fs::remove_dir_all(root.join(output));
            }
        }
        if chance.once_in(4) {
            let _ = std::fs::remove_file(root.join("many/dist/sub/f-7"));
        }
    }

    /// Ends every process that still works in this world, as children of a killed `svc` do.
    pub fn end_children(&self) {
        let world = self.repo.root().parent().unwrap().to_owned();
        let deadline = Instant::now() + Duration::from_secs(20);
        let mut quiet = 0;
        while quiet < 2 {
            let found = processes_of(&world);
            quiet = if found.is_empty() { quiet + 1 } else { 0 };
            for process in found {
                let mut kill = std::process::Command::new("kill");
                let _ = kill.args(["-9", &process.to_string()]).output();
            }
            assert!(Instant::now() < deadline, "processes do not end");
        }
    }
}

fn clone(repo: &TestRepo, name: &str, state: &str) -> PathBuf {
    let to = repo.beside(name);
    let to_text = to.to_str().unwrap();
    repo.git(&["clone", "--quiet", "--branch", state, ".", to_text]);
    repo.at(&to).git(&["fetch", "--quiet", "origin"]);
    to
}

/// The same in every clone of every run.
fn noise(length: usize) -> Vec<u8> {
    Chance::fixed(1).noise(length)
}

/// Lets everything be done in all directories below.
fn open(directory: &Path) {
    let mut chmod = std::process::Command::new("chmod");
    let _ = chmod.args(["-R", "u+rwx"]).arg(directory).output();
}

/// The processes that were started with the home of this world, or are in it.
fn processes_of(world: &Path) -> Vec<u32> {
    let home = [b"HOME=", world.as_os_str().as_bytes(), b"/home\0"].concat();
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    let ids = entries.filter_map(|it| it.file_name().to_str()?.parse::<u32>().ok());
    let is_ours = |id: &u32| {
        let proc = PathBuf::from(format!("/proc/{id}"));
        let variables = std::fs::read(proc.join("environ")).unwrap_or_default();
        let directory = std::fs::read_link(proc.join("cwd")).unwrap_or_default();
        variables.windows(home.len()).any(|it| it == home) || directory.starts_with(world)
    };
    ids.filter(|id| *id != std::process::id() && is_ours(id))
        .collect()
}
