//! The fast reader of the repository against the real `git`.
#![expect(
    clippy::disallowed_methods,
    reason = "the tests start git and read how long they shall run"
)]
#![allow(
    clippy::unwrap_used,
    reason = "a test ends where something is not as it set it up"
)]

mod pitfalls;
mod random;
mod world;
