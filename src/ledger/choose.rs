//! Which store an environment's ledger is in.

use crate::ledger::error::Error;
use crate::model::deploy::{LedgerSettings, LedgerStore};
use crate::model::name::EnvironmentName;

/// A store that has entries of the environment already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    pub store: LedgerStore,
    /// Its [`crate::ledger::Store::name`].
    pub name: String,
}

/// The store of an environment: fixed at its first entry, else as `settings` say, else where others can see it.
///
/// # Errors
/// Its entries are in another store than the one that the settings ask for, or it cannot be told which of two counts.
pub fn choose(
    settings: &LedgerSettings,
    environment: &EnvironmentName,
    has_remote: bool,
    found: &[Found],
) -> Result<LedgerStore, Error> {
    if environment.as_str() == "local" {
        return Ok(LedgerStore::File);
    }
    let by_itself = match has_remote {
        true => LedgerStore::Git,
        false => LedgerStore::File,
    };
    let wanted = settings.store.unwrap_or(by_itself);
    if wanted == LedgerStore::Git && !has_remote {
        return Err(Error::Store {
            what: format!("the ledger of `{environment}` is to be in git, and there is no remote"),
            hint: "add one with `git remote add`, or say `store = \"file\"` in `[ledger]`".into(),
        });
    }
    let is_here = found.iter().any(|it| it.store == wanted);
    match found.iter().find(|it| it.store != wanted) {
        Some(other) if !is_here => Err(elsewhere(environment, wanted, other)),
        Some(other) if settings.store.is_none() => Err(both(environment, wanted, other)),
        _ => Ok(wanted),
    }
}

fn elsewhere(environment: &EnvironmentName, wanted: LedgerStore, other: &Found) -> Error {
    let (wanted, word) = (word(wanted), word(other.store));
    Error::Store {
        what: format!(
            "the ledger of `{environment}` is to be in the store `{wanted}`, and its entries are in `{word}`: {}",
            other.name
        ),
        hint: format!(
            "say `store = \"{word}\"` in `[ledger]` to go on with it; to begin anew in `{wanted}`, move the old one out of \
             the way and record what runs with `svc deploy --env {environment} --adopt`"
        ),
    }
}

fn both(environment: &EnvironmentName, wanted: LedgerStore, other: &Found) -> Error {
    let (wanted, word) = (word(wanted), word(other.store));
    Error::Store {
        what: format!(
            "there are entries of `{environment}` in the store `{wanted}` and also in `{word}`: {}",
            other.name
        ),
        hint: format!("say in `[ledger]` which counts: `store = \"{wanted}\"` or `\"{word}\"`"),
    }
}

fn word(store: LedgerStore) -> &'static str {
    match store {
        LedgerStore::Git => "git",
        LedgerStore::File => "file",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use LedgerStore::{File, Git};

    #[test]
    fn the_store_is_fixed_at_the_first_entry() {
        let check =
            |name: &str, asked, has_remote, found: &[LedgerStore], expected: Result<_, &str>| {
                let settings = LedgerSettings {
                    store: asked,
                    ..LedgerSettings::default()
                };
                let found: Vec<_> = found
                    .iter()
                    .map(|store| Found {
                        store: *store,
                        name: "the place".into(),
                    })
                    .collect();
                let name = EnvironmentName::new(name).unwrap();
                match (choose(&settings, &name, has_remote, &found), expected) {
                    (Ok(store), expected) => assert_eq!(Ok(store), expected),
                    (Err(error), Err(words)) => {
                        assert!(error.to_string().contains(words), "{error}")
                    }
                    (Err(error), Ok(_)) => panic!("{error}"),
                }
            };
        check("production", None, true, &[], Ok(Git));
        check("production", None, false, &[], Ok(File));
        check("production", Some(File), true, &[], Ok(File));
        check("production", Some(Git), false, &[], Err("no remote"));
        check("production", None, true, &[Git], Ok(Git));
        check("production", None, true, &[File], Err("the place"));
        check(
            "production",
            Some(Git),
            true,
            &[File],
            Err("entries are in `file`"),
        );
        check(
            "production",
            Some(File),
            true,
            &[Git],
            Err("entries are in `git`"),
        );
        check("production", Some(File), true, &[File], Ok(File));
        check(
            "production",
            None,
            true,
            &[Git, File],
            Err("and also in `file`"),
        );
        check("production", Some(Git), true, &[Git, File], Ok(Git));
        check("local", Some(Git), true, &[Git], Ok(File));
        check("local", None, false, &[], Ok(File));
    }
}
