//! `--code-quality FILE`: what tools said of places in files, as GitLab reads it.

use std::collections::HashMap;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::model::annotation::{Annotation, Severity};
use crate::model::digest::Digester;
use crate::report::document;
use crate::report::replace::replace;

/// The file.
pub struct CodeQuality {
    path: PathBuf,
    warning: Option<String>,
    has_failed: bool,
}

impl CodeQuality {
    /// Begins the file anew, with nothing in it.
    pub fn create(path: PathBuf) -> Self {
        let mut it = Self {
            path,
            warning: None,
            has_failed: false,
        };
        it.write(&[]);
        it
    }

    /// Writes all remarks that name a file.
    pub fn write(&mut self, all: &[Annotation]) {
        if self.has_failed {
            return;
        }
        let text = document::document(&code_quality_json(all));
        if let Err(error) = replace(&self.path, text.as_bytes()) {
            self.has_failed = true;
            let name = self.path.display();
            self.warning = Some(format!(
                "the Code Quality report is not written to `{name}`: {error}"
            ));
        }
    }

    /// What went wrong, once.
    pub fn take_warning(&mut self) -> Option<String> {
        self.warning.take()
    }
}

/// The report. A remark keeps its fingerprint when lines above it come or go.
pub fn code_quality_json(all: &[Annotation]) -> Value {
    let mut counts: HashMap<String, usize> = HashMap::new();
    let mut seen: Vec<&Annotation> = Vec::new();
    let mut issues = Vec::new();
    for it in all {
        let Some(path) = &it.path else { continue };
        if seen.iter().any(|other| it.is_same(other)) {
            continue;
        }
        seen.push(it);
        let kind = match it.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Notice => "notice",
        };
        let code = it.code.as_deref().unwrap_or(kind);
        let what = Digester::new("code quality")
            .part("path", path.as_bytes())
            .part("code", code.as_bytes())
            .part("message", it.message.as_bytes())
            .finish();
        let count = counts.entry(what.to_string()).or_default();
        let fingerprint = Digester::new("code quality")
            .part("what", what.as_str().as_bytes())
            .part("which", count.to_string().as_bytes())
            .finish();
        *count += 1;
        issues.push(json!({
            "description": it.text(),
            "check_name": code,
            "fingerprint": &fingerprint.as_str()[..32],
            "severity": match it.severity {
                Severity::Error => "major",
                Severity::Warning => "minor",
                Severity::Notice => "info",
            },
            "location": {"path": path.display(), "lines": {"begin": it.line.unwrap_or(1)}},
        }));
    }
    Value::Array(issues)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::schema::tests::validate;

    fn remark(path: &str, line: u32, message: &str) -> Annotation {
        Annotation {
            path: Some(path.into()),
            line: Some(line),
            code: Some("E1".to_owned()),
            ..Annotation::new("api:lint", message)
        }
    }

    #[test]
    fn fingerprints_outlive_a_move() {
        let before = [
            remark("a.c", 3, "no"),
            remark("a.c", 9, "no"),
            Annotation::new("api:lint", "nowhere"),
        ];
        let after = [
            remark("a.c", 4, "no"),
            remark("a.c", 4, "no"),
            remark("a.c", 10, "no"),
        ];
        let (before, after) = (code_quality_json(&before), code_quality_json(&after));
        validate("code-quality", &before);
        let prints = |it: &Value| -> Vec<Value> {
            let rows = it.as_array().unwrap().iter();
            rows.map(|it| it["fingerprint"].clone()).collect()
        };
        assert_eq!(prints(&before), prints(&after));
        assert_ne!(prints(&before)[0], prints(&before)[1]);
        assert_eq!(before[0]["location"]["lines"]["begin"], 3);
    }
}
