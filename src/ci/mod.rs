//! Floor 1: what CI systems say of a run, one file for each of them.
//!
//! What they say came from outside: names and commits are checked before anybody sees them, so that none of them can be an
//! option or a pattern to git. What cannot be used is left out, with a note.

mod azure;
mod bases;
mod bitbucket;
mod buildkite;
mod changes;
mod circleci;
mod drone;
mod github;
mod gitlab;
mod jenkins;
mod said;
mod teamcity;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod woodpecker;

use crate::ci::said::Said;
use crate::model::ci::{Ci, System};
use crate::model::env::Env;

/// What the CI system that this run is in says of it. None outside of all that are known.
pub fn read(env: &Env) -> Option<Ci> {
    let mut systems = System::all_of(env);
    let system = systems.next()?;
    let said = Said::new(env);
    let mut ci = match system {
        System::GitHub => github::read(&said),
        System::GitLab => gitlab::read(&said),
        System::Buildkite => buildkite::read(&said),
        System::CircleCi => circleci::read(&said),
        System::Azure => azure::read(&said),
        System::Woodpecker => woodpecker::read(&said),
        System::Drone => drone::read(&said),
        System::Bitbucket => bitbucket::read(&said),
        System::TeamCity => teamcity::read(&said),
        System::Jenkins => jenkins::read(&said),
    };
    changes::heed(&said, &mut ci);
    ci.also = systems.collect();
    ci.notes = said.into_notes();
    Some(ci)
}
