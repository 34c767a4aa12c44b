//! The target `ssh`, on a real `sshd`.

use std::fs;
use std::path::PathBuf;

use crate::servers::{Sshd, skip};
use crate::world::{World, says};

/// A service that is copied to a machine: its page is what the machine "runs".
struct Site {
    sshd: Sshd,
    world: World,
}

impl Site {
    /// `more` are further lines of its deploy.
    fn new(more: &str) -> Option<Self> {
        let Some(sshd) = Sshd::start() else {
            skip(
                "ssh",
                "sshd is not installed, or no user can be made for it",
            );
            return None;
        };
        let world = World::new(&[
            ("services.toml", &definition(&sshd, "staging", more)),
            (".gitignore", "dist/\n"),
            ("api/src/page", "one"),
            ("api/src/it's \"here\" now", "odd"),
        ]);
        let builds = world.beside("builds");
        let world = world.with("BUILDS", builds);
        Some(Self { sshd, world })
    }

    fn place(&self, environment: &str) -> PathBuf {
        self.sshd.home.path().join(environment)
    }

    /// What the machine runs.
    fn page(&self, environment: &str) -> String {
        fs::read_to_string(self.sshd.home.path().join(format!("{environment}.running")))
            .unwrap_or_default()
    }

    fn current(&self, environment: &str) -> String {
        let link = fs::read_link(self.place(environment).join("current"));
        link.map_or_else(|error| error.to_string(), |it| it.display().to_string())
    }

    fn releases(&self, environment: &str) -> usize {
        let releases = fs::read_dir(self.place(environment).join("releases"));
        releases.map_or(0, |it| it.count())
    }
}

/// Restarting is copying the page to where the health check looks for it; a page that is broken does not start.
pub const RESTART: &str = r#"if grep -q broken dist/page; then echo "it does not start" >&2; exit 1; fi
echo "$SVC_SERVICE $SVC_ENV $SVC_VERSION" >>../../../restarts; cp dist/page "../../../$SVC_ENV.running""#;

pub fn definition(sshd: &Sshd, environments: &str, more: &str) -> String {
    let mut text = "version = 1\n".to_owned();
    for environment in environments.split(' ') {
        text += &format!("[environments.{environment}]\n{}", machine(sshd));
    }
    let home = sshd.home.path().display();
    let config = sshd.config();
    text + &format!(
        r#"
[services.api]
path = "api"
[services.api.build]
run = "echo built >>\"$BUILDS\"; mkdir -p dist; cp src/* dist"
pass-env = ["BUILDS"]
inputs = ["src/**"]
outputs = ["dist/**"]
[services.api.deploy]
path = "{home}/${{env}}"
files = ["dist"]
restart = '''{RESTART}'''
stop = "rm -f ../../../$SVC_ENV.running"
health = {{ command = "ssh -F {} target test -s {home}/$SVC_ENV.running", timeout = "20s", interval = "50ms" }}
{more}
"#,
        config.display()
    )
}

fn machine(sshd: &Sshd) -> String {
    format!(
        "target = \"ssh\"\nhost = \"{}\"\nport = {}\nuser = \"{}\"\nidentity = \"{}\"\noptions = [{:?}, \"GlobalKnownHostsFile=/dev/null\", \"StrictHostKeyChecking=yes\"]\n",
        sshd.host,
        sshd.port,
        sshd.user,
        sshd.identity().display(),
        format!("UserKnownHostsFile={}", sshd.known_hosts().display()),
    )
}

#[test]
fn files_get_to_a_machine_which_then_runs_them() {
    let Some(site) = Site::new("keep = 3") else {
        return;
    };
    let world = &site.world;
    let said = world.ok("deploy --env staging --bootstrap");
    says(&said, &["healthy after", "staging runs now: api"]);
    assert_eq!(site.page("staging"), "one");
    let odd = site.place("staging").join("current/dist/it's \"here\" now");
    assert_eq!(fs::read_to_string(odd).unwrap(), "odd");
    let first = world.runs("staging", "api");
    says(&site.current("staging"), &["releases/", &first]);

    // Nothing differs, so nothing is done.
    world.ok("deploy --env staging");
    assert_eq!(site.releases("staging"), 1);

    world.change("api/src/page", "two");
    world.ok("deploy --env staging");
    assert_eq!(site.page("staging"), "two");
    let second = world.runs("staging", "api");
    assert_ne!(first, second);

    // Back, by the release that is still over there.
    let builds = world.lines("builds");
    world.ok("rollback --env staging");
    assert_eq!(site.page("staging"), "one");
    assert_eq!(world.runs("staging", "api"), first);
    says(&site.current("staging"), &[&first]);
    assert_eq!(world.lines("builds"), builds);

    // No more than three stay.
    for page in ["three", "four", "five"] {
        world.change("api/src/page", page);
        world.ok("deploy --env staging");
    }
    assert_eq!(site.page("staging"), "five");
    assert_eq!(site.releases("staging"), 3);
}

#[test]
fn a_restart_that_fails_leads_back_to_what_ran() {
    let Some(site) = Site::new("") else {
        return;
    };
    let world = &site.world;
    world.change("api/src/page", "broken from the start");
    let said = world.ends(5, "deploy --env staging --bootstrap");
    says(&said, &["it does not start"]);
    assert!(!site.place("staging").exists(), "nothing ran before");

    world.change("api/src/page", "one");
    world.ok("deploy --env staging");
    let first = world.runs("staging", "api");
    let current = site.current("staging");
    world.change("api/src/page", "broken");
    let said = world.ends(5, "deploy --env staging");
    says(&said, &["it does not start", "rolled back to"]);
    assert_eq!(site.page("staging"), "one");
    assert_eq!(site.current("staging"), current);
    assert_eq!(world.runs("staging", "api"), first);
    // What failed is held.
    let said = world.ok("deploy --env staging");
    says(&said, &["held"]);
}

#[test]
fn what_is_taken_down_is_gone_from_the_machine() {
    let Some(site) = Site::new("") else {
        return;
    };
    let world = &site.world;
    world.ok("deploy --env staging --bootstrap");
    world.ok("down --env staging --yes");
    assert!(!site.place("staging").exists());
    assert_eq!(site.page("staging"), "");

    world.ok("deploy --env staging");
    assert_eq!(site.page("staging"), "one");
    let definition = world.repo.read("services.toml");
    let (without, _) = definition.split_once("[services.api]").unwrap();
    let other = format!("{without}[services.other]\npath = \"api\"\n");
    world.change("services.toml", &other);
    says(
        &world.ok("status --env staging"),
        &["removed from services.toml: api"],
    );
    world.ok("deploy --env staging");
    assert_eq!(site.page("staging"), "one");
    world.ok("deploy --env staging --prune");
    assert!(!site.place("staging").exists());
}

#[test]
fn a_machine_that_cannot_be_reached_or_is_not_known_changes_nothing() {
    let Some(site) = Site::new("") else {
        return;
    };
    let world = &site.world;
    world.ok("deploy --env staging --bootstrap");
    let good = world.repo.read("services.toml");
    let first = world.runs("staging", "api");
    let known = site.sshd.known_hosts().display().to_string();
    // Of 127.0.0.1 this file knows nothing.
    let unknown = good.replace(&known, "/dev/null");
    let port = format!("port = {}", site.sshd.port);
    let closed = good.replace(&port, &format!("port = {}", crate::servers::free_port()));
    // The second machine is not there, so the first one does not switch either.
    let second = good.replace("\"127.0.0.1\"", "[\"127.0.0.1\", \"127.0.0.9\"]");
    for (text, why) in [
        (unknown, "Host key verification failed"),
        (closed, "Connection refused"),
        (second, "127.0.0.9"),
    ] {
        world.repo.write("api/src/page", why);
        world.change("services.toml", &text);
        let said = world.ends(1, "deploy --env staging");
        says(&said, &[why]);
        assert_eq!(site.page("staging"), "one");
        assert_eq!(world.runs("staging", "api"), first);
    }
}

#[test]
fn two_machines_go_together() {
    let Some(site) = Site::new("") else {
        return;
    };
    let world = &site.world;
    // Both names lead to one machine.
    let hosts = fs::read_to_string(site.sshd.known_hosts()).unwrap();
    let both = hosts.clone() + &hosts.replace("127.0.0.1", "127.0.0.2");
    fs::write(site.sshd.known_hosts(), both).unwrap();
    let definition = world.repo.read("services.toml");
    let two = definition.replace("\"127.0.0.1\"", "[\"127.0.0.1\", \"127.0.0.2\"]");
    // The second one starts only what is not bad.
    let two = two.replace(
        "if grep",
        "case \"$SSH_CONNECTION\" in *\" 127.0.0.2 \"*) if grep -q bad dist/page; then exit 1; fi ;; esac\nif grep",
    );
    world.change("services.toml", &two);
    world.ok("deploy --env staging --bootstrap");
    let restarts = || fs::read_to_string(site.sshd.home.path().join("restarts")).unwrap();
    assert_eq!(restarts().lines().count(), 2, "{}", restarts());
    says(&restarts(), &["api staging "]);

    world.change("api/src/page", "bad on one");
    world.ends(5, "deploy --env staging");
    assert_eq!(site.page("staging"), "one");
    says(&site.current("staging"), &[&world.runs("staging", "api")]);
}
