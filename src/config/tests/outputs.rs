//! Outputs that get in the way of other tasks.

use insta::assert_snapshot;

use crate::config::tests::bad::plain;
use crate::config::tests::{Memory, problems};

/// Services of one line each: `NAME PATH DEPENDENCY… | TASK NEEDS INPUTS OUTPUTS | …`, lists with commas, `-` for none.
fn definition(services: &[&str]) -> String {
    let mut text = String::from("version = 1\n");
    for service in services {
        let mut parts = service.split(" | ");
        let head: Vec<&str> = parts.next().unwrap().split(' ').collect();
        let (name, path, needs) = (head[0], head[1], &head[2..]);
        text += &format!("[services.{name}]\npath = \"{path}\"\ndepends-on = {needs:?}\n");
        for task in parts {
            let words: Vec<&str> = task.split(' ').collect();
            let table = match words[0] {
                "build" | "test" => words[0].to_owned(),
                other => format!("tasks.{other}"),
            };
            text += &format!("[services.{name}.{table}]\nrun = \"x\"\n");
            for (key, list) in ["needs", "inputs", "outputs"].iter().zip(&words[1..]) {
                if *list != "-" {
                    let list: Vec<&str> = list.split(',').filter(|it| !it.is_empty()).collect();
                    text += &format!("{key} = {list:?}\n");
                }
            }
        }
    }
    text
}

/// The messages of the problems, without their places and hints.
fn messages(services: &[&str]) -> Vec<String> {
    match crate::config::load(&Memory::new(&definition(services))) {
        Ok(_) => Vec::new(),
        Err(invalid) => invalid.0.rows().into_iter().map(|it| it.message).collect(),
    }
}

#[track_caller]
fn check(services: &[&str], expected: &[&str]) {
    assert_eq!(messages(services), expected, "{services:?}");
}

#[test]
fn outputs_of_two_tasks_do_not_overlap() {
    let pair = |one: &str, other: &str| {
        let line = format!("api api | build - - {one} | pack - - {other}");
        !messages(&[&line]).is_empty()
    };
    assert!(pair("dist", "dist"));
    assert!(pair("dist", "dist/**"));
    assert!(pair("dist/x/y", "dist"));
    assert!(pair("dist", "dist/x/*.js"));
    assert!(pair("*.js", "a.js"));
    assert!(pair("gen/*", "gen/x/y"));
    assert!(pair("*.js", "*.js"));
    assert!(!pair("dist", "dist-web"));
    assert!(!pair("*.js", "*.css"));
    assert!(!pair("*.js", "a*"));
    assert!(!pair("dist/*.js", "dist/a.css"));
    // Within one task there is nobody to be in the way of.
    check(&["api api | build - - dist,dist/x,dist/*.js"], &[]);
    check(
        &[
            "a a | build - - dist",
            "b b | build - - dist",
            "ab ab | build - - dist,*.js",
        ],
        &[],
    );
    check(
        &["api api | build - - dist | pack - - dist/x | sign - - dist"],
        &[
            "the output `api/dist` of `api:sign` overlaps the output `api/dist` of `api:build`",
            "the output `api/dist` of `api:sign` overlaps the output `api/dist/x` of `api:pack`",
        ],
    );
}

#[test]
fn overlaps_show_both_places() {
    let text = r#"version = 1

[services.api]
path = "api"

[services.api.build]
run = "make"
outputs = ["bin", "dist/**"]

[services.api.tasks.pack]
run = "make pack"
outputs = ["dist/app.tar"]
"#;
    assert_snapshot!(problems(&Memory::new(text)), @r#"
    error: the output `api/dist/app.tar` of `api:pack` overlaps the output `api/dist/**` of `api:build`
      --> services.toml:12:12
       |
     8 | outputs = ["bin", "dist/**"]
       |                   --------- the other one
    ...
    12 | outputs = ["dist/app.tar"]
       |            ^^^^^^^^^^^^^^
       |
       = help: a file can be left behind by one task only; give each task files of its own
    "#);
    let text = r#"version = 1
[tasks.build]
outputs = ["dist"]
[tasks.pack]
outputs = ["dist/app.tar"]
[services.api]
path = "api"
build = "x"
tasks.pack = "y"
"#;
    assert_snapshot!(plain(&Memory::new(text)), @"
    services.toml:5:12: the output `api/dist/app.tar` of `api:pack` overlaps the output `api/dist` of `api:build`
      a file can be left behind by one task only; give each task files of its own
    ");
}

#[test]
fn outputs_stay_out_of_services_within() {
    check(
        &[
            "app . | build - - dist,lib/gen,lib/x/*.c,**/*.o",
            "lib lib | build - - dist",
        ],
        &[
            "the output `lib/gen` of `app:build` lies in the service `lib`",
            "the output `lib/x/*.c` of `app:build` lies in the service `lib`",
            "the output `**/*.o` of `app:build` may reach into the service `lib`",
        ],
    );
    check(
        &[
            "app app | build - - plugins,plug/**",
            "one app/plugins/one",
            "two app/plug",
        ],
        &[
            "the output `app/plugins` of `app:build` holds the service `one`",
            "the output `app/plug/**` of `app:build` lies in the service `two`",
        ],
    );
    check(&["odd odd[x]* | build - - dist"], &[]);
}

#[test]
fn no_task_reads_what_it_leaves_behind() {
    let own = |inputs: &str, outputs: &str| {
        !messages(&[&format!("api api | build - {inputs} {outputs}")]).is_empty()
    };
    assert!(own("**", "dist"));
    assert!(own("...,dist/x.json", "dist"));
    assert!(own("dist", "dist/*.js"));
    assert!(own("/api/dist/x", "dist"));
    assert!(own("*.json", "a.json"));
    assert!(!own("...", "dist"));
    assert!(!own("src/**", "dist"));
    assert!(!own("**/*.ts", "dist/**"));
    assert!(!own("**,!dist", "dist"));
    assert!(!own("**,!dist/**", "dist"));
    assert!(!own("**,!**/*.js", "dist/a.js"));
    assert!(own("!dist,**", "dist"));
    assert!(own("**,!src/x", "dist"));
    check(
        &["api api | build - ...,dist dist"],
        &["the input `api/dist` of `api:build` overlaps its own output `api/dist`"],
    );
}

#[test]
fn who_reads_an_output_needs_its_task() {
    let makes = "lib lib | build - - dist | gen - - gen";
    let missing =
        "the input `lib/dist/x` of `api:build` is an output of `lib:build`, which it does not need";
    check(&[makes, "api api | build - ...,/lib/dist/x -"], &[missing]);
    check(&[makes, "api api lib | build - ...,/lib/dist/x -"], &[]);
    check(&[makes, "api api | build lib:build ...,/lib/dist/x -"], &[]);
    check(
        &[makes, "api api lib | build  ...,/lib/dist/x -"],
        &[missing],
    );
    check(
        &[makes, "api api lib | build - ...,/lib/gen/** -"],
        &[
            "the input `lib/gen/**` of `api:build` is an output of `lib:gen`, which it does not need",
        ],
    );
    // Only what it needs directly is in its key.
    check(
        &["lib lib | gen - - gen | build gen - dist | test build ...,gen/x -"],
        &["the input `lib/gen/x` of `lib:test` is an output of `lib:gen`, which it does not need"],
    );
    check(&["lib lib | gen - - gen | test gen ...,gen/x -"], &[]);
    // `mid` has no build, so what it depends on counts.
    check(
        &[
            makes,
            "mid mid lib",
            "api api mid | build - ...,/lib/dist/x -",
        ],
        &[],
    );
    check(
        &[makes, "api api | build - /lib/**,!/lib/dist,!/lib/gen -"],
        &[],
    );
    check(&[makes, "api api | build - /lib/*.c -"], &[]);
}

#[test]
fn an_unneeded_input_is_shown_with_the_way_out() {
    let text = r#"version = 1
[services.lib]
path = "lib"
build = { run = "x", outputs = ["dist"] }
[services.api]
path = "api"
build = { run = "x", inputs = ["...", "/lib/dist/api.h"] }
[services.web]
path = "web"
tasks.pack = { run = "x", inputs = ["dist"], outputs = ["dist/x"] }
"#;
    assert_snapshot!(plain(&Memory::new(text)), @r#"
    services.toml:7:39: the input `lib/dist/api.h` of `api:build` is an output of `lib:build`, which it does not need
      add `"lib:build"` to the `needs` of `api:build`, so that the file is there before
    services.toml:10:37: the input `web/dist` of `web:pack` overlaps its own output `web/dist/x`
      a task that reads what it leaves behind is never done; leave it out of `inputs`, with `"!/web/dist/x"`
    "#);
}

#[test]
fn nothing_is_left_behind_through_a_link() {
    let memory = || Memory::new(&definition(&["api api | build - - dist/app,out/**,result"]));
    assert_eq!(plain(&memory()), "no problem");
    assert_snapshot!(plain(&memory().link("api/dist").link("api/out")), @"
    services.toml:7:12: the output `api/dist/app` leads through the symbolic link `api/dist`
      nothing is written through a link; name the directory that it leads to, or remove the link
    services.toml:7:24: the output `api/out/**` leads through the symbolic link `api/out`
      nothing is written through a link; name the directory that it leads to, or remove the link
    ");
    // A link may itself be what a task leaves behind.
    assert_eq!(plain(&memory().link("api/result")), "no problem");
    assert_snapshot!(plain(&memory().link("api")), @"
    services.toml:7:12: the output `api/dist/app` leads through the symbolic link `api`
      nothing is written through a link; name the directory that it leads to, or remove the link
    services.toml:7:24: the output `api/out/**` leads through the symbolic link `api`
      nothing is written through a link; name the directory that it leads to, or remove the link
    services.toml:7:34: the output `api/result` leads through the symbolic link `api`
      nothing is written through a link; name the directory that it leads to, or remove the link
    ");
}

#[test]
fn paths_that_leave_the_service_are_refused() {
    let text = |path: &str| {
        let outputs = r#""..", "a/../../x", "/etc/x", "/apis/x", "./../x", "/", "//etc", "dist/..", ".//etc", "a//b""#;
        format!(
            "version = 1\n[services.api]\npath = \"{path}\"\nbuild = {{ run = \"x\", outputs = [{outputs}] }}\n"
        )
    };
    assert_snapshot!(plain(&Memory::new(&text("api"))), @"
    services.toml:4:33: `..` in `outputs` is not a pattern that can be used
    services.toml:4:39: `a/../../x` in `outputs` is not a pattern that can be used
    services.toml:4:52: the output `/etc/x` lies outside the service
      a task may only leave files behind below `api`
    services.toml:4:62: the output `/apis/x` lies outside the service
      a task may only leave files behind below `api`
    services.toml:4:73: `./../x` in `outputs` is not a pattern that can be used
    services.toml:4:83: `/` in `outputs` is not a pattern that can be used
    services.toml:4:88: `//etc` in `outputs` is not a pattern that can be used
    services.toml:4:97: `dist/..` in `outputs` is not a pattern that can be used
    services.toml:4:108: `.//etc` in `outputs` is not a pattern that can be used
    services.toml:4:118: `a//b` in `outputs` is not a pattern that can be used
    ");
    // A service at the top may name everything from there, and nothing above.
    assert_snapshot!(plain(&Memory::new(&text("."))), @"
    services.toml:4:33: `..` in `outputs` is not a pattern that can be used
    services.toml:4:39: `a/../../x` in `outputs` is not a pattern that can be used
    services.toml:4:73: `./../x` in `outputs` is not a pattern that can be used
    services.toml:4:83: `/` in `outputs` is not a pattern that can be used
    services.toml:4:88: `//etc` in `outputs` is not a pattern that can be used
    services.toml:4:97: `dist/..` in `outputs` is not a pattern that can be used
    services.toml:4:108: `.//etc` in `outputs` is not a pattern that can be used
    services.toml:4:118: `a//b` in `outputs` is not a pattern that can be used
    ");
}
