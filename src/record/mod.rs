//! Floor 1: the runs of this worktree: results, durations, logs.
