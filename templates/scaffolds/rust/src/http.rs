//! As much of HTTP/1.1 as a small service needs: one request for each connection, answered in a thread of its own.
//!
//! Behind a proxy or an ingress that is enough. A service that needs more takes a library for it; the rest of it stays.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

/// No request and no answer may take longer.
const PATIENCE: Duration = Duration::from_secs(10);
/// Before the next try where something passing is in the way.
const PAUSE: Duration = Duration::from_millis(5);
const LARGEST_HEAD: u64 = 16 << 10;
const LARGEST_BODY: u64 = 1 << 20;
/// So many requests are answered at once; others wait.
const MOST: usize = 256;

/// What is asked.
#[derive(Debug)]
pub struct Request {
    pub method: String,
    /// Without the query.
    pub path: String,
    pub query: Option<String>,
    pub body: Vec<u8>,
}

/// What is answered.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub kind: &'static str,
    pub body: Vec<u8>,
}

impl Answer {
    /// A text that is JSON already.
    pub fn json(status: u16, text: &str) -> Self {
        Self { status, kind: "application/json", body: text.into() }
    }
}

/// Listens, and hands each request to a function.
pub struct Server {
    listener: TcpListener,
    ending: Ending,
}

/// Ends a server from another thread.
#[derive(Clone)]
pub struct Ending {
    is_asked: Arc<AtomicBool>,
    address: SocketAddr,
}

impl Ending {
    /// The server answers what it has begun to answer, and ends.
    pub fn ask(&self) {
        self.is_asked.store(true, Ordering::SeqCst);
        // It waits for somebody to come.
        let _ = TcpStream::connect(self.address);
    }
}

impl Server {
    pub fn new(listener: TcpListener) -> io::Result<Self> {
        let ending = Ending { is_asked: Arc::default(), address: listener.local_addr()? };
        Ok(Self { listener, ending })
    }

    pub fn address(&self) -> SocketAddr {
        self.ending.address
    }

    pub fn ending(&self) -> Ending {
        self.ending.clone()
    }

    /// Answers until it is asked to end.
    pub fn serve<A>(&self, answer: &A) -> io::Result<()>
    where
        A: Fn(&Request) -> Answer + Sync,
    {
        thread::scope(|scope| {
            let mut running: Vec<thread::ScopedJoinHandle<'_, ()>> = Vec::new();
            while !self.ending.is_asked.load(Ordering::SeqCst) {
                running.retain(|it| !it.is_finished());
                if running.len() >= MOST {
                    thread::sleep(PAUSE);
                    continue;
                }
                match self.listener.accept() {
                    Ok((stream, _)) => running.push(scope.spawn(move || {
                        // Whoever asked may have left; others are not to notice.
                        let _ = converse(stream, answer);
                    })),
                    Err(error) if is_passing(&error) => thread::sleep(PAUSE),
                    Err(error) => return Err(error),
                }
            }
            Ok(())
        })
    }
}

/// Whether it may go better the next time.
fn is_passing(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted};
    // The last two: too many open files, of the program or of the machine.
    matches!(error.kind(), ConnectionAborted | ConnectionReset | Interrupted)
        || matches!(error.raw_os_error(), Some(23 | 24))
}

fn converse(mut stream: TcpStream, answer: &impl Fn(&Request) -> Answer) -> io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let (said, is_head) = match read(&stream)? {
        Some(request) => (answer(&request), request.method == "HEAD"),
        None => (Answer::json(400, r#"{"error":"the request makes no sense"}"#), false),
    };
    let head = format!(
        "HTTP/1.1 {} {}\r\nContent-Type: {}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        said.status,
        reason(said.status),
        said.kind,
        said.body.len(),
    );
    stream.write_all(head.as_bytes())?;
    if !is_head {
        stream.write_all(&said.body)?;
    }
    stream.flush()
}

/// The request, if it is one.
fn read(stream: &TcpStream) -> io::Result<Option<Request>> {
    let mut reader = BufReader::new(stream);
    let mut head = (&mut reader).take(LARGEST_HEAD);
    let mut lines = Vec::new();
    loop {
        let mut line = Vec::new();
        head.read_until(b'\n', &mut line)?;
        let Some(line) = line.strip_suffix(b"\n") else {
            return Ok(None);
        };
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        match std::str::from_utf8(line) {
            Ok("") => break,
            Ok(line) => lines.push(line.to_owned()),
            Err(_) => return Ok(None),
        }
    }
    let Some((method, path, query)) = lines.first().and_then(|it| first_line(it)) else {
        return Ok(None);
    };
    let Some(length) = length(&lines[1..]).filter(|it| *it <= LARGEST_BODY) else {
        return Ok(None);
    };
    let mut body = Vec::new();
    reader.take(length).read_to_end(&mut body)?;
    Ok((body.len() as u64 == length).then_some(Request { method, path, query, body }))
}

fn first_line(line: &str) -> Option<(String, String, Option<String>)> {
    let mut words = line.split(' ');
    let (method, target, version) = (words.next()?, words.next()?, words.next()?);
    if words.next().is_some() || !version.starts_with("HTTP/1.") || !target.starts_with('/') {
        return None;
    }
    let (path, query) = match target.split_once('?') {
        Some((path, query)) => (path, Some(query.to_owned())),
        None => (target, None),
    };
    Some((method.to_owned(), path.to_owned(), query))
}

/// How long the body is. None where that cannot be told.
fn length(headers: &[String]) -> Option<u64> {
    let mut length = None;
    for header in headers {
        let (name, value) = header.split_once(':')?;
        if name.eq_ignore_ascii_case("transfer-encoding") {
            return None;
        }
        if name.eq_ignore_ascii_case("content-length") {
            let value = value.trim().parse().ok()?;
            if length.is_some_and(|it| it != value) {
                return None;
            }
            length = Some(value);
        }
    }
    Some(length.unwrap_or(0))
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        400 => "Bad Request",
        404 => "Not Found",
        405 => "Method Not Allowed",
        _ => "Other",
    }
}
