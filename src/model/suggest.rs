//! The nearest known name to a mistyped one.

/// The candidate that is most like `word`, if one is near enough to be meant.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let near = 1 + word.chars().count() / 3;
    candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(word, candidate), candidate))
        .filter(|(distance, _)| *distance <= near)
        .min()
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names_are_offered_and_far_ones_are_not() {
        let known = ["depends-on", "path", "tags"];
        let check = |word, expected| assert_eq!(nearest(word, known), expected, "{word}");
        check("depend-on", Some("depends-on"));
        check("paht", Some("path"));
        check("frobnicate", None);
    }
}
