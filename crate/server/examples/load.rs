//! Latency of a running server under a steady load, as a client on the same machine sees it.
//!
//! ```text
//! cargo run --release -p upnext-server --example load -- 127.0.0.1:8787 '/v1/candidates?size=500' [CONNECTIONS] [REQUESTS] [TOKEN]
//! ```
//! Each connection is kept alive and asks again as soon as it has its whole answer, so the figures hold for a
//! server that is busy on as many connections all the time. Proves DESIGN 11: p99 ≤ 20 ms for 500 candidates.

use std::io::{BufRead, BufReader, Error, Read, Write};
use std::net::TcpStream;
use std::time::Instant;

/// Sends the request `count` times over one connection; microseconds of each and the body's size.
fn ask(address: &str, path: &str, token: Option<&str>, count: usize) -> Result<(Vec<u64>, usize), Error> {
    let stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    let mut writer = stream.try_clone()?;
    let mut reader = BufReader::new(stream);
    let authorization = token
        .map(|token| format!("authorization: Bearer {token}\r\n"))
        .unwrap_or_default();
    let request = format!("GET {path} HTTP/1.1\r\nhost: load\r\n{authorization}\r\n");
    let (mut micros, mut body) = (Vec::with_capacity(count), Vec::new());
    for _ in 0..count {
        let started = Instant::now();
        writer.write_all(request.as_bytes())?;
        let mut line = String::new();
        reader.read_line(&mut line)?;
        if !line.starts_with("HTTP/1.1 200") {
            return Err(Error::other(format!("the server said {}", line.trim_end())));
        }
        let mut length = 0;
        loop {
            line.clear();
            reader.read_line(&mut line)?;
            if line == "\r\n" {
                break;
            }
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().map_err(Error::other)?;
            }
        }
        body.resize(length, 0);
        reader.read_exact(&mut body)?;
        micros.push(started.elapsed().as_micros() as u64);
    }
    Ok((micros, body.len()))
}

fn main() -> Result<(), Error> {
    let mut args = std::env::args().skip(1);
    let address = args.next().unwrap_or_else(|| "127.0.0.1:8787".to_owned());
    let path = args.next().unwrap_or_else(|| "/v1/candidates?size=500".to_owned());
    let mut number = |default| args.next().and_then(|text| text.parse().ok()).unwrap_or(default);
    let (connections, requests) = (number(4_usize).max(1), number(4000_usize).max(1));
    let token = args.next();
    ask(&address, &path, token.as_deref(), 20)?;

    let started = Instant::now();
    let workers: Vec<_> = (0..connections)
        .map(|_| {
            let (address, path, token) = (address.clone(), path.clone(), token.clone());
            std::thread::spawn(move || ask(&address, &path, token.as_deref(), requests.div_ceil(connections)))
        })
        .collect();
    let (mut micros, mut bytes) = (Vec::new(), 0);
    for worker in workers {
        let (part, size) = worker.join().map_err(|_| Error::other("a worker ended early"))??;
        micros.extend(part);
        bytes = size;
    }
    let seconds = started.elapsed().as_secs_f64();
    micros.sort_unstable();
    let quantile = |share: f64| micros[((micros.len() - 1) as f64 * share) as usize] as f64 / 1000.0;
    println!(
        "{} requests over {connections} connections, {bytes} bytes each: p50 {:.2} ms, p90 {:.2} ms, p99 {:.2} ms, max {:.2} ms, {:.0}/s",
        micros.len(),
        quantile(0.5),
        quantile(0.9),
        quantile(0.99),
        quantile(1.0),
        micros.len() as f64 / seconds
    );
    Ok(())
}
