//! What the program says about itself: help, manual, completions, schema.

use serde_json::Value;

use crate::support::TestRepo;

const COMMANDS: [&str; 26] = [
    "init",
    "build",
    "test",
    "run",
    "deploy",
    "status",
    "history",
    "changes",
    "rollback",
    "promote",
    "lock",
    "hook",
    "down",
    "affected",
    "why",
    "list",
    "new",
    "graph",
    "check",
    "doctor",
    "schema",
    "log",
    "cache",
    "ci",
    "completions",
    "man",
];

#[test]
fn help_of_every_command_fits_the_terminal_and_holds_examples() {
    let repo = TestRepo::new();
    for command in COMMANDS {
        let help = repo.svc(&[command, "--help"]).stdout();
        let widest = help
            .lines()
            .max_by_key(|line| line.chars().count())
            .unwrap();
        assert!(widest.chars().count() <= 100, "{command}: {widest}");
        assert!(help.contains("\nExamples:\n  svc "), "{command}:\n{help}");
        assert!(
            help.contains(&format!("Usage: svc {command}")),
            "{command}:\n{help}"
        );
        let short = repo.svc(&[command, "-h"]).stdout();
        assert!(short.lines().count() <= help.lines().count(), "{command}");
        assert_eq!(repo.svc(&["help", command]).stdout(), help, "{command}");
    }
    let help = repo.svc(&["--help"]).stdout();
    assert!(
        COMMANDS
            .iter()
            .all(|it| help.contains(&format!("\n  {it}"))),
        "{help}"
    );
    assert!(
        help.lines().all(|line| line.chars().count() <= 100),
        "{help}"
    );
    let said = repo.svc(&[]).run();
    assert_eq!((said.code(), said.stdout().as_str()), (2, ""));
}

#[test]
fn the_commands_are_listed_as_they_are_used() {
    let help = TestRepo::new().svc(&["--help"]).stdout();
    let start = help.find("Commands:").unwrap();
    let end = help.find("Options:").unwrap();
    insta::assert_snapshot!(&help[start..end], @"
    Commands:
      init         Write a services.toml for a repository
      list         List the services
      affected     Name the services that changed, and what depends on them
      why          Say why a service or task is affected, or why it is not
      graph        Show what depends on what
      build        Build the services that changed, and what depends on them
      test         Test the services that changed, and what depends on them
      run          Run any task of the services that changed, and of what depends on them
      deploy       Deploy what differs from what runs in an environment
      status       Show what runs where
      history      Show what was deployed to an environment
      changes      Show the commits that a deploy would bring
      rollback     Go back to what ran before in an environment
      promote      Bring the releases of one environment to another
      lock         Show, take or release the lease of an environment
      down         Take services away from an environment
      hook         Let git ask svc before each commit
      log          Show the log of a task's last run, or list the runs
      cache        Look after the store of results that builds and tests are taken from
      ci           Write a CI pipeline, and spread what is affected over its jobs
      new          Make a new service from a template
      check        Check services.toml
      doctor       Look for what is wrong, or will be
      schema       Print the JSON schema of services.toml, or of what svc prints
      completions  Print a completion script for a shell
      man          Print the manual page
      help         Print this message or the help of the given subcommand(s)
    ");
}

#[test]
fn the_help_of_a_deploy_reads_well() {
    let repo = TestRepo::new();
    insta::assert_snapshot!(repo.svc(&["deploy", "-h"]).stdout(), @"
    Deploy what differs from what runs in an environment

    Usage: svc deploy [OPTIONS] --env <ENV> [SERVICE]...

    Arguments:
      [SERVICE]...  Only these services, also if they are held

    Options:
      -e, --env <ENV>  The environment; `local` is this machine
      -h, --help       Print help (see more with '--help')

    Which services:
      -a, --all                All services, as without names
          --tag <TAG>          Only services with this tag; repeat for any of several
          --exclude <SERVICE>  Leave this service out; repeat for several
          --with-dependencies  Add everything that the selected services depend on

    What to deploy:
          --bootstrap       Deploy to an environment that has no history yet
          --adopt           Deploy nothing: record that what is checked out runs there already, after
                            its health check
          --force           Deploy what runs already, too
          --retry-held      Deploy what failed or was rolled back there before, too
          --resume          Go on with what the last deploy left: failed, interrupted or unknown
          --prune           Take down services that are no longer in services.toml
          --allow-diverged  Deploy a commit that does not come after the one that runs
          --plan <FILE>     Follow the plan in FILE, unless anything it was made from has moved

    How to deploy:
          --dry-run           Print the plan and deploy nothing
          --plan-out <FILE>   Write the plan to FILE, for `--plan`, and deploy nothing
          --atomic            All or nothing: if one service fails, roll back all that this deploy
                              changed
      -y, --yes               Do it without asking, also where the environment is protected
          --reason <TEXT>     Why, for the history
          --lock-wait <TIME>  Wait so long for somebody else's deploy to end, such as `10m` [default:
                              fail at once]
          --no-cache          Neither take results from the cache nor keep any

    Output:
          --log <WHICH>          Which output of tasks to show [default: on a terminal that of a single
                                 task and of failures, else all] [possible values: stream, grouped,
                                 failed, none]
          --events <FILE>        Write every event of the run to FILE, one JSON document a line
          --junit <FILE>         Write the results as JUnit XML to FILE: a suite for each service, a
                                 case for each task
          --code-quality <FILE>  Write what tools said of places in files to FILE, as a Code Quality
                                 report of GitLab

    Global options:
      -C, --directory <DIR>  Work in DIR instead of the current directory
      -v, --verbose...       Say more
      -q, --quiet            Say only what was asked for, and errors
          --format <FORMAT>  How to print answers and results [default: text] [possible values: text,
                             json]
      -j, --jobs <N>         How many tasks may run at once [default: one per processor] [env: SVC_JOBS]
          --color <WHEN>     When to use colours [default: auto, which heeds NO_COLOR and
                             CLICOLOR_FORCE] [possible values: auto, always, never]

    Examples:
      svc deploy --env local                  run what changed on this machine
      svc deploy --env staging --dry-run      what would be deployed, and why
      svc deploy --env staging api web        only these services
      svc deploy --env production --yes --lock-wait 10m   in a CI job
      svc deploy --env production --resume    go on with what the last deploy left
    ");
    insta::assert_snapshot!(repo.svc(&["rollback", "--help"]).stdout(), @"
    Brings back what ran before, with the values and the definitions that were recorded for it. Without
    services, what the last deploy changed goes back. What is replaced is held: it is not deployed there
    again by itself.

    Usage: svc rollback [OPTIONS] --env <ENV> [SERVICE]...

    Arguments:
      [SERVICE]...
              Only these services

    Options:
      -e, --env <ENV>
              The environment; `local` is this machine

          --to <ID>
              Go to what this deploy brought

          --dry-run
              Show what would be done and do nothing

      -y, --yes
              Do it without asking, also where the environment is protected

          --reason <TEXT>
              Why, for the history

          --lock-wait <TIME>
              Wait so long for somebody else's deploy to end, such as `10m` [default: fail at once]

      -h, --help
              Print help (see a summary with '-h')

    Output:
          --log <WHICH>
              Which output of tasks to show [default: on a terminal that of a single task and of
              failures, else all]

              Possible values:
              - stream:  Each line as it comes, with its task before it
              - grouped: All lines of a task together, when it ends
              - failed:  Only those of tasks that failed
              - none:    None, save the last lines of failures

          --events <FILE>
              Write every event of the run to FILE, one JSON document a line

          --junit <FILE>
              Write the results as JUnit XML to FILE: a suite for each service, a case for each task

          --code-quality <FILE>
              Write what tools said of places in files to FILE, as a Code Quality report of GitLab

    Global options:
      -C, --directory <DIR>
              Work in DIR instead of the current directory

      -v, --verbose...
              Say more

      -q, --quiet
              Say only what was asked for, and errors

          --format <FORMAT>
              How to print answers and results [default: text]

              Possible values:
              - text: For people
              - json: For machines: one document on standard output

      -j, --jobs <N>
              How many tasks may run at once [default: one per processor]
              
              [env: SVC_JOBS]

          --color <WHEN>
              When to use colours [default: auto, which heeds NO_COLOR and CLICOLOR_FORCE]
              
              [possible values: auto, always, never]

    Examples:
      svc rollback --env production           undo the last deploy
      svc rollback --env production api       only this service, to its predecessor
      svc rollback --env production api --to 20261123-140212-4f3a9c   to what that deploy brought
      svc history --env production api        the deploys there were
    ");
    insta::assert_snapshot!(repo.svc(&["lock", "--help"]).stdout(), @"
    Who deploys to an environment holds its lease. Taken by hand it is held until it is released, so
    that nobody deploys meanwhile; taken from a deploy that is under way, that starts no new step.

    Usage: svc lock [OPTIONS] <COMMAND>

    Commands:
      show     Say who has it
      take     Take it, from whoever has it, until it is released
      release  Release it, whoever has it
      help     Print this message or the help of the given subcommand(s)

    Options:
      -h, --help
              Print help (see a summary with '-h')

    Global options:
      -C, --directory <DIR>
              Work in DIR instead of the current directory

      -v, --verbose...
              Say more

      -q, --quiet
              Say only what was asked for, and errors

          --format <FORMAT>
              How to print answers and results [default: text]

              Possible values:
              - text: For people
              - json: For machines: one document on standard output

      -j, --jobs <N>
              How many tasks may run at once [default: one per processor]
              
              [env: SVC_JOBS]

          --color <WHEN>
              When to use colours [default: auto, which heeds NO_COLOR and CLICOLOR_FORCE]
              
              [possible values: auto, always, never]

    Examples:
      svc lock show --env production
      svc lock take --env production --reason 'moving the database'
      svc lock release --env production
    ");
}

#[test]
fn the_version_is_a_word_and_a_number() {
    let version = TestRepo::new().svc(&["--version"]).stdout();
    assert_eq!(version, format!("svc {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn every_shell_gets_a_script() {
    let repo = TestRepo::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = repo.svc(&["completions", shell]).stdout();
        assert!(COMMANDS.iter().all(|it| script.contains(it)), "{shell}");
    }
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = repo.svc(&["completions", shell]).stdout();
        assert!(!script.contains("supervise"), "{shell}: what is hidden");
    }
    let bash = repo.svc(&["completions", "bash"]).stdout();
    repo.write("script", bash);
    let check = repo
        .command("bash", repo.root())
        .args(["-n", "script"])
        .status()
        .unwrap();
    assert!(check.success());
    assert_eq!(repo.svc(&["completions", "tcsh"]).run().code(), 2);
}

#[test]
fn there_is_a_manual_page_for_all_and_for_each() {
    let repo = TestRepo::new();
    let page = repo.svc(&["man"]).stdout();
    assert!(
        page.contains(".TH svc 1") && page.contains("svc\\-build"),
        "{page}"
    );
    assert!(!page.contains("supervise"), "{page}");
    assert_eq!(repo.svc(&["man", "supervise"]).run().code(), 2);
    for command in COMMANDS {
        let page = repo.svc(&["man", command]).stdout();
        assert!(!page.contains("lease\\-term"), "{command}: {page}");
        assert!(
            page.contains(".TH") && page.contains("Examples"),
            "{command}: {page}"
        );
        assert!(
            page.contains(&format!("svc {command}")) || page.contains(&format!("svc\\-{command}")),
            "{command}: {page}"
        );
    }
}

#[test]
fn the_schema_accepts_the_example_and_refuses_mistakes() {
    let schema: Value = serde_json::from_str(&TestRepo::new().svc(&["schema"]).stdout()).unwrap();
    jsonschema::meta::validate(&schema).expect("a valid schema");
    let validator = jsonschema::validator_for(&schema).expect("a schema that compiles");
    let text = include_str!("../../examples/shop/services.toml");
    let shop: toml::Table = text.parse().expect("valid TOML");
    let shop = serde_json::to_value(shop).unwrap();
    let errors: Vec<_> = validator
        .iter_errors(&shop)
        .map(|it| it.to_string())
        .collect();
    assert_eq!(errors, Vec::<String>::new());
    for wrong in [
        "version = 1\n[services.a]\npaht = \"a\"",
        "version = 1\n[services.a]\npath = 1",
        "[services.Upper]\npath = \"a\"",
        "version = 2",
        "version = 1\n[services.a]\npath = \"a\"\nbuild = { run = \"x\", retry = \"often\" }",
    ] {
        let wrong: toml::Table = wrong.parse().expect("valid TOML");
        assert!(
            !validator.is_valid(&serde_json::to_value(&wrong).unwrap()),
            "{wrong}"
        );
    }
}
