//! Whether results can be kept and found again.

use bytesize::ByteSize;

use crate::cache::Access;
use crate::model::finding::{Area, Finding, Weight};
use crate::ops::cache;
use crate::ops::doctor::with_causes;
use crate::ops::place::Place;
use crate::ops::tasks::cache::CacheUse;

/// Looks at the store of results.
pub fn look(place: &Place) -> Vec<Finding> {
    let about = "results";
    let finding = |weight, words: String| Finding::new(Area::Cache, weight, about, words);
    match CacheUse::of_variable(&place.env) {
        Ok(CacheUse::Off) => {
            let words = "SVC_CACHE is `off`: nothing is kept, everything runs".into();
            return vec![finding(Weight::Warning, words).fix("unset SVC_CACHE")];
        }
        Err(failure) => {
            let fix = "set SVC_CACHE to `read` or `off`, or unset it";
            return vec![finding(Weight::Failure, failure.to_string()).fix(fix)];
        }
        Ok(_) => {}
    }
    // Opening it to write makes it where it is missing, as the next run would.
    let opened = cache::open(&place.env, Access::ReadWrite);
    let answer = opened.and_then(|_| cache::stats(&place.env));
    vec![match answer {
        Ok(answer) => {
            let size = |bytes: u64| ByteSize::b(bytes).display().iec().to_string();
            let results = match answer.stats.results {
                1 => "1 result".to_owned(),
                many => format!("{many} results"),
            };
            let words = format!(
                "{results}, {} of {}, in {}",
                size(answer.stats.bytes),
                size(answer.limit),
                answer.path.display()
            );
            finding(Weight::Fine, words)
        }
        Err(failure) => finding(
            Weight::Failure,
            format!("nothing can be kept: {}", with_causes(&failure)),
        )
        .fix("name a directory that can be written with SVC_CACHE_DIR"),
    }]
}
