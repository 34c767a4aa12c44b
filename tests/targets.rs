//! The targets that come with `svc`: what a person may write for them, and which commands come of it.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![expect(
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "the commands are tried with real shells and clients, and it is said where there are none"
)]

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;
use std::process::{Command, Output};

use insta::assert_snapshot;
use svc::config::{Source, load};
use svc::model::name::{EnvironmentName, ServiceName};
use svc::model::path::FilePath;
use svc::model::pattern::Pattern;
use svc::model::target::{Facts, Resolved, Step, resolve};
use svc::model::workspace::Workspace;

/// Files that exist only here.
struct Memory(BTreeMap<FilePath, String>);

impl Source for Memory {
    fn read(&self, path: &FilePath) -> io::Result<Option<Vec<u8>>> {
        Ok(self.0.get(path).map(|text| text.clone().into_bytes()))
    }

    fn glob(&self, pattern: &Pattern) -> io::Result<Vec<FilePath>> {
        let paths = self.0.keys();
        let paths = paths.filter(|path| pattern.matches(path.as_bytes()));
        Ok(paths.cloned().collect())
    }
}

fn workspace(text: &str) -> Workspace {
    let file = (
        FilePath::from("services.toml"),
        format!("version = 1\n{text}"),
    );
    match load(&Memory([file].into())) {
        Ok(loaded) => loaded.workspace,
        Err(invalid) => panic!("{}", invalid.0.plain()),
    }
}

/// The deploy of the service `api` to `prod`.
fn resolved(text: &str) -> Resolved {
    let workspace = workspace(&format!(
        "[environments.prod]\n[services.api]\npath = \"services/api\"\n[services.api.deploy]\n{text}\n"
    ));
    let prod = EnvironmentName::new("prod").unwrap();
    resolve(&workspace, workspace.find("api").unwrap(), &prod).unwrap()
}

fn facts() -> Facts {
    Facts {
        workspace: "/work space".into(),
        version: "1a2b3c".into(),
        commit: "0123456789abcdef".into(),
        deploy_id: "d-2".into(),
        previous_version: Some("9f8e7d".into()),
        restores: None,
        values: [("image".to_owned(), "r.test:5000/api@sha256:00ff".to_owned())].into(),
        values_of: [(
            ServiceName::new("web").unwrap(),
            [("url".to_owned(), "it's".to_owned())].into(),
        )]
        .into(),
    }
}

fn script(resolved: &Resolved, step: Step, facts: &Facts) -> String {
    let commands = resolved.commands(step, facts).unwrap();
    for command in &commands {
        parses(command);
    }
    commands.join("\n#----\n")
}

/// Everything that a deploy may run, the common beginning left out.
fn steps(text: &str) -> String {
    let resolved = resolved(text);
    let back = Facts {
        restores: Some("d-1".into()),
        ..facts()
    };
    let mut all = String::new();
    for step in Step::ALL {
        let facts = match step {
            Step::Rollback | Step::Undo => &back,
            _ => &facts(),
        };
        for command in resolved.commands(step, facts).unwrap() {
            parses(&command);
            all += &format!("### {}\n{command}\n", step.name());
        }
    }
    all
}

fn parses(script: &str) {
    let output = Command::new("sh")
        .args(["-n", "-c", script])
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}\n{script}",
        text(&output.stderr)
    );
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

const KUBERNETES: &str = "target = \"kubernetes\"\nmanifests = \"k8s/${env}\"\n";
const SSH: &str = "target = \"ssh\"\nhost = \"web1\"\npath = \"/srv/api\"\nfiles = [\"dist\"]\n";

#[test]
fn compose_starts_the_services_of_a_file() {
    assert_snapshot!("compose", steps("target = \"compose\""));
    assert_snapshot!(
        "compose_with_everything",
        steps(
            "target = \"compose\"\nfile = [\"/compose.yaml\", \"it's.yaml\"]\nproject = \"shop\"\nservices = [\"api\", \"job\"]\nhost = \"ssh://deploy@web 1\"\nreplicas = 3\nwait-timeout = 10"
        )
    );
}

#[test]
fn kubernetes_applies_manifests() {
    assert_snapshot!("kubernetes", steps(KUBERNETES));
    assert_snapshot!(
        "kubernetes_with_everything",
        steps(&format!(
            "{KUBERNETES}context = \"my cluster\"\nnamespace = \"shop\"\nimages = {{ api = \"${{value.image}}\" }}\nreplicas = 3\nserver-side = true\nforce-conflicts = true\nrollout-timeout = \"90s\""
        ))
    );
}

#[test]
fn helm_installs_a_chart() {
    assert_snapshot!("helm", steps("target = \"helm\"\nchart = \"chart\""));
    assert_snapshot!(
        "helm_with_everything",
        steps(
            "target = \"helm\"\nchart = \"/charts/api\"\nrelease = \"api-${env}\"\nnamespace = \"shop\"\ncontext = \"c\"\ncreate-namespace = true\nchart-version = \"1\"\nvalues-files = [\"a b.yaml\"]\nset = { \"image.digest\" = \"${value.image}\", x = \"a,b\" }\nreplicas = 2"
        )
    );
}

#[test]
fn ssh_copies_files_and_switches() {
    assert_snapshot!("ssh", steps(SSH));
    assert_snapshot!(
        "ssh_with_everything",
        steps(
            "target = \"ssh\"\nhost = [\"web1\", \"web2\"]\npath = \"~/it's here\"\nfiles = [\"dist\", \"a b\"]\nfrom = \"/out\"\nuser = \"deploy\"\nport = 2222\nidentity = \"~/.ssh/id\"\noptions = [\"UserKnownHostsFile=/k h\"]\nrestart = \"echo \\\"it's $SVC_VERSION\\\"\"\nstop = \"true\"\nkeep = 2"
        )
    );
}

#[test]
fn process_has_no_commands() {
    let workspace = workspace("[services.api]\npath = \"api\"\nserve = { run = \"x\" }\n");
    let local = EnvironmentName::new("local").unwrap();
    let resolved = resolve(&workspace, workspace.find("api").unwrap(), &local).unwrap();
    assert!(resolved.target().unwrap().is_embedded);
    assert_eq!(resolved.parameters["keep"], 2);
    for step in Step::ALL {
        assert!(resolved.commands(step, &facts()).unwrap().is_empty());
    }
}

#[test]
fn an_unknown_value_is_told_before_anything_runs() {
    let resolved = resolved(&format!("{KUBERNETES}images.api = \"${{value.picture}}\""));
    let error = resolved.commands(Step::Deploy, &facts()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "`api` gave no value `picture`: one of its tasks has to write it to `$SVC_VALUES`"
    );
}

/// Runs a step of `ssh` with an `ssh` that only hands the script to a shell of this machine.
struct Machine {
    directory: tempfile::TempDir,
    deploy: String,
}

impl Machine {
    fn new(more: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path();
        let shell = "#!/bin/sh\nwhile [ \"$1\" != -- ]; do shift; done\ncd \"$MACHINE/$2\" && exec sh -c \"$3\"\n";
        for (name, content) in [("bin/ssh", shell), ("work/dist/it's", "1"), ("web 1/x", "")] {
            fs::create_dir_all(root.join(name).parent().unwrap()).unwrap();
            fs::write(root.join(name), content).unwrap();
        }
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(root.join("bin/ssh"), fs::Permissions::from_mode(0o755)).unwrap();
        let deploy = format!(
            "target = \"ssh\"\nhost = \"web 1\"\npath = \"~/it's here/$x\"\nfiles = [\"dist\"]\n{more}"
        );
        Self { directory, deploy }
    }

    fn try_step(&self, step: Step, version: &str, id: &str, restores: Option<&str>) -> Output {
        let facts = Facts {
            version: version.into(),
            deploy_id: id.into(),
            restores: restores.map(str::to_owned),
            ..facts()
        };
        let mut last = None;
        for command in resolved(&self.deploy).commands(step, &facts).unwrap() {
            let path = format!(
                "{}:{}",
                self.path("bin").display(),
                std::env::var("PATH").unwrap()
            );
            let output = Command::new("sh")
                .args(["-eu", "-c", &command])
                .current_dir(self.path("work"))
                .env("PATH", path)
                .env("MACHINE", self.directory.path())
                .output()
                .unwrap();
            let is_fine = output.status.success();
            last = Some(output);
            if !is_fine {
                break;
            }
        }
        last.unwrap()
    }

    fn step(&self, step: Step, version: &str, id: &str, restores: Option<&str>) -> String {
        let output = self.try_step(step, version, id, restores);
        assert!(output.status.success(), "{}", text(&output.stderr));
        text(&output.stdout)
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.directory.path().join(name)
    }

    fn there(&self, name: &str) -> std::path::PathBuf {
        self.path("web 1/it's here/$x").join(name)
    }

    fn link(&self, name: &str) -> String {
        let link = fs::read_link(self.there(name)).unwrap();
        link.to_str().unwrap().to_owned()
    }

    fn releases(&self) -> Vec<String> {
        let entries = fs::read_dir(self.there("releases")).unwrap();
        let mut names: Vec<_> = entries
            .map(|it| it.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

#[test]
fn ssh_keeps_releases_side_by_side_and_goes_back() {
    let machine = Machine::new(
        "keep = 3\nrestart = \"echo $SVC_VERSION $(cat \\\"dist/it's\\\") >>../../log\"\nstop = \"echo stopped >../../../../stopped\"",
    );
    for (at, version) in ["a1", "b2", "c3", "d4"].into_iter().enumerate() {
        fs::write(machine.path("work/dist/it's"), version).unwrap();
        machine.step(Step::Deploy, version, &format!("d-{at}"), None);
        assert_eq!(
            machine.link("current"),
            format!("releases/{version}-d-{at}")
        );
    }
    assert_eq!(machine.link("previous"), "releases/c3-d-2");
    assert_eq!(machine.releases().len(), 3, "{:?}", machine.releases());
    machine.step(Step::Check, "b2", "d-9", Some("d-1"));
    machine.step(Step::Rollback, "b2", "d-9", Some("d-1"));
    assert_eq!(machine.link("current"), "releases/b2-d-1");
    // The deploy that brought it is not known any more.
    machine.step(Step::Rollback, "c3", "d-10", Some("d-7"));
    assert_eq!(machine.link("current"), "releases/c3-d-2");
    let log = fs::read_to_string(machine.there("log")).unwrap();
    assert_eq!(log, "a1 a1\nb2 b2\nc3 c3\nd4 d4\nb2 b2\nc3 c3\n");
    let output = machine.try_step(Step::Rollback, "a1", "d-11", Some("d-0"));
    assert!(text(&output.stderr).contains("the release a1 is no longer on this machine"));
    assert_eq!(machine.link("current"), "releases/c3-d-2");
    let shown = machine.step(Step::Status, "c3", "d-10", None);
    assert!(
        shown.starts_with("web 1:\ncurrent: releases/c3-d-2\n"),
        "{shown}"
    );
    fs::remove_file(machine.there("log")).unwrap();
    machine.step(Step::Remove, "c3", "d-12", None);
    assert!(machine.path("web 1/stopped").exists());
    assert!(!machine.there("").exists());
    machine.step(Step::Remove, "c3", "d-12", None);
}

#[test]
fn ssh_leaves_what_runs_alone_when_something_fails() {
    let machine = Machine::new("restart = \"test ! -e dist/bad\"");
    machine.step(Step::Deploy, "a1", "d-1", None);
    // A file is missing: nothing is switched.
    fs::rename(machine.path("work/dist"), machine.path("work/gone")).unwrap();
    assert!(
        !machine
            .try_step(Step::Deploy, "b2", "d-2", None)
            .status
            .success()
    );
    assert_eq!(machine.link("current"), "releases/a1-d-1");
    assert_eq!(machine.releases(), ["a1-d-1"]);
    // The restart fails, and everything goes back.
    fs::rename(machine.path("work/gone"), machine.path("work/dist")).unwrap();
    fs::write(machine.path("work/dist/bad"), "").unwrap();
    assert!(
        !machine
            .try_step(Step::Deploy, "b2", "d-3", None)
            .status
            .success()
    );
    assert_eq!(machine.link("current"), "releases/b2-d-3");
    machine.step(Step::Rollback, "a1", "d-3", Some("d-1"));
    assert_eq!(machine.link("current"), "releases/a1-d-1");
    // What was left of an interrupted copy does no harm, and a directory in the place of a link is left alone.
    fs::remove_file(machine.path("work/dist/bad")).unwrap();
    fs::create_dir(machine.there("releases/.svc-c3-d-4")).unwrap();
    machine.step(Step::Deploy, "c3", "d-4", None);
    fs::remove_file(machine.there("current")).unwrap();
    fs::create_dir(machine.there("current")).unwrap();
    let output = machine.try_step(Step::Deploy, "e5", "d-5", None);
    assert!(text(&output.stderr).contains("is no link, so it is left as it is"));
}

/// What kubectl is asked to apply for a directory of manifests, or `None` where there is no kubectl.
fn rendered(files: &[(&str, &str)], deploy: &str) -> Option<Result<String, String>> {
    if Command::new("kubectl").arg("--help").output().is_err() {
        eprintln!("skipped: there is no kubectl on this machine");
        return None;
    }
    let directory = tempfile::tempdir().unwrap();
    for (name, content) in files {
        let path = directory.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    let workspace = directory.path().to_str().unwrap();
    let facts = Facts {
        workspace: workspace.into(),
        ..facts()
    };
    // A kubectl that shows what would be applied, and leaves everything else to the real one.
    let kubectl = which("kubectl");
    let fake = format!(
        "#!/bin/sh\n[ \"$1\" != kustomize ] || exec '{}' \"$@\"\nfor last; do :; done\n[ \"$1\" != apply ] || cat \"$last\"\n",
        kubectl.display()
    );
    let bin = directory.path().join("bin");
    fs::create_dir(&bin).unwrap();
    fs::write(bin.join("kubectl"), fake).unwrap();
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(bin.join("kubectl"), fs::Permissions::from_mode(0o755)).unwrap();
    let service = directory.path().join("services/api");
    fs::create_dir_all(&service).unwrap();
    let script = script(&resolved(deploy), Step::Deploy, &facts);
    let output = Command::new("sh")
        .args(["-eu", "-c", &script])
        .current_dir(&service)
        .env(
            "PATH",
            format!("{}:{}", bin.display(), std::env::var("PATH").unwrap()),
        )
        .output()
        .unwrap();
    Some(match output.status.success() {
        true => Ok(text(&output.stdout)),
        false => Err(text(&output.stderr)),
    })
}

fn which(name: &str) -> std::path::PathBuf {
    let path = std::env::var_os("PATH").unwrap();
    let mut all = std::env::split_paths(&path).map(|it| it.join(name));
    all.find(|it| Path::is_file(it)).unwrap()
}

const DEPLOYMENT: &str = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: api}\nspec:\n  replicas: 1\n  selector: {matchLabels: {app: api}}\n  template:\n    metadata: {labels: {app: api}}\n    spec: {containers: [{name: c, image: api}]}\n";

#[test]
fn kubectl_gets_images_and_replicas_of_a_kustomization() {
    let files = [
        ("k8s it's/base/api.yaml", DEPLOYMENT),
        (
            "k8s it's/base/kustomization.yaml",
            "resources: [api.yaml]\n",
        ),
        (
            "k8s it's/prod/kustomization.yaml",
            "namePrefix: prod-\nresources: [../base]\n",
        ),
    ];
    let deploy = "target = \"kubernetes\"\nmanifests = \"/k8s it's/${env}\"\nimages.api = \"${value.image}\"\nreplicas = 3";
    let Some(rendered) = rendered(&files, deploy) else {
        return;
    };
    let rendered = rendered.unwrap();
    assert!(rendered.contains("name: prod-api\n"), "{rendered}");
    assert!(rendered.contains("replicas: 3\n"), "{rendered}");
    assert!(
        rendered.contains("image: r.test:5000/api@sha256:00ff\n"),
        "{rendered}"
    );
}

#[test]
fn kubectl_gets_plain_manifests() {
    let files = [
        ("services/api/k8s/a b.yaml", DEPLOYMENT),
        (
            "services/api/k8s/more/config.yml",
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n",
        ),
        ("services/api/k8s/notes.txt", "none"),
        ("services/api/empty/notes.txt", "none"),
    ];
    let check = |deploy: &str, expected: &[&str], fails: bool| {
        let deploy = format!("target = \"kubernetes\"\n{deploy}");
        let Some(rendered) = rendered(&files, &deploy) else {
            return;
        };
        assert_eq!(rendered.is_err(), fails, "{rendered:?}");
        let rendered = rendered.unwrap_or_else(|error| error);
        for part in expected {
            assert!(rendered.contains(part), "{part} in {rendered}");
        }
    };
    check(
        "manifests = \"k8s\"",
        &["kind: ConfigMap", "image: api}", "replicas: 1"],
        false,
    );
    check(
        "manifests = \"k8s\"\nimages.api = \"r/api:v1\"",
        &["kind: ConfigMap", "image: r/api:v1\n"],
        false,
    );
    check(
        "manifests = \"k8s/a b.yaml\"\nreplicas = 0",
        &["replicas: 0\n"],
        false,
    );
    check(
        "manifests = \"k8s\"\nreplicas = 2\nworkload = \"nobody\"",
        &["nobody"],
        true,
    );
    check(
        "manifests = \"nothing\"",
        &["there are no manifests at nothing"],
        true,
    );
    check(
        "manifests = \"empty\"",
        &["there are no manifests in empty"],
        true,
    );
    check(
        "manifests = \"k8s\"\nimages.api = \"a\\\", \\\"x\"",
        &["the image api cannot be"],
        true,
    );
}
