//! Whether an earlier result stands for a task, and what it lacks if not: an answer for people and machines.

use crate::model::difference::Difference;
use crate::model::name::TaskId;
use crate::model::plan::Verdict;

/// What is known of a task's earlier results.
#[derive(Clone, Debug, PartialEq)]
pub struct Standing {
    pub verdict: Verdict,
    /// The cache key, where it is known.
    pub key: Option<String>,
    /// Why the verdict is what it is, in short.
    pub reason: String,
    /// The key of the earlier result that differs least, and everything that differs from it.
    pub nearest: Option<(String, Vec<Difference>)>,
    /// Needed tasks that have to run first: what they will leave is not known.
    pub later: Vec<TaskId>,
    /// Tools that were not asked, since nothing is run to answer.
    pub unasked: Vec<String>,
}
