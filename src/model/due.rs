//! What a deploy would do, and why: decided from what the sources say and what the ledger knows.

use crate::model::change::ObjectId;
use crate::model::digest::Digest;
use crate::model::ledger::{Deployed, Held, Runs, Standing};
use crate::model::name::{EnvironmentName, ServiceName};
use crate::model::workspace::ServiceIndex;

/// What a deploy to one environment would do.
#[derive(Clone, Debug)]
pub struct DeployPlan {
    pub environment: EnvironmentName,
    /// Every service that can be deployed there and was asked for, in the order in which they are deployed.
    pub services: Vec<PlannedDeploy>,
    /// Services that the ledger knows and `services.toml` does not, by name.
    pub removed: Vec<(ServiceName, Standing)>,
    /// Whether those are taken down.
    pub prune: bool,
    /// Whether nothing is deployed: it is only written down that this runs.
    pub adopt: bool,
    /// The commit that is deployed.
    pub commit: Option<ObjectId>,
    /// Whether the working tree differs from it.
    pub dirty: bool,
}

/// One service of a plan.
#[derive(Clone, Debug)]
pub struct PlannedDeploy {
    pub service: ServiceIndex,
    pub name: ServiceName,
    /// What would be deployed; values are known once it is built.
    pub wanted: Deployed,
    pub standing: Option<Standing>,
    pub verdict: DeployVerdict,
    /// Places in the plan of the services that are deployed before it.
    pub after: Vec<usize>,
    /// The commits that it brings, newest first.
    pub commits: Vec<CommitLine>,
}

/// A commit, in short. Its texts are data from outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommitLine {
    pub id: ObjectId,
    pub subject: String,
    pub author: String,
    /// In seconds since 1970.
    pub time: i64,
}

/// What is to be done about a service.
#[derive(Clone, Debug, PartialEq)]
pub enum DeployVerdict {
    /// What runs is what is wanted.
    UpToDate,
    Due(Due),
    /// It failed or was rolled back before, and is not deployed by itself.
    Held(Held),
    /// It would be due, but what it depends on is held.
    Waits(ServiceName),
}

/// Why a service is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// It never ran there.
    First,
    /// It is not known what runs.
    Unknown,
    /// It was taken down.
    TakenDown,
    Release,
    Config,
    ReleaseAndConfig,
    /// It is not there any more, whatever the ledger says.
    Gone,
    /// It was asked for all the same.
    Forced,
}

impl Due {
    /// The word for it, as in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Unknown => "unknown",
            Self::TakenDown => "taken-down",
            Self::Release => "release",
            Self::Config => "config",
            Self::ReleaseAndConfig => "release-and-config",
            Self::Gone => "gone",
            Self::Forced => "forced",
        }
    }
}

impl DeployPlan {
    /// The places of the services that are due.
    pub fn due(&self) -> impl Iterator<Item = usize> + '_ {
        let places = self.services.iter().enumerate();
        places.filter_map(|(at, it)| matches!(it.verdict, DeployVerdict::Due(_)).then_some(at))
    }

    /// Whether a deploy by this plan would do nothing.
    pub fn is_idle(&self) -> bool {
        (!self.prune || self.removed.is_empty()) && self.due().next().is_none()
    }
}

/// What the command line says about one service.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Insistence {
    /// Deploy it even if it is held.
    pub also_held: bool,
    /// Deploy it even if it runs already.
    pub also_same: bool,
}

/// Decides about a service. `anew` gives the release fingerprint and the config digest of something recorded in another
/// format, in the present one, where they can be told.
pub fn decide(
    wanted: &Deployed,
    standing: Option<&Standing>,
    insistence: Insistence,
    anew: &dyn Fn(&Deployed) -> Option<(Digest, Digest)>,
) -> DeployVerdict {
    let Some(standing) = standing else {
        return DeployVerdict::Due(Due::First);
    };
    let digests = |it: &Deployed| match it.format == wanted.format {
        true => Some((it.release.clone(), it.config.clone())),
        false => anew(it),
    };
    let is_wanted = |it: &Deployed| {
        digests(it).is_some_and(|it| it == (wanted.release.clone(), wanted.config.clone()))
    };
    let due = match standing.runs() {
        Runs::This(runs) => match digests(runs) {
            Some((release, config)) => match (release == wanted.release, config == wanted.config) {
                (true, true) if insistence.also_same => Due::Forced,
                (true, true) => return DeployVerdict::UpToDate,
                (false, true) => Due::Release,
                (true, false) => Due::Config,
                (false, false) => Due::ReleaseAndConfig,
            },
            None => Due::ReleaseAndConfig,
        },
        Runs::Unknown => Due::Unknown,
        Runs::Nothing => Due::TakenDown,
    };
    let mut held = standing.held.iter().rev();
    match held.find(|it| !insistence.also_held && is_wanted(&it.what)) {
        Some(held) => DeployVerdict::Held(held.clone()),
        None => DeployVerdict::Due(due),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ledger::{Action, Entry, State, sample};

    fn this(name: &str) -> Runs {
        Runs::This(Box::new(sample::deployed(name)))
    }

    fn stand(state: State, name: &str, runs: Runs, before: Runs) -> Standing {
        Standing::after(None, sample::entry("api", state, name, runs, before))
    }

    fn check(standing: &Standing, wanted: &str, insistence: Insistence, expected: &str) {
        let verdict = decide(
            &sample::deployed(wanted),
            Some(standing),
            insistence,
            &|_| None,
        );
        let word = match verdict {
            DeployVerdict::UpToDate => "up to date",
            DeployVerdict::Due(due) => due.word(),
            DeployVerdict::Held(_) | DeployVerdict::Waits(_) => "held",
        };
        assert_eq!(word, expected, "{standing:?} {wanted}");
    }

    #[test]
    fn what_runs_decides() {
        let none = Insistence::default();
        let forced = Insistence {
            also_same: true,
            ..none
        };
        let runs = stand(State::Succeeded, "a", this("a"), Runs::Nothing);
        check(&runs, "a", none, "up to date");
        check(&runs, "a", forced, "forced");
        check(&runs, "b", none, "release-and-config");
        let begun = stand(State::Started, "a", this("a"), Runs::Nothing);
        check(&begun, "a", none, "unknown");
        let mut removal = sample::entry("api", State::Succeeded, "a", Runs::Nothing, this("a"));
        removal.action = Action::Remove;
        check(&Standing::after(None, removal), "a", none, "taken-down");
    }

    #[test]
    fn what_failed_waits_until_it_differs_or_is_asked_for() {
        let none = Insistence::default();
        let asked = Insistence {
            also_held: true,
            ..none
        };
        let back = stand(State::RolledBack, "b", this("a"), this("a"));
        check(&back, "b", none, "held");
        check(&back, "b", asked, "release-and-config");
        check(&back, "c", none, "release-and-config");
        let lost = stand(State::Failed, "b", Runs::Unknown, this("a"));
        check(&lost, "b", none, "held");
        check(&lost, "a", none, "unknown");
    }

    #[test]
    fn another_format_is_computed_anew() {
        let mut entry = sample::entry("api", State::Succeeded, "a", this("a"), Runs::Nothing);
        if let Runs::This(runs) = &mut entry.runs {
            runs.format = 0;
            runs.release = Digest::parse(&"0".repeat(64)).unwrap();
        }
        let standing = Standing::after(None, entry as Entry);
        let wanted = sample::deployed("a");
        let verdict = |anew: Option<(Digest, Digest)>| {
            decide(&wanted, Some(&standing), Insistence::default(), &|_| {
                anew.clone()
            })
        };
        let same = (wanted.release.clone(), wanted.config.clone());
        assert_eq!(verdict(Some(same)), DeployVerdict::UpToDate);
        let other = (wanted.config.clone(), wanted.config.clone());
        assert_eq!(verdict(Some(other)), DeployVerdict::Due(Due::Release));
        assert_eq!(verdict(None), DeployVerdict::Due(Due::ReleaseAndConfig));
    }
}
