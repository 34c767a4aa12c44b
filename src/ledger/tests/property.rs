//! Three actors do anything in any order: the history is what was accepted, in order, and one at most has the lease.

use std::sync::Arc;

use proptest::prelude::*;

use crate::ledger::Error;
use crate::ledger::fake::{Fault, Mirror};
use crate::ledger::store::{Revision, Seen, Store, Write};
use crate::ledger::tests::{World, entry, lease, names, now};

#[derive(Clone, Debug)]
enum Act {
    Look,
    /// With so many entries; whether the lease is held after it.
    Write(usize, bool),
}

/// What is really there.
#[derive(Default)]
struct Truth {
    names: Vec<String>,
    lease: Option<(usize, u64)>,
    /// How often the lock and the ledger were moved.
    lock: u64,
    ledger: u64,
}

struct Actor {
    store: Arc<dyn Store>,
    mirror: Option<Arc<Mirror>>,
    on: Revision,
    /// What the truth was when it looked.
    saw: (Option<u64>, u64),
}

fn acts() -> impl Strategy<Value = Vec<(usize, Act, Vec<Fault>)>> {
    let act = prop_oneof![
        Just(Act::Look),
        (0..3_usize, any::<bool>()).prop_map(|(count, is_held)| Act::Write(count, is_held)),
    ];
    let fault = prop_oneof![
        Just(Fault::None),
        Just(Fault::Before),
        Just(Fault::After),
        Just(Fault::Late),
    ];
    let faults = prop::collection::vec(fault, 0..3);
    prop::collection::vec((0..3_usize, act, faults), 1..40)
}

fn play(mut actors: Vec<Actor>, acts: Vec<(usize, Act, Vec<Fault>)>) {
    let mut truth = Truth::default();
    for (step, (who, act, faults)) in acts.into_iter().enumerate() {
        let actor = &mut actors[who];
        let lock = truth.lease.map(|_| truth.lock);
        match act {
            Act::Look => {
                let Seen {
                    lease, revision, ..
                } = now(&actor.store);
                let lease = lease.map(|it| (it.token, it.beat));
                let expected = truth.lease.map(|(who, beat)| (who.to_string(), beat));
                assert_eq!(lease, expected);
                actor.on = revision;
                actor.saw = (lock, truth.ledger);
            }
            Act::Write(count, is_held) => {
                let name = |at| format!("{step}-{at}");
                let entries: Vec<_> = (0..count).map(|at| entry("api", &name(at))).collect();
                let beat = step as u64;
                let write = Write {
                    lease: is_held.then(|| lease(&who.to_string(), beat)),
                    entries,
                };
                let may = actor.saw.0 == lock
                    && (count == 0 || actor.saw.1 == truth.ledger)
                    && (is_held || lock.is_some());
                if let Some(mirror) = actor.mirror.as_ref().filter(|_| may) {
                    mirror.fail(&faults);
                }
                match actor.store.write(&actor.on, &write) {
                    Ok(on) => {
                        assert!(may, "step {step}");
                        actor.on = on;
                        truth.lock += 1;
                        truth.ledger += u64::from(count > 0);
                        truth.lease = is_held.then_some((who, beat));
                        truth
                            .names
                            .extend((0..count).map(|at| format!("api d-{}", name(at))));
                        actor.saw = (
                            truth.lease.map(|_| truth.lock),
                            match count {
                                0 => actor.saw.1,
                                _ => truth.ledger,
                            },
                        );
                        if let Some(mirror) = &actor.mirror {
                            mirror.forget();
                        }
                    }
                    Err(Error::Lost(_)) => assert!(!may, "step {step}"),
                    Err(error) => panic!("{error:?}"),
                }
            }
        }
    }
    truth.names.reverse();
    let store = &actors[0].store;
    now(store);
    assert_eq!(names(store), truth.names);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_history_is_what_was_accepted_in_git(acts in acts()) {
        let world = World::new();
        let actor = |_| {
            let (mirror, store) = world.git();
            Actor { store, mirror: Some(mirror), on: Revision::default(), saw: (None, 0) }
        };
        play((0..3).map(actor).collect(), acts);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_history_is_what_was_accepted_in_a_file(acts in acts()) {
        let world = World::new();
        let actor = |_| Actor { store: world.file(), mirror: None, on: Revision::default(), saw: (None, 0) };
        play((0..3).map(actor).collect(), acts);
    }
}
