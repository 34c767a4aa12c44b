//! Presets as a person chooses one: what they are for, and which directories they fit.

/// What a preset says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preset {
    pub name: String,
    /// One line.
    pub about: String,
    /// None: nothing gets it by itself.
    pub detect: Option<Detect>,
    /// Parameters whose values a draft finds in what files say of a package.
    pub filled: Vec<Filled>,
    /// Whether it is the workspace's own.
    pub is_own: bool,
}

/// A parameter that a draft fills where it is sure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filled {
    pub parameter: String,
    pub from: Source,
    /// What need not be written, since it is so anyway.
    pub default: Option<String>,
}

/// What a parameter is filled with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The name of the one program that the package makes.
    Program,
    /// The directory of that program's sources: `.`, `./cmd/catalog`.
    ProgramSource,
    /// The one directory that its build leaves behind.
    OutputDirectory,
    /// The archive that it leaves behind, if it runs.
    Archive,
    /// The directory that its image is built in, where that lies above the service: `../..`.
    ImageContext,
    /// The file that its image is built from, where the directory lies above the service.
    ImageFile,
    /// The module that its tests are written for.
    TestRunner,
    /// The directory that this module has to look in, where it would not find them by itself.
    TestDirectory,
}

impl Source {
    /// All of them, as preset files name them.
    pub const ALL: [(&'static str, Source); 8] = [
        ("program", Source::Program),
        ("program-source", Source::ProgramSource),
        ("output-directory", Source::OutputDirectory),
        ("archive", Source::Archive),
        ("image-context", Source::ImageContext),
        ("image-file", Source::ImageFile),
        ("test-runner", Source::TestRunner),
        ("test-directory", Source::TestDirectory),
    ];
}

/// Which directories a preset fits, by what lies in them: names of files, or paths of files or directories below them, in
/// which `*` stands for any letters of a name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Detect {
    /// One of these has to be there; where the list is empty, nothing of it has to.
    pub any: Vec<String>,
    /// Each of these has to be there.
    pub all: Vec<String>,
    /// Of several presets that fit, the one with the greatest rank is taken.
    pub rank: i64,
}
