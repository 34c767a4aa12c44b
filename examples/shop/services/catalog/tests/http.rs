//! Starts the real binary on a free port and asks it over HTTP.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

struct Catalog {
    process: Child,
    address: String,
}

impl Catalog {
    fn start() -> Catalog {
        let mut process = Command::new(env!("CARGO_BIN_EXE_catalog"))
            .env("SVC_PORT", "0")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let output = process.stdout.take().unwrap();
        BufReader::new(output).read_line(&mut line).unwrap();
        let address = line.trim().rsplit(' ').next().unwrap().to_string();
        Catalog { process, address }
    }

    fn ask(&self, request: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        write!(stream, "{request} HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }
}

impl Drop for Catalog {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

#[test]
fn answers_over_http() {
    let catalog = Catalog::start();
    let check = |request: &str, status: &str, part: &str| {
        let answer = catalog.ask(request);
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{request}: {answer}"
        );
        assert!(answer.contains(part), "{request}: {answer}");
    };
    check("GET /healthz", "200", "\r\n\r\nok\n");
    check("GET /products", "200", "\r\n\r\n[{\"sku\":");
    check(
        "GET /products/owls",
        "200",
        "\"cents\":1990,\"taxClass\":\"books\"",
    );
    check("GET /products/mug", "200", "\"Mug, \\\"Monday\\\"\"");
    check("GET /products/unicorn", "404", "no such product");
    check("DELETE /products/owls", "405", "do not touch");
    check("GET owls", "400", "error");
}
