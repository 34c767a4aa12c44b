//! Every key that a file may hold: its type, default, meaning and an example. Checks of unknown keys, the JSON schema and
//! the reference all come from here.

/// A kind of table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TableKind {
    Root,
    Workspace,
    Service,
    Task,
    Deploy,
    DeployEnvironment,
    Health,
    Serve,
    Environment,
    Ledger,
    Included,
    Uses,
    Preset,
    Detect,
    PresetParameter,
    Consumers,
    Target,
    TargetParameter,
}

/// What a value may be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Shape {
    /// The number of the format.
    Version,
    Text,
    /// One of a few words.
    Word(&'static [&'static str]),
    Boolean,
    /// A whole number between two bounds.
    Number(u64, u64),
    /// Such as `10m`.
    Duration,
    /// A version requirement such as `>=0.4`.
    Requirement,
    /// A path of a directory.
    Path,
    /// The name of a service, environment or such.
    Name,
    Names,
    /// Strings without further rules.
    Texts,
    /// One command or several.
    Commands,
    Patterns,
    Variables,
    Needs,
    /// Strings by variable.
    Values,
    /// Numbers by name.
    Slots,
    Table(TableKind),
    /// Tables by name.
    Tables(TableKind),
    /// Whatever fits what stands beside it.
    Any,
    /// Values by the names of files.
    Files,
    /// A name, or a table.
    TextOrTable(TableKind),
    /// A task's table, or its command alone.
    Task(TableKind),
    /// Tasks by name.
    Tasks(TableKind),
    /// A list of patterns, or a table.
    PatternsOrTable(TableKind),
    /// A list of variables, or tables by environment.
    VariablesOrTables(TableKind),
}

/// One key.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    pub name: &'static str,
    pub shape: Shape,
    /// In words; empty if there is none.
    pub default: &'static str,
    pub meaning: &'static str,
    /// A line of TOML within the table.
    pub example: &'static str,
}

/// One kind of table.
#[derive(Clone, Copy, Debug)]
pub struct TableRule {
    pub kind: TableKind,
    /// Its header as a person writes it.
    pub header: &'static str,
    pub meaning: &'static str,
    pub keys: &'static [&'static [Key]],
    /// Whether further keys are parameters of the target or preset.
    pub has_parameters: bool,
}

impl TableKind {
    /// The rule of this kind of table.
    pub fn rule(self) -> &'static TableRule {
        TABLES
            .iter()
            .find(|rule| rule.kind == self)
            .expect("each kind of table has a rule, as a test shows")
    }

    /// Whether it stands in a file of its own with names that tasks may well have, or within such a file.
    pub fn is_of_templates(self) -> bool {
        matches!(
            self,
            Self::Target | Self::TargetParameter | Self::Detect | Self::PresetParameter
        )
    }

    /// The keys of this kind of table.
    pub fn keys(self) -> impl Iterator<Item = &'static Key> {
        self.rule().keys.iter().copied().flatten()
    }

    /// The names of the keys.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        self.keys().map(|key| key.name)
    }
}

const fn key(
    name: &'static str,
    shape: Shape,
    default: &'static str,
    meaning: &'static str,
    example: &'static str,
) -> Key {
    Key {
        name,
        shape,
        default,
        meaning,
        example,
    }
}

/// Every kind of table, in the order of the reference.
pub const TABLES: &[TableRule] = &[
    TableRule {
        kind: TableKind::Root,
        header: "services.toml",
        meaning: "the whole file",
        keys: &[ROOT],
        has_parameters: false,
    },
    TableRule {
        kind: TableKind::Workspace,
        header: "[workspace]",
        meaning: "what holds for the whole workspace",
        keys: &[WORKSPACE],
        has_parameters: false,
    },
    TableRule {
        kind: TableKind::Service,
        header: "[services.NAME]",
        meaning: "one service",
        keys: &[SERVICE],
        has_parameters: false,
    },
    TableRule {
        kind: TableKind::Task,
        header: "[services.NAME.build], [services.NAME.tasks.TASK], [tasks.TASK]",
        meaning: "one task, or the defaults of every task with that name",
        keys: &[TASK, RESULTS],
        has_parameters: false,
    },
    TableRule {
        kind: TableKind::Deploy,
        header: "[services.NAME.deploy]",
        meaning: "how a service is deployed",
        keys: &[TASK_OF_DEPLOY, DEPLOY_ENV, DEPLOY],
        has_parameters: true,
    },
    TableRule {
        kind: TableKind::DeployEnvironment,
        header: "[services.NAME.deploy.env.ENVIRONMENT]",
        meaning: "what differs when the service is deployed to one environment",
        keys: &[DEPLOY],
        has_parameters: true,
    },
    TableRule {
        kind: TableKind::Health,
        header: "health = { … }",
        meaning: "how a deploy finds out that the service is well: one of `http`, `tcp` and `command`",
        keys: &[HEALTH],
        has_parameters: false,
    },
    TableRule {
        kind: TableKind::Serve,
        header: "serve = { … }",
        meaning: "how the service runs on this machine",
        keys: &[SERVE],
        has_parameters: false,
    },
    TableRule {
        kind: TableKind::Environment,
        header: "[environments.NAME]",
        meaning: "a place to deploy to",
        keys: &[ENVIRONMENT],
        has_parameters: true,
    },
    TableRule {
        kind: TableKind::Ledger,
        header: "[ledger]",
        meaning: "where the history of deploys is kept",
        keys: &[LEDGER],
        has_parameters: false,
    },
    TableRule {
        kind: TableKind::Included,
        header: "an included file",
        meaning: "a file that `include` names",
        keys: &[INCLUDED],
        has_parameters: false,
    },
    TableRule {
        kind: TableKind::Uses,
        header: "uses = { … }",
        meaning: "the preset of a service, with parameters",
        keys: &[USES],
        has_parameters: true,
    },
    TableRule {
        kind: TableKind::Preset,
        header: ".svc/presets/NAME.toml",
        meaning: "a preset of the workspace's own, for services that say `uses = \"NAME\"`; the texts of its tasks are templates",
        keys: &[PRESET],
        has_parameters: false,
    },
    TableRule {
        kind: TableKind::Detect,
        header: "detect = { … }",
        meaning: "the directories that a preset fits, by the files that lie in them",
        keys: &[DETECT],
        has_parameters: false,
    },
    TableRule {
        kind: TableKind::PresetParameter,
        header: "a parameter of a preset",
        meaning: "something that a service that uses the preset may say",
        keys: &[PRESET_PARAMETER],
        has_parameters: false,
    },
    TableRule {
        kind: TableKind::Consumers,
        header: "[consumers]",
        meaning: "what tasks of dependents read of a service with this preset",
        keys: &[CONSUMERS],
        has_parameters: false,
    },
    TableRule {
        kind: TableKind::Target,
        header: ".svc/targets/NAME.toml",
        meaning: "a target of the workspace's own, for deploys that say `target = \"NAME\"`; the steps are templates of commands",
        keys: &[TARGET],
        has_parameters: false,
    },
    TableRule {
        kind: TableKind::TargetParameter,
        header: "a parameter of a target",
        meaning: "something that a deploy by the target may say",
        keys: &[TARGET_PARAMETER],
        has_parameters: false,
    },
];

const ROOT: &[Key] = &[
    key(
        "version",
        Shape::Version,
        "",
        "the version of this format, always 1; required",
        "version = 1",
    ),
    key(
        "workspace",
        Shape::Table(TableKind::Workspace),
        "",
        "what holds for the whole workspace",
        "workspace = { name = \"shop\" }",
    ),
    key(
        "services",
        Shape::Tables(TableKind::Service),
        "",
        "the services, by name",
        "services.api = { path = \".\" }",
    ),
    key(
        "tasks",
        Shape::Tasks(TableKind::Task),
        "",
        "defaults for the tasks of every service that has them, by name; creates no task",
        "tasks.test = { timeout = \"10m\" }",
    ),
    key(
        "pools",
        Shape::Slots,
        "",
        "how many tasks that name a pool may run at once",
        "pools = { docker = 1 }",
    ),
    key(
        "environments",
        Shape::Tables(TableKind::Environment),
        "",
        "the places to deploy to, by name; `local` exists without being written",
        "environments.staging = { target = \"kubernetes\" }",
    ),
    key(
        "ledger",
        Shape::Table(TableKind::Ledger),
        "",
        "where the history of deploys is kept",
        "ledger = { store = \"git\" }",
    ),
];

const WORKSPACE: &[Key] = &[
    key(
        "name",
        Shape::Text,
        "",
        "the name of the workspace, for people",
        "name = \"shop\"",
    ),
    key(
        "svc",
        Shape::Requirement,
        "",
        "the versions of `svc` that may read this file",
        "svc = \">=0.1\"",
    ),
    key(
        "default-branch",
        Shape::Text,
        "origin/HEAD, then `main`, then `master`",
        "the branch that changes are compared with",
        "default-branch = \"main\"",
    ),
    key(
        "global-inputs",
        Shape::Patterns,
        "[]",
        "files that every task of every service reads; patterns from the workspace root",
        "global-inputs = [\".tool-versions\"]",
    ),
    key(
        "lock-files",
        Shape::Patterns,
        "[]",
        "lock files that count, for each service whose tasks read them, only by the part that its package needs; patterns from the workspace root",
        "lock-files = [\"Cargo.lock\"]",
    ),
    key(
        "ignore",
        Shape::Patterns,
        "[]",
        "files that affect nothing, unless the inputs of a task name them; patterns from the workspace root",
        "ignore = [\"**/*.md\"]",
    ),
    key(
        "pass-env",
        Shape::Variables,
        "[]",
        "variables that are handed to every task and cannot change a result; `PREFIX_*` stands for all that begin so",
        "pass-env = [\"MY_PROXY\"]",
    ),
    key(
        "include",
        Shape::Patterns,
        "[]",
        "further files with `[services]`; their paths are relative to their own directory",
        "include = []",
    ),
];

const SERVICE: &[Key] = &[
    key(
        "path",
        Shape::Path,
        "",
        "the directory of the service, relative to the file; `.` is the directory of the file; required",
        "path = \".\"",
    ),
    key(
        "uses",
        Shape::TextOrTable(TableKind::Uses),
        "",
        "a preset that gives tasks, inputs and more: one that `svc` brings along or `.svc/presets/NAME.toml`; a table also says its parameters",
        "uses = \"rust\"",
    ),
    key(
        "depends-on",
        Shape::Names,
        "[]",
        "the services that this one depends on",
        "depends-on = [\"common\"]",
    ),
    key(
        "inputs",
        Shape::Texts,
        "[]",
        "files elsewhere that all its tasks read, save `deploy`: `...` in the `inputs` of a task stands for them, too",
        "inputs = [\"/proto/*.proto\"]",
    ),
    key(
        "tags",
        Shape::Texts,
        "[]",
        "words to select services by, with `--tag`",
        "tags = [\"backend\"]",
    ),
    key(
        "serve",
        Shape::Table(TableKind::Serve),
        "",
        "how the service runs on this machine",
        "serve = { run = \"./server\", port = 8081 }",
    ),
    key(
        "build",
        Shape::Task(TableKind::Task),
        "",
        "the task `build`: a command, or a table",
        "build = \"cargo build\"",
    ),
    key(
        "test",
        Shape::Task(TableKind::Task),
        "",
        "the task `test`: a command, or a table",
        "test = \"cargo test\"",
    ),
    key(
        "deploy",
        Shape::Task(TableKind::Deploy),
        "",
        "the task `deploy`: a command, or a table",
        "deploy = \"./deploy.sh\"",
    ),
    key(
        "tasks",
        Shape::Tasks(TableKind::Task),
        "",
        "any other tasks, by name",
        "tasks.lint = \"cargo clippy\"",
    ),
];

macro_rules! task_keys {
    ($($more:expr),*) => {
        &[
            key(
                "run",
                Shape::Commands,
                "",
                "the command, or several; each runs in a shell of its own in the directory of the service",
                "run = [\"./generate.sh\", \"make\"]",
            ),
            key(
                "inputs",
                Shape::Patterns,
                "[\"...\"]",
                "the files that the task reads; `...` stands for what was inherited, a leading `/` for the workspace root, a leading `!` leaves files out; what git ignores counts only if it is named",
                "inputs = [\"...\", \"/proto/api.proto\", \"!**/*.snap\"]",
            ),
            key(
                "needs",
                Shape::Needs,
                "build: [\"^build\"]; test: [\"build\"]; deploy: [\"build\", \"test\", \"^deploy\"]",
                "the tasks that come first: `build` of the same service, `^build` of each dependency, `other:build` of another service",
                "needs = [\"...\", \"^build\"]",
            ),
            key(
                "secrets",
                Shape::Variables,
                "[]",
                "variables that are handed on, cannot change the result and are masked wherever they would show",
                "secrets = [\"NPM_TOKEN\"]",
            ),
            key(
                "pass-env",
                Shape::Variables,
                "[]",
                "variables that are handed on and cannot change the result; `PREFIX_*` stands for all that begin so",
                "pass-env = [\"DISPLAY\"]",
            ),
            key(
                "strict-env",
                Shape::Boolean,
                "true",
                "`false` hands on all variables",
                "strict-env = false",
            ),
            key(
                "shell",
                Shape::Commands,
                "[\"sh\", \"-eu\", \"-c\"]",
                "the program that each command is handed to, with its arguments",
                "shell = [\"bash\", \"-euo\", \"pipefail\", \"-c\"]",
            ),
            key(
                "tools",
                Shape::Texts,
                "[]",
                "commands whose output can change the result, such as versions; each runs once in a run, in the directory of the service",
                "tools = [\"rustc --version\"]",
            ),
            key(
                "timeout",
                Shape::Duration,
                "no limit",
                "how long the task may take",
                "timeout = \"15m\"",
            ),
            key(
                "retry",
                Shape::Number(0, 100),
                "0",
                "how many more times a failed task is tried",
                "retry = 1",
            ),
            key(
                "pool",
                Shape::Text,
                "",
                "the pool whose slots the task shares",
                "pool = \"docker\"",
            ),
            key(
                "exclusive",
                Shape::Boolean,
                "false",
                "whether nothing else runs meanwhile",
                "exclusive = true",
            ),
            key(
                "grace",
                Shape::Duration,
                "10s",
                "how long a task that is asked to end may take before it is killed; a step of a deploy, unless it says more, `2s`",
                "grace = \"5s\"",
            ),
            $($more),*
        ]
    };
}

const TASK: &[Key] = task_keys!(key(
    "env",
    Shape::Variables,
    "[]",
    "variables that are handed on and can change the result; `PREFIX_*` stands for all that begin so",
    "env = [\"RUSTFLAGS\"]",
));

const TASK_OF_DEPLOY: &[Key] = task_keys!();

const RESULTS: &[Key] = &[
    key(
        "outputs",
        Shape::Patterns,
        "",
        "the files that the task leaves behind, below the directory of the service: the cache keeps them and puts them back; `[]` says that there are none",
        "outputs = [\"dist\"]",
    ),
    key(
        "cache",
        Shape::Boolean,
        "true for `test`, `lint`, and a `build` with `outputs`",
        "whether a passed result is kept, and taken instead of a run that would come out the same",
        "cache = true",
    ),
];

const DEPLOY_ENV: &[Key] = &[key(
    "env",
    Shape::VariablesOrTables(TableKind::DeployEnvironment),
    "",
    "tables by environment with what differs there; or a list of variables as in any other task",
    "env.production = { replicas = 5 }",
)];

const DEPLOY: &[Key] = &[
    key(
        "target",
        Shape::Text,
        "the target of the environment",
        "how the service gets there; further keys of the table are parameters of the target",
        "target = \"kubernetes\"",
    ),
    key(
        "health",
        Shape::Table(TableKind::Health),
        "",
        "how to find out that the service is well",
        "health = { http = \"http://api.example.test/healthz\" }",
    ),
    key(
        "before",
        Shape::Commands,
        "[]",
        "commands that run before the service is deployed, as a part of the deploy",
        "before = \"./migrate.sh\"",
    ),
    key(
        "after",
        Shape::Commands,
        "[]",
        "commands that run after the service is deployed, as a part of the deploy",
        "after = \"./warm-up.sh\"",
    ),
    key(
        "replicas",
        Shape::Number(0, 100_000),
        "",
        "how many instances run",
        "replicas = 2",
    ),
];

const HEALTH: &[Key] = &[
    key(
        "http",
        Shape::Text,
        "",
        "an address that answers when the service is well",
        "http = \"http://localhost:8080/healthz\"",
    ),
    key(
        "tcp",
        Shape::Text,
        "",
        "a host and port that accept connections when the service is well",
        "tcp = \"localhost:5432\"",
    ),
    key(
        "command",
        Shape::Text,
        "",
        "a command that passes when the service is well",
        "command = \"./healthy.sh\"",
    ),
    key(
        "status",
        Shape::Number(100, 599),
        "any of 200 to 299",
        "the status that `http` has to answer",
        "status = 204",
    ),
    key(
        "body",
        Shape::Text,
        "",
        "text that the answer of `http` has to hold",
        "body = \"ok\"",
    ),
    key(
        "timeout",
        Shape::Duration,
        "60s",
        "how long the service may take to become well",
        "timeout = \"2m\"",
    ),
    key(
        "interval",
        Shape::Duration,
        "1s",
        "the time between two questions",
        "interval = \"500ms\"",
    ),
    key(
        "successes",
        Shape::Number(1, 1000),
        "1",
        "how many good answers in a row count as well",
        "successes = 2",
    ),
];

const SERVE: &[Key] = &[
    key(
        "run",
        Shape::Text,
        "",
        "the command that serves until it is ended; required",
        "run = \"target/release/api\"",
    ),
    key(
        "port",
        Shape::Number(1, 65_535),
        "a free one",
        "the port that it listens on, in `SVC_PORT`",
        "port = 8081",
    ),
    key(
        "health",
        Shape::Text,
        "",
        "the path that answers when the service is well",
        "health = \"/healthz\"",
    ),
];

const ENVIRONMENT: &[Key] = &[
    key(
        "target",
        Shape::Text,
        "",
        "how services get there; further keys of the table are parameters of the target",
        "target = \"kubernetes\"",
    ),
    key(
        "promote-from",
        Shape::Name,
        "",
        "the environment that a release must have run in before",
        "promote-from = \"staging\"",
    ),
    key(
        "branches",
        Shape::Texts,
        "any branch",
        "the branches that may deploy here",
        "branches = [\"main\"]",
    ),
    key(
        "protected",
        Shape::Boolean,
        "false",
        "whether a deploy asks first, or needs `--yes` where nobody can answer",
        "protected = true",
    ),
    key(
        "on-failure",
        Shape::Word(&["rollback", "stop", "continue"]),
        "\"rollback\"",
        "what happens when the deploy of a service fails",
        "on-failure = \"stop\"",
    ),
    key(
        "env",
        Shape::Values,
        "",
        "plain variables of every deploy here",
        "env = { LOG_LEVEL = \"warn\" }",
    ),
];

const LEDGER: &[Key] = &[
    key(
        "store",
        Shape::Word(&["git", "file"]),
        "\"git\" where there is a remote, else \"file\"",
        "the kind of store",
        "store = \"git\"",
    ),
    key(
        "remote",
        Shape::Text,
        "\"origin\"",
        "the remote that holds the history",
        "remote = \"origin\"",
    ),
    key(
        "ref-prefix",
        Shape::Text,
        "\"refs/svc\"",
        "where the history lies among the refs",
        "ref-prefix = \"refs/svc\"",
    ),
];

const INCLUDED: &[Key] = &[key(
    "services",
    Shape::Tables(TableKind::Service),
    "",
    "the services, by name",
    "services.api = { path = \".\" }",
)];

const USES: &[Key] = &[key(
    "preset",
    Shape::Text,
    "",
    "the name of the preset; required",
    "preset = \"rust\"",
)];

const DETECT: &[Key] = &[
    key(
        "any",
        Shape::Texts,
        "[]",
        "one of these has to be there: files, or paths below the directory, `*` stands for any letters",
        "any = [\"Cargo.toml\"]",
    ),
    key(
        "all",
        Shape::Texts,
        "[]",
        "each of these has to be there",
        "all = [\"package.json\", \"tsconfig.json\"]",
    ),
    key(
        "rank",
        Shape::Number(0, 1000),
        "0",
        "of several presets that fit, the one with the greatest is taken",
        "rank = 50",
    ),
];

const PRESET_PARAMETER: &[Key] = &[
    key(
        "kind",
        Shape::Word(&["text", "number", "flag", "list", "path"]),
        "\"text\"",
        "what it may be: a `list` holds strings; a `path` has no globs, whatever is in it",
        "kind = \"list\"",
    ),
    key(
        "required",
        Shape::Boolean,
        "false",
        "whether every service that uses the preset has to say it",
        "required = true",
    ),
    key(
        "default",
        Shape::Any,
        "",
        "what it is where nobody says it and nothing is found",
        "default = \"x\"",
    ),
    key(
        "about",
        Shape::Text,
        "",
        "what it is for",
        "about = \"the program that the build leaves behind\"",
    ),
    key(
        "nearest",
        Shape::Files,
        "",
        "files and what each stands for: the one in the nearest directory decides, from that of the service up to that of the workspace, and of several there the first",
        "nearest = { \"yarn.lock\" = \"yarn\" }",
    ),
    key(
        "directory-of",
        Shape::Texts,
        "",
        "files: it is the nearest directory that has one of them, from the workspace, without slashes at its ends, and empty for the workspace itself",
        "directory-of = [\"Cargo.lock\"]",
    ),
    key(
        "from",
        Shape::Word(&[
            "program",
            "program-source",
            "output-directory",
            "archive",
            "image-context",
            "image-file",
            "test-runner",
            "test-directory",
        ]),
        "",
        "what `svc init` writes for it, where the files that the preset is known by leave no doubt: the name of the one program, the directory of its sources, the directory that a build leaves behind, the archive that runs, the directory and the file that an image is built from where these lie above the service, or the module that tests are written for and the directory that it has to look in",
        "from = \"program\"",
    ),
];

const PRESET: &[Key] = &[
    key(
        "about",
        Shape::Text,
        "",
        "what it is for, in a line",
        "about = \"Packages of our own build tool\"",
    ),
    key(
        "detect",
        Shape::Table(TableKind::Detect),
        "",
        "which directories it fits",
        "detect = { any = [\"BUILD\"] }",
    ),
    key(
        "parameters",
        Shape::Tables(TableKind::PresetParameter),
        "",
        "what a service may say, by name; templates know them by the name with `-` as `_`",
        "parameters.bin = { default = \"\" }",
    ),
    key(
        "build",
        Shape::Task(TableKind::Task),
        "",
        "the task `build`",
        "build = \"make\"",
    ),
    key(
        "test",
        Shape::Task(TableKind::Task),
        "",
        "the task `test`",
        "test = \"make test\"",
    ),
    key(
        "deploy",
        Shape::Task(TableKind::Deploy),
        "",
        "the task `deploy`",
        "deploy = \"./deploy.sh\"",
    ),
    key(
        "tasks",
        Shape::Tasks(TableKind::Task),
        "",
        "any other tasks, by name",
        "tasks.lint = \"make lint\"",
    ),
    key(
        "consumers",
        Shape::PatternsOrTable(TableKind::Consumers),
        "[]",
        "files of a service that the tasks of its dependents read, because they build from its sources; a list is read by all dependents",
        "consumers = [\"**/*.rs\"]",
    ),
];

const CONSUMERS: &[Key] = &[
    key(
        "files",
        Shape::Patterns,
        "[]",
        "files of the service; patterns from its directory, those that begin with `!` leave files out",
        "files = [\"**/*.rs\", \"Cargo.toml\"]",
    ),
    key(
        "presets",
        Shape::Names,
        "all",
        "the presets of dependents that read them",
        "presets = [\"rust\"]",
    ),
];

const TARGET: &[Key] = &[
    key(
        "about",
        Shape::Text,
        "",
        "what it is for, in a sentence",
        "about = \"Copies the service to a machine\"",
    ),
    key(
        "parameters",
        Shape::Tables(TableKind::TargetParameter),
        "",
        "what a deploy may say, by name; templates know them by the name with `-` as `_`",
        "parameters.host = { kind = \"text\" }",
    ),
    key(
        "can-scale",
        Shape::Boolean,
        "false",
        "whether `replicas` is passed on",
        "can-scale = true",
    ),
    key(
        "url",
        Shape::Text,
        "",
        "where a service answers, unless its `url` says otherwise",
        "url = \"http://${service}.${env}.example.test\"",
    ),
    key(
        "health",
        Shape::Table(TableKind::Health),
        "",
        "how to find out that a service is well, unless its `health` says otherwise",
        "health = { http = \"${url}/healthz\" }",
    ),
    key(
        "prelude",
        Shape::Text,
        "",
        "shell text that every command of the target begins with",
        "prelude = \"cd ops\"",
    ),
    key(
        "deploy",
        Shape::Commands,
        "",
        "brings a release; required",
        "deploy = \"ops/bring {{ service }} {{ version }}\"",
    ),
    key(
        "rollback",
        Shape::Commands,
        "`deploy` with what is recorded of the release before",
        "goes back to the release that ran before",
        "rollback = \"ops/back {{ service }} {{ version }}\"",
    ),
    key(
        "undo",
        Shape::Commands,
        "",
        "goes back where too little is recorded of the release before to deploy it again",
        "undo = \"ops/undo {{ service }}\"",
    ),
    key(
        "remove",
        Shape::Commands,
        "",
        "takes the service away",
        "remove = \"ops/remove {{ service }}\"",
    ),
    key(
        "status",
        Shape::Commands,
        "",
        "shows what runs, for people",
        "status = \"ops/show {{ service }}\"",
    ),
    key(
        "check",
        Shape::Commands,
        "",
        "fails if something that a deploy needs is missing; runs first and changes nothing",
        "check = \"ops/has {{ service }} {{ version }}\"",
    ),
];

const TARGET_PARAMETER: &[Key] = &[
    key(
        "kind",
        Shape::Word(&["text", "number", "flag", "list", "path", "table"]),
        "",
        "what it may be: a `list` holds strings, a `table` strings by name, a `path` is relative to the service or, with a leading `/`, to the workspace; required",
        "kind = \"path\"",
    ),
    key(
        "required",
        Shape::Boolean,
        "false",
        "whether every deploy has to say it",
        "required = true",
    ),
    key(
        "default",
        Shape::Any,
        "",
        "what it is where nobody says it",
        "default = \"x\"",
    ),
    key(
        "about",
        Shape::Text,
        "",
        "what it is for",
        "about = \"where it is copied to\"",
    ),
    key(
        "inputs",
        Shape::Word(&["files", "kustomization", "compose", "chart"]),
        "",
        "makes the files that it names a part of the deploy, and what files of that format refer to; a change of them makes the service due",
        "inputs = \"files\"",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_table_has_a_key_twice() {
        for rule in TABLES {
            let mut names: Vec<_> = rule.kind.names().collect();
            let all = names.len();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), all, "{:?}", rule.kind);
        }
    }
}
