//! What files of other tools say: packages, what they need, what they read. Plain facts, each with the line it stands on.
//! Which services and dependencies follow from them is decided elsewhere.

use crate::model::path::FilePath;

/// What one file says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Manifest {
    pub file: FilePath,
    pub facts: Vec<Fact>,
}

/// One thing that a file says of a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    /// The directory that it is said of, from the workspace: for a manifest its own, for a compose file the one that a
    /// component is built in.
    pub about: FilePath,
    /// The line it stands on, from 1.
    pub line: u32,
    pub what: What,
}

/// What is said. Paths are from the workspace, without `.` and `..`; what would leave the workspace is not said at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// The directory is a package.
    Package {
        ecosystem: Ecosystem,
        /// As its ecosystem writes it: `@shop/cart`, `example.com/shop/cart`, `org.shop:cart`, `:libs:cart`.
        name: Option<String>,
        makes: Makes,
    },
    /// The directory gathers packages: glob patterns relative to it, as the ecosystem writes them.
    Gathers {
        ecosystem: Ecosystem,
        members: Vec<String>,
        excluded: Vec<String>,
    },
    /// Below the directory, `name` stands for the directory (or the project file) at `path`.
    Offers {
        ecosystem: Ecosystem,
        name: String,
        path: FilePath,
    },
    /// It needs what `name` stands for; nothing follows where that is not in this workspace. For cargo it has to be
    /// offered: a package of that name alone is not meant, it is the one of the registry.
    Needs {
        ecosystem: Ecosystem,
        name: String,
        tie: Tie,
    },
    /// A component of the compose files of the directory wants another to run first, both by the names in those files.
    StartsAfter { component: String, other: String },
    /// It reads the file, or the directory, at `path`.
    Reads { path: FilePath, tie: Tie },
    /// Every package of the ecosystem in the directory, and below it, reads the file or directory at `path`.
    ReadBelow {
        ecosystem: Ecosystem,
        path: FilePath,
    },
    /// An image takes `source` over from the directory it is built in, which the file itself does not know: a path or a
    /// pattern as it is written there.
    Copies { source: String },
    /// The image of `dockerfile` is built with `context` as its directory.
    BuiltFrom {
        context: FilePath,
        dockerfile: FilePath,
    },
    /// An image begins from another that is not built here, at this name: `debian:12-slim`.
    BaseImage(String),
    /// It has a command under this name: a script of `package.json`, a target of a makefile.
    Script { name: String, command: String },
    /// Another tool's definition of a task.
    Task(Box<ForeignTask>),
    /// Below the directory, inputs of foreign tasks say `@name` for these patterns.
    InputSet { name: String, patterns: Vec<String> },
    /// Something of another tool that has no counterpart here, in a few words for people.
    Unsupported(String),
    /// It belongs to a group.
    Tag(String),
    /// Every service reads these files: a pattern from the workspace.
    Global(String),
    /// The files of this pattern, from the workspace, are somebody else's.
    Vendored(String),
    /// The files of this pattern, from the workspace, were made from others.
    Generated(String),
    /// It listens on this port.
    Port(u16),
    /// It is started like this, in an image or by a compose file.
    Starts(Box<Starting>),
    /// The file is a manifest of Kubernetes.
    Applied {
        /// Whether it has something that runs.
        runs: bool,
        /// Whether what runs is given more than its image holds: variables, files, another command.
        gives: bool,
        /// Whether it means something only with values from elsewhere, or as a part of something else.
        is_template: bool,
    },
    /// A build of it leaves something behind.
    Leaves { product: Product, said: Said },
    /// A program begins in the file.
    Begins,
    /// The tests in the file are written for this module: `unittest`, `pytest`.
    TestedBy(String),
    /// A compiler goes by the file.
    Compiles(Box<Compiling>),
}

/// How something is started, as far as its image or a compose file says so.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Starting {
    /// The program and its arguments. Empty where nothing, or nothing simple, says so.
    pub command: Vec<String>,
    /// Where it listens.
    pub ports: Vec<u16>,
    /// The variables that it is given, with their values where these are known.
    pub variables: Vec<(String, Option<String>)>,
    /// Whether it is given more: files, others that have to run, another command.
    pub wants_more: bool,
    /// What is asked whether it is well: a port, and the path there.
    pub health: Option<(u16, String)>,
}

/// What a build may leave behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Product {
    /// A program, known by its name.
    Program,
    /// A directory that holds nothing else, known by its path.
    Directory,
    /// An archive that runs by itself, known by its path or a pattern of it.
    Archive,
}

/// How something that is left behind is called. Paths are from the directory that it is said of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// By this name, or at this path.
    As(String),
    /// So, if there is such a file.
    IfThere { file: String, name: String },
    /// One by each name that makes a file of `below`, the name and `ending`.
    Each { below: String, ending: String },
    /// As the compiler that goes by this file says; with `follows`, by the files that it refers to as well, and only what is
    /// new since it was last run.
    Configured { file: String, follows: bool },
    /// Nobody can tell from outside.
    Unknown,
}

/// What a compiler's file says of what it leaves behind; none where it says nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Compiling {
    /// The directory, from the workspace.
    pub into: Option<FilePath>,
    /// Whether it leaves anything at all.
    pub emits: Option<bool>,
    /// Whether it compiles only what is new since it was last run. What it left then has to be there still.
    pub remembers: Option<bool>,
    /// Files whose word counts where this one says nothing, the last of them first of all.
    pub extends: Vec<FilePath>,
    /// Whether it goes by something else that is not known here.
    pub is_obscure: bool,
    /// The files, or the directories of files, that are compiled with it where references are followed.
    pub references: Vec<FilePath>,
}

/// Whose names are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Ecosystem {
    Cargo,
    Go,
    Npm,
    Python,
    Maven,
    Gradle,
    Dotnet,
    Composer,
    Gem,
    Mix,
    Cmake,
    Helm,
    /// Names of images that are built in this workspace.
    Image,
    /// Names within one compose file.
    Compose,
    /// Import paths of protobuf files.
    Proto,
    /// Names of projects in `nx.json`, `moon.yml` and their like.
    Project,
}

/// What a package is there for, as far as its manifest says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Makes {
    /// Something that runs.
    Program,
    /// Something that others use.
    Library,
    /// Its manifest does not say.
    Either,
    /// Nothing: it only gathers or configures others.
    Nothing,
}

/// How strongly one directory depends on another. The weakest go first when a circle has to be broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tie {
    /// It wants the other to run before it starts, or is deployed together with it: no file of the other is built in.
    StartsAfter,
    /// A script or a development tool mentions the other.
    Mentions,
    /// It takes files of the other.
    Takes,
    /// Its manifest declares the other.
    Declares,
}

/// A task as another tool defines it. All fields as far as they mean something here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ForeignTask {
    pub name: String,
    pub whose: Whose,
    /// None where the tool takes the command from elsewhere, such as a script of the same name.
    pub run: Option<String>,
    /// Patterns as `services.toml` writes them, `...` for the service's own files; `@name` for an input set.
    pub inputs: Option<Vec<String>>,
    pub outputs: Option<Vec<String>>,
    /// As `services.toml` writes them: `build`, `^build`; for other projects `NAME:build`, by the foreign tool's name.
    pub needs: Option<Vec<String>>,
    pub env: Vec<String>,
    pub pass_env: Vec<String>,
    pub cache: Option<bool>,
    /// Whether it runs until it is stopped, as development servers do.
    pub is_endless: bool,
    /// For defaults: tasks that do not say where they run, run in the directory of their package.
    pub is_at_home: bool,
    /// What `run` is in the directory of the package, where it does not say where it runs.
    pub run_at_home: Option<String>,
}

/// To which packages a foreign task belongs.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Whose {
    /// To the directory that it is said of.
    #[default]
    Own,
    /// To the project of this name.
    Project(String),
    /// To all packages below the directory that have a script or a task of this name themselves: it says how that is to
    /// be run.
    OfThoseWithIt,
    /// To all packages below the directory.
    Everyones,
    /// To all packages below the directory that have this tag.
    Tagged(String),
}
