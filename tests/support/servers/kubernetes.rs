//! A control plane of Kubernetes without machines: etcd, the API server, the controllers, the scheduler; a stand-in plays the
//! nodes.

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::servers::program::{find, run};
use crate::servers::{Program, free_port, have, on_free_port, until, write};

/// A running control plane with one node, whose pods become ready unless the name of their image holds `fail`.
pub struct Kubernetes {
    // In the order in which they end.
    _programs: Vec<Program>,
    directory: TempDir,
}

impl Kubernetes {
    /// Only where `SVC_TEST_KUBERNETES` names the folder of the built binaries.
    pub fn start() -> Option<Self> {
        let binaries = PathBuf::from(std::env::var_os("SVC_TEST_KUBERNETES")?);
        let needed = ["etcd", "kubectl", "openssl", "python3"];
        let is_built = binaries.join("kube-apiserver").is_file();
        if !is_built || !needed.iter().all(|it| have(it)) {
            return None;
        }
        let directory = tempfile::tempdir().expect("a temporary directory");
        let path = directory.path();
        certificates(path);
        let (etcd, address) = on_free_port("etcd", |port| etcd(path, port));
        let server = on_free_port("kube-apiserver", |port| {
            api_server(path, &binaries, &address, port)
        });
        let others = [
            managers(path, &binaries, "kube-controller-manager"),
            managers(path, &binaries, "kube-scheduler"),
            nodes(path),
        ];
        let mut programs: Vec<_> = others.into_iter().collect();
        programs.extend([server, etcd]);
        let kubernetes = Self {
            _programs: programs,
            directory,
        };
        until("the node", || kubernetes.is_ready().then_some(()));
        Some(kubernetes)
    }

    /// The value of `KUBECONFIG`; its context is `test`.
    pub fn config(&self) -> PathBuf {
        self.directory.path().join("kubeconfig")
    }

    /// `kubectl` with these arguments.
    pub fn kubectl(&self, arguments: &[&str]) -> Command {
        kubectl(self.directory.path(), arguments)
    }

    /// Where pods can be made: the node is there, and so is what pods run as.
    fn is_ready(&self) -> bool {
        let node = [
            "wait",
            "--for=condition=Ready",
            "node/node-0",
            "--timeout=1s",
        ];
        let account = ["get", "serviceaccount", "default"];
        let works = |arguments: &[&str]| {
            let output = self.kubectl(arguments).output();
            output.is_ok_and(|it| it.status.success())
        };
        works(&node) && works(&account)
    }
}

fn kubectl(directory: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new("kubectl");
    command
        .args(arguments)
        .env("KUBECONFIG", directory.join("kubeconfig"))
        .env("HOME", directory);
    command
}

fn certificates(directory: &Path) {
    let pki = directory.join("pki");
    std::fs::create_dir(&pki).expect("a new directory");
    let openssl = |line: &str| {
        run(Command::new("openssl")
            .args(line.split(' '))
            .current_dir(&pki));
    };
    let key = "-newkey rsa:2048 -nodes";
    openssl(&format!(
        "req -x509 {key} -days 30 -keyout ca.key -out ca.crt -subj /CN=test-ca"
    ));
    let names = "subjectAltName=IP:127.0.0.1,IP:10.96.0.1,DNS:localhost,DNS:kubernetes.default.svc";
    for (name, subject, more) in [
        ("server", "/CN=kube-apiserver", names),
        (
            "admin",
            "/O=system:masters/CN=admin",
            "extendedKeyUsage=clientAuth",
        ),
    ] {
        write(&pki.join("more"), more);
        openssl(&format!(
            "req {key} -keyout {name}.key -out {name}.csr -subj {subject}"
        ));
        let ca = "-CA ca.crt -CAkey ca.key -CAcreateserial -days 30";
        openssl(&format!(
            "x509 -req -in {name}.csr {ca} -out {name}.crt -extfile more"
        ));
    }
    openssl("genrsa -out accounts.key 2048");
    openssl("rsa -in accounts.key -pubout -out accounts.pub");
}

fn etcd(directory: &Path, port: u16) -> Result<(Program, String), String> {
    let client = format!("http://127.0.0.1:{port}");
    let peer = format!("http://127.0.0.1:{}", free_port());
    let data = directory.join(format!("etcd-{port}"));
    let mut command = Command::new("etcd");
    command
        .arg("--data-dir")
        .arg(data)
        .args([
            "--listen-client-urls",
            &client,
            "--advertise-client-urls",
            &client,
        ])
        .args([
            "--listen-peer-urls",
            &peer,
            "--initial-advertise-peer-urls",
            &peer,
        ])
        .args([
            "--initial-cluster",
            &format!("default={peer}"),
            "--unsafe-no-fsync",
        ]);
    let program = Program::start(&mut command, &directory.join("etcd.log"));
    Ok((program.listening(port)?, client))
}

fn api_server(directory: &Path, binaries: &Path, etcd: &str, port: u16) -> Result<Program, String> {
    let pki = directory.join("pki").display().to_string();
    let config = format!(
        "apiVersion: v1\nkind: Config\n\
         clusters: [{{name: test, cluster: {{server: \"https://127.0.0.1:{port}\", certificate-authority: {pki}/ca.crt}}}}]\n\
         users: [{{name: admin, user: {{client-certificate: {pki}/admin.crt, client-key: {pki}/admin.key}}}}]\n\
         contexts: [{{name: test, context: {{cluster: test, user: admin}}}}]\ncurrent-context: test\n"
    );
    write(&directory.join("kubeconfig"), config);
    let mut command = Command::new(binaries.join("kube-apiserver"));
    command
        .arg(format!("--etcd-servers={etcd}"))
        .arg(format!("--secure-port={port}"))
        .args(["--bind-address=127.0.0.1", "--advertise-address=127.0.0.1"])
        .arg(format!("--client-ca-file={pki}/ca.crt"))
        .arg(format!("--tls-cert-file={pki}/server.crt"))
        .arg(format!("--tls-private-key-file={pki}/server.key"))
        .arg(format!("--service-account-key-file={pki}/accounts.pub"))
        .arg(format!(
            "--service-account-signing-key-file={pki}/accounts.key"
        ))
        .args(["--service-account-issuer=https://kubernetes.default.svc"])
        .args([
            "--service-cluster-ip-range=10.96.0.0/24",
            "--authorization-mode=Node,RBAC",
        ])
        .args(["--endpoint-reconciler-type=none", "--allow-privileged=true"])
        .current_dir(directory);
    let program = Program::start(&mut command, &directory.join("api.log"));
    program.ready(|| {
        let output = kubectl(directory, &["get", "--raw", "/readyz"]).output();
        output.is_ok_and(|it| it.status.success())
    })
}

fn managers(directory: &Path, binaries: &Path, name: &str) -> Program {
    let mut command = Command::new(binaries.join(name));
    command
        .args([
            "--kubeconfig=kubeconfig",
            "--bind-address=127.0.0.1",
            "--leader-elect=false",
        ])
        // Only what nobody asks: a free port each, and none without TLS.
        .args([
            format!("--secure-port={}", free_port()),
            "--port=0".to_owned(),
        ])
        .current_dir(directory);
    if name == "kube-controller-manager" {
        command
            .args([
                "--service-account-private-key-file=pki/accounts.key",
                "--root-ca-file=pki/ca.crt",
            ])
            .args(["--use-service-account-credentials=false", "--controllers=*"]);
    }
    Program::start(&mut command, &directory.join(format!("{name}.log")))
}

fn nodes(directory: &Path) -> Program {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/servers/nodes.py");
    let python = find("python3").expect("it was found before");
    let mut command = Command::new(python);
    command.arg(script).arg(directory);
    Program::start(&mut command, &directory.join("nodes.log"))
}
