//! What every store does, and what only git may do to us.

use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::ledger::fake::Fault;
use crate::ledger::store::{Refresh, Revision};
use crate::ledger::tests::{LEDGER, LOCK, World, entry, free, held, names, now};
use crate::ledger::{Error, Wanted};

#[test]
fn what_one_writes_the_other_sees() {
    for [a, b] in World::new().pairs() {
        let empty = now(&b);
        assert_eq!(empty.revision, Revision::default());
        let on = a.write(&empty.revision, &held("a", 0, &[])).unwrap();
        let entries = [entry("api", "x"), entry("web", "x"), entry("api", "y")];
        let on = a.write(&on, &held("a", 1, &entries)).unwrap();
        let seen = now(&b);
        assert_eq!(seen.revision, on);
        assert_eq!(seen.lease.as_ref().map(|it| it.beat), Some(1));
        assert_eq!(seen.standings.len(), 2);
        assert_eq!(seen.standings["api"].newest, entries[2]);
        let on = a.write(&on, &free(&[entry("db", "z")])).unwrap();
        assert_eq!(now(&b).lease, None);
        assert_eq!((&on.lock, on == now(&b).revision), (&None, true));
        assert_eq!(names(&b), ["db d-z", "api d-y", "web d-x", "api d-x"]);
        let wanted = Wanted {
            service: Some(entries[0].service.clone()),
            most: Some(1),
            ..Wanted::default()
        };
        assert_eq!(b.history(&wanted).unwrap(), entries[2..]);
    }
}

#[test]
fn who_saw_something_else_writes_nothing() {
    for [a, b] in World::new().pairs() {
        let free_then = now(&b).revision;
        let first = a.write(&now(&a).revision, &held("a", 0, &[])).unwrap();
        let lost = |on, write| match b.write(on, &write) {
            Err(Error::Lost(_)) => {}
            other => panic!("{other:?}"),
        };
        // Taken by somebody else, renewed, written to, taken over.
        lost(&free_then, held("b", 0, &[]));
        let second = a.write(&first, &held("a", 1, &[])).unwrap();
        lost(&first, held("b", 0, &[]));
        let third = a
            .write(&second, &held("a", 2, &[entry("api", "x")]))
            .unwrap();
        lost(&second, held("b", 0, &[]));
        let mixed = Revision {
            ledger: second.ledger.clone(),
            lock: third.lock.clone(),
        };
        lost(&mixed, held("b", 0, &[entry("api", "y")]));
        a.write(&third, &free(&[])).unwrap();
        lost(&third, held("b", 0, &[]));
        lost(&third, free(&[]));
        // Nobody writes without a lease.
        let seen = now(&b).revision;
        lost(&seen, free(&[entry("api", "y")]));
        assert_eq!(names(&b), ["api d-x"]);
    }
}

#[test]
fn a_former_holder_cannot_write() {
    for [a, b] in World::new().pairs() {
        let mine = a.write(&now(&a).revision, &held("a", 0, &[])).unwrap();
        let theirs = b.write(&now(&b).revision, &held("b", 0, &[])).unwrap();
        for write in [
            held("a", 1, &[entry("api", "x")]),
            held("a", 1, &[]),
            free(&[]),
        ] {
            let refused = a.write(&mine, &write);
            assert!(matches!(refused, Err(Error::Lost(_))), "{refused:?}");
        }
        b.write(&theirs, &held("b", 1, &[entry("api", "y")]))
            .unwrap();
        assert_eq!(
            (names(&b), now(&a).lease.unwrap().token),
            (vec!["api d-y".into()], "b".into())
        );
    }
}

#[test]
fn stolen_while_a_push_is_on_its_way_nothing_of_it_is_taken() {
    let world = World::new();
    let ((mirror, a), (_, b)) = (world.git(), world.git());
    let mine = a.write(&now(&a).revision, &held("a", 0, &[])).unwrap();
    let seen = now(&b).revision;
    let thief = b.clone();
    mirror.meanwhile(move || drop(thief.write(&seen, &held("b", 0, &[]))));
    let refused = a.write(&mine, &held("a", 1, &[entry("api", "x")]));
    assert!(matches!(refused, Err(Error::Lost(_))), "{refused:?}");
    now(&b);
    assert_eq!(names(&b), [""; 0]);
}

#[test]
fn a_broken_connection_loses_and_doubles_nothing() {
    use Fault::{After, Before, Late, None as Fine};
    for faults in [
        vec![Before],
        vec![After],
        vec![Late],
        vec![Before, Before, After],
        vec![Late, Before],
        vec![Late, After, Fine],
    ] {
        for write in [
            held("a", 1, &[entry("api", "x")]),
            held("a", 1, &[]),
            free(&[entry("api", "x")]),
            free(&[]),
        ] {
            let world = World::new();
            let (mirror, a) = world.git();
            let on = a.write(&now(&a).revision, &held("a", 0, &[])).unwrap();
            mirror.fail(&faults);
            let after = a.write(&on, &write).unwrap();
            let seen = now(&a);
            assert_eq!(
                (&seen.revision, &seen.lease),
                (&after, &write.lease),
                "{faults:?}"
            );
            assert_eq!(names(&a).len(), write.entries.len(), "{faults:?}");
        }
    }
}

#[test]
fn a_write_that_was_taken_is_not_lost_because_others_came_after_it() {
    for write in [
        held("a", 1, &[entry("api", "x")]),
        free(&[entry("api", "x")]),
        held("a", 1, &[]),
    ] {
        let world = World::new();
        let ((mirror, a), (_, b)) = (world.git(), world.git());
        let on = a.write(&now(&a).revision, &held("a", 0, &[])).unwrap();
        mirror.fail(&[Fault::After]);
        mirror.deaf.store(1, Ordering::SeqCst);
        mirror.meanwhile(|| {});
        // Before the second try somebody takes the lease over, or takes a free one.
        mirror.meanwhile(move || {
            let on = b.write(&now(&b).revision, &held("b", 0, &[])).unwrap();
            b.write(&on, &held("b", 1, &[entry("api", "y")])).unwrap();
        });
        a.write(&on, &write).unwrap();
        assert_eq!(now(&a).lease.unwrap().token, "b");
        assert_eq!(names(&a).len(), write.entries.len() + 1);
    }
}

#[test]
fn while_the_remote_is_away_nobody_claims_to_know() {
    let world = World::new();
    let (mirror, a) = world.git();
    let on = a.write(&now(&a).revision, &held("a", 0, &[])).unwrap();
    mirror.fail(&[
        Fault::After,
        Fault::Unreachable,
        Fault::Unreachable,
        Fault::Unreachable,
    ]);
    mirror.deaf.store(4, Ordering::SeqCst);
    let unsure = a.write(&on, &held("a", 1, &[entry("api", "x")]));
    assert!(matches!(unsure, Err(Error::Unsure(_))), "{unsure:?}");
    mirror.deaf.store(1, Ordering::SeqCst);
    assert!(a.look(Refresh::Now).is_err());
    mirror.deaf.store(1, Ordering::SeqCst);
    let seen = a.look(Refresh::Within(Duration::from_secs(2))).unwrap();
    assert!(seen.stale.unwrap().contains("no route") && seen.as_of.is_some());
    assert_eq!(seen.lease.unwrap().beat, 0);
    assert!(a.look(Refresh::Never).unwrap().stale.is_some());
    assert_eq!((now(&a).stale, names(&a).len()), (None, 1));
}

#[test]
fn where_nothing_can_be_deleted_a_release_is_a_commit() {
    let world = World::new();
    world.remote.keep_all();
    let ((_, a), (_, b)) = (world.git(), world.git());
    let on = a.write(&now(&a).revision, &held("a", 0, &[])).unwrap();
    let on = a.write(&on, &free(&[entry("api", "x")])).unwrap();
    assert_eq!(now(&b).lease, None);
    assert_eq!(now(&b).revision, on);
    assert_eq!(world.remote.message(LOCK), "lock released");
    assert_eq!(world.remote.message(LEDGER), "deploy api: succeeded");
    let on = b.write(&now(&b).revision, &held("b", 0, &[])).unwrap();
    b.write(&on, &free(&[])).unwrap();
    assert_eq!((now(&a).lease, names(&a).len()), (None, 1));
}

#[test]
fn what_others_wrote_into_the_refs_is_refused_by_name() {
    let good = entry("api", "x");
    let newer = good.line().replacen("\"version\":1", "\"version\":9", 1);
    let standing = |name: &str, text: &str| (LEDGER, format!("services/{name}"), text.to_owned());
    let all = [
        standing("api.json", "{"),
        standing("API.json", "{}"),
        standing("\u{1b}[31m.json", "{}"),
        standing("api.json", "[[[[[[[[[["),
        (
            LOCK,
            "lease.json".into(),
            "{\"version\":1,\"released\":false}".into(),
        ),
        (LOCK, "lease.json".into(), "null".into()),
        (LOCK, "other".into(), "x".into()),
    ];
    for (name, path, content) in all {
        let world = World::new();
        let (_, a) = world.git();
        world.remote.spoil(name, &path, Some(content.as_bytes()));
        let error = a.look(Refresh::Now).unwrap_err();
        assert!(matches!(error, Error::Invalid { .. }), "{error:?}");
        let text = error.to_string();
        assert!(text.contains(name) && !text.contains('\u{1b}'), "{text}");
        assert!(error.hint().unwrap().contains("git log"));
    }
    let world = World::new();
    let (_, a) = world.git();
    a.write(&now(&a).revision, &held("a", 0, &[good])).unwrap();
    world
        .remote
        .spoil(LEDGER, "entries.jsonl", Some(newer.as_bytes()));
    now(&a);
    let error = a.history(&Wanted::default()).unwrap_err();
    assert!(error.to_string().contains("newer svc"), "{error}");
    assert_eq!(error.hint(), Some("update svc"));
    world.remote.spoil(LEDGER, "entries.jsonl", None);
    now(&a);
    assert!(a.history(&Wanted::default()).is_err());
}

#[test]
fn what_could_not_be_read_again_is_not_written() {
    for [a, _] in World::new().pairs() {
        let mut long = entry("api", "x");
        long.reason = Some("x".repeat(5000));
        let error = a
            .write(&now(&a).revision, &held("a", 0, &[long]))
            .unwrap_err();
        assert!(matches!(error, Error::Invalid { .. }), "{error:?}");
        assert_eq!(now(&a).revision, Revision::default());
    }
}
