//! Where services of an environment go: back, on, or away.

use serde_json::{Value, json};

use crate::model::ledger::{Deployed, Runs};
use crate::model::name::{EnvironmentName, ServiceName};
use crate::report::deployed;
use crate::report::table::Table;
use crate::report::view::Look;

/// One service: what runs now, and what is to run; none if it is taken away.
pub type MoveView<'m> = (&'m ServiceName, &'m Runs, Option<&'m Deployed>);

/// The moves as a table.
pub fn moves_text(moves: &[MoveView<'_>], look: Look) -> String {
    let mut table = Table::new(&["service", "from", "to", "commit"]);
    for (name, from, to) in moves {
        let target = to.map_or("nothing".to_owned(), |it| it.version().to_owned());
        table.row([
            look.paint.strong(name),
            deployed::runs(from).to_owned(),
            target,
            to.map(deployed::commit).unwrap_or_default(),
        ]);
    }
    table.render(look)
}

/// The moves for machines.
pub fn moves_json(
    environment: &EnvironmentName,
    moves: &[MoveView<'_>],
    left_out: &[(String, String)],
) -> Value {
    let services = moves.iter().map(|(name, from, to)| {
        json!({"name": name, "from": deployed::runs_json(from), "to": to.map(deployed::deployed_json)})
    });
    let services: Vec<Value> = services.collect();
    let left_out = left_out
        .iter()
        .map(|(name, why)| json!({"name": name, "why": why}));
    let left_out: Vec<Value> = left_out.collect();
    json!({
        "version": 1, "environment": environment.as_str(), "services": services, "left_out": left_out,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::deployed::samples::*;
    use crate::report::schema::tests::validate;
    use crate::report::view::samples::service;

    #[test]
    fn a_move_says_from_where_to_where() {
        let (api, web) = (service("api"), service("web"));
        let (new, old) = (this("b"), this("a"));
        let moves = [(&api, &new, old.known()), (&web, &Runs::Unknown, None)];
        let text = moves_text(&moves, Look::default());
        assert!(text.contains(new.known().unwrap().version()), "{text}");
        assert!(text.contains("unknown"), "{text}");
        assert!(text.contains("nothing"), "{text}");
        let left_out = [("pay".to_owned(), "it is held".to_owned())];
        let json = moves_json(&environment("production"), &moves, &left_out);
        validate("moves", &json);
        assert_eq!(json["left_out"][0]["name"], "pay");
        assert_eq!(json["services"][1]["from"], "unknown");
        assert_eq!(json["services"][1]["to"], Value::Null);
    }
}
