//! `svc list`: the services of the workspace.

use crate::model::workspace::ServiceIndex;
use crate::ops::affected;
use crate::ops::compare::Comparison;
use crate::ops::failure::Failure;
use crate::ops::place::Place;

/// The services to list, sorted by name.
pub struct Answer<'p> {
    pub comparison: Comparison<'p>,
    pub services: Vec<ServiceIndex>,
}

/// Answers the request: every service, unless flags select among them.
///
/// # Errors
/// See [`affected::affected`].
pub fn list<'p>(
    place: &'p Place,
    request: &affected::Request,
    tell: &mut dyn FnMut(&str),
) -> Result<Answer<'p>, Failure> {
    let mut request = request.clone();
    request.select.all |= request.select.names.is_empty() && !request.compare.is_explicit();
    let mut answer = affected::affected(place, &request, tell)?;
    answer.services.sort_by_key(|it| it.service);
    Ok(Answer {
        services: answer.services.iter().map(|it| it.service).collect(),
        comparison: answer.comparison,
    })
}
