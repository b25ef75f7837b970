//! `kill -9` in the middle of writes: every acknowledged event is there, and none twice.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use upnext_server::store::{FILE, open_reader};

use super::fixture::{World, root_with};

const ADMIN: &str = "0123456789abcdef0123456789abcdef";

/// A server that is killed when this goes.
struct Server {
    child: Child,
    address: String,
}

impl Server {
    fn start(root: &std::path::Path) -> Server {
        let mut child = Command::new(env!("CARGO_BIN_EXE_upnext-server"))
            .args([
                "--bundle",
                root.to_str().unwrap(),
                "--listen",
                "127.0.0.1:0",
                "--log-json",
            ])
            .args(["--data", root.join("data").to_str().unwrap()])
            .env("UPNEXT_ADMIN_KEY", ADMIN)
            .env_remove("RUST_LOG")
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap());
        let mut first = String::new();
        log.read_line(&mut first).unwrap();
        let address = first.split("http://").nth(1).unwrap_or_else(|| panic!("{first}"));
        let address = address.split('"').next().unwrap().to_owned();
        // Nobody may be held up by a pipe that is full.
        std::thread::spawn(move || std::io::copy(&mut log, &mut std::io::sink()));
        Server { child, address }
    }

    fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Posts events; whether they were acknowledged.
fn post(address: &str, ids: &[String]) -> bool {
    let events: Vec<String> = ids
        .iter()
        .map(|id| {
            format!(r#"{{"account":"ann","id":"{id}","type":"like","video_id":"v001","timestamp":1700000000000}}"#)
        })
        .collect();
    let body = format!("{{\"events\":[{}]}}", events.join(","));
    let exchange = || -> std::io::Result<String> {
        let mut stream = TcpStream::connect(address)?;
        let length = body.len();
        write!(
            stream,
            "POST /v1/events HTTP/1.1\r\nhost: x\r\nx-upnext-admin-key: {ADMIN}\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
        )?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    };
    exchange().is_ok_and(|answer| answer.starts_with("HTTP/1.1 200"))
}

#[test]
fn every_acknowledged_event_survives_a_kill_and_none_is_there_twice() {
    const WRITERS: usize = 4;
    const PER_REQUEST: usize = 7;
    let (root, _) = root_with(&World::small());
    let acknowledged = Arc::new(Mutex::new(BTreeSet::new()));
    let mut sent_before = 0;
    for round in 0..3 {
        let mut server = Server::start(root.path());
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let (address, acknowledged) = (server.address.clone(), Arc::clone(&acknowledged));
                std::thread::spawn(move || {
                    for request in 0.. {
                        let ids: Vec<String> = (0..PER_REQUEST)
                            .map(|event| format!("{round}-{writer}-{request}-{event}"))
                            .collect();
                        if !post(&address, &ids) {
                            // Killed: whether these were kept, nobody was told.
                            return;
                        }
                        acknowledged.lock().unwrap().extend(ids);
                    }
                })
            })
            .collect();
        // Not before some were acknowledged, wherever that takes longer than usual.
        while acknowledged.lock().unwrap().len() < sent_before + 10 * PER_REQUEST {
            std::thread::sleep(Duration::from_millis(5));
        }
        server.kill();
        writers.into_iter().for_each(|writer| writer.join().unwrap());
        sent_before = acknowledged.lock().unwrap().len();
    }
    let acknowledged = acknowledged.lock().unwrap().clone();
    // Somebody whose answer was lost sends again: all of it is known already.
    let server = Server::start(root.path());
    let some: Vec<String> = acknowledged.iter().take(100).cloned().collect();
    assert!(post(&server.address, &some));
    let connection = open_reader(&root.path().join("data").join(FILE)).unwrap();
    let stored: Vec<String> = connection
        .prepare("SELECT id FROM event")
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    let distinct: BTreeSet<String> = stored.iter().cloned().collect();
    assert_eq!(distinct.len(), stored.len(), "none twice");
    let lost: Vec<_> = acknowledged.difference(&distinct).collect();
    assert!(lost.is_empty(), "acknowledged and lost: {lost:?}");
    // A batch is kept whole or not at all.
    assert_eq!(stored.len() % PER_REQUEST, 0);
}
