//! A small HTTP server: a thread and a connection per request.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

const LONGEST_HEAD: u64 = 16 * 1024;
const PATIENCE: Duration = Duration::from_secs(2);

pub struct Request {
    pub method: String,
    pub path: String,
}

pub struct Reply {
    status: u16,
    kind: &'static str,
    body: String,
}

impl Reply {
    pub fn text(body: &str) -> Reply {
        Reply {
            status: 200,
            kind: "text/plain",
            body: body.into(),
        }
    }

    pub fn json(body: String) -> Reply {
        Reply {
            status: 200,
            kind: "application/json",
            body,
        }
    }

    pub fn refused(status: u16, why: &str) -> Reply {
        let body = format!("{{\"error\":{}}}", crate::json::string(why));
        Reply {
            status,
            ..Reply::json(body)
        }
    }
}

/// Serves until the process is ended. Nothing is kept, so SIGTERM may simply end it.
pub fn serve<A>(service: &str, address: &str, answer: A) -> io::Result<()>
where
    A: Fn(&Request) -> Reply + Send + Sync + 'static,
{
    let listener = TcpListener::bind(address)?;
    println!("{service} listening on {}", listener.local_addr()?);
    let answer = Arc::new(answer);
    for stream in listener.incoming().flatten() {
        let answer = answer.clone();
        // A client that went away, or is silent for too long, is no concern of the others.
        thread::spawn(move || converse(stream, answer.as_ref()));
    }
    Ok(())
}

fn converse(mut stream: TcpStream, answer: &dyn Fn(&Request) -> Reply) -> io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let head = head(BufReader::new(&stream).take(LONGEST_HEAD))?;
    let reply = match parse(&head) {
        Some(request) => answer(&request),
        None => Reply::refused(400, "not a request that this server reads"),
    };
    write!(
        stream,
        "HTTP/1.1 {} {}\r\nContent-Type: {}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{}",
        reply.status,
        if reply.status < 400 { "OK" } else { "Refused" },
        reply.kind,
        reply.body.len(),
        reply.body,
    )
}

/// The lines up to the first empty one.
fn head(mut reader: impl BufRead) -> io::Result<String> {
    let mut head = String::new();
    while reader.read_line(&mut head)? > 0 && !head.ends_with("\r\n\r\n") {}
    Ok(head)
}

fn parse(head: &str) -> Option<Request> {
    let line = head.strip_suffix("\r\n\r\n")?.lines().next()?;
    let [method, target, _version] = line.split(' ').collect::<Vec<_>>()[..] else {
        return None;
    };
    let path = target.split('?').next()?;
    path.starts_with('/').then(|| Request {
        method: method.into(),
        path: path.into(),
    })
}

#[cfg(test)]
mod tests {
    use super::parse;

    fn check(head: &str, expected: Option<(&str, &str)>) {
        let request = parse(head).map(|request| (request.method, request.path));
        let expected = expected.map(|(method, path)| (method.into(), path.into()));
        assert_eq!(request, expected, "{head:?}");
    }

    #[test]
    fn requests_are_parsed() {
        check("GET /a HTTP/1.1\r\n\r\n", Some(("GET", "/a")));
        check("PUT /?q=1 HTTP/1.1\r\nHost: x\r\n\r\n", Some(("PUT", "/")));
        check("GET /a HTTP/1.1\r\n", None);
        check("GET a HTTP/1.1\r\n\r\n", None);
        check("hello\r\n\r\n", None);
        check("", None);
    }
}
