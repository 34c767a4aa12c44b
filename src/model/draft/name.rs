//! What services are called: short, valid, unique, and the same whatever else there is, as far as that goes.

use std::collections::{BTreeMap, HashSet};

use crate::model::digest::Digester;
use crate::model::draft::place::{Kept, Place};
use crate::model::draft::words::{Note, NoteKind};
use crate::model::name::ServiceName;
use crate::model::path::{FilePath, display};

/// The longest name.
const LONGEST: usize = 63;
/// Directories whose names say nothing of what is in them.
const PLAIN: &[&str] = &["src", "source", "code"];

/// A name in the making: the parts of the path from the last one up, valid already.
struct Named {
    parts: Vec<String>,
    name: String,
    /// How many parts were looked at.
    depth: usize,
    is_strong: bool,
}

/// A name for each of the services, in their order.
pub fn names(workspace: Option<&str>, kept: &Kept, notes: &mut Vec<Note>) -> Vec<ServiceName> {
    let mut all: Vec<Named> = kept
        .places
        .iter()
        .map(|place| named(workspace, place))
        .collect();
    let everyone = (0..all.len()).collect();
    spread(&mut all, everyone);
    let mut taken = HashSet::new();
    let mut names = Vec::new();
    for (named, place) in all.into_iter().zip(&kept.places) {
        let name = unique(named.name, &place.path, &mut taken);
        tell(&name, place, notes);
        names.push(name);
    }
    names
}

fn named(workspace: Option<&str>, place: &Place) -> Named {
    let path = display(place.path.as_bytes());
    let mut parts: Vec<String> = path
        .split('/')
        .rev()
        .map(valid)
        .filter(|it| !it.is_empty())
        .collect();
    let own = place.packages.iter().find_map(|it| it.name.as_deref());
    let own = own.map(|it| valid(short(it))).filter(|it| !it.is_empty());
    while parts.len() > 1 && PLAIN.contains(&parts[0].as_str()) {
        parts.remove(0);
    }
    let says_nothing = parts.first().is_some_and(|it| PLAIN.contains(&it.as_str()));
    if place.path.is_root() || says_nothing {
        let workspace = workspace.map(valid).filter(|it| !it.is_empty());
        let name = own.or(workspace).or_else(|| parts.pop());
        parts = name.into_iter().collect();
    }
    if parts.is_empty() {
        // Nothing of the name can be written down: something short that stays the same.
        parts.push(format!("service-{}", mark(&place.path)));
    }
    Named {
        name: parts[0].clone(),
        depth: 1,
        is_strong: !place.packages.is_empty(),
        parts,
    }
}

/// The part of a package's name that is its own: `cart` of `@shop/cart`, `org.shop:cart` and `example.com/shop/cart/v2`.
fn short(name: &str) -> &str {
    let is_version = |it: &str| {
        it.len() > 1 && it.starts_with('v') && it[1..].bytes().all(|byte| byte.is_ascii_digit())
    };
    let mut parts = name.rsplit(['/', ':']);
    let last = parts.next().unwrap_or(name);
    match is_version(last) {
        true => parts.next().unwrap_or(last),
        false => last,
    }
}

/// Puts the part of the path in front in which they differ, for all that are called the same.
fn spread(all: &mut [Named], group: Vec<usize>) {
    let mut waiting = vec![group];
    while let Some(group) = waiting.pop() {
        let mut same: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for at in &group {
            same.entry(&all[*at].name).or_default().push(*at);
        }
        let groups: Vec<Vec<usize>> = same.into_values().filter(|it| it.len() > 1).collect();
        for mut group in groups {
            let strong = group.iter().filter(|at| all[**at].is_strong).count();
            if strong == 1 {
                // A chart or an image beside the package of the same name gives way.
                group.retain(|at| !all[*at].is_strong);
            }
            if lengthen(all, &group, strong == 1) {
                waiting.push(group);
            }
        }
    }
}

/// Whether anything could be put in front.
fn lengthen(all: &mut [Named], group: &[usize], gives_way: bool) -> bool {
    let deepest = group
        .iter()
        .map(|at| all[*at].parts.len())
        .max()
        .unwrap_or_default();
    let first = group
        .iter()
        .map(|at| all[*at].depth)
        .max()
        .unwrap_or_default();
    for depth in first..deepest {
        let part = |at: &usize| all[*at].parts.get(depth).cloned();
        let parts: HashSet<Option<String>> = group.iter().map(part).collect();
        if parts.len() == 1 && !(gives_way && depth == first) {
            continue;
        }
        for at in group {
            let named = &mut all[*at];
            if let Some(part) = named.parts.get(depth) {
                named.name = format!("{part}-{}", named.name);
            }
            named.depth = depth + 1;
        }
        return true;
    }
    false
}

fn unique(name: String, path: &FilePath, taken: &mut HashSet<ServiceName>) -> ServiceName {
    let whole = || valid(&display(path.as_bytes()));
    let marked = |name: &str| cut(name, path);
    let mut choices = vec![name.clone(), whole()];
    choices.retain(|it| it.len() <= LONGEST);
    choices.push(marked(&name));
    let free = choices
        .iter()
        .filter_map(|it| ServiceName::new(it))
        .find(|it| !taken.contains(it));
    let name = free.unwrap_or_else(|| {
        let numbered = (2..).filter_map(|number: u32| {
            ServiceName::new(&format!("service-{}-{number}", mark(path)))
        });
        let mut free = numbered.filter(|it| !taken.contains(it));
        free.next().expect("there are more numbers than services")
    });
    taken.insert(name.clone());
    name
}

/// As much of a name as fits, with a mark that tells it from others that begin the same.
fn cut(name: &str, path: &FilePath) -> String {
    let kept = &name[..name.len().min(LONGEST - 7)];
    format!("{}-{}", kept.trim_end_matches('-'), mark(path))
}

fn mark(path: &FilePath) -> String {
    let digest = Digester::new("service")
        .part("path", path.as_bytes())
        .finish();
    digest.as_str()[..6].to_owned()
}

fn tell(name: &ServiceName, place: &Place, notes: &mut Vec<Note>) {
    let path = display(place.path.as_bytes());
    let own = path.rsplit('/').next().unwrap_or_default();
    if !path.is_empty() && own != name.as_str() {
        notes.push(Note {
            path: place.path.clone(),
            words: format!("called {name}"),
            kind: NoteKind::Renamed,
        });
    }
}

/// The letters of `text` that names may have: in lower case, what is none as `-`, each only once.
fn valid(text: &str) -> String {
    let mut out = String::new();
    for letter in text.chars() {
        match letter.to_ascii_lowercase() {
            letter if letter.is_ascii_alphanumeric() => out.push(letter),
            letter => match plain(letter) {
                "" if out.ends_with('-') || out.is_empty() => {}
                "" => out.push('-'),
                plain => out.push_str(plain),
            },
        }
    }
    while out.ends_with('-') {
        out.pop();
    }
    out
}

/// A letter of an alphabet that grew from the Latin one, in ASCII. Empty for all others.
fn plain(letter: char) -> &'static str {
    const TABLE: &[(&str, &str)] = &[
        ("àáâãåāăą", "a"),
        ("äæ", "ae"),
        ("çćĉċč", "c"),
        ("ďđð", "d"),
        ("èéêëēĕėęě", "e"),
        ("ĝğġģ", "g"),
        ("ĥħ", "h"),
        ("ìíîïĩīĭįı", "i"),
        ("ĵ", "j"),
        ("ķ", "k"),
        ("ĺļľŀł", "l"),
        ("ñńņňŋ", "n"),
        ("òóôõōŏő", "o"),
        ("öøœ", "oe"),
        ("ŕŗř", "r"),
        ("śŝşšș", "s"),
        ("ß", "ss"),
        ("ţťŧț", "t"),
        ("ùúûũūŭůűų", "u"),
        ("ü", "ue"),
        ("ŵ", "w"),
        ("ýÿŷ", "y"),
        ("źżž", "z"),
        ("þ", "th"),
    ];
    let lower = letter.to_lowercase().next().unwrap_or(letter);
    let row = TABLE.iter().find(|(letters, _)| letters.contains(lower));
    row.map_or("", |(_, plain)| plain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::draft::candidate::Package;
    use crate::model::manifest::{Ecosystem, Makes};

    fn place(path: &str, package: Option<&str>) -> Place {
        let package = package.map(|name| Package {
            ecosystem: Ecosystem::Npm,
            name: Some(name.into()),
            makes: Makes::Program,
        });
        Place {
            path: path.into(),
            packages: package.into_iter().collect(),
            has_image: true,
            runs: false,
            preset: None,
            evidence: Vec::new(),
        }
    }

    fn check(places: &[(&str, Option<&str>)], expected: &[(&str, &str)]) {
        let kept = Kept::new(
            places
                .iter()
                .map(|(path, name)| place(path, *name))
                .collect(),
        );
        let names = names(Some("shop"), &kept, &mut Vec::new());
        let found: Vec<(String, &str)> = kept
            .places
            .iter()
            .zip(&names)
            .map(|(place, name)| (place.path.display(), name.as_str()))
            .collect();
        let found: Vec<(&str, &str)> = found
            .iter()
            .map(|(path, name)| (path.as_str(), *name))
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn the_last_part_of_the_path_is_the_name() {
        check(
            &[("services/cart", None), ("libs/Über Größe", None)],
            &[
                ("libs/Über Größe", "ueber-groesse"),
                ("services/cart", "cart"),
            ],
        );
        check(
            &[("src/Basket.API", None)],
            &[("src/Basket.API", "basket-api")],
        );
        check(&[("cart/src", None)], &[("cart/src", "cart")]);
    }

    #[test]
    fn what_lies_at_the_top_is_called_after_its_package_or_the_workspace() {
        check(&[("", Some("@acme/store"))], &[("", "store")]);
        check(&[("", None)], &[("", "shop")]);
        check(&[("src", None)], &[("src", "shop")]);
    }

    #[test]
    fn names_that_clash_begin_with_what_differs() {
        check(
            &[
                ("backend/services/cart", None),
                ("frontend/services/cart", None),
            ],
            &[
                ("backend/services/cart", "backend-cart"),
                ("frontend/services/cart", "frontend-cart"),
            ],
        );
        check(
            &[("cart", None), ("libs/cart", None)],
            &[("cart", "cart"), ("libs/cart", "libs-cart")],
        );
        check(
            &[("a b", None), ("a-b", None)],
            &[("a b", "a-b"), ("a-b", "a-b-adc9fa")],
        );
    }

    #[test]
    fn a_package_keeps_its_name_before_a_chart() {
        check(
            &[("charts/cart", None), ("services/cart", Some("cart"))],
            &[("charts/cart", "charts-cart"), ("services/cart", "cart")],
        );
    }

    #[test]
    fn only_the_name_itself_of_a_package_is_taken() {
        let check = |name: &str, expected: &str| assert_eq!(short(name), expected);
        check("@shop/cart", "cart");
        check("example.com/shop/cart/v2", "cart");
        check("org.shop:cart", "cart");
        check("cart", "cart");
    }
}
