//! The service in images of tests: answers `/healthz`, and says its version to everything else.
//!
//! `tiny-http VERSION [PORT]`; a version that holds `sick` is not well.

use std::io::{Read, Write};

fn main() {
    let mut arguments = std::env::args().skip(1);
    let version = arguments.next().unwrap_or_else(|| "none".to_owned());
    let port = arguments.next().and_then(|it| it.parse::<u16>().ok());
    let port = port.unwrap_or(8080);
    let listener = std::net::TcpListener::bind(("0.0.0.0", port)).expect("the port is free");
    println!("{version} listens on {port}");
    for mut stream in listener.incoming().flatten() {
        let mut head = [0; 4096];
        let count = stream.read(&mut head).unwrap_or(0);
        let asks_health = head[..count].starts_with(b"GET /healthz ");
        let status = match asks_health && version.contains("sick") {
            true => "503 Service Unavailable",
            false => "200 OK",
        };
        let body = if asks_health { "ok" } else { &version };
        let length = body.len();
        let head = format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close");
        let _ = stream.write_all(format!("{head}\r\n\r\n{body}").as_bytes());
    }
}
