//! Which port a service listens on, and who else does.

use std::collections::BTreeMap;
use std::collections::hash_map::DefaultHasher;
use std::fs;
use std::hash::{Hash, Hasher};
use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, TcpListener};
use std::ops::RangeInclusive;
use std::time::Duration;

use crate::model::name::ServiceName;
use crate::process::control::Control;
use crate::process::local::State;
use crate::process::local::lock::{Waited, lock};
use crate::process::local::owned::Machine;
use crate::process::local::place::Place;
use crate::process::local::record::Record;
use crate::process::local::{Error, Local, at};
use crate::process::output::{after, has_come, wait};
use crate::process::tree;

/// Where ports are chosen, apart from those that the system gives to anybody who asks for some port.
const CHOICE: RangeInclusive<u16> = 20_000..=32_000;

/// How long a port may stay taken after its holder was ended.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long another may take to choose.
const TURN: Duration = Duration::from_secs(30);

/// Who listens on a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    pub pid: u32,
    /// The short name of its program.
    pub name: String,
}

impl Local {
    /// The port of `service`: the `wanted` one, else one that is chosen once and stays, unless a stranger has taken it
    /// meanwhile.
    ///
    /// # Errors
    /// The wanted one is that of another service here or is held by a stranger; or there is none.
    pub fn port(
        &self,
        service: &ServiceName,
        wanted: Option<u16>,
        control: &Control,
    ) -> Result<u16, Error> {
        let place = self.place(service);
        place.create()?;
        let path = self.directory.join("ports.lock");
        let _turn = match lock(&path, TURN, control).map_err(at("lock", &path))? {
            Waited::Held(lock) => lock,
            Waited::Interrupted => return Err(Error::Interrupted),
            Waited::Busy => {
                let (service, waited) = (service.clone(), TURN.as_secs());
                return Err(Error::Busy { service, waited });
            }
        };
        let record = Record::read(&place.state(), service).ok().flatten();
        let others = self.ports_of_others(service);
        let port = match wanted {
            Some(port) => {
                // Who is not there any more needs no port.
                let is_there = |it: &&ServiceName| {
                    !matches!(
                        self.state(it),
                        State::Never | State::Stopped(_) | State::Gone(_)
                    )
                };
                if let Some(other) = others.get(&port).filter(is_there) {
                    let other = other.clone();
                    return Err(Error::PortOfAnother { port, other });
                }
                check(port, &place, record.as_ref())?;
                port
            }
            None => self.choose(&place, record.as_ref(), &others)?,
        };
        remember(&place, port)?;
        Ok(port)
    }

    fn choose(
        &self,
        place: &Place,
        record: Option<&Record>,
        others: &BTreeMap<u16, ServiceName>,
    ) -> Result<u16, Error> {
        let remembered = remembered(place).filter(|it| !others.contains_key(it));
        if let Some(port) = remembered.filter(|it| check(*it, place, record).is_ok()) {
            return Ok(port);
        }
        let mut hasher = DefaultHasher::new();
        (&self.directory, place.service.as_str()).hash(&mut hasher);
        let is_good = |port: &u16| !others.contains_key(port) && is_free(*port);
        let mut candidates = candidates(&ephemeral(), hasher.finish());
        let port = candidates.find(is_good).or_else(any_port);
        port.ok_or_else(|| Error::NoPort(place.service.clone()))
    }

    fn ports_of_others(&self, service: &ServiceName) -> BTreeMap<u16, ServiceName> {
        let others = self.services().into_iter().filter(|it| it != service);
        let ports = others.filter_map(|it| Some((remembered(&self.place(&it))?, it)));
        ports.collect()
    }
}

/// Whether the port is free, or held by the service itself.
pub fn check(port: u16, place: &Place, record: Option<&Record>) -> Result<(), Error> {
    if is_free(port) {
        return Ok(());
    }
    let machine = Machine::look();
    let holder = holder(port);
    let is_ours = match &holder {
        Some(it) => machine.is_owned(it.pid, place, record),
        // Where nobody can tell, the port of what runs is its own.
        None => record.is_some_and(|it| it.port == Some(port) && machine.lives(it.supervisor)),
    };
    match is_ours {
        true => Ok(()),
        false => Err(Error::PortTaken { port, holder }),
    }
}

/// Waits for the port of somebody who was ended.
pub fn wait_until_free(port: u16, control: &Control) -> Result<(), Error> {
    let until = Some(after(PATIENCE));
    while !is_free(port) {
        if control.is_killed() {
            return Err(Error::Interrupted);
        }
        if has_come(until) {
            let holder = holder(port);
            return Err(Error::PortTaken { port, holder });
        }
        wait(&[control.killed()], Some(after(Duration::from_millis(20))));
    }
    Ok(())
}

/// Whether anybody can listen there. What the system forbids us may be allowed to the service.
fn is_free(port: u16) -> bool {
    let addresses: [IpAddr; 4] = [
        Ipv4Addr::LOCALHOST.into(),
        Ipv4Addr::UNSPECIFIED.into(),
        Ipv6Addr::LOCALHOST.into(),
        Ipv6Addr::UNSPECIFIED.into(),
    ];
    let is_taken = |address: &IpAddr| {
        let tried = TcpListener::bind((*address, port));
        tried.is_err_and(|it| it.kind() == io::ErrorKind::AddrInUse)
    };
    !addresses.iter().any(is_taken)
}

/// The ports to try, each once, in an order that depends on `seed`.
fn candidates(ephemeral: &RangeInclusive<u16>, seed: u64) -> impl Iterator<Item = u16> + use<> {
    let ports: Vec<u16> = CHOICE.filter(|it| !ephemeral.contains(it)).collect();
    let start = seed as usize % ports.len().max(1);
    let count = ports.len();
    (0..count).map(move |it| ports[(start + it) % count])
}

fn any_port() -> Option<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).ok()?;
    Some(listener.local_addr().ok()?.port())
}

/// The ports that the system gives to anybody.
fn ephemeral() -> RangeInclusive<u16> {
    let text = fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").unwrap_or_default();
    let numbers: Vec<u16> = text
        .split_whitespace()
        .filter_map(|it| it.parse().ok())
        .collect();
    match numbers[..] {
        [first, last] => first..=last,
        _ => 32_768..=u16::MAX,
    }
}

fn remembered(place: &Place) -> Option<u16> {
    let path = place.port();
    let is_small = path
        .symlink_metadata()
        .is_ok_and(|it| it.is_file() && it.len() < 16);
    let text = is_small.then(|| fs::read_to_string(path).ok()).flatten()?;
    text.trim().parse().ok().filter(|it| *it != 0)
}

fn remember(place: &Place, port: u16) -> Result<(), Error> {
    if remembered(place) == Some(port) {
        return Ok(());
    }
    let path = place.port();
    let write = || -> io::Result<()> {
        let mut fresh = tempfile::NamedTempFile::new_in(&place.directory)?;
        writeln!(fresh, "{port}")?;
        fresh.persist(&path)?;
        Ok(())
    };
    write().map_err(at("write", &path))
}

/// Who listens on the port, where the system tells.
fn holder(port: u16) -> Option<Holder> {
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"].map(fs::read_to_string);
    let lines: String = tables.into_iter().flatten().collect();
    let sockets: Vec<String> = listening(&lines, port)
        .map(|inode| format!("socket:[{inode}]"))
        .collect();
    if sockets.is_empty() {
        return None;
    }
    let holds = |pid: i32| {
        let entries = fs::read_dir(format!("/proc/{pid}/fd"))
            .into_iter()
            .flatten();
        let mut links = entries
            .flatten()
            .filter_map(|it| fs::read_link(it.path()).ok());
        links.any(|it| {
            it.to_str()
                .is_some_and(|it| sockets.iter().any(|socket| socket == it))
        })
    };
    let holder = tree::all().into_iter().find(|it| holds(it.pid))?;
    let name = holder.name.chars().filter(|it| !it.is_control()).collect();
    Some(Holder {
        pid: holder.pid as u32,
        name,
    })
}

/// The sockets that listen on `port`, by the lines of `/proc/net/tcp`.
fn listening(lines: &str, port: u16) -> impl Iterator<Item = &str> {
    lines.lines().filter_map(move |line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let (_, local) = fields.get(1)?.rsplit_once(':')?;
        let is_it = u16::from_str_radix(local, 16) == Ok(port) && fields.get(3) == Some(&"0A");
        is_it.then(|| fields.get(9).copied()).flatten()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_chosen_where_the_system_gives_none_away() {
        let check = |ephemeral: RangeInclusive<u16>, seed, first, count| {
            let ports: Vec<_> = candidates(&ephemeral, seed).collect();
            assert_eq!((ports.first().copied(), ports.len()), (first, count));
            assert!(ports.iter().all(|it| !ephemeral.contains(it)));
        };
        check(32_768..=60_999, 0, Some(20_000), 12_001);
        check(32_768..=60_999, 12_001 + 7, Some(20_007), 12_001);
        check(20_000..=31_999, u64::MAX, Some(32_000), 1);
        check(1_024..=u16::MAX, 5, None, 0);
    }

    #[test]
    fn only_those_who_listen_are_found() {
        let lines = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n\
            0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4242 1 0 0 0 0 0\n\
            1: 0100007F:1F90 0100007F:C350 01 00000000:00000000 00:00000000 00000000     0        0 4243 1 0 0 0 0 0\n\
            2: 00000000000000000000000000000000:1F90 0:0000 0A 0:0 00:0 0 0 0 4244 1\n\
            3: damaged\n4: 0:ZZZZ 0 0A\n";
        let found: Vec<_> = listening(lines, 8080).collect();
        assert_eq!(found, ["4242", "4244"]);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn who_holds_a_port_is_told() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        assert!(!is_free(port));
        assert_eq!(holder(port).unwrap().pid, std::process::id());
    }
}
