//! Floor 1: the repository. The only room that knows git.
