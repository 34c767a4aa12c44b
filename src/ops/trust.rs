//! Whether this run may change what others share. Where anybody may have written the code of a run, or may have begun it, it
//! changes no environment but `local`, and keeps no results for others.

use crate::model::ci::Trust;
use crate::ops::failure::Failure;
use crate::ops::place::Place;

/// The variable that decides it. It belongs where the CI system is configured: in a pipeline's file, changes could bring it
/// along wherever the system takes that file from the change.
const VARIABLE: &str = "SVC_TRUST";

/// Why this run is not to change what others share; none if it may.
///
/// # Errors
/// The variable says something else than it can.
pub fn foreign(place: &Place) -> Result<Option<String>, Failure> {
    match place.env.text(VARIABLE) {
        Some("own") => Ok(None),
        Some("foreign") => Ok(Some(format!("{VARIABLE} is `foreign`"))),
        Some(other) => Err(Failure::Usage {
            message: format!("{VARIABLE} is `{other}`"),
            hint: "set it to `own` or `foreign`, or unset it to let the CI system tell".into(),
        }),
        None => Ok(match place.ci().map(|it| &it.trust) {
            Some(Trust::Foreign { why }) => Some(why.clone()),
            Some(Trust::Own) | None => None,
        }),
    }
}

/// Refuses to change an environment.
///
/// # Errors
/// This run is not to change what others share.
pub fn check(place: &Place, environment: &str) -> Result<(), Failure> {
    match foreign(place)?.filter(|_| is_shared(environment)) {
        None => Ok(()),
        Some(why) => Err(Failure::Usage {
            message: refusal(environment, &why),
            hint: HINT.into(),
        }),
    }
}

/// Whether others have to do with an environment.
pub fn is_shared(environment: &str) -> bool {
    environment != crate::ops::deploy::environment::LOCAL
}

/// That an environment is not changed from here.
pub fn refusal(environment: &str, why: &str) -> String {
    format!("this run may not change `{environment}`: {why}")
}

/// What to do about it.
pub const HINT: &str = "deploy from a run of the branch itself, once the change is merged; if everybody who can begin such a run \
                        may deploy, set SVC_TRUST=own where the CI system is configured";
