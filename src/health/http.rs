//! Whether a page answers as it should.

use std::io::{ErrorKind, Read};
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use ureq::http::Uri;
use ureq::tls::{RootCerts, TlsConfig};
use ureq::{Agent, Body, Proxy};

use crate::health::{Answer, Proxies, reason};

/// What counts where no status is given. A redirect is an answer, and is not followed: where it leads is another service.
const FINE: RangeInclusive<u16> = 200..=399;

/// How much of a page is searched.
const SEARCHED: usize = 1 << 20;

/// More than any sound server sends before its page.
const LARGEST_HEAD: usize = 64 << 10;

/// A page, and what it should answer.
pub struct Page {
    pub url: String,
    pub status: Option<u16>,
    pub body: Option<String>,
    pub proxies: Proxies,
}

/// Asks for the page once.
pub fn ask(page: &Page, patience: Duration) -> Answer {
    match answer(page, patience) {
        Ok(answer) => answer,
        Err(error) => Answer::NotYet(reason::of_http(&error, patience)),
    }
}

fn answer(page: &Page, patience: Duration) -> Result<Answer, ureq::Error> {
    let uri: Uri = page.url.parse().map_err(ureq::http::Error::from)?;
    let response = agent(&page.proxies, &uri, patience)?.get(uri).call()?;
    let status = response.status().as_u16();
    let fits = match page.status {
        Some(wanted) => status == wanted,
        None => FINE.contains(&status),
    };
    if !fits {
        return Ok(Answer::NotYet(match page.status {
            Some(wanted) => format!("status {status}, not {wanted}"),
            None => format!("status {status}"),
        }));
    }
    Ok(match &page.body {
        None => Answer::Well,
        Some(wanted) => search(response.into_body(), wanted, patience),
    })
}

fn agent(proxies: &Proxies, uri: &Uri, patience: Duration) -> Result<Agent, ureq::Error> {
    let is_https = uri.scheme_str() == Some("https");
    let proxy = match proxies.for_host(is_https, uri.host().unwrap_or_default()) {
        Some(proxy) => Some(Proxy::new(proxy)?),
        None => None,
    };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = TlsConfig::builder()
        .root_certs(RootCerts::PlatformVerifier)
        .unversioned_rustls_crypto_provider(provider)
        .build();
    let config = Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .max_response_header_size(LARGEST_HEAD)
        .proxy(proxy)
        .timeout_global(Some(patience))
        .tls_config(tls)
        .user_agent(concat!("svc/", env!("CARGO_PKG_VERSION")))
        .build();
    Ok(config.new_agent())
}

/// Looks for `wanted` in the first part of a page, as it comes.
fn search(body: Body, wanted: &str, patience: Duration) -> Answer {
    let wanted = wanted.as_bytes();
    let mut page = body.into_reader().take(SEARCHED as u64);
    let mut seen = Vec::new();
    let mut chunk = vec![0; 16 << 10];
    let missing = |more: &str| {
        let wanted = shortened(wanted);
        Answer::NotYet(format!("{wanted} is not in the answer{more}"))
    };
    loop {
        let old = seen.len().saturating_sub(wanted.len());
        match page.read(&mut chunk) {
            Ok(0) if seen.len() == SEARCHED => return missing("'s first MiB"),
            Ok(0) => return missing(""),
            Ok(count) => seen.extend_from_slice(&chunk[..count]),
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => {
                let why = reason::of_http(&ureq::Error::from(error), patience);
                return missing(&format!(" up to where it broke off: {why}"));
            }
        }
        if wanted.is_empty() || seen[old..].windows(wanted.len()).any(|it| it == wanted) {
            return Answer::Well;
        }
    }
}

/// The text of the file, fit for a message.
fn shortened(wanted: &[u8]) -> String {
    let text = String::from_utf8_lossy(wanted);
    let letters = text.chars().flat_map(char::escape_debug);
    format!("`{}`", letters.take(60).collect::<String>())
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use crate::health::clock::{Clock, Running};
    use crate::health::testing::{answering, free_port, not_yet, server};

    const PATIENCE: Duration = Duration::from_secs(5);
    const LITTLE: Duration = Duration::from_millis(300);

    fn page(port: u16, path: &str) -> Page {
        Page {
            url: format!("http://127.0.0.1:{port}{path}"),
            status: None,
            body: None,
            proxies: Proxies::default(),
        }
    }

    fn with_status(status: &str) -> u16 {
        answering(format!(
            "HTTP/1.1 {status}\r\nlocation: /\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok"
        ))
    }

    #[test]
    fn the_status_says_whether_it_is_well() {
        let check = |status: &str, wanted: Option<u16>, expected: &str| {
            let page = Page {
                status: wanted,
                ..page(with_status(status), "/healthz?a=b#c")
            };
            let expected = match expected {
                "" => Answer::Well,
                why => Answer::NotYet(why.to_owned()),
            };
            assert_eq!(ask(&page, PATIENCE), expected, "{status} {wanted:?}");
        };
        check("200 OK", None, "");
        check("204 No Content", None, "");
        check("302 Found", None, "");
        check("399 Odd", None, "");
        check("400 Bad", None, "status 400");
        check("503 Unavailable", None, "status 503");
        check("503 Unavailable", Some(503), "");
        check("200 OK", Some(204), "status 200, not 204");
        check("302 Found", Some(200), "status 302, not 200");
    }

    #[test]
    fn the_page_may_have_to_hold_a_text() {
        let check = |body: &str, wanted: &str, expected: &str| {
            let length = body.len();
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{body}");
            let page = Page {
                body: Some(wanted.to_owned()),
                ..page(answering(head), "/")
            };
            let expected = match expected {
                "" => Answer::Well,
                why => Answer::NotYet(why.to_owned()),
            };
            assert_eq!(ask(&page, PATIENCE), expected, "{wanted}");
        };
        check("all is ok", "ok", "");
        check("all is ok", "", "");
        check("ko", "ok", "`ok` is not in the answer");
        check("", "a\x1bb\n", "`a\\u{1b}b\\n` is not in the answer");
        let large = "x".repeat(SEARCHED - 1) + "ok";
        check(&large, "xo", "");
        check(&large, "ok", "`ok` is not in the answer's first MiB");
    }

    #[test]
    fn a_text_is_found_across_pieces_and_before_the_end() {
        let port = server(|stream, _| {
            let head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
            let _ = stream.write_all(head);
            for _ in 0..2000 {
                let _ = stream.write_all(b"1\r\no\r\n1\r\nk\r\n");
                std::thread::sleep(Duration::from_millis(1));
            }
        });
        let page = Page {
            body: Some("okok".to_owned()),
            ..page(port, "/")
        };
        assert_eq!(ask(&page, PATIENCE), Answer::Well);
    }

    #[test]
    fn who_asks_says_who_it_is() {
        let port = server(|stream, head| {
            let agent = concat!("user-agent: svc/", env!("CARGO_PKG_VERSION"), "\r\n");
            let is_ours = head.to_ascii_lowercase().contains(agent);
            let status = if is_ours { "200 OK" } else { "400 Bad" };
            let _ = write!(stream, "HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n");
        });
        assert_eq!(ask(&page(port, "/"), PATIENCE), Answer::Well);
    }

    #[test]
    fn nobody_there_is_said_in_words() {
        let why = not_yet(ask(&page(free_port(), "/"), PATIENCE));
        assert_eq!(why, "connection refused");
        let page = Page {
            url: "http://name.invalid/".to_owned(),
            ..page(1, "/")
        };
        let why = not_yet(ask(&page, PATIENCE));
        assert_eq!(why, "the host's name is not known");
    }

    #[test]
    fn answers_that_are_not_http_are_no_panic() {
        let check = |answer: &[u8], expected: &str| {
            let why = not_yet(ask(&page(answering(answer), "/"), PATIENCE));
            assert!(why.contains(expected), "{expected}: {why}");
            assert!(!why.chars().any(char::is_control), "{why:?}");
        };
        check(b"", "connection closed before the answer was complete");
        check(
            b"\x16\x03\x01\x00\xff\x1b[2J\r\n\r\n",
            "the answer is not HTTP",
        );
        check(b"SSH-2.0-OpenSSH\r\n\r\n", "the answer is not HTTP");
        check(b"HTTP/1.1 200", "connection closed");
        check(b"HTTP/1.1 99999 Odd\r\n\r\n", "the answer is not HTTP");
        check(b"HTTP/1.1 200 OK\r\nx: y\r\n", "connection closed");
        let one = b"x: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n";
        let many = [b"HTTP/1.1 200 OK\r\n".as_slice(), &one.repeat(5000)].concat();
        check(&many, "");
        let long = [b"HTTP/1.1 200 OK\r\nx: ".as_slice(), &b"y".repeat(300_000)].concat();
        check(&long, "the head of the answer does not end");
    }

    /// Whatever trickles or never ends, the time is over when it is.
    #[test]
    fn servers_that_do_not_end_are_given_up_in_time() {
        let check = |what: &str, start: &'static [u8], piece: &'static [u8], pause: u64| {
            let port = server(move |stream, _| {
                let mut alive = stream.write_all(start).is_ok();
                let clock = Running::start();
                while alive && clock.elapsed() < Duration::from_secs(20) {
                    alive = stream.write_all(piece).is_ok();
                    std::thread::sleep(Duration::from_millis(pause));
                }
            });
            let page = Page {
                body: Some("never".to_owned()),
                ..page(port, "/")
            };
            let clock = Running::start();
            let why = not_yet(ask(&page, LITTLE));
            assert!(clock.elapsed() < Duration::from_secs(5), "{what}");
            assert!(!why.is_empty());
        };
        check("silence", b"", b"", 10);
        check("slow head", b"HTTP/1.1 200 OK\r\n", b"x", 10);
        check("endless head", b"HTTP/1.1 200 OK\r\n", b"x: y\r\n", 0);
        check("interim answers", b"", b"HTTP/1.1 100 Continue\r\n\r\n", 0);
        check("early hints", b"", b"HTTP/1.1 103 Early Hints\r\n\r\n", 0);
        check("slow body", b"HTTP/1.1 200 OK\r\n\r\n", b"x", 10);
        let chunked = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
        check("endless chunk", chunked, b"ffffffffffffffffffff", 0);
        check("chunk of nothing", chunked, b"1;xxxxxxxxxxxxxxxxx", 0);
    }

    #[test]
    fn a_proxy_is_asked_to_connect_unless_the_host_is_near() {
        let asked = free_port();
        let proxy = answering("HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n");
        let proxies = Proxies::through(&format!("http://127.0.0.1:{proxy}"));
        let far = Page {
            url: "http://far.test/".to_owned(),
            proxies: proxies.clone(),
            ..page(asked, "/")
        };
        let why = not_yet(ask(&far, PATIENCE));
        assert!(why.starts_with("the proxy refused: "), "{why}");
        let near = Page {
            proxies,
            ..page(asked, "/")
        };
        assert_eq!(not_yet(ask(&near, PATIENCE)), "connection refused");
        let broken = Page {
            proxies: Proxies::through("socks9://::/"),
            ..far
        };
        let why = not_yet(ask(&broken, PATIENCE));
        assert!(
            why.starts_with("the proxy of the environment is none"),
            "{why}"
        );
    }

    #[test]
    fn a_password_in_the_address_is_not_told() {
        for url in [
            "http://user:secret@ho st/",
            "http://user:secret@",
            "user:secret@x",
            "http://user:secret@x:99999/",
        ] {
            let page = Page {
                url: url.to_owned(),
                ..page(1, "/")
            };
            let why = not_yet(ask(&page, LITTLE));
            assert!(!why.contains("secret"), "{why}");
        }
    }
}
