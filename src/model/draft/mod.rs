//! A workspace as it could be written down: what `svc init` proposes, each part with what it was concluded from.
//!
//! `draft` goes through the steps in order, one file for each: which directories are services (`candidate`, `place`,
//! `leave_out`), what they are called (`name`), what they depend on (`resolve`, `copies`, `edge`, `circle`), what
//! all of them read (`shared`), what other tools say of their tasks (`task`), what is said to presets
//! (`parameters`, `testing`), and how they run and are deployed (`serve`, `deploy`, `overlay`).

mod candidate;
mod circle;
mod copies;
mod deploy;
mod detect;
mod edge;
mod files;
mod leave_out;
mod name;
mod overlay;
mod parameters;
mod place;
mod proto;
mod recipe;
mod resolve;
mod serve;
mod shared;
mod task;
mod testing;
mod words;

#[cfg(test)]
mod tests;

use crate::model::manifest::Manifest;
use crate::model::preset::Preset;

pub use detect::matches as fits_name;
pub use files::FileList;
pub use leave_out::is_foreign;
pub use testing::undecided;
pub use words::{
    Concluded, Draft, DraftDeploy, DraftEdge, DraftServe, DraftService, DraftTask, DraftUses,
    Evidence, Note, NoteKind,
};

/// What is known of a repository before it is a workspace.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// What the workspace is called, such as the name of its directory.
    pub name: Option<String>,
    pub files: FileList,
    pub manifests: Vec<Manifest>,
    pub presets: Vec<Preset>,
}

/// The workspace that follows from what was found. The same for the same facts, whatever their order.
pub fn draft(found: &Found) -> Draft {
    let detected = detect::detect(&found.files, &found.presets);
    let mut notes = Vec::new();
    let gathered = candidate::gather(found, &detected);
    let kept = place::place(found, gathered, &mut notes);
    let names = name::names(found.name.as_deref(), &kept, &mut notes);
    let mut services = kept.services(names, &detected);
    let read = edge::edges(found, &kept, &mut services, &mut notes);
    circle::leave_out(&mut services, &mut notes);
    task::tasks(found, &kept, &mut services, &mut notes);
    parameters::fill(found, &kept, &mut services);
    task::leave_nothing(found, &kept, &mut services);
    circle::leave_out_needs(&mut services, &mut notes);
    serve::serve(found, &kept, &mut services);
    deploy::deploy(found, &kept, &mut services, &mut notes);
    let shared = shared::shared(found, &kept, &services, read);
    shared.give(&mut services);
    services.sort_by(|left, right| left.name.cmp(&right.name));
    notes.sort();
    notes.dedup();
    Draft {
        name: found.name.clone(),
        global_inputs: shared.global_inputs,
        lock_files: shared.lock_files,
        services,
        notes,
    }
}
