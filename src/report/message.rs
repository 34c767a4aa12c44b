//! Errors, warnings and hints as people see them. Text from outside is never shown raw.

use crate::report::clean::several_lines;
use crate::report::lines::Keep;
use crate::report::paint::Paint;

/// `error: …`, further lines set in.
pub fn error(text: &str, paint: Paint) -> String {
    labelled(&paint.bad("error:"), text)
}

/// `warning: …`, further lines set in.
pub fn warning(text: &str, paint: Paint) -> String {
    labelled(&paint.notable("warning:"), text)
}

/// `note: …`, further lines set in.
pub fn note(text: &str, paint: Paint) -> String {
    labelled(&paint.faint("note:"), text)
}

/// `hint: …`, further lines set in.
pub fn hint(text: &str, paint: Paint) -> String {
    labelled(&paint.advice("hint:"), text)
}

/// An error with what led to it, outermost first, and what to do about it.
pub fn failure(text: &str, causes: &[String], hints: &[String], paint: Paint) -> String {
    let mut all = error(text, paint);
    for cause in causes {
        all.push_str(&labelled(&format!("  {}", paint.faint("cause:")), cause));
    }
    for text in hints {
        all.push_str(&hint(text, paint));
    }
    all
}

/// Text that was laid out already, such as a marked source line: only its colours are kept, if there are any to be.
pub fn laid_out(text: &str, paint: Paint) -> String {
    let keep = match paint.colour {
        true => Keep::Colours,
        false => Keep::Text,
    };
    several_lines(text, keep) + "\n"
}

fn labelled(label: &str, text: &str) -> String {
    let text = several_lines(text.trim_end(), Keep::Text);
    format!("{label} {}\n", text.replace('\n', "\n  "))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Paint = Paint {
        colour: false,
        unicode: true,
    };

    #[test]
    fn failures_say_what_and_why_and_what_to_do() {
        let causes = ["no such file\nor directory".to_owned()];
        let hints = ["run `svc check`".to_owned()];
        insta::assert_snapshot!(failure("read `services.toml`", &causes, &hints, PLAIN), @r"
        error: read `services.toml`
          cause: no such file
          or directory
        hint: run `svc check`
        ");
    }

    #[test]
    fn nothing_from_outside_reaches_the_terminal_raw() {
        let hostile = "no file `\x1b[2J\x1b]0;x\x07evil\rerror: fake`";
        assert_eq!(error(hostile, PLAIN), "error: no file `evil error: fake`\n");
        assert_eq!(warning("a\nb", PLAIN), "warning: a\n  b\n");
        let painted = Paint {
            colour: true,
            unicode: true,
        };
        let shown = laid_out("\x1b[31m^^^\x1b[0m\x1b[2J here", painted);
        assert_eq!(shown, "\x1b[31m^^^\x1b[0m here\n");
        assert_eq!(laid_out("\x1b[31m^^^\x1b[0m here", PLAIN), "^^^ here\n");
    }
}
