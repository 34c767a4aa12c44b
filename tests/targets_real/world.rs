//! A workspace that is deployed for real, and what its environments are said to run.

use std::ffi::OsString;
use std::path::PathBuf;

use serde_json::Value;

use crate::support::{Said, TestRepo};

/// A repository whose services are deployed somewhere.
pub struct World {
    pub repo: TestRepo,
    /// What every call of `svc` sees beside the sealed environment.
    pub variables: Vec<(String, OsString)>,
}

impl World {
    /// A repository with these files, committed.
    pub fn new(files: &[(&str, &str)]) -> Self {
        Self {
            repo: TestRepo::with_files(files),
            variables: Vec::new(),
        }
    }

    /// Sets a variable for all calls.
    pub fn with(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.variables.push((name.to_owned(), value.into()));
        self
    }

    /// A place outside the repository.
    pub fn beside(&self, name: &str) -> PathBuf {
        self.repo.beside(name)
    }

    /// Writes a file and commits it.
    pub fn change(&self, path: &str, text: &str) -> String {
        self.repo.write(path, text);
        self.repo.commit(path)
    }

    /// Calls `svc` with the words of a line.
    pub fn svc(&self, line: &str) -> Said {
        let words: Vec<&str> = line.split_whitespace().collect();
        let mut svc = self.repo.svc(&words);
        for (name, value) in &self.variables {
            svc = svc.env(name, value);
        }
        svc.run()
    }

    /// Calls `svc`, which has to end with this code; gives all that it said.
    #[track_caller]
    pub fn ends(&self, code: i32, line: &str) -> String {
        let said = self.svc(line);
        let all = format!("{}{}", said.stdout(), said.stderr());
        assert_eq!(said.code(), code, "svc {line}:\n{all}");
        all
    }

    /// Calls `svc`, which has to succeed.
    #[track_caller]
    pub fn ok(&self, line: &str) -> String {
        self.ends(0, line)
    }

    /// Calls `svc` with `--format json`; it has to end with this code.
    #[track_caller]
    pub fn json(&self, code: i32, line: &str) -> Value {
        let said = self.svc(&format!("{line} --format json"));
        assert_eq!(said.code(), code, "svc {line}:\n{}", said.all());
        let text = said.stdout();
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}:\n{text}"))
    }

    /// What `svc status` says of a service: its state and its version.
    #[track_caller]
    pub fn status(&self, environment: &str, service: &str) -> (String, Option<String>) {
        let status = self.json(0, &format!("status --env {environment}"));
        let services = status["environments"][0]["services"].as_array();
        let services = services.unwrap_or_else(|| panic!("{status}"));
        let found = services.iter().find(|it| it["name"] == service);
        let found = found.unwrap_or_else(|| panic!("{status}"));
        let state = found["state"].as_str().unwrap_or("null").to_owned();
        (state, found["version"].as_str().map(str::to_owned))
    }

    /// The version that an environment runs of a service.
    #[track_caller]
    pub fn runs(&self, environment: &str, service: &str) -> String {
        let (state, version) = self.status(environment, service);
        version.unwrap_or_else(|| panic!("{service} is {state}"))
    }

    /// How many lines a file beside the repository has.
    pub fn lines(&self, name: &str) -> usize {
        let text = std::fs::read_to_string(self.beside(name));
        text.map_or(0, |it| it.lines().count())
    }
}

/// Asserts that a text has all of these in it.
#[track_caller]
pub fn says(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "nothing of `{part}` in:\n{text}");
    }
}

/// The page at an address of this machine; none if nobody answers.
pub fn get(port: u16, path: &str) -> Option<String> {
    use std::io::{Read, Write};
    let mut stream = std::net::TcpStream::connect(("127.0.0.1", port)).ok()?;
    let deadline = std::time::Duration::from_secs(10);
    stream.set_read_timeout(Some(deadline)).ok()?;
    write!(stream, "GET {path} HTTP/1.1\r\n\r\n").ok()?;
    let mut page = String::new();
    stream.read_to_string(&mut page).ok()?;
    let (_, body) = page.split_once("\r\n\r\n")?;
    Some(body.to_owned())
}
