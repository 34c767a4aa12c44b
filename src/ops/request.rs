//! What a user asks for, free of the command line: every flag has its meaning here.

use crate::model::change::Base;

/// Which two states to compare.
#[derive(Clone, Debug, Default)]
pub struct CompareRequest {
    pub base: BaseRequest,
    pub head: HeadRequest,
    /// Whether a base that cannot be found is an error.
    pub strict_base: bool,
}

/// Where the older state comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum BaseRequest {
    /// From `SVC_BASE`, the CI system or the default branch.
    #[default]
    Derived,
    /// The merge-base of a revision and the head.
    MergeBase(String),
    /// A revision itself.
    Exact(String),
    /// What was found already.
    Known(Base),
}

/// Where the newer state comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum HeadRequest {
    /// The working tree; in CI the commit that is checked out.
    #[default]
    Derived,
    Index,
    Commit(String),
}

impl CompareRequest {
    /// Whether a flag says what to compare.
    pub fn is_explicit(&self) -> bool {
        self.base != BaseRequest::Derived || self.head != HeadRequest::Derived
    }
}

/// Which services, by the names that the user wrote.
#[derive(Clone, Debug, Default)]
pub struct SelectRequest {
    /// Services, or full names of tasks.
    pub names: Vec<String>,
    pub all: bool,
    pub tags: Vec<String>,
    pub exclude: Vec<String>,
    pub no_dependents: bool,
    pub with_dependencies: bool,
}

impl SelectRequest {
    /// Whether what is selected depends on what changed, rather than on names alone.
    pub fn asks_for_changes(&self, compare: &CompareRequest) -> bool {
        !self.all && (self.names.is_empty() || compare.is_explicit())
    }
}
