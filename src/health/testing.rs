//! What tests of this room share: servers that answer as they are told, and short forms.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use crate::health::Answer;
use crate::model::deploy::{Health, Probe};

/// A health check of nothing with this timeout and interval in seconds.
pub fn health(timeout: f64, interval: f64, successes: u32) -> Health {
    Health {
        probe: Probe::Command("true".to_owned()),
        timeout: Duration::from_secs_f64(timeout),
        interval: Duration::from_secs_f64(interval),
        successes,
    }
}

/// Why it is not well.
pub fn not_yet(answer: Answer) -> String {
    match answer {
        Answer::NotYet(why) => why,
        Answer::Well => panic!("it is well"),
    }
}

/// A port that nobody listens on, and that nobody takes until this program ends: the near end of a connection holds it.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    let stream = TcpStream::connect(address).expect("it listens");
    let port = stream.local_addr().expect("it is bound").port();
    std::mem::forget((listener, stream));
    port
}

/// A server on a free port, which handles each connection by `talk` after the head of the request came; gives the port.
pub fn server(talk: impl Fn(&mut TcpStream, &str) + Send + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("it is bound").port();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            serve(stream, &talk);
        }
    });
    port
}

fn serve(mut stream: TcpStream, talk: &dyn Fn(&mut TcpStream, &str)) {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") && matches!(stream.read(&mut byte), Ok(1)) {
        head.push(byte[0]);
    }
    talk(&mut stream, &String::from_utf8_lossy(&head));
}

/// A server that gives always this answer, byte for byte.
pub fn answering(answer: impl Into<Vec<u8>>) -> u16 {
    let answer = answer.into();
    server(move |stream, _| {
        let _ = stream.write_all(&answer);
    })
}
