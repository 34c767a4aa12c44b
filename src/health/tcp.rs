//! Whether a port takes connections.

use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

use crate::health::clock::{Clock, Running};
use crate::health::{Answer, reason};

/// Connects to `host:port`, by each address of the host until one answers.
pub fn ask(address: &str, patience: Duration) -> Answer {
    let clock = Running::start();
    let addresses: Vec<_> = match address.to_socket_addrs() {
        Ok(addresses) => addresses.collect(),
        Err(error) => return Answer::NotYet(reason::unresolved(&error)),
    };
    let mut why = "the host has no address".to_owned();
    for (index, address) in addresses.iter().enumerate() {
        let left = patience.saturating_sub(clock.elapsed());
        let share = left / u32::try_from(addresses.len() - index).unwrap_or(u32::MAX);
        if share.is_zero() {
            return Answer::NotYet(reason::no_answer(patience));
        }
        match TcpStream::connect_timeout(address, share) {
            Ok(_) => return Answer::Well,
            Err(error) => why = reason::of_io(&error, patience),
        }
    }
    Answer::NotYet(why)
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;
    use crate::health::testing::{free_port, not_yet};

    const PATIENCE: Duration = Duration::from_secs(5);

    #[test]
    fn a_port_that_listens_is_well() {
        for host in ["127.0.0.1", "[::1]"] {
            let Ok(listener) = TcpListener::bind(format!("{host}:0")) else {
                continue; // No IPv6 here.
            };
            let port = listener.local_addr().unwrap().port();
            assert_eq!(ask(&format!("{host}:{port}"), PATIENCE), Answer::Well);
        }
        // The name may have an address of version 6 before this one.
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        assert_eq!(ask(&format!("localhost:{port}"), PATIENCE), Answer::Well);
    }

    #[test]
    fn a_port_that_nobody_holds_is_refused() {
        let port = free_port();
        let why = not_yet(ask(&format!("127.0.0.1:{port}"), PATIENCE));
        assert_eq!(why, "connection refused");
    }

    #[test]
    fn what_is_no_address_is_said_to_be_none() {
        let check = |address: &str, expected: &str| {
            assert_eq!(not_yet(ask(address, PATIENCE)), expected, "{address}");
        };
        check("localhost", "no port in the address");
        check("localhost:99999", "no port in the address");
        check("name.invalid:80", "the host's name is not known");
    }
}
