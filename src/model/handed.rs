//! Causes that a plan hands to jobs elsewhere: there, services are named on the command line, and only the plan knows why.
//!
//! They travel in a variable, through files and shells of any CI system, so that they are written with harmless letters
//! alone: `api=changed:api/main.rs,dependency:lib web=definition`; `*=everything` where it is the same for all.

use std::collections::BTreeMap;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use percent_encoding::{PercentEncode, percent_encode};

use crate::model::cause::Cause;
use crate::model::name::{ServiceName, TaskId};
use crate::model::path::FilePath;

/// The variable that they are in.
pub const CAUSES: &str = "SVC_CAUSES";
/// What no system, shell or file takes for anything else.
const KEPT: AsciiSet = NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'/')
    .remove(b'_');
/// Stands for all services.
const ALL: &str = "*";

/// The causes of services, as another `svc` wrote them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Handed(BTreeMap<String, Vec<Cause>>);

impl Handed {
    /// Reads what [`write()`] gave. What cannot be read says nothing.
    pub fn read(text: &str) -> Self {
        let services = text.split(' ').filter_map(|it| {
            let (service, causes) = it.split_once('=')?;
            let causes: Vec<Cause> = causes.split(',').filter_map(read).collect();
            (!causes.is_empty()).then(|| (service.to_owned(), causes))
        });
        Self(services.collect())
    }

    /// Why a service was chosen, where that is known.
    pub fn of(&self, service: &ServiceName) -> Option<&Vec<Cause>> {
        self.0.get(service.as_str()).or_else(|| self.0.get(ALL))
    }
}

/// The causes of services, in at most `limit` bytes: as many of each as there is room for.
pub fn write(services: &[(&ServiceName, &[Cause])], limit: usize) -> String {
    if let [(_, first), ..] = services
        && services.iter().all(|(_, causes)| causes == first)
        && let [cause] = first
        && let Some(text) = written(cause)
        && services.len() > 1
    {
        let text = format!("{ALL}={text}");
        return if text.len() <= limit {
            text
        } else {
            String::new()
        };
    }
    let mut out = String::new();
    for (at, (service, causes)) in services.iter().enumerate() {
        let share = (limit - out.len()) / (services.len() - at);
        let mut text = String::new();
        for cause in causes.iter().filter_map(written) {
            let start = match text.is_empty() {
                true => format!("{service}="),
                false => ",".to_owned(),
            };
            // One more for what parts it from the next.
            if text.len() + start.len() + cause.len() + 1 > share {
                break;
            }
            text.extend([start, cause]);
        }
        if !text.is_empty() && !out.is_empty() {
            out.push(' ');
        }
        out.push_str(&text);
    }
    out
}

fn written(cause: &Cause) -> Option<String> {
    let path = |it: &FilePath| percent_encode_path(it).to_string();
    Some(match cause {
        Cause::Changed(it) => format!("changed:{}", path(it)),
        Cause::ChangedPart(it, entries) => {
            let entries = entries.iter().map(|it| utf8_percent_encode(it, &KEPT));
            let entries: String = entries.map(|it| format!(":{it}")).collect();
            format!("part:{}{entries}", path(it))
        }
        Cause::Global(it) => format!("global:{}", path(it)),
        Cause::Definition => "definition".to_owned(),
        Cause::Dependency(service) => format!("dependency:{service}"),
        Cause::SourcesOf(service) => format!("sources:{service}"),
        Cause::Everything => "everything".to_owned(),
        Cause::NeededBy(task) => format!("task:{}", utf8_percent_encode(&task.to_string(), &KEPT)),
        Cause::DependencyOf(service) => format!("dependent:{service}"),
        // That is what is said without any; what failed did so elsewhere.
        Cause::Requested | Cause::FailedBefore => return None,
    })
}

fn read(text: &str) -> Option<Cause> {
    let mut words = text.split(':');
    let kind = words.next()?;
    let mut word = || -> Option<Vec<u8>> { Some(percent_decode_str(words.next()?).collect()) };
    let name = |it: Vec<u8>| ServiceName::new(&String::from_utf8(it).ok()?);
    let path = |it: Vec<u8>| FilePath::from_bytes(it);
    Some(match kind {
        "changed" => Cause::Changed(path(word()?)),
        "part" => {
            let path = path(word()?);
            let entries = std::iter::from_fn(word);
            let entries = entries.map(|it| String::from_utf8_lossy(&it).into_owned());
            Cause::ChangedPart(path, entries.collect())
        }
        "global" => Cause::Global(path(word()?)),
        "definition" => Cause::Definition,
        "dependency" => Cause::Dependency(name(word()?)?),
        "sources" => Cause::SourcesOf(name(word()?)?),
        "everything" => Cause::Everything,
        "task" => Cause::NeededBy(TaskId::parse(&String::from_utf8(word()?).ok()?)?),
        "dependent" => Cause::DependencyOf(name(word()?)?),
        _ => return None,
    })
}

fn percent_encode_path(path: &FilePath) -> PercentEncode<'_> {
    percent_encode(path.as_bytes(), &KEPT)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> ServiceName {
        ServiceName::new(text).unwrap()
    }

    fn all_kinds() -> Vec<Cause> {
        vec![
            Cause::Changed("services/api/src/main.rs".into()),
            Cause::Changed(FilePath::from_bytes(*b"a, b:c=$(x) `\"'\n<<\xff%41")),
            Cause::ChangedPart("Cargo.lock".into(), vec!["serde 1".into(), "@a/b".into()]),
            Cause::ChangedPart("go.sum".into(), vec![]),
            Cause::Global(".tool-versions".into()),
            Cause::Definition,
            Cause::Dependency(name("lib")),
            Cause::SourcesOf(name("lib-2")),
            Cause::Everything,
            Cause::NeededBy(TaskId::parse("web:build").unwrap()),
            Cause::DependencyOf(name("web")),
        ]
    }

    #[test]
    fn what_is_written_is_read() {
        let (api, web, causes) = (name("api"), name("web"), all_kinds());
        let services = [(&api, &causes[..]), (&web, &causes[5..6])];
        let text = write(&services, 4096);
        let harmless = |it: char| it.is_ascii_alphanumeric() || "=,:%/._- ".contains(it);
        assert!(text.chars().all(harmless), "{text}");
        assert!(text.starts_with("api=changed:services/api/src/main.rs,changed:a%2C%20b"));
        let read = Handed::read(&text);
        assert_eq!(read.of(&api), Some(&causes));
        assert_eq!(read.of(&web), Some(&vec![Cause::Definition]));
        assert_eq!(read.of(&name("other")), None);
    }

    #[test]
    fn what_is_the_same_for_all_is_written_once() {
        let (names, everything) = ([name("a"), name("b")], [Cause::Everything]);
        let services: Vec<(&ServiceName, &[Cause])> =
            names.iter().map(|it| (it, &everything[..])).collect();
        let text = write(&services, 100);
        assert_eq!(text, "*=everything");
        assert_eq!(
            Handed::read(&text).of(&names[1]),
            Some(&everything.to_vec())
        );
        assert_eq!(write(&services[..1], 100), "a=everything");
        assert_eq!(write(&services, 5), "");
    }

    #[test]
    fn every_service_gets_its_share_of_the_room() {
        let changed = |it: usize| Cause::Changed(FilePath::from(format!("d/{it}").as_str()));
        let many: Vec<Cause> = (0..1000).map(changed).collect();
        let names = [name("many"), name("few")];
        let services = [(&names[0], &many[..]), (&names[1], &many[..1])];
        for limit in [0, 1, 15, 40, 100, 4096] {
            let text = write(&services, limit);
            assert!(text.len() <= limit, "{limit}: {text}");
            let read = Handed::read(&text);
            let count = |it| read.of(it).map_or(0, Vec::len);
            assert_eq!(
                count(&names[1]),
                usize::from(limit >= 40),
                "{limit}: {text}"
            );
            assert!(count(&names[0]) >= limit / 30, "{limit}: {text}");
        }
    }

    #[test]
    fn what_nobody_wrote_says_nothing() {
        for text in [
            "",
            " ",
            "$(causes)",
            "api",
            "api=",
            "api=x:y",
            "=,",
            "api=dependency:A B,,",
        ] {
            assert_eq!(Handed::read(text).of(&name("api")), None, "{text}");
        }
        let nothing = [Cause::Requested];
        assert_eq!(write(&[(&name("api"), &nothing)], 100), "");
        assert_eq!(write(&[], 100), "");
    }
}
