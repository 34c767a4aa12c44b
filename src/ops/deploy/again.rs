//! What an earlier deploy was made from beside its sources: a checkout of its commit lacks what tasks left behind then, so
//! that is taken from the cache. Nothing is built.

use crate::engine::Failing;
use crate::git::{Fetch, Repo};
use crate::model::affected::Changed;
use crate::model::change::{Base, Head, ObjectId};
use crate::model::env::Env;
use crate::model::name::EnvironmentName;
use crate::model::workspace::ServiceIndex;
use crate::ops::compare::Comparison;
use crate::ops::deploy::back::Then;
use crate::ops::failure::Failure;
use crate::ops::place::Place;
use crate::ops::request::{CompareRequest, SelectRequest};
use crate::ops::tasks;
use crate::ops::tasks::cache::CacheUse;
use crate::ops::tasks::tools::Asking;

/// Puts everything that the deploy of `service` needs into the checkout. If the cache does not have all of it, gives what
/// there is to say of that: the deploy may do without.
///
/// # Errors
/// An unreadable repository, or somebody asked `svc` to end.
pub fn fetch_outputs(
    env: &Env,
    then: &Then,
    commit: ObjectId,
    service: ServiceIndex,
    environment: &EnvironmentName,
    is_asked: &dyn Fn() -> bool,
) -> Result<Option<String>, Failure> {
    let place = place(env, then)?;
    let workspace = then.staged.workspace.clone();
    let name = workspace.service(service).name.clone();
    let head = Head::WorkTree(Some(commit));
    let comparison = Comparison {
        changed: Changed::nothing(&workspace),
        workspace,
        base: Base::default(),
        head,
        is_for_everything: false,
        snapshot: place.repo.as_ref().map(|repo| repo.snapshot(head)),
        warnings: Vec::new(),
        notes: Vec::new(),
        details: Vec::new(),
    };
    let request = tasks::Request {
        task: "deploy".to_owned(),
        also: Vec::new(),
        with_failed: true,
        hook: None,
        compare: CompareRequest::default(),
        select: SelectRequest::default(),
        arguments: Vec::new(),
        jobs: None,
        failing: Failing::StartsNoMore,
        cache: match CacheUse::of_variable(&place.env)? {
            CacheUse::Off => CacheUse::Off,
            _ => CacheUse::Read,
        },
        asking: Asking::Run,
    };
    let needed = tasks::prepare_needed(&place, request, comparison, &[service])?;
    let lacking = tasks::restore(needed, is_asked)?;
    Ok(lacking.first().map(|(task, why)| {
        let why = match why.is_empty() {
            true => String::new(),
            false => format!(" ({why})"),
        };
        format!(
            "what {task} left behind is not in the cache any more{why}; check out {} and `svc deploy --env {environment} {name}`, which builds it again",
            commit.short()
        )
    }))
}

/// The checkout as a place of its own, whatever repository the variables speak of.
fn place(env: &Env, then: &Then) -> Result<Place, Failure> {
    let root = then.checkout.root().to_owned();
    let env = Env {
        directory: root.clone(),
        directory_given: true,
        ..env.clone()
    };
    let repo = Repo::discover_at(&env, &root)?;
    let repo = repo.map(|it| it.fetching(Fetch::Allowed));
    Ok(Place::new(env, root, repo))
}
