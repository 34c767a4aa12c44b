//! Taking, holding, losing and releasing the lease.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use crate::ledger::fake::{FakeClock, Fault};
use crate::ledger::store::{Revision, Seen, Store, Wanted, Write};
use crate::ledger::tests::{World, entry, held, holder, names, now};
use crate::ledger::{
    Clock, Error, Options, Refresh, SystemClock, Tenure, acquire, release_by_hand, take,
};

const TERM: Duration = Duration::from_secs(300);

fn options(clock: &Arc<FakeClock>) -> Options<'static> {
    Options {
        clock: clock.clone(),
        ..Options::default()
    }
}

fn taken(store: &Arc<dyn Store>, name: &str, options: &Options<'_>) -> Tenure {
    acquire(store.clone(), &holder(name), options).unwrap()
}

fn locked_by(store: &Arc<dyn Store>, name: &str, options: &Options<'_>) -> String {
    match acquire(store.clone(), &holder(name), options) {
        Err(Error::Locked(lease)) => lease.holder.who.name,
        Err(other) => panic!("{other:?}"),
        Ok(_) => panic!("it was free"),
    }
}

#[test]
fn a_lease_is_held_written_with_and_given_up() {
    for [a, b] in World::new().pairs() {
        let clock = FakeClock::new();
        let tenure = taken(&a, "ann", &options(&clock));
        assert_eq!(tenure.taken_over(), None);
        assert_eq!(locked_by(&b, "bob", &options(&clock)), "ann");
        tenure.write(&[entry("api", "x")]).unwrap();
        assert_eq!(tenure.standings().len(), 1);
        assert_eq!(now(&b).revision, tenure.revision());
        tenure.finish(&[entry("api", "y")]).unwrap();
        assert_eq!(now(&b).lease, None);
        let next = taken(&b, "bob", &options(&clock));
        assert_eq!(next.standings()["api"].newest, entry("api", "y"));
        drop(next);
        assert_eq!(
            (now(&a).lease, names(&a)),
            (None, vec!["api d-y".into(), "api d-x".into()])
        );
    }
}

#[test]
fn a_lease_is_over_once_it_was_seen_unchanged_for_a_term() {
    for [a, b] in World::new().pairs() {
        let clock = FakeClock::new();
        let tenure = taken(&a, "ann", &options(&clock));
        let waiting = Options {
            wait: Some(TERM * 2),
            ..options(&clock)
        };
        let next = taken(&b, "bob", &waiting);
        let over = next.taken_over().map(|it| it.holder.who.name.clone());
        assert_eq!(over.as_deref(), Some("ann"));
        // The former holder knows, says so, and cannot write.
        assert!(tenure.is_lost().is_some());
        let refused = tenure.write(&[entry("api", "x")]);
        assert!(matches!(refused, Err(Error::Over(_))), "{refused:?}");
        drop(tenure);
        assert_eq!(now(&a).lease.unwrap().holder.who.name, "bob");
        assert_eq!(names(&b), [""; 0]);
    }
}

#[test]
fn what_was_seen_counts_for_the_next_one_that_is_started() {
    let world = World::new();
    let memory = world.directory.path().join("seen");
    let looking = |clock, memory: &'static Path| Options {
        memory: Some(memory),
        ..options(clock)
    };
    let memory: &'static Path = Box::leak(memory.into_boxed_path());
    let (_, a) = world.git();
    let clock = FakeClock::new();
    a.write(&now(&a).revision, &held("ann", 0, &[])).unwrap();
    assert_eq!(locked_by(&a, "bob", &looking(&clock, memory)), "ann");
    clock.pass(TERM / 2);
    assert_eq!(locked_by(&a, "bob", &looking(&clock, memory)), "ann");
    // Renewed meanwhile: it counts anew.
    a.write(&now(&a).revision, &held("ann", 1, &[])).unwrap();
    clock.pass(TERM);
    assert_eq!(locked_by(&a, "bob", &looking(&clock, memory)), "ann");
    clock.pass(TERM);
    // Who has seen nothing begins to watch only now.
    assert_eq!(locked_by(&a, "eve", &options(&clock)), "ann");
    let next = taken(&a, "bob", &looking(&clock, memory));
    assert_eq!(next.taken_over().unwrap().beat, 1);
}

#[test]
fn what_was_kept_of_sights_is_not_trusted_when_it_cannot_be_right() {
    for text in [
        "",
        "{}",
        "nonsense",
        "{\"token\":\"ann\",\"beat\":0,\"boot\":\"another\",\"at\":{\"secs\":0,\"nanos\":0}}",
        "{\"token\":\"ann\",\"beat\":0,\"boot\":\"this start\",\"at\":{\"secs\":999999999,\"nanos\":0}}",
    ] {
        let world = World::new();
        let (_, a) = world.git();
        let clock = FakeClock::new();
        a.write(&now(&a).revision, &held("ann", 0, &[])).unwrap();
        let memory = world.directory.path().join("seen");
        std::fs::create_dir(&memory).unwrap();
        let looking = Options {
            memory: Some(&memory),
            ..options(&clock)
        };
        let name = format!("seen-{}", &blake3::hash(a.name().as_bytes()).to_hex()[..16]);
        std::fs::write(memory.join(name), text).unwrap();
        assert_eq!(locked_by(&a, "bob", &looking), "ann", "{text}");
    }
}

#[test]
fn the_lease_of_a_dead_process_is_over_at_once() {
    let world = World::new();
    let (_, a) = world.git();
    let clock = FakeClock::new();
    a.write(&now(&a).revision, &held("ann", 0, &[])).unwrap();
    let alive = Options {
        is_alive: &|_| Some(true),
        ..options(&clock)
    };
    assert_eq!(locked_by(&a, "bob", &alive), "ann");
    let dead = Options {
        is_alive: &|it| Some(it.who.name != "ann"),
        ..options(&clock)
    };
    assert!(taken(&a, "bob", &dead).taken_over().is_some());
}

#[test]
fn what_is_taken_by_hand_is_held_until_it_is_released_by_hand() {
    for [a, b] in World::new().pairs() {
        let clock = FakeClock::new();
        let tenure = taken(&a, "ann", &options(&clock));
        let (lease, before) = take(&*b, &holder("bob"), Some("repairs")).unwrap();
        assert!(lease.sticky && before.unwrap().holder.who.name == "ann");
        let refused = tenure.write(&[entry("api", "x")]);
        let Err(Error::Over(loss)) = refused else {
            panic!("{refused:?}")
        };
        assert!(
            loss.to.is_some() && loss.why.contains("bob took it"),
            "{loss}"
        );
        assert_eq!(tenure.is_lost(), Some(loss));
        drop(tenure);
        let patient = Options {
            wait: Some(TERM * 3),
            is_alive: &|_| Some(false),
            ..options(&clock)
        };
        assert_eq!(locked_by(&a, "eve", &patient), "bob");
        assert_eq!(release_by_hand(&*a).unwrap(), Some(lease));
        assert_eq!(release_by_hand(&*a).unwrap(), None);
        taken(&a, "eve", &options(&clock)).release().unwrap();
    }
}

#[test]
fn who_loses_the_race_finds_it_held_by_the_winner() {
    let world = World::new();
    let ((mirror, a), (_, b)) = (world.git(), world.git());
    mirror.meanwhile(move || drop(b.write(&now(&b).revision, &held("bob", 0, &[]))));
    assert_eq!(locked_by(&a, "ann", &options(&FakeClock::new())), "bob");
}

#[test]
fn a_broken_connection_neither_loses_a_lease_nor_doubles_a_write() {
    use Fault::{After, Before, Late, None as Fine, Unreachable};
    for faults in [
        vec![After; 4],
        vec![Before; 9],
        vec![Unreachable; 3],
        vec![Late, Before, Late, Before, Before],
        vec![After, Unreachable, Late, Fine],
    ] {
        for deaf in [0, 1, 3, 6] {
            let world = World::new();
            let (mirror, a) = world.git();
            let tenure = taken(&a, "ann", &options(&FakeClock::new()));
            mirror.fail(&faults);
            mirror.deaf.store(deaf, Ordering::SeqCst);
            tenure.write(&[entry("api", "x")]).unwrap();
            tenure.write(&[entry("api", "y")]).unwrap();
            tenure.finish(&[entry("api", "z")]).unwrap();
            mirror.deaf.store(0, Ordering::SeqCst);
            now(&a);
            assert_eq!(
                names(&a),
                ["api d-z", "api d-y", "api d-x"],
                "{faults:?} {deaf}"
            );
        }
    }
}

#[test]
fn a_remote_that_stays_away_ends_the_tenure() {
    let world = World::new();
    let (mirror, a) = world.git();
    let clock = FakeClock::new();
    let begun = Clock::now(&*clock);
    let tenure = taken(&a, "ann", &options(&clock));
    mirror.fail(&[Fault::Unreachable; 1000]);
    let refused = tenure.write(&[entry("api", "x")]);
    let Err(Error::Over(loss)) = refused else {
        panic!("{refused:?}")
    };
    assert!(
        loss.why.contains("could not be renewed in time") && loss.to.is_none(),
        "{loss}"
    );
    assert!(Clock::now(&*clock) - begun < TERM + Duration::from_secs(10));
    mirror.forget();
    assert!(tenure.finish(&[entry("api", "y")]).is_err());
    // It could be given up, though.
    assert_eq!((now(&a).lease, names(&a).len()), (None, 0));
}

#[test]
fn a_refusal_is_told_at_once() {
    let world = World::new();
    let (mirror, a) = world.git();
    let tenure = taken(&a, "ann", &options(&FakeClock::new()));
    mirror.fail(&[Fault::Refused]);
    let refused = tenure.write(&[entry("api", "x")]);
    assert!(
        refused
            .unwrap_err()
            .to_string()
            .contains("deletion prohibited")
    );
    assert_eq!(tenure.is_lost(), None);
}

#[test]
fn who_waits_stops_when_asked_to() {
    let world = World::new();
    let (_, a) = world.git();
    a.write(&now(&a).revision, &held("ann", 0, &[])).unwrap();
    let asked = Arc::new(AtomicBool::new(false));
    let told = AtomicUsize::new(0);
    let options = Options {
        wait: Some(TERM),
        is_asked: Arc::new({
            let asked = asked.clone();
            move || asked.load(Ordering::SeqCst)
        }),
        waiting: &|lease| {
            assert_eq!(lease.holder.who.name, "ann");
            told.fetch_add(1, Ordering::SeqCst);
            asked.store(true, Ordering::SeqCst);
        },
        ..options(&FakeClock::new())
    };
    let stopped = acquire(a, &holder("bob"), &options);
    assert!(matches!(stopped, Err(Error::Interrupted)));
    assert_eq!(told.load(Ordering::SeqCst), 1);
}

/// Counts what goes through it.
struct Counting {
    store: Arc<dyn Store>,
    writes: AtomicU64,
}

impl Store for Counting {
    fn name(&self) -> String {
        self.store.name()
    }

    fn look(&self, refresh: Refresh) -> Result<Seen, Error> {
        self.store.look(refresh)
    }

    fn write(&self, on: &Revision, write: &Write) -> Result<Revision, Error> {
        self.writes.fetch_add(1, Ordering::SeqCst);
        self.store.write(on, write)
    }

    fn history(&self, wanted: &Wanted) -> Result<Vec<crate::model::ledger::Entry>, Error> {
        self.store.history(wanted)
    }
}

#[test]
fn a_lease_is_renewed_while_it_is_held_and_no_longer() {
    let world = World::new();
    let (mirror, store) = world.git();
    let store = Arc::new(Counting {
        store,
        writes: AtomicU64::new(0),
    });
    let options = Options {
        beat: Duration::from_millis(5),
        clock: Arc::new(SystemClock),
        ..Options::default()
    };
    let tenure = acquire(store.clone(), &holder("ann"), &options).unwrap();
    mirror.fail(&[Fault::Unreachable, Fault::After, Fault::Late]);
    let begun = Clock::now(&SystemClock);
    while tenure.lease().beat < 20 {
        assert!(Clock::now(&SystemClock) - begun < Duration::from_secs(30));
        tenure.write(&[entry("api", "x")]).unwrap();
        std::thread::yield_now();
    }
    assert_eq!(tenure.is_lost(), None);
    let release = Clock::now(&SystemClock);
    tenure.release().unwrap();
    assert!(Clock::now(&SystemClock) - release < Duration::from_secs(5));
    let writes = store.writes.load(Ordering::SeqCst);
    std::thread::sleep(Duration::from_millis(20));
    assert_eq!(store.writes.load(Ordering::SeqCst), writes);
    assert_eq!(world.remote.tip(crate::ledger::tests::LOCK), None);
}

#[test]
fn many_at_once_have_it_one_after_the_other() {
    let world = World::new();
    for kind in 0..2 {
        let holding = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for at in 0..6 {
                let store = match kind {
                    0 => world.git().1,
                    _ => world.file(),
                };
                let holding = &holding;
                scope.spawn(move || {
                    let options = Options {
                        wait: Some(Duration::from_secs(60)),
                        poll: Duration::from_millis(3),
                        beat: Duration::from_millis(2),
                        ..Options::default()
                    };
                    let tenure = acquire(store, &holder("x"), &options).unwrap();
                    assert_eq!(holding.fetch_add(1, Ordering::SeqCst), 0);
                    let name = format!("s{at}");
                    tenure.write(&[entry(&name, "a")]).unwrap();
                    std::thread::sleep(Duration::from_millis(5));
                    tenure.write(&[entry(&name, "b")]).unwrap();
                    holding.fetch_sub(1, Ordering::SeqCst);
                    tenure.finish(&[entry(&name, "c")]).unwrap();
                });
            }
        });
        let store = [world.git().1, world.file()][kind].clone();
        assert_eq!(now(&store).lease, None);
        let names = names(&store);
        assert_eq!(names.len(), 18);
        for three in names.chunks(3) {
            let (service, _) = three[0].split_once(' ').unwrap();
            assert_eq!(three, ["c", "b", "a"].map(|it| format!("{service} d-{it}")));
        }
    }
}
