//! The nearest known name to a mistyped one.

/// So many letters begin a name clearly enough.
const LEAST_BEGINNING: usize = 2;

/// The candidate that is most like `word`, if one is near enough to be meant: spelled much the same, or the beginning of a
/// longer one, as `prod` is of `production`.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let near = match word.chars().count() {
        // In so short a word two wrong letters leave another word.
        0..=3 => 1,
        letters => 1 + letters / 3,
    };
    candidates
        .into_iter()
        .filter_map(|candidate| Some((distance(word, candidate, near)?, candidate)))
        .min()
        .map(|(_, candidate)| candidate)
}

/// How far the two are apart, and where one begins the other, by how much it goes on; none if that is too far.
fn distance(word: &str, candidate: &str, near: usize) -> Option<(usize, usize)> {
    let spelled = strsim::damerau_levenshtein(word, candidate);
    let begins = |long: &str, short: &str| {
        long.starts_with(short) && short.chars().count() >= LEAST_BEGINNING
    };
    match begins(candidate, word) || begins(word, candidate) {
        true => Some((1, spelled)),
        false => (spelled <= near).then_some((spelled, 0)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names_are_offered_and_far_ones_are_not() {
        let known = ["depends-on", "path", "tags", "web"];
        let check = |word, expected| assert_eq!(nearest(word, known), expected, "{word}");
        check("depend-on", Some("depends-on"));
        check("paht", Some("path"));
        check("wbe", Some("web"));
        check("lib", None);
        check("frobnicate", None);
    }

    #[test]
    fn a_beginning_is_near() {
        let check = |word, known: &[&str], expected| {
            assert_eq!(nearest(word, known.iter().copied()), expected, "{word}");
        };
        check(
            "prod",
            &["local", "production", "production-eu"],
            Some("production"),
        );
        check("production", &["local", "prod", "staging"], Some("prod"));
        check("st", &["local", "staging"], Some("staging"));
        check("s", &["local", "staging"], None);
    }
}
