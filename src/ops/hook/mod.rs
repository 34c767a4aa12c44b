//! `svc hook`: git asks `svc` before a commit or a push.
//!
//! [`install`] writes the hooks, [`uninstall`] removes them, [`status()`] says what is there. Each hook is a small script
//! (`script`) where git looks for it (`place`), which calls [`judge()`]: that finds what is to be judged, in `commit` and `push`.

mod before;
pub mod change;
mod commit;
pub mod judge;
pub mod place;
mod push;
pub mod script;
pub mod status;

pub use crate::ops::hook::change::{Request, install, uninstall};
pub use crate::ops::hook::judge::judge;
pub use crate::ops::hook::status::{around, status};
