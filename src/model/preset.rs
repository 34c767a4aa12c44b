//! Presets as a person chooses one: what they are for, and which directories they fit.

/// What a preset says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preset {
    pub name: String,
    /// One line.
    pub about: String,
    /// None: nothing gets it by itself.
    pub detect: Option<Detect>,
    /// Whether it is the workspace's own.
    pub is_own: bool,
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
