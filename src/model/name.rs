//! Names of services and tasks, and the full name of a task.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize};

/// What a name may look like, for messages.
pub const NAME_RULE: &str =
    "a name is 1 to 63 characters of a-z, 0-9 and `-`, and does not begin with `-`";

/// Whether `text` matches `[a-z0-9][a-z0-9-]{0,62}`.
pub fn is_valid(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    text.len() <= 63
        && text.bytes().next().is_some_and(allowed)
        && text.bytes().all(|byte| allowed(byte) || byte == b'-')
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The name, if `text` is a valid one (see [`NAME_RULE`]).
            pub fn new(text: &str) -> Option<Self> {
                is_valid(text).then(|| Self(text.into()))
            }

            /// The name as written.
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// The name as it appears in variables: upper case, `-` as `_`.
            pub fn in_variable(&self) -> String {
                self.0.to_uppercase().replace('-', "_")
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(from)?;
                Self::new(&text).ok_or_else(|| serde::de::Error::custom(NAME_RULE))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
    };
}

name! {
    /// A service's name.
    ServiceName
}
name! {
    /// A task's name within its service.
    TaskName
}
name! {
    /// An environment's name.
    EnvironmentName
}

/// A task's full name, `service:task`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TaskId {
    pub service: ServiceName,
    pub task: TaskName,
}

impl TaskId {
    /// The task `task` of `service`.
    pub fn new(service: &ServiceName, task: &TaskName) -> Self {
        Self {
            service: service.clone(),
            task: task.clone(),
        }
    }

    /// The full name, if `text` is one.
    pub fn parse(text: &str) -> Option<Self> {
        let (service, task) = text.split_once(':')?;
        Some(Self {
            service: ServiceName::new(service)?,
            task: TaskName::new(task)?,
        })
    }
}

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}:{}", self.service, self.task))
    }
}

impl Serialize for TaskId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for TaskId {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(from)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("not the name of a task"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_rule() {
        let check = |text: &str, expected| assert_eq!(is_valid(text), expected, "{text:?}");
        check("api", true);
        check("0-api", true);
        check(&"a".repeat(63), true);
        check(&"a".repeat(64), false);
        check("", false);
        check("-api", false);
        check("Api", false);
        check("a_b", false);
        check("a:b", false);
        check("ä", false);
    }
}
