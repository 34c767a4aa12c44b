//! Files with problems, and what is said of them.
