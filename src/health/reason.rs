//! Why a service is not well, in words for people.

use std::io::{self, ErrorKind};
use std::time::Duration;

use rustls::CertificateError;

/// Nobody answered in time.
pub fn no_answer(patience: Duration) -> String {
    let patience = Duration::from_millis(patience.as_millis() as u64);
    format!("no answer within {}", humantime::format_duration(patience))
}

/// The name of the host led nowhere.
pub fn unresolved(error: &io::Error) -> String {
    match error.kind() {
        ErrorKind::InvalidInput => "no port in the address".to_owned(),
        // The system's own words differ between systems, and speak of functions.
        _ => "the host's name is not known".to_owned(),
    }
}

/// The connection failed, or broke.
pub fn of_io(error: &io::Error, patience: Duration) -> String {
    let of_tls = error.get_ref().and_then(|it| it.downcast_ref());
    if let Some(error) = of_tls {
        return self::of_tls(error);
    }
    match error.kind() {
        ErrorKind::ConnectionRefused => "connection refused".to_owned(),
        ErrorKind::ConnectionReset | ErrorKind::BrokenPipe => "connection reset".to_owned(),
        ErrorKind::UnexpectedEof => "connection closed before the answer was complete".to_owned(),
        ErrorKind::HostUnreachable => "no route to the host".to_owned(),
        ErrorKind::NetworkUnreachable => "network unreachable".to_owned(),
        ErrorKind::TimedOut | ErrorKind::WouldBlock => no_answer(patience),
        // What the standard library says when a name could not be resolved; there is no kind for it.
        _ if error.to_string().starts_with("failed to lookup address") => unresolved(error),
        _ => clean(&error.to_string()),
    }
}

/// The question was not answered in HTTP.
pub fn of_http(error: &ureq::Error, patience: Duration) -> String {
    use ureq::Error;
    match error {
        Error::Io(error) => of_io(error, patience),
        Error::Timeout(_) => no_answer(patience),
        Error::HostNotFound => "the host's name is not known".to_owned(),
        Error::ConnectionFailed => "no connection".to_owned(),
        Error::Rustls(error) => of_tls(error),
        Error::LargeResponseHeader(..) => "the head of the answer does not end".to_owned(),
        Error::ConnectProxyFailed(why) => format!("the proxy refused: {}", clean(why)),
        Error::InvalidProxyUrl => {
            "the proxy of the environment is none: see `http_proxy`, `https_proxy`, `all_proxy`"
                .to_owned()
        }
        // These say the address again, and it may hold a password.
        Error::BadUri(_) | Error::Http(_) => "the address is not one of HTTP".to_owned(),
        Error::Protocol(error) => format!("the answer is not HTTP: {}", clean(&error.to_string())),
        error => clean(&error.to_string()),
    }
}

fn of_tls(error: &rustls::Error) -> String {
    use rustls::Error;
    match error {
        Error::InvalidCertificate(error) => of_certificate(error),
        Error::InvalidMessage(_) => "the port does not speak TLS: is it `http://`?".to_owned(),
        Error::AlertReceived(alert) => format!("the server ended TLS: {alert:?}"),
        Error::General(why) if why.contains("CA certificates") => {
            "this machine has no certificates of authorities: install `ca-certificates`, or name a file in `SSL_CERT_FILE`"
                .to_owned()
        }
        error => format!("no TLS: {}", clean(&error.to_string())),
    }
}

fn of_certificate(error: &CertificateError) -> String {
    use CertificateError as E;
    let what = match error {
        E::UnknownIssuer => "is signed by nobody whom this machine trusts",
        E::Expired | E::ExpiredContext { .. } => "has expired",
        E::NotValidYet | E::NotValidYetContext { .. } => "is not valid yet",
        E::NotValidForName | E::NotValidForNameContext { .. } => "is for another name",
        E::Revoked => "is revoked",
        // There is no name for it outside of the library. `openssl req -x509` makes such certificates unless told otherwise.
        E::Other(error) if error.to_string().contains("CaUsedAsEndEntity") => {
            "is that of an authority, signed by itself; a server needs one of its own"
        }
        error => return format!("the certificate is invalid: {}", clean(&error.to_string())),
    };
    format!("the certificate {what}")
}

/// Text from outside on one line of fair length, without anything that a terminal would obey.
fn clean(text: &str) -> String {
    let turns = |letter: char| matches!(letter, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.chars()
        .map(|letter| if letter.is_whitespace() { ' ' } else { letter })
        .filter(|letter| !letter.is_control() && !turns(*letter))
        .take(200)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_from_outside_are_harmless() {
        assert_eq!(clean("a\nb\x1b[2J\u{202e}c"), "a b[2Jc");
        assert_eq!(clean(&"x".repeat(999)).len(), 200);
    }

    #[test]
    fn a_machine_without_authorities_is_told_what_to_install() {
        let error =
            rustls::Error::General("No CA certificates were loaded from the system".to_owned());
        let why = of_http(&ureq::Error::Rustls(error), Duration::ZERO);
        assert!(why.contains("install `ca-certificates`"), "{why}");
    }
}
