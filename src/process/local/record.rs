//! `state.json`: how a service stands, as it was last written down.

use std::fs::{self, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use crate::model::name::ServiceName;
use crate::process::command::{Ended, ProcessId};

const VERSION: u32 = 1;

/// No state is larger.
const LARGEST: u64 = 64 * 1024;

/// How a service stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    pub format: u32,
    pub service: ServiceName,
    /// The machine's start during which this was written.
    pub boot: String,
    pub version: String,
    pub deploy: String,
    /// The release's directory.
    pub release: Option<String>,
    /// The release's directory before.
    pub previous: Option<String>,
    pub port: Option<u16>,
    pub grace_ms: u64,
    pub calm_ms: u64,
    pub quick_ends: u32,
    pub supervisor: Identity,
    /// How often the service was started again.
    pub restarts: u32,
    pub phase: Phase,
    /// How it ended last.
    pub last_end: Option<String>,
    /// When this was written, in milliseconds since 1970.
    pub at_ms: u64,
}

/// What a service does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    Runs {
        process: Identity,
        quick: u32,
    },
    /// It ended, and is started again.
    Waits {
        quick: u32,
        until_ms: u64,
    },
    Stopped,
}

/// A process that cannot be mistaken for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    pub pid: u32,
    /// In ticks since the machine's start; unknown on some systems.
    pub start: Option<u64>,
}

impl Identity {
    /// That of a process which lives.
    pub fn of(process: ProcessId) -> Self {
        let start = process.start_time();
        Self {
            pid: process.0,
            start,
        }
    }
}

impl Record {
    /// The current format.
    pub const FORMAT: u32 = VERSION;

    /// How long the service may take to end.
    pub fn grace(&self) -> Duration {
        Duration::from_millis(self.grace_ms)
    }

    /// When it was written.
    pub fn at(&self) -> SystemTime {
        moment(self.at_ms)
    }

    /// Writes it down, whole or not at all.
    pub fn write(&self, path: &Path) -> io::Result<()> {
        let fresh = path.with_extension("json.new");
        let bytes = serde_json::to_vec_pretty(self)?;
        let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
        let mut options = OpenOptions::new();
        options.create(true).write(true).truncate(true);
        let mut file = options.custom_flags(flags.bits() as i32).open(&fresh)?;
        file.write_all(&bytes)?;
        fs::rename(&fresh, path)
    }

    /// What was written down of `service`; what is wrong with it.
    pub fn read(path: &Path, service: &ServiceName) -> Result<Option<Self>, String> {
        let bytes = match load(path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(format!("it cannot be read: {error}")),
        };
        let record: Self =
            serde_json::from_slice(&bytes).map_err(|error| format!("it is damaged: {error}"))?;
        match record.fault(service) {
            Some(fault) => Err(fault),
            None => Ok(Some(record)),
        }
    }

    /// What cannot be.
    fn fault(&self, service: &ServiceName) -> Option<String> {
        let process = match &self.phase {
            Phase::Runs { process, .. } => Some(process),
            Phase::Waits { .. } | Phase::Stopped => None,
        };
        let is_pid = |it: &Identity| (2..=i32::MAX as u32).contains(&it.pid);
        let names = [&self.release, &self.previous];
        let texts = [
            Some(&self.version),
            Some(&self.deploy),
            self.last_end.as_ref(),
        ];
        let is_odd = |text: &&String| text.len() > 4096 || text.chars().any(char::is_control);
        let moments = [self.at_ms, self.grace_ms, self.calm_ms];
        if self.format != VERSION {
            Some(format!("its format {} is unknown to this svc", self.format))
        } else if self.service != *service {
            Some("it is of another service".to_owned())
        } else if !is_pid(&self.supervisor) || !process.is_none_or(is_pid) {
            Some("it names a process that cannot be".to_owned())
        } else if names.into_iter().flatten().any(|it| !is_file_name(it)) {
            Some("it names a release that cannot be".to_owned())
        } else if texts.into_iter().flatten().any(|it| is_odd(&it)) {
            Some("it holds control characters, or too long a text".to_owned())
        } else if moments.into_iter().any(|it| it > LATEST) {
            Some("it names a time that cannot be".to_owned())
        } else {
            None
        }
    }
}

/// Far away, and still a time that the system can show.
const LATEST: u64 = 1 << 50;

/// Whether the text is one part of a path, and no way out of the directory it is in.
pub fn is_file_name(text: &str) -> bool {
    let is_plain = |it: char| it.is_ascii_alphanumeric() || "._-+".contains(it);
    text.len() <= 200
        && text.starts_with(|it: char| it.is_ascii_alphanumeric())
        && text.chars().all(is_plain)
}

/// How a command ended, in words.
pub fn words(ended: &Ended) -> String {
    let text = match ended {
        Ended::Exited(code) => format!("exit code {code}"),
        Ended::Signalled(signal) => format!("signal {signal}"),
        Ended::TimedOut => "timed out".to_owned(),
        Ended::Interrupted => "stopped".to_owned(),
        Ended::NotStarted(reason) => reason.message.clone(),
    };
    let plain = |it: char| if it.is_control() { ' ' } else { it };
    text.chars().take(1000).map(plain).collect()
}

/// The present, in milliseconds since 1970.
#[expect(
    clippy::disallowed_methods,
    reason = "people are told since when a service runs, also by another svc on another day"
)]
pub fn present() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.unwrap_or_default().as_millis() as u64
}

/// The time that a record means.
pub fn moment(ms: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_millis(ms.min(LATEST))
}

/// Reads no more than a record can hold, and from nothing that could make it wait.
fn load(path: &Path) -> io::Result<Vec<u8>> {
    let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
    let mut options = OpenOptions::new();
    let file = options
        .read(true)
        .custom_flags(flags.bits() as i32)
        .open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is no plain file"));
    }
    let mut bytes = Vec::new();
    file.take(LARGEST + 1).read_to_end(&mut bytes)?;
    match bytes.len() as u64 > LARGEST {
        true => Err(io::Error::other("it is too large")),
        false => Ok(bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> Record {
        Record {
            format: VERSION,
            service: ServiceName::new("api").unwrap(),
            boot: "b".into(),
            version: "v1".into(),
            deploy: "d1".into(),
            release: Some("1-v1".into()),
            previous: None,
            port: Some(1),
            grace_ms: 1,
            calm_ms: 60_000,
            quick_ends: 5,
            supervisor: Identity {
                pid: 2,
                start: Some(1),
            },
            restarts: 0,
            phase: Phase::Stopped,
            last_end: None,
            at_ms: 1,
        }
    }

    #[test]
    fn what_was_written_is_read() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("state.json");
        let api = ServiceName::new("api").unwrap();
        assert_eq!(Record::read(&path, &api), Ok(None));
        record().write(&path).unwrap();
        record().write(&path).unwrap();
        assert_eq!(Record::read(&path, &api), Ok(Some(record())));
        let other = ServiceName::new("web").unwrap();
        assert!(Record::read(&path, &other).is_err());
    }

    #[test]
    fn what_cannot_be_is_refused_with_a_reason() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("state.json");
        let api = ServiceName::new("api").unwrap();
        let check = |change: &dyn Fn(&mut Record), expected: &str| {
            let mut record = record();
            change(&mut record);
            record.write(&path).unwrap();
            let fault = Record::read(&path, &api).unwrap_err();
            assert!(fault.contains(expected), "{fault}");
        };
        check(&|it| it.format = 2, "format 2");
        check(&|it| it.supervisor.pid = 0, "a process");
        check(&|it| it.supervisor.pid = 1, "a process");
        check(&|it| it.supervisor.pid = u32::MAX, "a process");
        check(&|it| it.release = Some("../..".into()), "a release");
        check(&|it| it.previous = Some("a/b".into()), "a release");
        check(&|it| it.version = "\x1b[2J".into(), "control");
        check(&|it| it.last_end = Some("x".repeat(5000)), "too long");
        check(&|it| it.at_ms = u64::MAX, "a time");
        let check = |bytes: &[u8], expected: &str| {
            fs::write(&path, bytes).unwrap();
            let fault = Record::read(&path, &api).unwrap_err();
            assert!(fault.contains(expected), "{fault}");
        };
        check(b"", "damaged");
        check(b"{\"format\":1", "damaged");
        check(b"[[[[", "damaged");
        check(&[b'['; 60_000], "damaged");
        check(&vec![b' '; LARGEST as usize + 1], "too large");
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        assert!(Record::read(&path, &api).is_err());
    }
}
