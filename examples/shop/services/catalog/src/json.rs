//! Just enough JSON to write a catalog.

pub fn string(text: &str) -> String {
    let mut out = String::from('"');
    for letter in text.chars() {
        match letter {
            '"' | '\\' => out.extend(['\\', letter]),
            control if control < ' ' => out.push_str(&format!("\\u{:04x}", control as u32)),
            plain => out.push(plain),
        }
    }
    out.push('"');
    out
}

pub fn list(items: impl Iterator<Item = String>) -> String {
    format!("[{}]", items.collect::<Vec<_>>().join(","))
}

#[cfg(test)]
mod tests {
    use super::{list, string};

    #[test]
    fn strings_are_escaped() {
        assert_eq!(string("tea"), r#""tea""#);
        assert_eq!(string("a \"b\" \\ \n é"), r#""a \"b\" \\ \u000a é""#);
    }

    #[test]
    fn lists_are_joined() {
        assert_eq!(list([].into_iter()), "[]");
        assert_eq!(list(["1".into(), "2".into()].into_iter()), "[1,2]");
    }
}
