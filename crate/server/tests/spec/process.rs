//! The program itself: help, tokens, a start that fails, a start that serves, and an end that cuts nothing off.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use upnext_server::app::Settings;
use upnext_server::serve::serve;
use upnext_server::token::TokenKey;

use super::client::{NOW, state};
use super::fixture::{World, root_with};

fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_upnext-server"));
    command.env_remove("UPNEXT_TOKEN_SECRET").env_remove("RUST_LOG");
    command
}

fn run(args: &[&str]) -> Output {
    program().args(args).output().unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn help_shows_examples() {
    let output = run(&["--help"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success());
    assert!(text.contains("Examples:") && text.contains("curl") && text.contains("token --account"));
}

#[test]
fn a_failed_start_ends_with_one_line_and_the_code() {
    let empty = tempfile::tempdir().unwrap();
    let output = run(&["--bundle", empty.path().to_str().unwrap(), "--listen", "127.0.0.1:0"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        stderr(&output).trim_end().ends_with("[bundle-missing]"),
        "{}",
        stderr(&output)
    );
    let output = run(&["--bundle", "x", "--pool", "0"]);
    assert!(
        stderr(&output).trim_end().ends_with("[config-invalid]"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn token_prints_a_token_that_the_secret_checks() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "0123456789abcdef0123456789abcdef\n").unwrap();
    let output = run(&[
        "token",
        "--account",
        "ann",
        "--ttl-hours",
        "1",
        "--token-secret-file",
        file.path().to_str().unwrap(),
    ]);
    assert!(output.status.success(), "{}", stderr(&output));
    let token = String::from_utf8(output.stdout).unwrap();
    let key = TokenKey::new(b"0123456789abcdef0123456789abcdef").unwrap();
    assert_eq!(key.account(token.trim(), NOW).unwrap(), "ann");
    let output = run(&["token", "--account", "ann"]);
    assert!(
        stderr(&output).trim_end().ends_with("[config-invalid]"),
        "{}",
        stderr(&output)
    );
}

/// Ends the process when a test fails half way.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[cfg(unix)]
#[test]
fn it_serves_logs_nothing_personal_and_ends_on_sigterm() {
    let (root, id) = root_with(&World::small());
    let mut server = Running(
        program()
            .args([
                "--bundle",
                root.path().to_str().unwrap(),
                "--listen",
                "127.0.0.1:0",
                "--log-json",
            ])
            .env("UPNEXT_TOKEN_SECRET", "0123456789abcdef0123456789abcdef")
            .stderr(Stdio::piped())
            .spawn()
            .unwrap(),
    );
    let mut log = BufReader::new(server.0.stderr.take().unwrap());
    let mut first = String::new();
    log.read_line(&mut first).unwrap();
    let address = first
        .split("http://")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap()
        .to_owned();

    let key = TokenKey::new(b"0123456789abcdef0123456789abcdef").unwrap();
    let token = key.sign("ann", 9_999_999_999_000).unwrap();
    let mut stream = TcpStream::connect(&address).unwrap();
    write!(
        stream,
        "GET /v1/candidates?languages=fy&size=3 HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\nuser-agent: my-device\r\naccept: application/json\r\nconnection: close\r\n\r\n"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains(&id), "{answer}");

    let pid = server.0.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    assert!(server.0.wait().unwrap().success());
    let mut rest = String::new();
    log.read_to_string(&mut rest).unwrap();
    assert!(
        rest.contains("/v1/candidates") && rest.contains("\"status\":200"),
        "{rest}"
    );
    for personal in ["ann", &token, "fy", "my-device", "127.0.0.1"] {
        assert!(!rest.contains(personal), "{personal} in the log: {rest}");
    }
}

/// A server of its own whose workers are all busy, so that what it is asked waits.
struct Busy {
    address: std::net::SocketAddr,
    stop: oneshot::Sender<()>,
    server: tokio::task::JoinHandle<std::io::Result<()>>,
    held: tokio::sync::OwnedSemaphorePermit,
    _root: tempfile::TempDir,
}

/// Starts one that, once it is told to stop, waits for so long for what it was asked.
async fn busy(grace: Duration) -> Busy {
    let (root, _) = root_with(&World::small());
    let state = Arc::new(state(root.path(), Settings::default(), NOW));
    let workers = Arc::clone(&state.workers);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let server = tokio::spawn(serve(
        listener,
        state,
        async { stopped.await.unwrap() },
        Duration::ZERO,
        grace,
    ));
    let all = workers.available_permits() as u32;
    Busy {
        address,
        stop,
        server,
        held: workers.acquire_many_owned(all).await.unwrap(),
        _root: root,
    }
}

/// A connection on which candidates were asked for.
async fn asked(address: std::net::SocketAddr) -> tokio::net::TcpStream {
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    stream
        .write_all(b"GET /v1/candidates?size=3 HTTP/1.1\r\nhost: x\r\n\r\n")
        .await
        .unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    stream
}

#[tokio::test]
async fn requests_in_flight_are_finished() {
    let busy = busy(Duration::from_secs(20)).await;
    let mut stream = asked(busy.address).await;
    busy.stop.send(()).unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(!busy.server.is_finished(), "it waits for the request");
    drop(busy.held);
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 200"));
    busy.server.await.unwrap().unwrap();
    assert!(
        tokio::net::TcpStream::connect(busy.address).await.is_err(),
        "nothing listens any more"
    );
}

#[tokio::test]
async fn a_request_that_never_ends_does_not_keep_it_alive() {
    let busy = busy(Duration::from_millis(200)).await;
    let _stream = asked(busy.address).await;
    busy.stop.send(()).unwrap();
    tokio::time::timeout(Duration::from_secs(5), busy.server)
        .await
        .unwrap()
        .unwrap()
        .unwrap();
}

#[tokio::test]
async fn healthz_says_what_is_served() {
    let client = super::client::Client::new();
    let answer = client.get("/healthz", &[]).await;
    let health: upnext_server::route::health::Health = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!((health.status.as_str(), health.bundle), ("ok", client.id.clone()));
    assert_eq!(
        (health.videos, health.warm_videos, health.accounts, health.shelves),
        (40, 30, 3, 3)
    );
    assert!(health.index_is_exact);
    assert_eq!(health.uptime_seconds, 0);
}
