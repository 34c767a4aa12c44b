//! A name of a service as languages and other tools take names: filters of templates.

use minijinja::Environment;

/// Words that mean something in one of the languages whose packages are named so, or that name what these bring along.
const TAKEN: &str = "abstract and any as assert async await bool boolean break byte case catch chan char class const \
    continue def default defer del do double elif else enum except extends fallthrough False final finally float fn for \
    from func global go goto if implements import in init instanceof int interface internal is lambda long main map \
    native new nil None nonlocal not null or package pass private protected public raise range record return select self \
    short static strictfp string struct super switch synchronized tests this throw throws transient True try type var \
    vendor void volatile while with yield \
    abc argparse array ast asyncio base64 bisect builtins calendar cmd code codecs collections copy csv ctypes datetime \
    decimal dis email enum errno fractions functools glob hashlib heapq html http imp importlib inspect io ipaddress \
    itertools json keyword linecache locale logging math numbers operator os pathlib pickle platform pprint queue random \
    re sched secrets select selectors shelve shutil signal site socket sqlite3 ssl stat statistics strings struct \
    subprocess symtable sys tempfile test textwrap threading time timeit token tokenize trace traceback types typing \
    unicodedata unittest urllib uuid warnings weakref words zipfile zoneinfo";

/// Names that cargo refuses, or that stand for crates that a scaffold uses or the language brings.
const TAKEN_CRATES: &str = "abstract alloc as async await become box break build const continue core crate deps do dyn \
    else enum errno examples extern false final fn for gen if impl in incremental let libc loop macro match mod move mut \
    override priv proc-macro pub ref return self service signal-hook signal-hook-registry static std struct super test \
    trait true try type typeof unsafe unsized use virtual where while windows-link windows-sys yield";

/// The most letters of a label in Kubernetes.
const LABEL: usize = 63;

/// Adds the filters.
pub fn add_to(engine: &mut Environment<'_>) {
    engine.add_filter("snake", |text: &str| text.replace('-', "_"));
    engine.add_filter("pascal", pascal);
    engine.add_filter("package", package);
    engine.add_filter("crate", crate_name);
    engine.add_filter("module", module);
    engine.add_filter("label", |text: &str, most: Option<usize>| {
        label(text, most.unwrap_or(LABEL))
    });
}

/// `price-list` as `PriceList`.
fn pascal(text: &str) -> String {
    let upper = |word: &str| {
        let mut letters = word.chars();
        let first = letters.next().map(|it| it.to_uppercase().to_string());
        first.unwrap_or_default() + letters.as_str()
    };
    text.split(['-', '_']).map(upper).collect()
}

/// A package of Go, Python or Java: small letters, digits and `_`, no word of the language.
fn package(text: &str) -> String {
    let name = plain(text, '_');
    match name.chars().next() {
        None => "it".to_owned(),
        Some('0'..='9') => format!("p{name}"),
        Some(_) if is_among(&name, TAKEN) => format!("{name}_"),
        Some(_) => name,
    }
}

/// A package of cargo or of Python's index.
fn crate_name(text: &str) -> String {
    let name = plain(text, '-');
    match name.chars().next() {
        None => "it".to_owned(),
        Some('0'..='9') => format!("svc-{name}"),
        Some(_) if is_among(&name, TAKEN_CRATES) => format!("{name}-it"),
        Some(_) => name,
    }
}

/// A part of a module's path in Go, or several.
fn module(text: &str) -> String {
    let parts = text
        .split('/')
        .map(|it| plain(it, '-'))
        .filter(|it| !it.is_empty());
    let parts: Vec<String> = parts.collect();
    match parts.is_empty() {
        true => "it".to_owned(),
        false => parts.join("/"),
    }
}

/// A name in Kubernetes, which begins with a letter and has an end to its length.
fn label(text: &str, most: usize) -> String {
    let name = plain(text, '-');
    let name = match name.chars().next() {
        None => "it".to_owned(),
        Some('0'..='9') => format!("svc-{name}"),
        Some(_) => name,
    };
    let cut = &name[..name.len().min(most)];
    cut.trim_end_matches('-').to_owned()
}

/// Small letters and digits, with `between` for whatever else is between them.
fn plain(text: &str, between: char) -> String {
    let text = text.to_lowercase();
    let words = text.split(|letter: char| !letter.is_ascii_alphanumeric());
    let words: Vec<&str> = words.filter(|it| !it.is_empty()).collect();
    words.join(between.encode_utf8(&mut [0; 4]))
}

fn is_among(name: &str, taken: &str) -> bool {
    taken.split_whitespace().any(|it| it == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fit_where_they_are_used() {
        let check = |filter: fn(&str) -> String, text: &str, expected: &str| {
            assert_eq!(filter(text), expected, "{text}");
        };
        check(pascal, "price-list", "PriceList");
        check(package, "price-list", "price_list");
        check(package, "0-api", "p0_api");
        check(package, "import", "import_");
        check(package, "tests", "tests_");
        check(package, "Mein Laden!", "mein_laden");
        check(crate_name, "price-list-", "price-list");
        check(crate_name, "0-api", "svc-0-api");
        check(crate_name, "fn", "fn-it");
        check(module, "services/my api", "services/my-api");
        check(module, "ä", "it");
        let label = |text: &str| label(text, 10);
        assert_eq!(label("api"), "api");
        assert_eq!(label("0api"), "svc-0api");
        assert_eq!(label("ten-letter-name"), "ten-letter");
        assert_eq!(label("nine-more--x"), "nine-more");
    }
}
