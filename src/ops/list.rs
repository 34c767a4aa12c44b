//! `svc list`: the services of the workspace.

use crate::config;
use crate::model::change::Head;
use crate::model::name::ServiceName;
use crate::model::origin::ServiceOrigins;
use crate::model::workspace::ServiceIndex;
use crate::ops::affected;
use crate::ops::compare::Comparison;
use crate::ops::failure::Failure;
use crate::ops::place::Place;
use crate::ops::source::SnapshotSource;

/// The services to list, sorted by name.
pub struct Answer<'p> {
    pub comparison: Comparison<'p>,
    pub services: Vec<ServiceIndex>,
}

/// Where each part of the listed services is written.
///
/// # Errors
/// A definition that changed meanwhile and is not valid any more.
pub fn origins(place: &Place, answer: &Answer) -> Result<Vec<ServiceOrigins>, Failure> {
    let workspace = &answer.comparison.workspace;
    let services = answer.services.iter();
    let names: Vec<ServiceName> = services
        .map(|index| workspace.service(*index).name.clone())
        .collect();
    let snapshot = answer.comparison.snapshot.as_deref();
    let snapshot = snapshot.filter(|it| match answer.comparison.head {
        Head::WorkTree(_) => place.repo.as_ref().is_some_and(|repo| repo.is_sparse()),
        Head::Commit(_) | Head::Index(_) => it
            .read(&config::FILE.into())
            .is_ok_and(|text| text.is_some()),
    });
    Ok(match snapshot {
        Some(snapshot) => config::origins(&SnapshotSource(snapshot), &names)?,
        None => config::origins(&config::Disk::new(&place.root), &names)?,
    })
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
