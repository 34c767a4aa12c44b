//! Additions to a `services.toml` that exists. What stands in it stays byte for byte: nothing is ever taken out or moved.

mod entry;
mod lists;
mod page;
mod service;
mod words;

#[cfg(test)]
mod tests;

pub use entry::{Entry, Item, defaults, deploy, reasoned_list, render, serve};
pub use lists::Holder;
pub use page::{Group, Page};
pub use service::{EditError, NewService, add_service, written};
pub use words::string;
