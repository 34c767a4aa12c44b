//! Deploys by commands of their own: values, secrets, steps around them, order, and each way to ask for health.

use std::fs;
use std::io::Write;
use std::net::TcpListener;

use crate::world::{World, says};

const SECRET: &str = "hunter2-and-more";

/// All files below a directory that have this in them.
fn holding(root: &std::path::Path, text: &str) -> Vec<String> {
    let all = walkdir::WalkDir::new(root).into_iter().flatten();
    let files = all.filter(|it| it.file_type().is_file());
    let found = files.filter(|it| {
        let bytes = fs::read(it.path()).unwrap_or_default();
        bytes.windows(text.len()).any(|it| it == text.as_bytes())
    });
    found.map(|it| it.path().display().to_string()).collect()
}

#[test]
fn secrets_reach_commands_and_nothing_else() {
    let world = World::new(&[
        (
            "services.toml",
            r#"version = 1
[environments.staging]
on-failure = "stop"
[services.api]
path = "api"
[services.api.build]
run = "echo tag=v1 >>\"$SVC_VALUES\""
outputs = []
[services.api.deploy]
run = "echo \"with $TOKEN\"; printf '%s' \"$TOKEN\" >\"$OUT\"; test \"$SVC_VALUE_TAG\" = v1; test -z \"${FAILS:-}\" || { echo \"$TOKEN is bad\" >&2; exit 1; }"
secrets = ["TOKEN"]
"#,
        ),
        ("api/x", ""),
    ]);
    let out = world.beside("out");
    let world = world.with("TOKEN", SECRET).with("OUT", &out);
    let said = world.ok("deploy --env staging --bootstrap");
    assert!(!said.contains(SECRET), "{said}");
    assert_eq!(fs::read_to_string(&out).unwrap(), SECRET);
    fs::remove_file(&out).unwrap();
    let history = world.json(0, "history --env staging").to_string();
    says(&history, &["v1"]);
    let world = world.with("FAILS", "1");
    let ended = world.json(1, "deploy --env staging --force --events events.ndjson");
    says(&ended.to_string(), &["failed"]);
    fs::remove_file(&out).unwrap();
    let root = world.repo.root().parent().unwrap();
    // Nothing compressed is deployed here, so nothing could hide it.
    assert_eq!(holding(root, SECRET), Vec::<String>::new());
}

#[test]
fn steps_come_around_a_deploy_and_those_of_others_before_it() {
    let world = World::new(&[
        (
            "services.toml",
            r#"version = 1
[environments.staging]
[services.db]
path = "db"
deploy = "echo db >>\"$ORDER\"; sleep 0.2; echo db is there >>\"$ORDER\""
[services.api]
path = "api"
[services.api.deploy]
run = "echo deploy >>\"$ORDER\""
before = "echo before >>\"$ORDER\""
after = ["echo after >>\"$ORDER\"", "test -z \"${BAD:-}\""]
needs = ["...", "db:deploy"]
health = { command = "echo health >>\"$ORDER\"", timeout = "5s", interval = "10ms" }
"#,
        ),
        ("db/x", ""),
        ("api/x", ""),
    ]);
    let order = world.beside("order");
    let world = world.with("ORDER", &order);
    let said = || {
        let text = fs::read_to_string(&order).unwrap_or_default();
        let _ = fs::remove_file(&order);
        text.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    world.ok("deploy --env staging --bootstrap");
    let own = ["before", "deploy", "health", "after"];
    assert_eq!(said(), [&["db", "db is there"][..], &own].concat());
    // Order only: nothing else is deployed for it.
    world.ok("deploy --env staging --force api");
    assert_eq!(said(), own);
    let world = world.with("BAD", "1");
    let failed = world.ends(5, "deploy --env staging --force api");
    says(&failed, &["rolled back to"]);
    assert_eq!(said(), [&own[..], &["deploy", "health"]].concat());
}

#[test]
fn a_port_and_a_command_tell_whether_it_is_well() {
    let text = |port: u16, body: &str| {
        format!(
            r#"version = 1
[environments.staging]
[services.port]
path = "port"
[services.port.deploy]
run = "true"
health = {{ tcp = "127.0.0.1:{port}", timeout = "300ms", interval = "10ms" }}
[services.command]
path = "command"
[services.command.deploy]
run = "true"
health = {{ command = "echo x >>\"$ASKED\"; test $(wc -l <\"$ASKED\") -ge 3", timeout = "5s", interval = "10ms", successes = 2 }}
[services.page]
path = "page"
[services.page.deploy]
run = "true"
health = {{ http = "http://127.0.0.1:{port}/", body = "{body}", timeout = "300ms", interval = "10ms" }}
"#
        )
    };
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = std::thread::spawn(move || {
        // Until it is told to end by a request for that.
        for mut stream in listener.incoming().flatten() {
            let mut head = [0; 256];
            let count = std::io::Read::read(&mut stream, &mut head).unwrap_or(0);
            if head[..count].starts_with(b"end") {
                return;
            }
            let page = "HTTP/1.1 200 OK\r\ncontent-length: 4\r\nconnection: close\r\n\r\nwell";
            let _ = stream.write_all(page.as_bytes());
        }
    });
    let world = World::new(&[
        ("services.toml", &text(port, "well")),
        ("port/x", ""),
        ("command/x", ""),
        ("page/x", ""),
    ]);
    let asked = world.beside("asked");
    let world = world.with("ASKED", asked).with("no_proxy", "*");
    let said = world.ok("deploy --env staging --bootstrap");
    assert_eq!(said.matches("healthy after").count(), 3, "{said}");
    assert_eq!(world.lines("asked"), 4);
    world.change("services.toml", &text(port, "very well"));
    let said = world.ends(5, "deploy --env staging page");
    says(&said, &["not healthy after 300ms"]);
    let mut end = std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
    end.write_all(b"end").unwrap();
    server.join().unwrap();
    let said = world.ends(1, "deploy --env staging port --force");
    says(&said, &["not healthy after 300ms", "refused"]);
}
