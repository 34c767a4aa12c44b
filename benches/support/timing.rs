//! Whole processes, timed side by side: the rounds are shuffled, and ratios are taken round by round, so that they hold on
//! a machine that does other things as well.

use std::path::Path;
use std::process::{Command, Stdio};
use std::rc::Rc;
use std::time::Instant;

use crate::support::workspace::Random;

/// A command that is timed.
pub struct Timed {
    /// How tables call it.
    pub name: String,
    pub program: String,
    pub arguments: Vec<String>,
    pub variables: Vec<(String, String)>,
    pub before: Before,
}

/// What happens before each time, and is not timed.
pub enum Before {
    Nothing,
    /// The command itself: whatever others did meanwhile, it finds what it left behind.
    Itself,
    Do(Rc<dyn Fn()>),
}

/// What one call took.
#[derive(Clone, Copy, Default)]
pub struct Cost {
    /// In seconds.
    pub wall: f64,
    /// Of all processes of the call, in seconds.
    pub cpu: f64,
    /// The most memory of one of them, in megabytes.
    pub memory: f64,
}

impl Timed {
    /// `program` with its arguments, separated by spaces.
    pub fn new(program: &str, arguments: &str) -> Self {
        let first = arguments.split_whitespace().next().unwrap_or_default();
        let last = |path: &str| path.rsplit('/').next().unwrap_or(path).to_owned();
        Self {
            name: format!("{} {}", last(program), last(first)),
            program: program.to_owned(),
            arguments: arguments.split_whitespace().map(str::to_owned).collect(),
            variables: Vec::new(),
            before: Before::Nothing,
        }
    }

    /// The same with a variable set.
    pub fn variable(mut self, name: &str, value: impl Into<String>) -> Self {
        self.variables.push((name.to_owned(), value.into()));
        self
    }

    /// The same after something that is not timed.
    pub fn after(self, before: Before) -> Self {
        Self { before, ..self }
    }

    /// What it writes, both streams together. It has to pass.
    #[expect(clippy::disallowed_methods, reason = "a bench starts processes")]
    pub fn output(&self, directory: &Path) -> String {
        let output = Command::new(&self.program)
            .args(&self.arguments)
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .current_dir(directory)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let written = [output.stdout, output.stderr].concat();
        let written = String::from_utf8_lossy(&written).into_owned();
        let status = output.status;
        assert!(status.success(), "{} failed: {written}", self.name);
        written
    }

    fn prepare(&self, directory: &Path) {
        match &self.before {
            Before::Nothing => {}
            Before::Itself => drop(self.run(directory)),
            Before::Do(work) => work(),
        }
    }

    /// Runs it once.
    #[expect(
        clippy::disallowed_methods,
        reason = "a bench starts and times processes"
    )]
    #[expect(
        unsafe_code,
        reason = "the standard library does not tell what a child has used"
    )]
    #[expect(clippy::zombie_processes, reason = "it is waited for below")]
    pub fn run(&self, directory: &Path) -> Cost {
        let started = Instant::now();
        let child = Command::new(&self.program)
            .args(&self.arguments)
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .current_dir(directory)
            .env("GIT_OPTIONAL_LOCKS", "0")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let (mut status, mut usage) = (0, std::mem::MaybeUninit::<libc::rusage>::zeroed());
        // SAFETY: the child is ours and nobody else waits for it; both places outlive the call.
        let ended =
            unsafe { libc::wait4(child.id() as i32, &raw mut status, 0, usage.as_mut_ptr()) };
        let wall = started.elapsed().as_secs_f64();
        assert!(
            ended > 0 && status == 0,
            "{} {:?} failed",
            self.program,
            self.arguments
        );
        // SAFETY: zeros are a valid value, and the call has filled it in.
        let usage = unsafe { usage.assume_init() };
        let seconds = |time: libc::timeval| time.tv_sec as f64 + time.tv_usec as f64 / 1e6;
        Cost {
            wall,
            cpu: seconds(usage.ru_utime) + seconds(usage.ru_stime),
            memory: usage.ru_maxrss as f64 / 1024.0,
        }
    }
}

/// Times all commands, `rounds` times each after a first time that does not count. One list for each command.
pub fn interleave(commands: &[Timed], rounds: usize, directory: &Path) -> Vec<Vec<Cost>> {
    let mut random = Random(1);
    let mut costs = vec![Vec::new(); commands.len()];
    for round in 0..=rounds {
        let mut order: Vec<usize> = (0..commands.len()).collect();
        for end in (1..order.len()).rev() {
            order.swap(end, random.below(end + 1));
        }
        for at in order {
            commands[at].prepare(directory);
            let cost = commands[at].run(directory);
            if round > 0 {
                costs[at].push(cost);
            }
        }
    }
    costs
}

/// The middle one.
pub fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
