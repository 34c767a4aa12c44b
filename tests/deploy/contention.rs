//! Many deployers at once on one ledger: one at a time, and nothing is lost.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde_json::Value;

use crate::chance::{Chance, rounds};
use crate::running::{Over, Running};
use crate::stage::{ALL, Ledger, Stage, expect_in_order};

/// How many deploy at once.
const MANY: usize = 16;

/// So many commits, one after the other, are deployed at once.
const COMMITS: usize = 4;

/// One of many, with what it was asked.
struct Deployer {
    may_diverge: bool,
    waits: bool,
    over: Over,
}

#[test]
fn of_many_on_one_remote_one_deploys_at_a_time() {
    let mut chance = Chance::new("many on one remote");
    let stage = Stage::deployed(Ledger::Git);
    let clones: Vec<PathBuf> = (0..MANY)
        .map(|at| stage.another(&format!("c{at}")))
        .collect();
    let mut told = Told::default();
    for round in 0..rounds(1) {
        let commits: Vec<String> = (0..COMMITS)
            .map(|at| {
                let services = &ALL[..=chance.below(ALL.len())];
                stage.change(services, &format!("r{round}-{at}"))
            })
            .collect();
        for clone in &clones {
            let there = stage.repo.at(clone);
            there.git(&["fetch", "--quiet", "origin"]);
            // Most want the newest one.
            let commit = match chance.once_in(3) {
                true => chance.one_of(&commits).clone(),
                false => commits[COMMITS - 1].clone(),
            };
            there.git(&["checkout", "--quiet", "--detach", &commit]);
        }
        let begun = stage.traces().len();
        let deployers = all_at_once(&stage, &clones, &mut chance);
        let when = format!("round {round}");
        told.add(&deployers);
        expect_losers_to_know_why(&deployers, &when);
        expect_one_at_a_time(&stage, begun, &when);
        expect_all_recorded(&stage, &deployers, begun, &when);
        // What was not won by the newest is due for it still.
        stage.deploy_well(&["--lock-wait", "60s", "--retry-held"]);
        stage.expect_all_deployed(&when);
    }
    eprintln!("{told:?}");
}

#[test]
fn of_many_on_one_file_one_deploys_at_a_time() {
    let mut chance = Chance::new("many on one file");
    let stage = Stage::deployed(Ledger::File);
    let places = vec![stage.root.clone(); 8];
    let mut told = Told::default();
    for round in 0..rounds(2) {
        stage.change(&ALL[..=chance.below(ALL.len())], &format!("r{round}"));
        let begun = stage.traces().len();
        let deployers = all_at_once(&stage, &places, &mut chance);
        let when = format!("round {round}");
        told.add(&deployers);
        expect_losers_to_know_why(&deployers, &when);
        expect_one_at_a_time(&stage, begun, &when);
        expect_all_recorded(&stage, &deployers, begun, &when);
        stage.expect_all_deployed(&when);
    }
    eprintln!("{told:?}");
}

/// How often they ended how.
#[derive(Debug, Default)]
struct Told(BTreeMap<String, usize>);

impl Told {
    fn add(&mut self, deployers: &[Deployer]) {
        for it in deployers {
            let how = match (it.over.code, is_deployed(it)) {
                (0, true) => "deployed".to_owned(),
                (0, false) => "nothing due".to_owned(),
                (code, _) => format!("exit {code}"),
            };
            *self.0.entry(how).or_default() += 1;
        }
    }
}

fn all_at_once(stage: &Stage, places: &[PathBuf], chance: &mut Chance) -> Vec<Deployer> {
    let begun: Vec<_> = places
        .iter()
        .map(|place| {
            let may_diverge = chance.once_in(4);
            let waits = !chance.once_in(4);
            let mut arguments = vec!["deploy", "--env", "staging", "--format", "json"];
            arguments.extend(may_diverge.then_some("--allow-diverged"));
            arguments.extend(waits.then_some("--lock-wait=120s"));
            let svc = stage.svc_at(place, &arguments);
            // Others look again after a quarter of it.
            (
                may_diverge,
                waits,
                Running::start(svc.env("SVC_LEASE_TERM", "8s")),
            )
        })
        .collect();
    let ended = begun
        .into_iter()
        .map(|(may_diverge, waits, running)| Deployer {
            may_diverge,
            waits,
            over: running.end(),
        });
    ended.collect()
}

fn document(it: &Deployer) -> Option<Value> {
    serde_json::from_str(&it.over.stdout).ok()
}

fn is_deployed(it: &Deployer) -> bool {
    document(it).is_some_and(|it| it.get("outcome").is_some())
}

fn expect_losers_to_know_why(deployers: &[Deployer], when: &str) {
    for it in deployers {
        let said = &it.over.stderr;
        let knows = match it.over.code {
            0 => true,
            4 => said.contains("somebody else was faster") && said.contains(" deployed "),
            75 => !it.waits && said.contains("locked by") && said.contains("since"),
            // Somebody else brought a newer commit before this one looked.
            2 => !it.may_diverge && said.contains("is older than"),
            _ => false,
        };
        assert!(knows, "{when}: {:?}", it.over);
    }
    assert!(deployers.iter().any(is_deployed), "{when}: nobody won");
}

/// Between the coming of a step and its going no step of another deploy comes.
fn expect_one_at_a_time(stage: &Stage, begun: usize, when: &str) {
    let mut inside: BTreeSet<(String, String)> = BTreeSet::new();
    for it in &stage.traces()[begun..] {
        let this = (it.deploy.clone(), it.service.clone());
        match it.what.as_str() {
            "enter" => {
                let alone = inside.iter().all(|(deploy, _)| *deploy == it.deploy);
                assert!(alone, "{when}: {inside:?} {it:?}");
                assert!(inside.insert(this), "{when}: twice {it:?}");
            }
            _ => assert!(inside.remove(&this), "{when}: {it:?}"),
        }
    }
    assert_eq!(inside, BTreeSet::new(), "{when}");
}

/// What deployers say they did, what their steps did and what the history says are the same.
fn expect_all_recorded(stage: &Stage, deployers: &[Deployer], begun: usize, when: &str) {
    let entries = stage.history("staging");
    expect_in_order(&entries, when);
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let mut said = Vec::new();
    for document in deployers.iter().filter_map(document) {
        let Some(deploy) = document
            .get("deploy")
            .filter(|_| document.get("outcome").is_some())
        else {
            continue;
        };
        for service in document["services"].as_array().unwrap() {
            assert_eq!(service["state"], "succeeded", "{when}: {document:#}");
            said.push((text(deploy), text(&service["name"])));
        }
    }
    let traces = stage.traces();
    let left = traces[begun..].iter().filter(|it| it.what == "leave");
    let mut did: Vec<_> = left
        .map(|it| (it.deploy.clone(), it.service.clone()))
        .collect();
    let ids: BTreeSet<&String> = said.iter().map(|(deploy, _)| deploy).collect();
    let of_round = |it: &&Value| ids.contains(&text(&it["deploy"]));
    let succeeded = entries
        .iter()
        .filter(|it| it["state"] == "succeeded")
        .filter(of_round);
    let mut recorded: Vec<_> = succeeded
        .map(|it| (text(&it["deploy"]), text(&it["service"])))
        .collect();
    for list in [&mut said, &mut did, &mut recorded] {
        list.sort();
    }
    assert_eq!(said, recorded, "{when}");
    assert_eq!(did, recorded, "{when}");
    let distinct: BTreeSet<_> = recorded.iter().collect();
    assert_eq!(distinct.len(), recorded.len(), "{when}");
}
