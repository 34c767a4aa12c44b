//! `git http-backend` behind a small server: remotes over smart HTTP, with a login where a test wants one.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use crate::servers::have;

/// Who may do what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Login {
    /// Everybody may fetch and push.
    None,
    /// Only `user` with `password` may; all others get 401.
    Needed,
    /// `user` may fetch but not push: that is 403.
    MayOnlyRead,
}

/// A running server.
pub struct SmartHttp {
    port: u16,
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl SmartHttp {
    /// Serves the repositories below `base`.
    pub fn start(base: &Path, login: Login) -> Option<Self> {
        if !have("git") {
            return None;
        }
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("it is bound").port();
        let over = Arc::new(AtomicBool::new(false));
        let (base, is_over) = (base.to_owned(), over.clone());
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if is_over.load(Ordering::SeqCst) {
                    return;
                }
                let base = base.clone();
                // A client that goes away in the middle is its own affair.
                std::thread::spawn(move || serve(&stream, &base, login).ok());
            }
        });
        Some(Self {
            port,
            over,
            thread: Some(thread),
        })
    }

    /// The address of a repository, by its path below the base.
    pub fn url(&self, repository: &str) -> String {
        format!("http://127.0.0.1:{}/{repository}", self.port)
    }

    /// The same with the login in it.
    pub fn url_with_login(&self, repository: &str) -> String {
        format!("http://user:password@127.0.0.1:{}/{repository}", self.port)
    }
}

impl Drop for SmartHttp {
    fn drop(&mut self) {
        self.over.store(true, Ordering::SeqCst);
        // Wakes it, so that it sees that.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// What a client wants.
#[derive(Default)]
struct Request {
    method: String,
    path: String,
    query: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Request {
    fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(it, _)| it == name);
        found.map(|(_, value)| value.as_str())
    }

    fn pushes(&self) -> bool {
        let what = "git-receive-pack";
        self.path.ends_with(what) || self.query.contains(what)
    }
}

fn serve(stream: &TcpStream, base: &PathBuf, login: Login) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let request = read(&mut reader, stream)?;
    // `user:password` in base 64.
    let is_known = request.header("authorization") == Some("Basic dXNlcjpwYXNzd29yZA==");
    let mut stream = stream;
    if login != Login::None && !is_known {
        let head = "HTTP/1.1 401 Unauthorized\r\nwww-authenticate: Basic realm=\"git\"\r\n";
        return write!(
            stream,
            "{head}content-length: 0\r\nconnection: close\r\n\r\n"
        );
    }
    if login == Login::MayOnlyRead && request.pushes() {
        let why = "user may not write here\n";
        let head = "HTTP/1.1 403 Forbidden\r\ncontent-type: text/plain\r\nconnection: close\r\n";
        let length = why.len();
        return write!(stream, "{head}content-length: {length}\r\n\r\n{why}");
    }
    answer(stream, &request, base)
}

fn read(reader: &mut BufReader<&TcpStream>, mut stream: &TcpStream) -> std::io::Result<Request> {
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let mut words = line.split_whitespace();
    let method = words.next().unwrap_or_default().to_owned();
    let target = words.next().unwrap_or_default();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut request = Request {
        method,
        path: path.to_owned(),
        query: query.to_owned(),
        ..Request::default()
    };
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(':') else {
            break;
        };
        request
            .headers
            .push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    if request.header("expect").is_some() {
        stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
    }
    if request.header("transfer-encoding").is_some() {
        loop {
            let mut line = String::new();
            reader.read_line(&mut line)?;
            let size = usize::from_str_radix(line.trim(), 16).unwrap_or(0);
            let mut piece = vec![0; size + 2];
            reader.read_exact(&mut piece)?;
            if size == 0 {
                break;
            }
            request.body.extend_from_slice(&piece[..size]);
        }
    } else {
        let length = request
            .header("content-length")
            .and_then(|it| it.parse().ok());
        request.body = vec![0; length.unwrap_or(0)];
        reader.read_exact(&mut request.body)?;
    }
    Ok(request)
}

fn answer(mut stream: &TcpStream, request: &Request, base: &PathBuf) -> std::io::Result<()> {
    let mut child = Command::new("git")
        .arg("http-backend")
        .env("GIT_PROJECT_ROOT", base)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        // Who has a name may push.
        .env("REMOTE_USER", "user")
        .env("REMOTE_ADDR", "127.0.0.1")
        .env("REQUEST_METHOD", &request.method)
        .env("PATH_INFO", &request.path)
        .env("QUERY_STRING", &request.query)
        .env(
            "CONTENT_TYPE",
            request.header("content-type").unwrap_or_default(),
        )
        .env("CONTENT_LENGTH", request.body.len().to_string())
        .env(
            "HTTP_CONTENT_ENCODING",
            request.header("content-encoding").unwrap_or_default(),
        )
        .env(
            "GIT_PROTOCOL",
            request.header("git-protocol").unwrap_or_default(),
        )
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let mut input = child.stdin.take().expect("it is piped");
    let body = request.body.clone();
    let writer = std::thread::spawn(move || input.write_all(&body));
    let output = child.wait_with_output()?.stdout;
    let _ = writer.join();
    let end = output.windows(4).position(|it| it == b"\r\n\r\n");
    let (head, body) = output.split_at(end.map_or(output.len(), |it| it + 4));
    let head = String::from_utf8_lossy(head);
    let mut status = "200 OK";
    let mut headers = String::new();
    for line in head.lines().filter(|line| !line.is_empty()) {
        match line.strip_prefix("Status: ") {
            Some(it) => status = it,
            None => headers.push_str(&format!("{line}\r\n")),
        }
    }
    let length = body.len();
    let end = format!("content-length: {length}\r\nconnection: close\r\n\r\n");
    stream.write_all(format!("HTTP/1.1 {status}\r\n{headers}{end}").as_bytes())?;
    stream.write_all(body)
}
