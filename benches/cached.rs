//! Runs whose results are kept already, beside other tools and `cp -r`, with the marks that they are to reach, as a table in
//! Markdown.
//!
//! `cargo bench --bench cached -- --services 10,100 --rounds 9 --peers DIR` limits what is measured. `DIR` is where
//! `npm install turbo nx` was done; without it there are no other tools beside ours. `--dist 0` leaves out outputs, which
//! take 1.4 MiB for each service several times over; `--peers-up-to 100` leaves other tools out of larger workspaces.

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};

use support::flags::Flags;
use support::peers::{self, Peer};
use support::table::{Mark, Row, print, print_head};
use support::timing::{Before, Timed, interleave};
use support::workspace::{Member, Size, members, source, write};

const SVC: &str = env!("CARGO_BIN_EXE_svc");
const FILES: usize = 50;

/// What is measured.
struct Scope {
    services: Vec<usize>,
    rounds: usize,
    /// The largest workspaces in which outputs are made and restored, and in which other tools run.
    dist: usize,
    peers_up_to: usize,
    /// Where other tools are installed.
    peers: Option<PathBuf>,
}

/// A workspace with everything that runs in it.
struct Bench {
    size: Size,
    root: PathBuf,
    jobs: usize,
    rounds: usize,
    peers: Vec<Peer>,
}

#[expect(clippy::print_stderr, reason = "a measurement")]
fn main() {
    let scope = Scope::read();
    if scope.peers.is_none() {
        eprintln!(
            "no other tools are measured: `--peers DIR` names where `npm install turbo nx` was done"
        );
    }
    print_head();
    for services in &scope.services {
        let bench = Bench::new(*services, &scope);
        bench.cached();
        bench.one_changed();
        if *services <= scope.dist {
            bench.in_place();
            bench.restored();
        }
    }
}

impl Scope {
    fn read() -> Self {
        let flags = Flags::read(&["services", "rounds", "dist", "peers-up-to", "peers"]);
        Self {
            services: flags.numbers("services", &[10, 100, 1000, 5000], &[10]),
            rounds: flags.number("rounds", 9, 1),
            dist: flags.number("dist", 100, 100),
            peers_up_to: flags.number("peers-up-to", 1000, 1000),
            peers: flags.directory("peers"),
        }
    }
}

impl Bench {
    fn new(services: usize, scope: &Scope) -> Self {
        let size = Size {
            services,
            files: FILES,
        };
        let root = size.repository();
        let jobs = std::thread::available_parallelism().map_or(2, usize::from);
        let peers = scope
            .peers
            .as_ref()
            .filter(|_| services <= scope.peers_up_to);
        let peers = peers.map(|it| peers::installed(it, &root, jobs));
        Self {
            peers: peers.unwrap_or_default(),
            size,
            root,
            jobs,
            rounds: scope.rounds,
        }
    }

    /// Nothing is to be done.
    fn cached(&self) {
        let commands = self.commands("build");
        let mark = match self.size.services >= 1000 {
            true => Mark::Ratio(0.1),
            false => Mark::None,
        };
        self.measure("build, all cached", commands, &|_| mark);
    }

    /// The service that nobody needs is another one each time.
    fn one_changed(&self) {
        let last: Member = members(self.size.services).pop().expect("a service");
        let path = source(&last, 0);
        let original = fs::read(self.root.join(&path)).expect("a source");
        let root = self.root.clone();
        let edit: Rc<dyn Fn()> = Rc::new(move || {
            static NEXT: AtomicUsize = AtomicUsize::new(0);
            let time = std::process::id() as usize;
            let next = NEXT.fetch_add(1, Ordering::Relaxed);
            write(&root, &path, &format!("edit {time} {next}\n"));
        });
        let commands = self.commands("build").into_iter();
        let commands = commands.map(|it| it.after(Before::Do(edit.clone())));
        self.measure("build, one changed", commands.collect(), &|_| Mark::None);
        let path = self.root.join(source(&last, 0));
        fs::write(path, original).expect("a source");
    }

    /// The outputs lie there already.
    fn in_place(&self) {
        let commands = self.commands("dist").into_iter();
        let commands = commands.map(|it| it.after(Before::Itself));
        self.measure("dist, all in place", commands.collect(), &|_| Mark::None);
    }

    /// The outputs are gone.
    fn restored(&self) {
        let trees = self.root.with_extension("trees");
        copy_outputs(&self.root, &trees, self.size);
        let copy = format!("-r {}/. {}", trees.display(), self.root.display());
        let copy = Timed {
            name: "cp -r".into(),
            ..Timed::new("cp", &copy)
        };
        let mut commands = self.commands("dist");
        commands.insert(1, copy);
        let (root, size) = (self.root.clone(), self.size);
        let remove: Rc<dyn Fn()> = Rc::new(move || remove_outputs(&root, size));
        let commands = commands.into_iter();
        let commands = commands.map(|it| it.after(Before::Do(remove.clone())));
        let mark = |other: &Timed| match other.program == "cp" {
            true => Mark::Ratio(1.5),
            false => Mark::None,
        };
        self.measure("dist, restored", commands.collect(), &mark);
        let _ = fs::remove_dir_all(trees);
    }

    /// A task of every service by `svc` and by all that really keep its results. Afterwards all do.
    fn commands(&self, task: &str) -> Vec<Timed> {
        let arguments = format!("run {task} --all --log none --jobs {}", self.jobs);
        let store = self.root.with_extension("store");
        let store = store.to_string_lossy();
        let svc = |arguments: &str| Timed::new(SVC, arguments).variable("SVC_CACHE_DIR", &*store);
        svc(&arguments).output(&self.root);
        let told = svc(&format!("{arguments} --format json")).output(&self.root);
        let cached = told.matches(r#""outcome":"cached""#).count()
            + told.matches(r#""outcome": "cached""#).count();
        let members = self.size.members();
        assert_eq!(cached, members, "not everything is cached: {told}");
        let peers = self.peers.iter();
        let peers = peers.filter(|it| it.caches(&self.root, task, members));
        let peers = peers.map(|it| it.run(&self.root, task));
        [svc(&arguments)].into_iter().chain(peers).collect()
    }

    /// The first command beside each of the others.
    fn measure(&self, name: &'static str, commands: Vec<Timed>, mark: &dyn Fn(&Timed) -> Mark) {
        let costs = interleave(&commands, self.rounds, &self.root);
        let row = |other: Option<usize>| Row {
            name,
            ours: 0,
            other,
            mark: other.map_or(Mark::None, |it| mark(&commands[it])),
            memory: Mark::None,
        };
        let others = (1..commands.len()).map(Some);
        let alone = (commands.len() == 1).then_some(None);
        for other in others.chain(alone) {
            print(self.size, &row(other), &commands, &costs);
        }
    }
}

fn outputs(root: &Path, size: Size) -> impl Iterator<Item = PathBuf> {
    let root = root.to_owned();
    let members = members(size.services).into_iter();
    members.map(move |it| root.join(it.path).join("dist"))
}

fn remove_outputs(root: &Path, size: Size) {
    outputs(root, size).for_each(|it| drop(fs::remove_dir_all(it)));
}

/// What `cp -r` is to bring back.
fn copy_outputs(root: &Path, to: &Path, size: Size) {
    let _ = fs::remove_dir_all(to);
    for (from, to) in outputs(root, size).zip(outputs(to, size)) {
        fs::create_dir_all(to.parent().expect("a directory of a service")).expect("a directory");
        let copy = format!("-r {} {}", from.display(), to.display());
        Timed::new("cp", &copy).run(root);
    }
}
