//! OpenSSH's `sshd` on a port of its own, with a key of its own, for one user.

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::servers::program::{find, run};
use crate::servers::{Program, have, on_free_port, write};

/// The user who may log in where the tests run as root.
const USER: &str = "svcdeploy";

/// A running server.
pub struct Sshd {
    _program: Program,
    directory: TempDir,
    pub host: &'static str,
    pub port: u16,
    pub user: String,
    /// What belongs to the user; removed with the server.
    pub home: TempDir,
}

impl Sshd {
    pub fn start() -> Option<Self> {
        let server = find("sshd")?;
        if !have("ssh") || !have("ssh-keygen") {
            return None;
        }
        let user = user()?;
        Some(on_free_port("sshd", |port| start(&server, &user, port)))
    }

    /// The key to log in with.
    pub fn identity(&self) -> PathBuf {
        self.directory.path().join("id")
    }

    /// The file that knows the server's key.
    pub fn known_hosts(&self) -> PathBuf {
        self.directory.path().join("known_hosts")
    }

    /// What `ssh` and its like need to get here, and nothing of whoever runs the tests.
    pub fn ssh_options(&self) -> Vec<String> {
        let option = |text: String| ["-o".to_owned(), text];
        [
            option("BatchMode=yes".to_owned()),
            option("IdentitiesOnly=yes".to_owned()),
            option(format!("IdentityFile={}", self.identity().display())),
            option(format!(
                "UserKnownHostsFile={}",
                self.known_hosts().display()
            )),
            option("GlobalKnownHostsFile=/dev/null".to_owned()),
            option("StrictHostKeyChecking=yes".to_owned()),
            option(format!("Port={}", self.port)),
        ]
        .into_iter()
        .flatten()
        .chain(["-F".to_owned(), "/dev/null".to_owned()])
        .collect()
    }

    /// `user@host`.
    pub fn destination(&self) -> String {
        format!("{}@{}", self.user, self.host)
    }

    /// A configuration for `ssh -F` that makes the name `target` lead here.
    pub fn config(&self) -> PathBuf {
        let path = self.directory.path().join("config");
        let text = format!(
            "Host target\nHostName {}\nPort {}\nUser {}\nIdentityFile {}\nUserKnownHostsFile {}\n\
             GlobalKnownHostsFile /dev/null\nHostKeyAlias [127.0.0.1]:{}\nStrictHostKeyChecking yes\n\
             BatchMode yes\nIdentitiesOnly yes\n",
            self.host,
            self.port,
            self.user,
            self.identity().display(),
            self.known_hosts().display(),
            self.port
        );
        write(&path, text);
        path
    }
}

/// Who logs in: root makes a user for it, once for all test programs; anybody else is that user.
fn user() -> Option<String> {
    let id = |arguments: &[&str]| {
        let output = Command::new("id").args(arguments).output().ok()?;
        let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        output.status.success().then_some(text)
    };
    if id(&["-u"])? != "0" {
        return id(&["-un"]);
    }
    if id(&["-u", USER]).is_none() {
        // Fails where another test program made it first.
        let _ = Command::new("useradd")
            .args(["-m", "-s", "/bin/sh", USER])
            .output();
        crate::servers::until("the user", || id(&["-u", USER]));
    }
    // A locked password, which a new user has, refuses keys too; another program may hold the file of passwords.
    crate::servers::until("usermod", || {
        let output = Command::new("usermod")
            .args(["-p", "*", USER])
            .output()
            .ok()?;
        output.status.success().then_some(())
    });
    // It puts itself into a directory that a system without a boot has not.
    std::fs::create_dir_all("/run/sshd").ok()?;
    Some(USER.to_owned())
}

fn start(server: &Path, user: &str, port: u16) -> Result<Sshd, String> {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let home = tempfile::tempdir().expect("a temporary directory");
    let at = |name: &str| directory.path().join(name);
    for key in ["host", "id"] {
        let mut make = Command::new("ssh-keygen");
        run(make
            .args(["-q", "-t", "ed25519", "-N", "", "-f"])
            .arg(at(key)));
    }
    // Read as the user, by `sshd`, who may not look into a directory of root.
    let keys = home.path().join("authorized_keys");
    std::fs::copy(at("id.pub"), &keys).expect("a new file");
    run(Command::new("chown").arg("-R").arg(user).arg(home.path()));
    let config = format!(
        "ListenAddress 127.0.0.1\nListenAddress 127.0.0.2\nPort {port}\nHostKey {}\nPidFile none\nAuthorizedKeysFile {}\nStrictModes no\n\
         PasswordAuthentication no\nKbdInteractiveAuthentication no\nUsePAM no\nAllowUsers {user}\n\
         MaxStartups 100\nSubsystem sftp internal-sftp\n",
        at("host").display(),
        keys.display()
    );
    write(&at("sshd_config"), config);
    let public = std::fs::read_to_string(at("host.pub")).expect("it was made");
    write(&at("known_hosts"), format!("[127.0.0.1]:{port} {public}"));
    // It wants its whole path, to start itself again for each login.
    let mut command = Command::new(server);
    command.arg("-D").arg("-e").arg("-f").arg(at("sshd_config"));
    let program = Program::start(&mut command, &at("log")).listening(port)?;
    Ok(Sshd {
        _program: program,
        host: "127.0.0.1",
        port,
        user: user.to_owned(),
        home,
        directory,
    })
}
