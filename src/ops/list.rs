//! `svc list`: the services of the workspace.

use crate::model::workspace::{ServiceIndex, Workspace};
use crate::ops::affected;
use crate::ops::failure::Failure;
use crate::ops::place::Place;

/// The services to list, sorted by name unless they were asked for by what changed.
pub struct Answer {
    pub workspace: Workspace,
    pub services: Vec<ServiceIndex>,
}

/// Answers the request: every service, unless flags select among them.
///
/// # Errors
/// See [`affected::affected`].
pub fn list(
    place: &Place,
    request: &affected::Request,
    tell: &mut dyn FnMut(&str),
) -> Result<Answer, Failure> {
    let mut request = request.clone();
    request.select.all |= request.select.names.is_empty() && !request.compare.is_explicit();
    let mut answer = affected::affected(place, &request, tell)?;
    answer.services.sort_by_key(|it| it.service);
    Ok(Answer {
        services: answer.services.iter().map(|it| it.service).collect(),
        workspace: answer.comparison.workspace,
    })
}
