//! The addresses that health checks ask: what makes one impossible, and how to write it instead.

use std::net::Ipv6Addr;

/// What is wrong with an address.
#[derive(Debug, PartialEq, Eq)]
pub struct Fault {
    pub message: &'static str,
    pub hint: &'static str,
}

const fn fault(message: &'static str, hint: &'static str) -> Fault {
    Fault { message, hint }
}

const SCHEME: Fault = fault(
    "`http` must begin with `http://` or `https://`",
    "write the whole address, such as `http://localhost:8080/healthz`",
);
const URL_LETTER: Fault = fault(
    "`http` holds something that no address holds",
    "write spaces and other special letters in the percent-encoded form, such as `%20`, and host names in ASCII",
);
const URL_HOST: Fault = fault(
    "`http` names no host",
    "put it after `://`, such as `http://localhost:8080/healthz`; an IPv6 address stands in `[` and `]`",
);
const URL_PORT: Fault = fault(
    "the port of `http` must be a number from 1 to 65535",
    "write it as `http://localhost:8080/healthz`",
);
const TCP: Fault = fault(
    "`tcp` must be a host and a port",
    "write it as `localhost:5432`",
);
const TCP_SCHEME: Fault = fault(
    "`tcp` must be a host and a port, without a scheme or path",
    "write it as `localhost:5432`, or ask with `http`",
);
const TCP_PORT: Fault = fault(
    "the port of `tcp` must be a number from 1 to 65535",
    "write it as `localhost:5432`",
);
const TCP_HOST: Fault = fault(
    "`tcp` names no host that can be",
    "write it as `localhost:5432`; an IPv6 address stands in `[` and `]`, as in `[::1]:5432`",
);

/// What is wrong with the address of a page. A placeholder such as `${env}` may stand anywhere.
pub fn fault_of_url(url: &str) -> Option<Fault> {
    let filled = filled(url);
    let rest = strip_scheme(&filled);
    if rest.is_none() && !url.starts_with("${") {
        return Some(SCHEME);
    }
    if !filled.bytes().all(is_of_url) {
        return Some(URL_LETTER);
    }
    // A placeholder at the beginning may hold scheme and host.
    let rest = rest?;
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host_and_port = authority.rsplit_once('@').map_or(authority, |(_, it)| it);
    let (host, port) = split(host_and_port);
    if !is_host(host) {
        return Some(URL_HOST);
    }
    port.is_some_and(|port| !is_port(port)).then_some(URL_PORT)
}

/// What is wrong with a host and port.
pub fn fault_of_socket(address: &str) -> Option<Fault> {
    let filled = filled(address);
    if filled.contains('/') {
        return Some(TCP_SCHEME);
    }
    let (host, port) = split(&filled);
    match port {
        // One placeholder may hold both.
        None if address.starts_with("${") && address.ends_with('}') => None,
        None => Some(TCP),
        Some(_) if !is_host(host) => Some(TCP_HOST),
        Some(port) => (!is_port(port)).then_some(TCP_PORT),
    }
}

/// The text with `1`, which fits everywhere, in place of each placeholder.
fn filled(text: &str) -> String {
    let mut filled = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        let Some((_, after)) = after.split_once('}') else {
            break;
        };
        filled.push_str(before);
        filled.push('1');
        rest = after;
    }
    filled.push_str(rest);
    filled
}

fn strip_scheme(url: &str) -> Option<&str> {
    url.strip_prefix("http://")
        .or_else(|| url.strip_prefix("https://"))
}

fn is_of_url(byte: u8) -> bool {
    byte.is_ascii_graphic() && !br#""<>\^`{|}"#.contains(&byte)
}

/// The host and what follows the colon after it.
fn split(text: &str) -> (&str, Option<&str>) {
    match text.rsplit_once(':') {
        // The colon belongs to an IPv6 address.
        Some(_) if text.ends_with(']') => (text, None),
        Some((host, port)) => (host, Some(port)),
        None => (text, None),
    }
}

fn is_host(host: &str) -> bool {
    let within = host.strip_prefix('[').and_then(|it| it.strip_suffix(']'));
    if let Some(address) = within {
        return address.parse::<Ipv6Addr>().is_ok();
    }
    let is_of_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    !host.is_empty() && host.bytes().all(is_of_name)
}

fn is_port(port: &str) -> bool {
    // `u16` alone would take `+80`.
    let is_number = port.bytes().all(|byte| byte.is_ascii_digit());
    is_number && port.parse::<u16>().is_ok_and(|port| port > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn impossible_urls_are_found() {
        let check = |url: &str, expected: Option<Fault>| {
            let is_fine = expected.is_none();
            assert_eq!(fault_of_url(url), expected, "{url}");
            // Whoever asks later must agree.
            if is_fine && !url.contains('$') {
                let uri: ureq::http::Uri = url.parse().unwrap_or_else(|it| panic!("{url}: {it}"));
                assert!(uri.host().is_some(), "{url}");
            }
        };
        for fine in [
            "http://x",
            "https://x.example.test:443/healthz?a=b&c=%20#d",
            "http://[::1]:80/",
            "http://[::1]",
            "http://user:password@x:1/",
            "http://127.0.0.1:65535",
            "http://a_b",
            "http://x?y",
            "http://catalog.${env}.example.test/healthz",
            "http://x:${SVC_PORT}/",
            "${url}/healthz",
            "${url}",
        ] {
            check(fine, None);
        }
        for bad in ["/healthz", "x:80", "ftp://x", "HTTP//x", ""] {
            check(bad, Some(SCHEME));
        }
        for bad in [
            "http://",
            "http:///healthz",
            "http://:80",
            "http://@:80/",
            "http://[::1",
            "http://[x]/",
            "http://::1/",
            "http://a%20b/",
        ] {
            check(bad, Some(URL_HOST));
        }
        for bad in [
            "http://x:",
            "http://x:0/",
            "http://x:65536",
            "http://x:+80",
            "http://x:y/",
        ] {
            check(bad, Some(URL_PORT));
        }
        for bad in [
            "http://x/a b",
            "http://ü.test",
            "http://x/\n",
            "http://x/${",
            "http://x/<a>",
            "${url}/a b",
            "http://x\\y",
        ] {
            check(bad, Some(URL_LETTER));
        }
    }

    #[test]
    fn impossible_sockets_are_found() {
        let check = |address: &str, expected: Option<Fault>| {
            assert_eq!(fault_of_socket(address), expected, "{address}");
        };
        for fine in [
            "localhost:5432",
            "[::1]:1",
            "10.0.0.1:65535",
            "db.${env}.test:5432",
            "${host}:${port}",
            "${address}",
            "x:${port}",
        ] {
            check(fine, None);
        }
        for bad in ["localhost", "[::1]", "", "a.${env}"] {
            check(bad, Some(TCP));
        }
        for bad in ["tcp://x:1", "x:1/", "http://x"] {
            check(bad, Some(TCP_SCHEME));
        }
        for bad in ["x:", "x:0", "x:99999", "x:-1", "x:ssh"] {
            check(bad, Some(TCP_PORT));
        }
        for bad in [":80", "a b:80", "::1:80", "[x]:80", "ü:1"] {
            check(bad, Some(TCP_HOST));
        }
    }
}
