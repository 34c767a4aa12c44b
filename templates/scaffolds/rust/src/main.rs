//! The program: serves until it is asked to end.

use std::env::var;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::process::ExitCode;
use std::thread;

use service::http::Server;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn std::error::Error>> {
    let mut signals = Signals::new([SIGTERM, SIGINT])?;
    let port: u16 = var("SVC_PORT").or_else(|_| var("PORT")).unwrap_or_else(|_| "8080".to_owned()).parse()?;
    // All addresses: of the old kind alone where the machine knows no other.
    let all = [SocketAddr::from((Ipv6Addr::UNSPECIFIED, port)), SocketAddr::from((Ipv4Addr::UNSPECIFIED, port))];
    let server = Server::new(TcpListener::bind(&all[..])?)?;
    eprintln!("listening at {}", server.address());
    let ending = server.ending();
    thread::spawn(move || signals.forever().for_each(|_| ending.ask()));
    server.serve(&service::answer)?;
    Ok(())
}
