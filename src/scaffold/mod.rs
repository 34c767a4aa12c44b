//! Floor 1: scaffolds: directories of templates from which `svc new` makes a service.
//!
//! Some come with the program (`templates/scaffolds`), a workspace has its own in `.svc/templates`. [`find`] gives a
//! [`Template`]: what its `template.toml` declares, and its files. With [`Facts`] it renders to a [`Rendered`], and
//! [`stage`] puts that beside its place, to be moved there at once. Nothing here knows `services.toml`.

mod declaration;
mod engine;
mod error;
mod files;
mod find;
mod lock;
mod names;
mod pages;
mod parameter;
mod pipeline;
mod place;
mod render;

pub use declaration::{Makes, Template};
pub use error::Error;
pub use files::File;
pub use find::{Listed, OWN, find, list};
pub use lock::Lock;
pub use pages::{lying, put};
pub use parameter::{Kind, Parameter};
pub use pipeline::{Pipeline, Stage, main_file, pipeline, systems};
pub use place::{Staged, Standing, stage, standing};
pub use render::{Facts, Rendered, render};
