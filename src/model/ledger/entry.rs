//! One entry of the ledger. It is data from outside: whatever is read is checked before anyone looks at it.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::model::change::ObjectId;
use crate::model::digest::Digest;
use crate::model::name::ServiceName;

/// The version of entries that this `svc` writes. It reads this and older ones.
pub const ENTRY_VERSION: u32 = 1;

/// The most bytes that a text of an entry may have.
const MOST_TEXT: usize = 4096;

/// The most values that a release may have.
const MOST_VALUES: usize = 256;

/// Names one deploy: everything that one `svc deploy`, `rollback` or `promote` did. Sorts by time.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct DeployId(String);

impl DeployId {
    /// The id, if `text` is 1 to 64 characters of a-z, 0-9 and `-`.
    pub fn new(text: &str) -> Option<Self> {
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        ((1..=64).contains(&text.len()) && text.bytes().all(allowed)).then(|| Self(text.to_owned()))
    }

    /// The id as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for DeployId {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::new(&text).ok_or("an id of a deploy is 1 to 64 characters of a-z, 0-9 and `-`")
    }
}

impl fmt::Display for DeployId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// One entry: a step of one service's deploy in one environment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// See [`ENTRY_VERSION`].
    pub version: u32,
    pub deploy: DeployId,
    pub service: ServiceName,
    pub action: Action,
    pub state: State,
    /// What the deploy brings; for a removal, what it takes away.
    pub brings: Deployed,
    /// What is verified to run after this entry.
    pub runs: Runs,
    /// What ran before the deploy.
    pub before: Runs,
    pub who: Who,
    /// When it was written, in seconds since 1970, by the writer's clock. Nothing is decided by it.
    pub at: u64,
    /// Why it was deployed, in the user's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What went wrong, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// What was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    Deploy,
    Rollback,
    Promote,
    /// What already ran was written down.
    Adopt,
    /// The service was taken down.
    Remove,
    /// It was taken back because another service of its deploy failed: nothing is held against it.
    Undo,
}

/// How far it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Written before the first step.
    Started,
    Succeeded,
    Failed,
    /// It failed, and what ran before runs again.
    RolledBack,
    Interrupted,
}

/// What is verified to run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Runs {
    /// Nobody knows.
    Unknown,
    /// Nothing: it never ran, or was taken down.
    Nothing,
    This(Box<Deployed>),
}

/// A release with its configuration in an environment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Deployed {
    /// The release fingerprint.
    pub release: Digest,
    /// The format version of the fingerprint.
    pub format: u32,
    /// The config digest.
    pub config: Digest,
    /// The commit that it was made from.
    pub commit: Option<ObjectId>,
    /// Whether the working tree held changes that are in no commit.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dirty: bool,
    /// The values of its build, by `SERVICE.NAME`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub values: BTreeMap<String, String>,
    /// The deploy that brought it.
    pub deploy: DeployId,
    /// When that was, in seconds since 1970.
    pub at: u64,
}

impl Deployed {
    /// The short release fingerprint, as people and commands see it.
    pub fn version(&self) -> &str {
        &self.release.as_str()[..10]
    }

    /// Whether its values are few and short enough.
    pub(in crate::model::ledger) fn check(&self) -> Result<(), Invalid> {
        if self.values.len() > MOST_VALUES {
            return Err(Invalid(format!("there are more than {MOST_VALUES} values")));
        }
        for (name, value) in &self.values {
            is_short("the name of a value", name)?;
            is_short("a value", value)?;
        }
        Ok(())
    }

    /// Whether both are the same release with the same configuration.
    pub fn is_same(&self, other: &Self) -> bool {
        (&self.release, self.format, &self.config) == (&other.release, other.format, &other.config)
    }
}

impl Runs {
    /// What runs, if something is known to.
    pub fn known(&self) -> Option<&Deployed> {
        match self {
            Self::This(deployed) => Some(deployed),
            Self::Unknown | Self::Nothing => None,
        }
    }
}

/// Who wrote an entry, as they said themselves.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Who {
    pub name: String,
    pub host: String,
    /// The page of the CI run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_url: Option<String>,
}

/// What is wrong with an entry, or another record of the ledger.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Invalid(pub String);

impl Entry {
    /// Reads an entry and checks it.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(bytes: &[u8]) -> Result<Self, Invalid> {
        let entry: Self = parse(bytes, ENTRY_VERSION, |it: &Self| it.version)?;
        entry.check()?;
        Ok(entry)
    }

    /// The entry as it is written: one line of JSON.
    pub fn line(&self) -> String {
        serde_json::to_string(self).expect("an entry has no maps with keys that are no text")
    }

    /// Whether a parsed entry is one that this `svc` can judge.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check(&self) -> Result<(), Invalid> {
        is_known(self.version, ENTRY_VERSION)?;
        let known = [self.runs.known(), self.before.known(), Some(&self.brings)];
        for deployed in known.into_iter().flatten() {
            deployed.check()?;
        }
        self.who.check()?;
        is_short("the reason", self.reason.as_deref().unwrap_or_default())?;
        is_short("the error", self.error.as_deref().unwrap_or_default())
    }
}

impl Who {
    /// Whether its texts are short enough.
    pub(in crate::model::ledger) fn check(&self) -> Result<(), Invalid> {
        is_short("the name", &self.name)?;
        is_short("the host", &self.host)?;
        is_short(
            "the run's address",
            self.run_url.as_deref().unwrap_or_default(),
        )
    }
}

/// JSON of a version that is known. A newer one is named as that, before anything else is said of it.
pub(in crate::model::ledger) fn parse<T: serde::de::DeserializeOwned>(
    bytes: &[u8],
    newest: u32,
    version: fn(&T) -> u32,
) -> Result<T, Invalid> {
    #[derive(Deserialize)]
    struct Versioned {
        version: u32,
    }
    match serde_json::from_slice(bytes) {
        Ok(parsed) => is_known(version(&parsed), newest).map(|()| parsed),
        Err(error) => {
            if let Ok(Versioned { version }) = serde_json::from_slice(bytes) {
                is_known(version, newest)?;
            }
            Err(Invalid(format!("it is no valid record: {error}")))
        }
    }
}

/// Whether a record of this version can be judged.
pub(in crate::model::ledger) fn is_known(version: u32, newest: u32) -> Result<(), Invalid> {
    match version <= newest {
        true => Ok(()),
        false => Err(Invalid(format!(
            "it was written by a newer svc (version {version} of its format, and this svc knows up to {newest})"
        ))),
    }
}

fn is_short(what: &str, text: &str) -> Result<(), Invalid> {
    match text.len() <= MOST_TEXT {
        true => Ok(()),
        false => Err(Invalid(format!("{what} is longer than {MOST_TEXT} bytes"))),
    }
}

#[cfg(test)]
pub mod sample {
    //! Entries for tests.

    use super::*;
    use crate::model::digest::Digester;

    /// The release `name` with its configuration.
    pub fn deployed(name: &str) -> Deployed {
        let digest = |kind: &str| Digester::new(kind).part("name", name.as_bytes()).finish();
        Deployed {
            release: digest("release"),
            format: 1,
            config: digest("config"),
            commit: ObjectId::from_bytes(&[7; 20]),
            dirty: false,
            values: BTreeMap::new(),
            deploy: DeployId::new(&format!("d-{name}")).unwrap(),
            at: 1_700_000_000,
        }
    }

    /// An entry of the deploy that brings `name`.
    pub fn entry(service: &str, state: State, name: &str, runs: Runs, before: Runs) -> Entry {
        let brings = deployed(name);
        Entry {
            version: ENTRY_VERSION,
            deploy: brings.deploy.clone(),
            service: ServiceName::new(service).unwrap(),
            action: Action::Deploy,
            state,
            brings,
            runs,
            before,
            who: Who::default(),
            at: 1_700_000_000,
            reason: None,
            error: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ledger::entry::sample::{deployed, entry};

    #[test]
    fn an_entry_is_read_as_it_was_written() {
        let mut written = entry(
            "api",
            State::Failed,
            "b",
            Runs::Unknown,
            Runs::This(Box::new(deployed("a"))),
        );
        written.reason = Some("\u{1b}[31mred\nand more".into());
        written.brings.values = [("api.image".into(), "x@sha256:1".into())].into();
        let line = written.line();
        assert!(!line.contains('\n'));
        assert_eq!(Entry::read(line.as_bytes()).unwrap(), written);
    }

    #[test]
    fn what_is_no_entry_is_refused() {
        let good = entry("api", State::Started, "a", Runs::Unknown, Runs::Nothing).line();
        let check = |from: &str, to: &str, expected: &str| {
            let bad = good.replacen(from, to, 1);
            assert_ne!(bad, good, "{from}");
            let error = Entry::read(bad.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        };
        check("\"version\":1", "\"version\":2", "version 2");
        check("\"api\"", "\"../api\"", "a name is");
        check("\"d-a\"", "\"d a\"", "an id of a deploy");
        check("\"started\"", "\"begun\"", "unknown variant");
        check(
            "\"name\":\"\"",
            &format!("\"name\":\"{}\"", "x".repeat(5000)),
            "longer",
        );
        check("{", "", "no valid record");
        let release = deployed("a").release;
        check(release.as_str(), "zz", "digest");
    }
}
