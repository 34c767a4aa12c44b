//! The supervisor: starts one service, starts it again when it ends, and writes down how it stands.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use crate::model::name::ServiceName;
use crate::process::command::{Ended, Marks, ProcessId};
use crate::process::control::Control;
use crate::process::local::lock::{Waited, lock};
use crate::process::local::log::Log;
use crate::process::local::place::Place;
use crate::process::local::record::{Identity, Phase, Record, present, words};
use crate::process::local::spec::{Answer, Order};
use crate::process::local::{Local, detach, switch};
use crate::process::output::{after, wait};
use crate::process::run::run_watched;
use crate::process::signals::{Request, listen};
use crate::process::sweep::sweep;

/// How long a supervisor that is about to be gone may still be there.
const TURN: Duration = Duration::from_secs(5);

/// How often it is looked whether the directory is still there.
const LOOK: Duration = Duration::from_secs(1);

/// The steps to a supervisor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// The one that is over soon.
    Detach,
    Supervise,
}

/// Nobody who deploys asked for this supervisor.
#[derive(Debug, thiserror::Error)]
#[error(
    "`svc supervise` is how svc keeps a service of this machine running, and is not run by hand"
)]
pub struct Unasked;

/// Supervises the service whose state is in `directory`, until it is told to end. `asked` is the variable of this process that
/// says so. What goes wrong is told to the one who waits for the start, or written to the log.
///
/// # Errors
/// It was called by hand.
pub fn supervise(directory: &Path, asked: Option<&Path>, stage: Stage) -> Result<(), Unasked> {
    let name = directory.file_name().and_then(|it| it.to_str());
    let service = name.and_then(ServiceName::new).ok_or(Unasked)?;
    if asked != Some(directory) || !directory.is_absolute() {
        return Err(Unasked);
    }
    let place = Place {
        service,
        directory: directory.to_owned(),
    };
    let done = match stage {
        Stage::Detach => Local::own_program()
            .and_then(|program| detach::pass_on(&program, &place))
            .map_err(|error| format!("start the supervisor: {error}")),
        Stage::Supervise => attend(&place),
    };
    if let Err(reason) = done {
        detach::give_answer(&Answer::NoSupervisor(reason));
    }
    Ok(())
}

fn attend(place: &Place) -> Result<(), String> {
    // Only a leader of a session cannot begin one; then it has its own already.
    let _ = rustix::process::setsid();
    let order = detach::take_order()?;
    let told = |what: &'static str| move |error: io::Error| format!("{what}: {error}");
    let control = Control::new().map_err(told("make a switch"))?;
    let path = place.supervisor_lock();
    let _lock = match lock(&path, TURN, &control).map_err(told("lock"))? {
        Waited::Held(lock) => lock,
        Waited::Busy | Waited::Interrupted => return Err("another one is there already".into()),
    };
    let log = Log::open(&place.log()).map_err(told("open the log"))?;
    let heard = |_: Request| {};
    let _listener = listen(control.clone(), heard).map_err(told("listen for signals"))?;
    end_with_directory(place, &control).map_err(told("watch the directory"))?;
    let record = switch::record_of(place, &order, Phase::Stopped);
    let supervisor = Supervisor {
        place,
        order: &order,
        control,
        log,
        record,
        quick: 0,
        has_answered: false,
    };
    supervisor.stay()
}

/// One service and all about it.
struct Supervisor<'a> {
    place: &'a Place,
    order: &'a Order,
    control: Control,
    log: Log,
    record: Record,
    quick: u32,
    has_answered: bool,
}

impl Supervisor<'_> {
    /// Runs the service, again and again, until the end is requested.
    fn stay(mut self) -> Result<(), String> {
        loop {
            let started = now();
            let ended = self.run();
            if !self.has_answered {
                return self.give_up(&ended);
            }
            // What it left behind would be in the way of the next one, or stay for good.
            sweep(&self.control, self.order.spec.grace);
            if self.control.is_asked() {
                self.log.say("stopped");
                self.write(Phase::Stopped);
                return Ok(());
            }
            self.wait_after(&ended, started.elapsed());
        }
    }

    fn run(&mut self) -> Ended {
        let command = self.order.spec.command(self.place);
        let control = self.control.clone();
        // Both what it writes and that it was started go to the log.
        let this = std::cell::RefCell::new(self);
        run_watched(
            &command,
            &control,
            &mut |process| this.borrow_mut().started(process),
            &mut |bytes| this.borrow_mut().log.write(bytes),
        )
    }

    fn started(&mut self, process: ProcessId) {
        let quick = self.quick;
        let pid = process.0;
        let spec = &self.order.spec;
        self.log
            .say(&format!("started {} as process {pid}", spec.version));
        let process = Identity::of(process);
        let is_written = self.write(Phase::Runs { process, quick });
        if self.has_answered {
            return;
        }
        if let Err(error) = is_written_or(is_written) {
            detach::give_answer(&Answer::NoSupervisor(error));
            self.control.ask();
        } else {
            let supervisor = std::process::id();
            detach::give_answer(&Answer::Started { pid, supervisor });
        }
        self.has_answered = true;
    }

    /// The service was never there. What was written down of the release before it stays.
    fn give_up(&mut self, ended: &Ended) -> Result<(), String> {
        let reason = words(ended);
        self.log.say(&format!(
            "cannot start {}: {reason}",
            self.order.spec.version
        ));
        detach::give_answer(&Answer::NotStarted(reason));
        Ok(())
    }

    /// Waits until the service may be started again, or the end is requested.
    fn wait_after(&mut self, ended: &Ended, ran: Duration) {
        let restart = &self.order.spec.restart;
        self.quick = restart.count(self.quick, ran);
        let pause = restart.wait(self.quick);
        let reason = words(ended);
        self.log.say(&format!(
            "ended with {reason} after {} s, starts again in {} s",
            ran.as_secs(),
            pause.as_secs_f32()
        ));
        self.record.restarts = self.record.restarts.saturating_add(1);
        self.record.last_end = Some(reason);
        let (quick, until_ms) = (self.quick, present() + pause.as_millis() as u64);
        self.write(Phase::Waits { quick, until_ms });
        let until = after(pause);
        while !self.control.is_asked() && now() < until {
            wait(&[self.control.asked()], Some(until));
        }
    }

    fn write(&mut self, phase: Phase) -> Option<io::Error> {
        self.record.phase = phase;
        self.record.at_ms = present();
        let error = self.record.write(&self.place.state()).err()?;
        self.log.say(&format!(
            "cannot write down how the service stands: {error}"
        ));
        Some(error)
    }
}

fn is_written_or(error: Option<io::Error>) -> Result<(), String> {
    match error {
        None => Ok(()),
        Some(error) => Err(format!("write down how the service stands: {error}")),
    }
}

/// Requests the end when the directory is no longer the one that it was: then nobody could find the service again.
fn end_with_directory(place: &Place, control: &Control) -> io::Result<()> {
    let identity = |path: &Path| fs::metadata(path).map(|it| (it.dev(), it.ino()));
    let path = place.directory.clone();
    let ours = identity(&path)?;
    let control = control.clone();
    let look = move || {
        while !control.is_asked() {
            match identity(&path) {
                Ok(it) if it == ours => {}
                Err(error) if error.kind() != io::ErrorKind::NotFound => {}
                Ok(_) | Err(_) => control.ask(),
            }
            wait(&[control.asked()], Some(after(LOOK)));
        }
    };
    thread::Builder::new()
        .name("directory".into())
        .spawn(look)?;
    Ok(())
}

fn now() -> Instant {
    after(Duration::ZERO)
}

/// The variable that asks for a supervisor.
pub const ASKED: &str = Marks::SUPERVISOR;
