//! Which presets fit which directories, by the names of the files in them.

use std::collections::HashMap;

use crate::model::draft::files::{FileList, split};
use crate::model::path::{FilePath, ancestors};
use crate::model::preset::Preset;

/// A preset that fits a directory.
#[derive(Clone, Debug)]
pub struct Detected {
    /// Its place in the list of presets.
    pub preset: usize,
    /// The file that says so.
    pub file: FilePath,
}

/// For each directory that at least one preset fits, the presets, the best first.
pub type DetectedIn = HashMap<FilePath, Vec<Detected>>;

/// The names that presets look for.
struct Wanted<'p> {
    presets: &'p [Preset],
    by_name: HashMap<&'p [u8], Vec<Sign>>,
    /// Which names may be among those, by their length and first letter.
    lengths: [u64; 256],
    /// Names that only begin or end as the pattern says.
    patterns: Vec<(&'p [u8], Vec<Sign>)>,
    /// The patterns that a name may fit by its last letter.
    by_last: Vec<Vec<u16>>,
    /// Names that lie deeper, part by part.
    paths: Vec<(Vec<&'p [u8]>, Sign)>,
}

/// One name of one preset's lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Sign {
    preset: usize,
    /// The place in `all`; none for what `any` names.
    all: Option<usize>,
}

/// Finds them all, looking at each file once.
pub fn detect(files: &FileList, presets: &[Preset]) -> DetectedIn {
    let wanted = Wanted::new(presets);
    let mut signs: HashMap<&[u8], HashMap<Sign, &[u8]>> = HashMap::new();
    let mut before: &[u8] = &[];
    for path in files.iter() {
        let (directory, name) = split(path);
        wanted.each(name, |sign| {
            let seen = signs.entry(directory).or_default();
            seen.entry(sign).or_insert(path);
        });
        // A directory may be what lies below another, too; that is looked at once.
        let new = match directory == before {
            true => &[],
            false => directory,
        };
        for path in ancestors(new).chain([path]) {
            wanted.each_below(path, |above, sign| {
                let seen = signs.entry(above).or_default();
                seen.entry(sign).or_insert(path);
            });
        }
        before = directory;
    }
    let fitting = signs.into_iter().filter_map(|(directory, signs)| {
        let fitting = wanted.fitting(&signs);
        (!fitting.is_empty()).then(|| (FilePath::from_bytes(directory), fitting))
    });
    fitting.collect()
}

impl<'p> Wanted<'p> {
    fn new(presets: &'p [Preset]) -> Self {
        let mut wanted = Self {
            presets,
            by_name: HashMap::new(),
            lengths: [0; 256],
            patterns: Vec::new(),
            by_last: vec![Vec::new(); 256],
            paths: Vec::new(),
        };
        for (preset, detect) in presets.iter().enumerate() {
            let Some(detect) = &detect.detect else {
                continue;
            };
            for name in &detect.any {
                wanted.add(name, Sign { preset, all: None });
            }
            for (at, name) in detect.all.iter().enumerate() {
                let all = Some(at);
                wanted.add(name, Sign { preset, all });
            }
        }
        for name in wanted.by_name.keys() {
            let first = usize::from(name.first().copied().unwrap_or_default());
            wanted.lengths[first] |= length(name);
        }
        for (at, (pattern, _)) in (0..).zip(&wanted.patterns) {
            for (last, fitting) in (0..=u8::MAX).zip(&mut wanted.by_last) {
                if matches!(pattern.last(), Some(it) if *it == b'*' || *it == last) {
                    fitting.push(at);
                }
            }
        }
        wanted
    }

    fn add(&mut self, name: &'p str, sign: Sign) {
        let name = name.as_bytes();
        if name.contains(&b'/') {
            let parts = name.split(|it| *it == b'/').collect();
            self.paths.push((parts, sign));
            return;
        }
        if !name.contains(&b'*') {
            self.by_name.entry(name).or_default().push(sign);
            return;
        }
        match self.patterns.iter_mut().find(|(it, _)| *it == name) {
            Some((_, signs)) => signs.push(sign),
            None => self.patterns.push((name, vec![sign])),
        }
    }

    fn each(&self, name: &[u8], mut found: impl FnMut(Sign)) {
        let (Some(first), Some(last)) = (name.first(), name.last()) else {
            return;
        };
        if self.lengths[usize::from(*first)] & length(name) != 0 {
            let named = self.by_name.get(name).into_iter().flatten();
            named.for_each(|sign| found(*sign));
        }
        for at in &self.by_last[usize::from(*last)] {
            let (pattern, signs) = &self.patterns[usize::from(*at)];
            if matches(pattern, name) {
                signs.iter().for_each(|sign| found(*sign));
            }
        }
    }

    /// The directories above `path` that a preset names it for.
    fn each_below<'f>(&self, path: &'f [u8], mut found: impl FnMut(&'f [u8], Sign)) {
        for (parts, sign) in &self.paths {
            let mut above = path;
            let fits = parts.iter().rev().all(|part| {
                let (directory, name) = split(above);
                above = directory;
                matches(part, name)
            });
            if fits {
                found(above, *sign);
            }
        }
    }

    fn fitting(&self, signs: &HashMap<Sign, &[u8]>) -> Vec<Detected> {
        let mut fitting: Vec<Detected> = Vec::new();
        for (preset, own) in self.presets.iter().enumerate() {
            let Some(detect) = &own.detect else { continue };
            let any = signs.get(&Sign { preset, all: None });
            let mut all = (0..detect.all.len()).map(|at| {
                let all = Some(at);
                signs.get(&Sign { preset, all })
            });
            let first = detect
                .all
                .first()
                .and_then(|_| all.clone().next().flatten());
            let Some(file) = any.or(first) else { continue };
            if (detect.any.is_empty() || any.is_some()) && all.all(|it| it.is_some()) {
                fitting.push(Detected {
                    preset,
                    file: FilePath::from_bytes(*file),
                });
            }
        }
        let rank = |it: &Detected| self.presets[it.preset].detect.as_ref().map(|it| it.rank);
        fitting.sort_by(|left, right| {
            let by_rank = rank(right).cmp(&rank(left));
            let name = |it: &Detected| &self.presets[it.preset].name;
            by_rank.then_with(|| name(left).cmp(name(right)))
        });
        fitting
    }
}

/// A bit for the length of a name.
fn length(name: &[u8]) -> u64 {
    1 << name.len().min(63)
}

/// Whether a name fits a pattern, in which `*` stands for any characters.
pub fn matches(pattern: &[u8], name: &[u8]) -> bool {
    let is_star = |byte: &u8| *byte == b'*';
    let (Some(open), Some(close)) = (
        pattern.iter().position(is_star),
        pattern.iter().rposition(is_star),
    ) else {
        return name == pattern;
    };
    let (first, last) = (&pattern[..open], &pattern[close + 1..]);
    if !name.ends_with(last) {
        return false;
    }
    let Some(mut rest) = name.strip_prefix(first) else {
        return false;
    };
    let parts = pattern[open..close].split(is_star);
    for part in parts.filter(|it| !it.is_empty()) {
        let place = rest.windows(part.len()).position(|it| it == part);
        match place {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::preset::Detect;

    fn preset(name: &str, any: &[&str], all: &[&str], rank: i64) -> Preset {
        let list = |it: &[&str]| it.iter().map(|it| (*it).to_owned()).collect();
        Preset {
            name: name.into(),
            about: String::new(),
            detect: Some(Detect {
                any: list(any),
                all: list(all),
                rank,
            }),
            filled: Vec::new(),
            is_own: false,
        }
    }

    #[test]
    fn a_name_fits_a_pattern() {
        let check = |pattern: &str, name: &str, expected| {
            let found = matches(pattern.as_bytes(), name.as_bytes());
            assert_eq!(found, expected, "{pattern} {name}");
        };
        check("*.csproj", "a.csproj", true);
        check("*.csproj", "a.csproj.user", false);
        check("Dockerfile*", "Dockerfile.dev", true);
        check("a*b*c", "axxbyyc", true);
        check("a*b*c", "acb", false);
        check("*", "x", true);
        check("a*a", "a", false);
        check("a", "ab", false);
        check("a", "a", true);
    }

    #[test]
    fn what_lies_deeper_tells_languages_of_one_tool_apart() {
        let presets = [
            preset("gradle", &["build.gradle"], &[], 50),
            preset("kotlin", &["build.gradle"], &["src/*ain/kotlin"], 60),
        ];
        let files: FileList = [
            "a/build.gradle",
            "a/src/main/java/A.java",
            "b/build.gradle",
            "b/src/main/kotlin/x/B.kt",
            "c/src/main/kotlin/x/B.kt",
        ]
        .into_iter()
        .collect();
        let found = detect(&files, &presets);
        let best = |directory: &str| {
            let best = found.get(&FilePath::from(directory))?.first()?;
            Some(presets[best.preset].name.as_str())
        };
        assert_eq!(best("a"), Some("gradle"));
        assert_eq!(best("b"), Some("kotlin"));
        assert_eq!(best("c"), None);
    }

    #[test]
    fn the_greatest_rank_comes_first_and_all_has_to_be_there() {
        let presets = [
            preset("docker", &["Dockerfile"], &[], 10),
            preset("node", &["package.json"], &[], 50),
            preset("typescript", &[], &["package.json", "tsconfig.json"], 60),
        ];
        let files: FileList = [
            "a/Dockerfile",
            "a/package.json",
            "b/package.json",
            "b/tsconfig.json",
            "c/tsconfig.json",
        ]
        .into_iter()
        .collect();
        let found = detect(&files, &presets);
        let names = |directory: &str| -> Vec<&str> {
            let found = found.get(&FilePath::from(directory)).into_iter().flatten();
            found.map(|it| presets[it.preset].name.as_str()).collect()
        };
        assert_eq!(names("a"), ["node", "docker"]);
        assert_eq!(names("b"), ["typescript", "node"]);
        assert!(names("c").is_empty());
    }
}
