//! Words for causes, durations, counts and commands, in one place, so that all output speaks alike.

use std::time::Duration;

use crate::model::cause::Cause;
use crate::model::plan::PlannedTask;
use crate::report::clean::{one_line, path};

/// How long something took: `12ms`, `1.2s`, `3m 04s`, `1h 02m`.
pub fn duration(time: Duration) -> String {
    let millis = (time.as_micros() + 500) / 1000;
    let tenths = (millis + 50) / 100;
    let seconds = (millis + 500) / 1000;
    if millis < 1000 {
        format!("{millis}ms")
    } else if tenths < 600 {
        format!("{}.{}s", tenths / 10, tenths % 10)
    } else if seconds < 3600 {
        format!("{}m {:02}s", seconds / 60, seconds % 60)
    } else {
        format!("{}h {:02}m", seconds / 3600, seconds % 3600 / 60)
    }
}

/// How long ago something was, roughly: `5 minutes`, `3 days`.
pub fn age(age: Duration) -> String {
    let seconds = age.as_secs();
    let (number, unit) = match seconds {
        0..60 => (seconds, "second"),
        60..3600 => (seconds / 60, "minute"),
        3600..86400 => (seconds / 3600, "hour"),
        _ => (seconds / 86400, "day"),
    };
    match number {
        1 => format!("1 {unit}"),
        _ => format!("{number} {unit}s"),
    }
}

/// How many there are: `1 task`, `2 tasks`, `2 dependencies`.
pub fn count(number: usize, one: &str) -> String {
    match one.strip_suffix('y') {
        _ if number == 1 => format!("1 {one}"),
        Some(stem) => format!("{number} {stem}ies"),
        None => format!("{number} {one}s"),
    }
}

/// How many bytes: `512 bytes`, `1.5 MiB`.
pub fn bytes(number: u64) -> String {
    let units = ["KiB", "MiB", "GiB", "TiB"];
    if number < 1024 {
        return count(number as usize, "byte");
    }
    let mut tenths = number * 10 / 1024;
    let mut unit = 0;
    while tenths >= 10_240 && unit + 1 < units.len() {
        tenths /= 1024;
        unit += 1;
    }
    format!("{}.{} {}", tenths / 10, tenths % 10, units[unit])
}

/// A cause, as it follows the name of a service or task.
pub fn cause(cause: &Cause) -> String {
    match cause {
        Cause::Changed(it) => format!("{} changed", path(it)),
        Cause::ChangedPart(it, entries) => part(&path(it), entries),
        Cause::Global(it) => format!("global input {} changed", path(it)),
        Cause::Definition => "definition changed".to_owned(),
        Cause::Dependency(service) => format!("depends on {service}"),
        Cause::SourcesOf(service) => format!("reads sources of {service}"),
        Cause::Everything => "everything counts as changed".to_owned(),
        Cause::Requested => "requested".to_owned(),
        Cause::DependencyOf(service) => format!("needed by {service}"),
        Cause::NeededBy(task) => format!("needed by {task}"),
        Cause::FailedBefore => "failed before".to_owned(),
    }
}

/// That a part of a lock file changed: `its part of Cargo.lock changed (serde, tokio and 3 more)`.
fn part(path: &str, entries: &[String]) -> String {
    const NAMED: usize = 3;
    let named: Vec<String> = entries.iter().take(NAMED).map(|it| one_line(it)).collect();
    let named = named.join(", ");
    match entries.len().saturating_sub(NAMED) {
        _ if entries.is_empty() => format!("its part of {path} changed"),
        0 => format!("its part of {path} changed ({named})"),
        more => format!("its part of {path} changed ({named} and {more} more)"),
    }
}

/// The first `limit` causes, and how many there are besides: `a changed, b changed and 12 more`.
pub fn causes(causes: &[Cause], limit: usize) -> String {
    let shown: Vec<String> = causes.iter().take(limit).map(cause).collect();
    let shown = shown.join(", ");
    match causes.len().saturating_sub(limit) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// The command that does just this task again, from the same place, with `flags`: `directory` is that of `-C`.
pub fn repeat(task: &PlannedTask, directory: Option<&str>, flags: &[String]) -> String {
    let (service, name) = (task.id.service.as_str(), task.id.task.as_str());
    let mut words = vec!["svc"];
    words.extend(directory.into_iter().flat_map(|it| ["-C", it]));
    match name {
        "build" | "test" => words.extend([name, service]),
        _ => words.extend(["run", name, service]),
    }
    words.extend(flags.iter().map(String::as_str));
    if !task.arguments.is_empty() {
        words.push("--");
    }
    words.extend(task.arguments.iter().map(String::as_str));
    let quoted = words.into_iter().map(|word| match shlex::try_quote(word) {
        Ok(quoted) => quoted.into_owned(),
        Err(_) => word.to_owned(),
    });
    quoted.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::name::{ServiceName, TaskId, TaskName};
    use crate::report::view::samples::planned;

    #[test]
    fn ages_are_rough() {
        let check = |seconds, expected: &str| {
            assert_eq!(age(Duration::from_secs(seconds)), expected, "{seconds}");
        };
        check(0, "0 seconds");
        check(1, "1 second");
        check(119, "1 minute");
        check(7200, "2 hours");
        check(86400 * 3, "3 days");
    }

    #[test]
    fn durations_are_short() {
        let check = |micros, expected| {
            assert_eq!(duration(Duration::from_micros(micros)), expected);
        };
        check(0, "0ms");
        check(12_400, "12ms");
        check(999_400, "999ms");
        check(999_600, "1.0s");
        check(1_249_000, "1.2s");
        check(59_940_000, "59.9s");
        check(59_960_000, "1m 00s");
        check(184_000_000, "3m 04s");
        check(3_599_700_000, "1h 00m");
        check(3_720_000_000, "1h 02m");
    }

    #[test]
    fn counts_agree_with_their_noun() {
        assert_eq!(count(0, "task"), "0 tasks");
        assert_eq!(count(1, "task"), "1 task");
        assert_eq!(count(2, "dependency"), "2 dependencies");
        assert_eq!(bytes(1), "1 byte");
        assert_eq!(bytes(1_572_864), "1.5 MiB");
        assert_eq!(bytes(1 << 40), "1.0 TiB");
    }

    #[test]
    fn causes_are_said_in_words() {
        let name = ServiceName::new("money").unwrap();
        let task = TaskId::new(&name, &TaskName::new("build").unwrap());
        let check = |it: Cause, expected: &str| assert_eq!(cause(&it), expected);
        check(Cause::Changed("a/\u{1b}b".into()), "a/%1Bb changed");
        let part = |names: &[&str]| {
            let names = names.iter().map(|it| (*it).to_owned()).collect();
            Cause::ChangedPart("x.lock".into(), names)
        };
        check(part(&[]), "its part of x.lock changed");
        check(part(&["a", "b"]), "its part of x.lock changed (a, b)");
        check(
            part(&["a", "b", "c", "d"]),
            "its part of x.lock changed (a, b, c and 1 more)",
        );
        check(Cause::SourcesOf(name.clone()), "reads sources of money");
        check(Cause::Global("x".into()), "global input x changed");
        check(Cause::Definition, "definition changed");
        check(Cause::Dependency(name), "depends on money");
        check(Cause::Everything, "everything counts as changed");
        check(Cause::Requested, "requested");
        check(Cause::NeededBy(task), "needed by money:build");
        check(Cause::FailedBefore, "failed before");
        let several = vec![Cause::Definition, Cause::Requested, Cause::FailedBefore];
        assert_eq!(
            causes(&several, 2),
            "definition changed, requested and 1 more"
        );
    }

    #[test]
    fn the_command_to_repeat_is_what_a_person_would_type() {
        let check = |id: &str, arguments: &[&str], expected: &str| {
            let mut task = planned(id, &[]);
            task.arguments = arguments.iter().map(|it| it.to_string()).collect();
            assert_eq!(repeat(&task, None, &[]), expected);
        };
        check("api:test", &[], "svc test api");
        check("api:lint", &[], "svc run lint api");
        check("api:test", &["-k", "a b"], "svc test api -- -k 'a b'");
    }
}
