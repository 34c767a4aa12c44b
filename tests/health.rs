//! Asking a server that speaks TLS, with a certificate that nobody knows.
#![allow(clippy::disallowed_methods, reason = "a test may start programs")]

#[path = "support/servers/mod.rs"]
mod servers;

use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use svc::health::{Answer, Proxies, ask};
use svc::model::deploy::Probe;

#[test]
fn a_certificate_that_nobody_signed_is_said_to_be_one() {
    let Some(port) = tls_server() else { return };
    let why = not_yet(&format!("https://127.0.0.1:{port}/"));
    let expected = "the certificate is signed by nobody whom this machine trusts";
    // Where the machine trusts nobody at all, that is what is wrong.
    assert!(
        why == expected || why.contains("install `ca-certificates`"),
        "{why}"
    );
}

#[test]
fn tls_is_not_plain_http_and_the_other_way_round() {
    let Some(port) = tls_server() else { return };
    let why = not_yet(&format!("http://127.0.0.1:{port}/"));
    assert!(
        why.contains("connection") || why.contains("not HTTP"),
        "{why}"
    );

    let plain = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = plain.local_addr().expect("it is bound").port();
    std::thread::spawn(move || {
        for mut stream in plain.incoming().flatten() {
            let _ = std::io::Write::write_all(&mut stream, b"HTTP/1.1 400 Bad Request\r\n\r\n");
        }
    });
    let why = not_yet(&format!("https://127.0.0.1:{port}/"));
    let fits = [
        "the port does not speak TLS",
        "connection",
        "install `ca-certificates`",
    ];
    assert!(fits.iter().any(|it| why.contains(it)), "{why}");
}

fn not_yet(url: &str) -> String {
    let probe = Probe::Http {
        url: url.to_owned(),
        status: None,
        body: None,
    };
    let patience = Duration::from_secs(10);
    match ask(&probe, patience, &Proxies::default(), &|| false) {
        Some(Answer::NotYet(why)) => why,
        other => panic!("{other:?}"),
    }
}

fn tls_server() -> Option<u16> {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let (key, certificate) = (directory.path().join("key"), directory.path().join("crt"));
    let Some(()) = sign(&key, &certificate) else {
        servers::skip("tls", "openssl is not installed");
        return None;
    };
    let key = PrivateKeyDer::from_pem_file(key).expect("a key");
    let certificate = CertificateDer::from_pem_file(certificate).expect("a certificate");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("it is the default")
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .expect("they belong together");
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("it is bound").port();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut session = rustls::ServerConnection::new(config.clone()).expect("sound");
            let _ = session.complete_io(&mut stream);
        }
    });
    Some(port)
}

fn sign(key: &Path, certificate: &Path) -> Option<()> {
    let output = Command::new("openssl")
        .args("req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj /CN=nobody".split(' '))
        .args(["-addext", "subjectAltName=IP:127.0.0.1"])
        .args(["-addext", "basicConstraints=critical,CA:FALSE"])
        .arg("-keyout")
        .arg(key)
        .arg("-out")
        .arg(certificate)
        .output()
        .ok()?;
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}");
    Some(())
}
