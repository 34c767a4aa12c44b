//! Lock files of package managers, taken apart: which part of one that many services share counts for one of them.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::{Deserialize, Serialize};

use crate::model::cause::Cause;
use crate::model::digest::{Digest, Digester};
use crate::model::path::FilePath;
use crate::model::workspace::ServiceIndex;

/// A lock file, taken apart.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Lock {
    /// Every entry, by a key of its own: what the file says of it, and the keys of what it needs.
    pub entries: BTreeMap<String, LockEntry>,
    /// Where the entries of each package begin.
    pub roots: Vec<LockRoot>,
    /// What the file says for all, such as its version or overrides.
    pub for_all: String,
    /// Keys of entries that every package has, as those that the outermost package brings.
    pub needs_for_all: Vec<String>,
}

/// One entry of a lock file.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct LockEntry {
    /// As people call it.
    pub name: String,
    /// Everything that is said of it, in one text that is the same for the same meaning.
    pub says: String,
    /// Keys of entries. One that is in no entry makes unknown what is needed.
    pub needs: Vec<String>,
}

/// Where the entries of one package begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LockRoot {
    /// The directory of the package, from the workspace.
    pub directory: FilePath,
    /// What the file says of the package itself.
    pub says: String,
    /// Keys of entries.
    pub needs: Vec<String>,
}

/// A lock file of which the part of any package can be told.
pub struct LockParts {
    digests: LockDigests,
    names: Vec<String>,
    needs: Vec<Vec<usize>>,
    /// Of each entry alone.
    own: Vec<Digest>,
    /// The entries that each package begins with; none where one is not known.
    roots: BTreeMap<FilePath, Option<Vec<usize>>>,
    for_all: Option<Vec<usize>>,
}

/// What tells the part of any package, without the entries that it is made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LockDigests {
    head: Digest,
    for_all: Option<Vec<u32>>,
    /// What the file says of each package, and the entries that it begins with; none where one is not known.
    packages: BTreeMap<FilePath, (String, Option<Vec<u32>>)>,
    /// Of each such entry and all that it leads to; none where that is not known.
    whole: Vec<Option<Digest>>,
}

impl LockParts {
    /// Digests every entry with all that it leads to, each once.
    pub fn new(lock: Lock) -> Self {
        let places: HashMap<&str, usize> =
            (lock.entries.keys().map(String::as_str).zip(0..)).collect();
        let place = |key: &String| places.get(key.as_str()).copied();
        let found = |keys: &[String]| -> Option<Vec<usize>> { keys.iter().map(place).collect() };
        let known: Vec<Option<Vec<usize>>> =
            lock.entries.values().map(|it| found(&it.needs)).collect();
        let is_known: Vec<bool> = known.iter().map(Option::is_some).collect();
        let needs: Vec<Vec<usize>> = known.into_iter().map(Option::unwrap_or_default).collect();
        let own = lock.entries.iter().map(|(key, entry)| {
            let mut digester = Digester::new("entry of a lock file");
            digester.part("key", key.as_bytes());
            digester.part("says", entry.says.as_bytes()).finish()
        });
        let own: Vec<Digest> = own.collect();
        let whole = whole(&needs, &own, &is_known);
        let mut head = Digester::new("lock file");
        head.part("for all", lock.for_all.as_bytes());
        let mut named = Named::default();
        let for_all = found(&lock.needs_for_all);
        let (mut roots, mut packages) = (BTreeMap::new(), BTreeMap::new());
        for root in &lock.roots {
            let needs = found(&root.needs);
            let places = needs.as_ref().map(|it| named.places(it));
            packages.insert(root.directory.clone(), (root.says.clone(), places));
            roots.insert(root.directory.clone(), needs);
        }
        let digests = LockDigests {
            head: head.finish(),
            for_all: for_all.as_ref().map(|it| named.places(it)),
            packages,
            whole: named.order.iter().map(|at| whole[*at].clone()).collect(),
        };
        Self {
            digests,
            names: lock.entries.into_values().map(|it| it.name).collect(),
            needs,
            own,
            roots,
            for_all,
        }
    }

    /// What tells the part of any package.
    pub fn digests(&self) -> &LockDigests {
        &self.digests
    }

    /// The names of the entries that count for some packages here or in `other`, and are not the same in both.
    pub fn differing(&self, other: &Self, packages: &[&FilePath]) -> Vec<String> {
        let (ours, theirs) = (self.reached(packages), other.reached(packages));
        let names = |of: &Self, reached: &BTreeSet<usize>, without: &BTreeSet<&Digest>| {
            let differing = reached.iter().filter(|at| !without.contains(&of.own[**at]));
            let names = differing.map(|at| of.names[*at].clone());
            names.collect::<BTreeSet<String>>()
        };
        let own = |of: &'_ Self, at: &BTreeSet<usize>| -> BTreeSet<Digest> {
            at.iter().map(|it| of.own[*it].clone()).collect()
        };
        let (in_ours, in_theirs) = (own(self, &ours), own(other, &theirs));
        let mut found = names(self, &ours, &in_theirs.iter().collect());
        found.extend(names(other, &theirs, &in_ours.iter().collect()));
        found.into_iter().collect()
    }

    fn reached(&self, packages: &[&FilePath]) -> BTreeSet<usize> {
        let needs = packages
            .iter()
            .filter_map(|it| self.roots.get(*it)?.as_ref());
        let mut pending: Vec<usize> = needs.chain(&self.for_all).flatten().copied().collect();
        let mut reached = BTreeSet::new();
        while let Some(at) = pending.pop() {
            if reached.insert(at) {
                pending.extend(&self.needs[at]);
            }
        }
        reached
    }
}

impl LockDigests {
    /// The directories of packages at `directory` and below it.
    pub fn packages<'a>(&'a self, directory: &'a FilePath) -> impl Iterator<Item = &'a FilePath> {
        let from = self.packages.range(directory.clone()..).map(|it| it.0);
        let starts = |it: &&FilePath| it.as_bytes().starts_with(directory.as_bytes());
        let from = from.take_while(starts);
        from.filter(|it| crate::model::path::is_within(it.as_bytes(), directory.as_bytes()))
    }

    /// The digest of everything that counts for some packages. None where that is not known: the whole file counts.
    pub fn of(&self, packages: &[&FilePath]) -> Option<Digest> {
        let whole = |at: &u32| self.whole.get(*at as usize)?.as_ref();
        let mut digester = Digester::new("part of a lock file");
        digester.digest("head", &self.head);
        for at in self.for_all.as_ref()? {
            digester.digest("for all", whole(at)?);
        }
        for directory in packages {
            let (says, needs) = self.packages.get(*directory)?;
            digester.part("package", directory.as_bytes());
            digester.part("says", says.as_bytes());
            let needs: Option<BTreeSet<&Digest>> = needs.as_ref()?.iter().map(whole).collect();
            for need in needs? {
                digester.digest("need", need);
            }
        }
        (!packages.is_empty()).then(|| digester.finish())
    }
}

/// The entries that are named as beginnings, numbered in the order in which they are.
#[derive(Default)]
struct Named {
    order: Vec<usize>,
    numbers: HashMap<usize, u32>,
}

impl Named {
    fn places(&mut self, entries: &[usize]) -> Vec<u32> {
        let number = |entry: &usize| {
            *self.numbers.entry(*entry).or_insert_with(|| {
                self.order.push(*entry);
                self.order.len() as u32 - 1
            })
        };
        entries.iter().map(number).collect()
    }
}

/// The digest of each entry with all that it leads to. Entries that lead to each other have one in common. None where an
/// entry is reached that is not known.
fn whole(needs: &[Vec<usize>], own: &[Digest], is_known: &[bool]) -> Vec<Option<Digest>> {
    let mut whole: Vec<Option<Digest>> = vec![None; needs.len()];
    for circle in circles(needs) {
        // What each leads to is digested with it: within a circle too, two of them may exchange what they need.
        let leads_to = |at: &usize| -> Option<BTreeSet<&Digest>> {
            let needs = needs[*at].iter();
            let digests = needs.map(|it| match circle.contains(it) {
                true => Some(&own[*it]),
                false => whole[*it].as_ref(),
            });
            digests.collect()
        };
        let below: Option<Vec<_>> = circle.iter().map(leads_to).collect();
        let all_known = circle.iter().all(|at| is_known[*at]);
        let Some(below) = below.filter(|_| all_known) else {
            continue;
        };
        let mut digester = Digester::new("entries of a lock file");
        for (at, below) in circle.iter().zip(below) {
            digester.digest("own", &own[*at]);
            below.iter().for_each(|it| _ = digester.digest("need", it));
        }
        let digest = digester.finish();
        for at in circle {
            whole[at] = Some(digest.clone());
        }
    }
    whole
}

/// The nodes in groups that lead to each other, each group after those that it leads to (Tarjan, without recursion).
fn circles(needs: &[Vec<usize>]) -> Vec<BTreeSet<usize>> {
    const NEW: usize = usize::MAX;
    let mut order = vec![NEW; needs.len()];
    let mut low = vec![0; needs.len()];
    let mut is_open = vec![false; needs.len()];
    let (mut open, mut circles, mut next) = (Vec::new(), Vec::new(), 0);
    for root in 0..needs.len() {
        if order[root] != NEW {
            continue;
        }
        let mut path = vec![(root, 0)];
        while let Some((at, child)) = path.last_mut() {
            let at = *at;
            if *child == 0 {
                (order[at], low[at], is_open[at]) = (next, next, true);
                next += 1;
                open.push(at);
            }
            match needs[at].get(*child) {
                Some(need) => {
                    *child += 1;
                    match order[*need] {
                        NEW => path.push((*need, 0)),
                        seen if is_open[*need] => low[at] = low[at].min(seen),
                        _ => {}
                    }
                }
                None => {
                    path.pop();
                    if let Some((above, _)) = path.last() {
                        low[*above] = low[*above].min(low[at]);
                    }
                    if low[at] == order[at] {
                        let start = open.iter().rposition(|it| *it == at).unwrap_or_default();
                        let circle: BTreeSet<usize> = open.drain(start..).collect();
                        circle.iter().for_each(|it| is_open[*it] = false);
                        circles.push(circle);
                    }
                }
            }
        }
    }
    circles
}

/// For whom changed lock files differ.
#[derive(Clone, Debug, Default)]
pub struct LockChanges(BTreeMap<FilePath, BTreeMap<ServiceIndex, LockChange>>);

/// How a lock file changed for a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LockChange {
    /// Its part is the same.
    Nothing,
    /// Its part differs, in entries of these names.
    Part(BTreeSet<String>),
}

impl LockChanges {
    /// Adds how the lock file at `path` changed since one of the bases. Services of which nothing is said are affected by
    /// all of it.
    pub fn unite(&mut self, path: &FilePath, changes: BTreeMap<ServiceIndex, LockChange>) {
        let Some(known) = self.0.get_mut(path) else {
            self.0.insert(path.clone(), changes);
            return;
        };
        known.retain(|service, _| changes.contains_key(service));
        for (service, change) in known {
            match (&mut *change, &changes[service]) {
                (_, LockChange::Nothing) => {}
                (LockChange::Nothing, other) => *change = other.clone(),
                (LockChange::Part(names), LockChange::Part(more)) => names.extend(more.clone()),
            }
        }
    }

    /// Why the changed file at `path`, an input of `service`, affects it. None if it does not.
    pub fn cause(&self, service: ServiceIndex, path: &FilePath) -> Option<Cause> {
        match self.0.get(path).and_then(|it| it.get(&service)) {
            None => Some(Cause::Changed(path.clone())),
            Some(LockChange::Nothing) => None,
            Some(LockChange::Part(names)) => {
                let names = names.iter().cloned().collect();
                Some(Cause::ChangedPart(path.clone(), names))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PACKAGES: usize = 4;

    /// A lock of entries with these needs; each package begins with the entry of its number.
    fn lock(needs: &[Vec<usize>], changed: Option<usize>) -> Lock {
        let key = |at: &usize| format!("e{at}");
        let entries = needs.iter().enumerate().map(|(at, needs)| {
            let entry = LockEntry {
                name: key(&at),
                says: if changed == Some(at) { "new" } else { "old" }.to_owned(),
                needs: needs.iter().map(key).collect(),
            };
            (key(&at), entry)
        });
        let root = |at: usize| LockRoot {
            directory: FilePath::from(format!("p{at}").as_str()),
            says: String::new(),
            needs: vec![key(&at)],
        };
        Lock {
            entries: entries.collect(),
            roots: (0..PACKAGES).map(root).collect(),
            ..Lock::default()
        }
    }

    fn reachable(needs: &[Vec<usize>], from: usize) -> BTreeSet<usize> {
        let (mut seen, mut pending) = (BTreeSet::new(), vec![from]);
        while let Some(at) = pending.pop() {
            if seen.insert(at) {
                pending.extend(&needs[at]);
            }
        }
        seen
    }

    proptest! {
        #[test]
        fn a_part_changes_just_when_an_entry_changes_that_it_reaches(
            needs in prop::collection::vec(prop::collection::vec(0..20_usize, 0..4), 20),
            changed in 0..20_usize,
        ) {
            let old = LockParts::new(lock(&needs, None));
            let new = LockParts::new(lock(&needs, Some(changed)));
            for package in 0..PACKAGES {
                let directory = FilePath::from(format!("p{package}").as_str());
                let is_reached = reachable(&needs, package).contains(&changed);
                let differs = old.digests().of(&[&directory]) != new.digests().of(&[&directory]);
                prop_assert_eq!(differs, is_reached);
                let names = new.differing(&old, &[&directory]);
                prop_assert_eq!(names.len(), usize::from(is_reached));
            }
        }

        #[test]
        fn what_reaches_something_unknown_has_no_part(
            needs in prop::collection::vec(prop::collection::vec(0..20_usize, 0..3), 20),
            unknown in 0..20_usize,
        ) {
            let mut lock = lock(&needs, None);
            lock.entries.get_mut(&format!("e{unknown}")).unwrap().needs.push("gone".into());
            let parts = LockParts::new(lock);
            for package in 0..PACKAGES {
                let directory = FilePath::from(format!("p{package}").as_str());
                let is_reached = reachable(&needs, package).contains(&unknown);
                prop_assert_eq!(parts.digests().of(&[&directory]).is_none(), is_reached);
            }
        }
    }

    #[test]
    fn what_holds_for_all_counts_for_everyone() {
        let needs = vec![vec![]; 6];
        let p1 = FilePath::from("p1");
        let part = |change: &dyn Fn(&mut Lock)| {
            let mut lock = lock(&needs, None);
            change(&mut lock);
            LockParts::new(lock).digests().of(&[&p1])
        };
        let plain = part(&|_| {});
        assert_ne!(part(&|it| it.for_all = "overrides".into()), plain);
        assert_ne!(part(&|it| it.needs_for_all = vec!["e5".into()]), plain);
        assert_ne!(part(&|it| it.roots[1].says = "x".into()), plain);
        assert_eq!(part(&|it| it.roots[2].says = "x".into()), plain);
        assert_eq!(part(&|it| it.needs_for_all = vec!["gone".into()]), None);
        assert_eq!(
            LockParts::new(lock(&needs, None))
                .digests()
                .of(&[&"p9".into()]),
            None
        );
    }

    #[test]
    fn a_change_since_any_base_counts() {
        let path = FilePath::from("Cargo.lock");
        let part = |name: &str| LockChange::Part([name.to_owned()].into());
        let of = |change: LockChange| [(ServiceIndex(0), change)].into();
        let mut changes = LockChanges::default();
        changes.unite(&path, of(LockChange::Nothing));
        assert_eq!(changes.cause(ServiceIndex(0), &path), None);
        changes.unite(&path, of(part("b")));
        changes.unite(&path, of(part("a")));
        let both = Cause::ChangedPart(path.clone(), vec!["a".into(), "b".into()]);
        assert_eq!(changes.cause(ServiceIndex(0), &path), Some(both));
        changes.unite(&path, BTreeMap::new());
        let whole = Some(Cause::Changed(path.clone()));
        assert_eq!(changes.cause(ServiceIndex(0), &path), whole);
    }

    #[test]
    fn two_that_need_each_other_may_exchange_what_else_they_need() {
        let part = |needs: [usize; 2]| {
            let needs = [vec![1, needs[0]], vec![0, needs[1]], vec![], vec![]];
            LockParts::new(lock(&needs, None))
                .digests()
                .of(&[&"p0".into()])
        };
        assert_ne!(part([2, 3]), part([3, 2]));
    }

    #[test]
    fn a_long_way_does_not_recurse() {
        let needs: Vec<Vec<usize>> = (0..50_000).map(|at| vec![(at + 1) % 50_000]).collect();
        assert_eq!(circles(&needs).len(), 1);
    }
}
