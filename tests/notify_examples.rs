//! The hooks in packaging/notify do what they say: one with a sendmail of this test's own, one with the real
//! curl and a server of this test's own.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("packaging/notify")
        .join(name)
}

/// As unhang-notify.service calls it.
fn call(script: &str, path: &str) -> bool {
    let mut hook = Command::new("sh")
        .args(["-c", script])
        .env("PATH", path)
        .env("UNHANG_EVENT", "recovered")
        .env("UNHANG_HOST", "pve1")
        .env("UNHANG_INTERFACE", "eno1")
        .env("UNHANG_MESSAGE", "eno1: link up 1.4 s after recovery 1")
        .env("UNHANG_GONE_S", "4.2")
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let _ = hook
        .stdin
        .take()
        .unwrap()
        .write_all(b"{\"event\":\"recovered\"}\n");
    hook.wait().unwrap().success()
}

const PATH: &str = "/usr/bin:/bin";

#[test]
fn a_mail_says_what_happened() {
    let dir = tempfile::tempdir().unwrap();
    let sendmail = dir.path().join("sendmail");
    let mail = dir.path().join("mail");
    let stub = format!(
        "#!/bin/sh\necho \"$@\" >'{0}'\ncat >>'{0}'\n",
        mail.display()
    );
    fs::write(&sendmail, stub).unwrap();
    fs::set_permissions(&sendmail, fs::Permissions::from_mode(0o755)).unwrap();
    let script = fs::read_to_string(example("mail")).unwrap();
    assert!(call(&script, &format!("{}:{PATH}", dir.path().display())));
    let expected = "-i -t\nTo: root\nSubject: pve1: NIC eno1 recovered\nAuto-Submitted: auto-generated\n\n\
        eno1: link up 1.4 s after recovery 1\nThe network was gone for 4.2 s.\n\n{\"event\":\"recovered\"}\n";
    assert_eq!(fs::read_to_string(mail).unwrap(), expected);
}

#[test]
fn a_webhook_is_tried_again_until_it_gets_through() {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/my-topic", server.local_addr().unwrap());
    let script = fs::read_to_string(example("webhook")).unwrap();
    let script = script.replace("https://ntfy.example.org/my-topic", &url);
    let request = std::thread::spawn(move || {
        // The first request meets a network that is not there yet.
        drop(server.accept().unwrap());
        let (mut client, _) = server.accept().unwrap();
        let mut request = Vec::new();
        let mut part = [0; 4096];
        while !request.ends_with(b"recovery 1") {
            let length = client.read(&mut part).unwrap();
            assert!(length > 0);
            request.extend_from_slice(&part[..length]);
        }
        client
            .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            .unwrap();
        String::from_utf8(request).unwrap()
    });
    let start = Instant::now();
    assert!(call(&script, PATH));
    assert!(start.elapsed() < Duration::from_secs(30));
    let request = request.join().unwrap();
    assert!(
        request.starts_with("POST /my-topic HTTP/1.1\r\n"),
        "{request}"
    );
    assert!(
        request.contains("\r\nTitle: pve1: NIC eno1 recovered\r\n"),
        "{request}"
    );
    assert!(
        request.ends_with("\r\n\r\neno1: link up 1.4 s after recovery 1"),
        "{request}"
    );
}

#[test]
fn a_webhook_that_is_refused_fails() {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/my-topic", server.local_addr().unwrap());
    let script = fs::read_to_string(example("webhook")).unwrap();
    let script = script.replace("https://ntfy.example.org/my-topic", &url);
    std::thread::spawn(move || {
        while let Ok((mut client, _)) = server.accept() {
            let _ = client.read(&mut [0; 4096]);
            let _ = client.write_all(
                b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
            );
        }
    });
    // Once is enough here.
    assert!(!call(&script.replace("--retry 10", "--retry 0"), PATH));
}
