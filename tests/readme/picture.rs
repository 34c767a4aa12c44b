//! The picture of a run: made from a real one, with its colours.

use std::fmt::Write;
use std::path::Path;

use crate::console::timeless;
use crate::shop::Shop;

const SESSION: [&str; 4] = [
    "echo '# Not a cent is lost.' >> libs/money/src/money.py",
    "svc affected",
    "svc why gateway",
    "svc test --log failed",
];

/// How far one letter and one line go.
const LETTER: f64 = 8.4;
const LINE: usize = 20;
const MARGIN: usize = 20;

/// Makes the picture anew with `README=write cargo test --test readme`.
#[test]
fn the_picture_shows_what_svc_says() {
    let shop = Shop::new();
    let (code, said) = shop.shell("svc test --all --log none", &[]);
    assert_eq!(code, 0, "{said}");
    let mut screen = String::new();
    for command in SESSION {
        let (code, said) = shop.shell(command, &[("CLICOLOR_FORCE", "1")]);
        assert_eq!(code, 0, "{said}");
        let _ = write!(screen, "\x1b[2m$\x1b[0m \x1b[1m{command}\x1b[0m\n{said}\n");
    }
    let picture = svg(screen.trim_end());
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/shop/picture.svg");
    if std::env::var_os("README").is_some_and(|it| it == "write") {
        std::fs::write(&file, &picture).expect("the picture can be written");
        return;
    }
    let old = std::fs::read_to_string(&file).expect("the picture exists");
    assert_eq!(
        shown(&old),
        shown(&picture),
        "`README=write cargo test --test readme` makes it anew"
    );
}

/// The lines of a picture, without what differs from run to run.
fn shown(picture: &str) -> Vec<String> {
    let lines = picture.lines().filter(|it| it.starts_with("<text"));
    let mut lines: Vec<_> = lines
        .map(|line| timeless(&without_tags(line)))
        .filter(|it| !it.starts_with("longest chain"))
        .collect();
    lines.sort();
    lines
}

fn without_tags(line: &str) -> String {
    let text: String = line
        .split('<')
        .filter_map(|it| it.split_once('>'))
        .map(|it| it.1)
        .collect();
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&amp;", "&")
}

fn svg(screen: &str) -> String {
    let lines: Vec<Vec<Piece>> = screen.lines().map(pieces).collect();
    let letters = lines.iter().flatten().map(Piece::end).max().unwrap_or(0);
    let width = 2 * MARGIN + (letters as f64 * LETTER).ceil() as usize;
    let height = 2 * MARGIN + lines.len() * LINE;
    let mut out = format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img">
<title>svc tests what one edit affects</title>
<style>
text {{ font: 14px ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; white-space: pre; fill: #1f2328 }}
.back {{ fill: #f6f8fa; stroke: #d1d9e0 }}
.s1 {{ font-weight: bold }} .s2 {{ fill: #59636e }}
.s31 {{ fill: #b3202c }} .s32 {{ fill: #116329 }} .s33 {{ fill: #7d4e00 }} .s36 {{ fill: #0a5a78 }}
@media (prefers-color-scheme: dark) {{
text {{ fill: #e6edf3 }}
.back {{ fill: #0d1117; stroke: #3d444d }}
.s2 {{ fill: #9198a1 }}
.s31 {{ fill: #ff7b72 }} .s32 {{ fill: #56d364 }} .s33 {{ fill: #e3b341 }} .s36 {{ fill: #76e3ea }}
}}
</style>
<rect class="back" x="0.5" y="0.5" width="{}" height="{}" rx="8"/>
"##,
        width - 1,
        height - 1
    );
    for (row, line) in lines.iter().enumerate() {
        let y = MARGIN + row * LINE + LINE * 3 / 4;
        let _ = write!(out, r#"<text y="{y}" xml:space="preserve">"#);
        for piece in line {
            out.push_str(&piece.tag());
        }
        out.push_str("</text>\n");
    }
    out.push_str("</svg>\n");
    out
}

/// Letters of one style, placed by their column so that no font can shift them.
struct Piece {
    column: usize,
    style: Vec<String>,
    text: String,
}

impl Piece {
    fn end(&self) -> usize {
        self.column + self.text.chars().count()
    }

    fn tag(&self) -> String {
        let x = MARGIN as f64 + self.column as f64 * LETTER;
        let class: Vec<_> = self.style.iter().map(|it| format!("s{it}")).collect();
        let class = match class.is_empty() {
            true => String::new(),
            false => format!(r#" class="{}""#, class.join(" ")),
        };
        let text = self.text.replace('&', "&amp;");
        let text = text.replace('<', "&lt;").replace('>', "&gt;");
        format!(r#"<tspan x="{x:.1}"{class}>{text}</tspan>"#)
    }
}

/// A line of a terminal in pieces: a new one at each change of style and after each gap.
fn pieces(line: &str) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::new();
    let mut style: Vec<String> = Vec::new();
    let mut column = 0;
    for part in line.split("\x1b[").enumerate() {
        let text = match part {
            (0, text) => text,
            (_, sequence) => {
                let (codes, text) = sequence.split_once('m').expect("only colours");
                for code in codes.split(';') {
                    match code {
                        "0" | "" => style.clear(),
                        code => style.push(code.to_owned()),
                    }
                }
                text
            }
        };
        for text in text.split_inclusive("  ").filter(|it| !it.is_empty()) {
            pieces.push(Piece {
                column,
                style: style.clone(),
                text: text.to_owned(),
            });
            column += text.chars().count();
        }
    }
    pieces
}
