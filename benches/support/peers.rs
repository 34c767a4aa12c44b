//! The same workspace for other tools that keep results: their definitions, and how they are called.
#![expect(clippy::print_stderr, reason = "a measurement")]
#![expect(
    clippy::disallowed_methods,
    reason = "a stand-in is put in front of what is in PATH"
)]

use std::fmt::Write;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use crate::support::timing::Timed;
use crate::support::workspace::{Member, write};

/// Stands in for `npm run`, so that not its start is measured but the tool that calls it.
const NPM: &str = r#"#!/bin/sh
case "$2" in
dist) exec sh ../../tools/dist.sh "${PWD##*/}" ;;
*) echo "built ${PWD##*/}" ;;
esac
"#;

/// Another tool, where `npm install` put it.
pub struct Peer {
    pub name: &'static str,
    program: String,
    /// In front of the task's name, and behind it.
    arguments: (String, String),
    /// What it says if all tasks came out of its cache.
    all_cached: fn(usize) -> String,
}

impl Peer {
    /// A run of a task of every service.
    pub fn run(&self, root: &Path, task: &str) -> Timed {
        let (front, behind) = &self.arguments;
        let arguments = format!("{front} {task} {behind}");
        let path = std::env::var("PATH").unwrap_or_default();
        let path = format!("{}:{path}", stand_in(root).display());
        let run = Timed::new(&self.program, &arguments)
            .variable("PATH", path)
            .variable("TURBO_TELEMETRY_DISABLED", "1")
            .variable("TURBO_NO_UPDATE_NOTIFIER", "1")
            .variable("DO_NOT_TRACK", "1")
            .variable("NX_DAEMON", "false");
        Timed {
            name: format!("{} {task}", self.name),
            ..run
        }
    }

    /// Whether it takes all results of a task from its cache, once they are there.
    pub fn caches(&self, root: &Path, task: &str, members: usize) -> bool {
        let run = self.run(root, task);
        run.output(root);
        let told = run.output(root);
        let is_cached = told.contains(&(self.all_cached)(members));
        if !is_cached {
            eprintln!("{}: not everything is cached: {told}", self.name);
        }
        is_cached
    }
}

/// The tools that are installed below `directory`, which the workspace can use from now on.
pub fn installed(directory: &Path, root: &Path, jobs: usize) -> Vec<Peer> {
    let modules = directory.join("node_modules");
    let _ = fs::remove_file(root.join("node_modules"));
    symlink(&modules, root.join("node_modules")).unwrap();
    let binary = stand_in(root).join("npm");
    write(binary.parent().unwrap(), "npm", NPM);
    fs::set_permissions(binary, fs::Permissions::from_mode(0o755)).unwrap();
    let nx = modules.join(".bin/nx");
    let turbo = turbo(&modules).map(|program| Peer {
        name: "turbo",
        program: program.to_string_lossy().into(),
        arguments: (
            "run".into(),
            format!("--concurrency={jobs} --output-logs=none"),
        ),
        all_cached: |_| "FULL TURBO".into(),
    });
    let nx = nx.exists().then(|| Peer {
        name: "nx",
        program: nx.to_string_lossy().into(),
        arguments: (
            "run-many --target".into(),
            format!("--parallel={jobs} --output-style=static"),
        ),
        all_cached: |tasks| format!("for {tasks} out of {tasks} tasks"),
    });
    let found: Vec<Peer> = turbo.into_iter().chain(nx).collect();
    if found.is_empty() {
        eprintln!("{} holds neither turbo nor nx", modules.display());
    }
    found
}

/// The program itself rather than the script that looks for it.
fn turbo(modules: &Path) -> Option<PathBuf> {
    let entries = fs::read_dir(modules.join("@turbo")).ok()?.flatten();
    let mut programs = entries.map(|it| it.path().join("bin/turbo"));
    programs.find(|it| it.exists())
}

fn stand_in(root: &Path) -> PathBuf {
    root.with_extension("bin")
}

/// Writes what the other tools need to know of a workspace.
pub fn configure(root: &Path, members: &[Member]) {
    write(root, "turbo.json", TURBO);
    write(root, "nx.json", NX);
    let workspaces = r#"["libs/*", "services/*"]"#;
    let package = format!(
        r#"{{"name": "bench", "version": "1.0.0", "private": true, "packageManager": "npm@10.0.0", "workspaces": {workspaces}}}"#
    );
    write(root, "package.json", &package);
    let mut lock = format!(
        r#"{{"name": "bench", "version": "1.0.0", "lockfileVersion": 3, "requires": true, "packages": {{
  "": {{"name": "bench", "version": "1.0.0", "workspaces": {workspaces}}}"#
    );
    for Member {
        name, path, needs, ..
    } in members
    {
        let needs = needs.iter().map(|it| format!(r#""{it}": "1.0.0""#));
        let needs = needs.collect::<Vec<_>>().join(", ");
        let package = format!(
            r#"{{"name": "{name}", "version": "1.0.0", "private": true, "nx": {{"includedScripts": []}},
  "scripts": {{"build": "echo built {name}", "dist": "sh ../../tools/dist.sh {name}"}},
  "dependencies": {{{needs}}}}}
"#
        );
        write(root, &format!("{path}/package.json"), &package);
        write(root, &format!("{path}/project.json"), &nx_project(name));
        write!(
            lock,
            r#",
  "{path}": {{"name": "{name}", "version": "1.0.0", "dependencies": {{{needs}}}}},
  "node_modules/{name}": {{"resolved": "{path}", "link": true}}"#
        )
        .unwrap();
    }
    lock.push_str("}}\n");
    write(root, "package-lock.json", &lock);
}

const TURBO: &str = r#"{
  "globalDependencies": ["tools/**"],
  "tasks": {"build": {"dependsOn": ["^build"], "outputs": []}, "dist": {"outputs": ["dist/**"]}}
}
"#;

const NX: &str = r#"{
  "defaultBase": "main", "analytics": false, "neverConnectToCloud": true,
  "pluginsConfig": {"@nx/js": {"analyzeSourceFiles": false}},
  "namedInputs": {"default": ["{projectRoot}/**/*", "{workspaceRoot}/tools/**/*"]}
}
"#;

fn nx_project(name: &str) -> String {
    format!(
        r#"{{"name": "{name}", "projectType": "application", "targets": {{
  "build": {{"executor": "nx:run-commands", "cache": true, "dependsOn": ["^build"],
    "inputs": ["default", "^default"], "outputs": [],
    "options": {{"command": "echo built {name}", "cwd": "{{projectRoot}}"}}}},
  "dist": {{"executor": "nx:run-commands", "cache": true, "inputs": ["default"],
    "outputs": ["{{projectRoot}}/dist"],
    "options": {{"command": "sh ../../tools/dist.sh {name}", "cwd": "{{projectRoot}}"}}}}}}}}
"#
    )
}
