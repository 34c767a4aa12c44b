//! `svc promote`: the releases that run in one environment, brought to another. Nothing is built.

use std::collections::BTreeMap;

use crate::ledger::Refresh;
use crate::model::change::{Head, ObjectId};
use crate::model::digest::Digest;
use crate::model::ledger::{Action, Deployed, Runs};
use crate::model::name::ServiceName;
use crate::model::path::FilePath;
use crate::model::release::RELEASE_FORMAT;
use crate::model::workspace::ServiceIndex;
use crate::ops::deploy::back::{Past, Then};
use crate::ops::deploy::guards::{self, Leave};
use crate::ops::deploy::moves::{Asked, Ground, Move, Moves};
use crate::ops::deploy::serve::Machine;
use crate::ops::deploy::wanted::{Anew, digests};
use crate::ops::failure::Failure;
use crate::ops::place::Place;

/// What `svc promote` is asked beyond other moves.
#[derive(Clone, Debug, Default)]
pub struct Request {
    pub from: String,
    /// Bring what is held there, too.
    pub retry_held: bool,
    pub leave: Leave,
}

/// What was found.
pub struct Found<'p> {
    pub moves: Moves<'p>,
    /// Services that are left out, each with why.
    pub left_out: Vec<(String, String)>,
}

/// Finds which releases `from` runs and the other environment does not.
///
/// # Errors
/// An environment or service that does not exist, or a guard that refuses.
pub fn prepare<'p>(
    place: &'p Place,
    asked: Asked,
    request: &Request,
) -> Result<Found<'p>, Failure> {
    let ground = Ground::of(place, &asked)?;
    let source = Ground::look(place, &request.from, Refresh::Now)?;
    if source.staged.environment == ground.staged.environment {
        return Err(Failure::Usage {
            message: "an environment cannot be promoted to itself".into(),
            hint: "`--from` and `--to` name two environments".into(),
        });
    }
    if let Some(from) = &ground.staged.settings.promote_from
        && *from != source.staged.environment
    {
        return Err(Failure::Usage {
            message: format!(
                "`{}` is promoted from `{from}` alone",
                ground.staged.environment
            ),
            hint: "`promote-from` of the environment in services.toml says so".into(),
        });
    }
    if source.seen.standings.is_empty() {
        return Err(Failure::Usage {
            message: format!(
                "nothing was ever deployed to `{}`",
                source.staged.environment
            ),
            hint: format!(
                "`svc deploy --env {}` comes first",
                source.staged.environment
            ),
        });
    }
    let services = match asked.services.is_empty() {
        true => source.seen.standings.keys().cloned().collect(),
        false => source.named(&asked.services)?,
    };
    let machine = Machine::open(place, &ground.staged)?;
    let past = Past::new(place, ground.staged.environment.clone(), &machine);
    // An older svc may have recorded either in another format.
    let anew = Anew::new(
        place.repo.as_ref(),
        &ground.staged.environment,
        &place.env.variables,
    );
    let present = |service: &ServiceName, it: &Deployed| match it.format == RELEASE_FORMAT {
        true => Some(it.release.clone()),
        false => anew.of(service, it).map(|(release, _)| release),
    };
    let mut left_out = Vec::new();
    let mut found = Vec::new();
    for service in services {
        let mut leave = |why: String| left_out.push((service.to_string(), why));
        let runs = source.runs(&service);
        let Runs::This(release) = runs else {
            leave(match runs {
                Runs::Unknown => format!("it is not known what `{}` runs of it", request.from),
                _ => format!("`{}` does not run it", request.from),
            });
            continue;
        };
        let from = ground.runs(&service);
        let wanted = present(&service, &release);
        let is_wanted = |it: &Deployed| wanted.is_some() && present(&service, it) == wanted;
        if from.known().is_some_and(is_wanted) {
            continue;
        }
        let is_named = asked.services.iter().any(|it| it == service.as_str());
        let held = ground.seen.standings.get(&service).and_then(|it| {
            let mut held = it.held.iter();
            held.find(|it| is_wanted(&it.what))
        });
        if held.is_some() && !is_named && !request.retry_held {
            leave(
                "it failed or was rolled back there before; name it, or give --retry-held".into(),
            );
            continue;
        }
        let Some(commit) = release.commit.filter(|_| !release.dirty) else {
            leave("it was made from changes that are in no commit".into());
            continue;
        };
        let then = past.at(commit)?;
        let index = then.staged.workspace.find(service.as_str());
        let index = index.filter(|it| then.staged.resolved.contains_key(it));
        let Some(index) = index else {
            leave(format!("{} does not deploy it there", commit.short()));
            continue;
        };
        found.push((service, from, release, commit, then, index));
    }
    let mut moves = Moves::new(place, asked, Action::Promote, ground);
    guard(
        &moves,
        found
            .iter()
            .map(|(service, from, _, commit, ..)| (service.as_str(), from, *commit)),
        request.leave,
    )?;
    for (service, from, release, commit, then, index) in found {
        let (fingerprint, config) = digests_at(place, &then, commit, index)?;
        let to = Deployed {
            // What is recorded in the present format is the same release under its present name.
            release: match release.format == RELEASE_FORMAT {
                true => release.release.clone(),
                false => fingerprint,
            },
            config,
            format: RELEASE_FORMAT,
            deploy: moves.id.clone(),
            at: crate::record::now().0 / 1000,
            ..*release
        };
        moves.moves.push(Move {
            service,
            from,
            to: Some(to),
        });
    }
    moves.order();
    Ok(Found { moves, left_out })
}

fn digests_at(
    place: &Place,
    then: &Then,
    commit: ObjectId,
    index: ServiceIndex,
) -> Result<(Digest, Digest), Failure> {
    let repo = place.repo.as_ref().expect("a commit was checked out of it");
    let snapshot = repo.snapshot(Head::Commit(Some(commit)));
    let files = snapshot.files(&[FilePath::default()])?;
    let variables = &place.env.variables;
    let mut digests = digests(&then.staged, &*snapshot, &files, &[index], variables);
    Ok(digests.remove(&index).expect("it was asked for"))
}

/// The same guards as for a deploy of those commits.
fn guard<'a>(
    moves: &Moves<'_>,
    found: impl Iterator<Item = (&'a str, &'a Runs, ObjectId)>,
    leave: Leave,
) -> Result<(), Failure> {
    let Some(repo) = &moves.place.repo else {
        return Ok(());
    };
    let staged = &moves.scene.staged;
    let mut looked = BTreeMap::new();
    for (service, from, commit) in found {
        if looked.insert(commit, ()).is_none() {
            guards::holds(staged, repo, commit)?;
        }
        guards::is_newer(repo, from, commit, service, &staged.environment, leave)?;
    }
    Ok(())
}
