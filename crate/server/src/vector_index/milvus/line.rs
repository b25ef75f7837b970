//! gRPC over HTTP/2: one question, one answer, on a connection that is made again when it is gone.

use std::time::Duration;

use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderValue, Request, StatusCode, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http2::{Builder, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use prost::Message;
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use tokio::time::timeout;

use super::fault::Fault;
use super::proto::Answer;

/// Time to connect.
const CONNECT: Duration = Duration::from_secs(2);
/// A peer that has not answered a ping for as long is gone.
const PING: (Duration, Duration) = (Duration::from_secs(10), Duration::from_secs(5));
/// Most bytes of an answer.
const MOST_BYTES: usize = 64 << 20;
/// Bytes that may be on their way before they are asked for: the largest answer of a search.
const WINDOW: u32 = 1 << 20;
/// Flag and length before a message.
const PREFIX: usize = 5;
/// gRPC's own code for what took too long.
const DEADLINE_EXCEEDED: u32 = 4;

type Connection = SendRequest<Full<Bytes>>;

/// A way to Milvus, with its own limit of time.
pub(super) struct Line {
    /// Host and port.
    authority: String,
    /// Value of `authorization`, where Milvus asks who it is.
    token: Option<HeaderValue>,
    /// Time that one try of a question may take.
    timeout: Duration,
    connection: Mutex<Option<Connection>>,
}

impl Line {
    pub(super) fn new(authority: String, token: Option<HeaderValue>, timeout: Duration) -> Line {
        Line {
            authority,
            token,
            timeout,
            connection: Mutex::new(None),
        }
    }

    /// Asks once.
    pub(super) async fn ask<A: Answer>(&self, method: &str, question: &impl Message) -> Result<A, Fault> {
        let answered = timeout(self.timeout, self.call(method, question))
            .await
            .unwrap_or(Err(Fault::Slow));
        let answer: A = match answered {
            Ok(answer) => answer,
            Err(fault) => {
                // Whatever is wrong with the connection, the next question has another.
                *self.connection.lock().await = None;
                return Err(fault);
            }
        };
        match answer.status() {
            Some(status) if status.code == 0 && status.legacy_code == 0 => Ok(answer),
            Some(status) => Err(Fault::of(status)),
            None => Err(Fault::Refused("an answer without a status".to_owned())),
        }
    }

    /// Asks again, once, where the connection was gone: for what may be asked twice.
    pub(super) async fn ask_again<A: Answer>(&self, method: &str, question: &impl Message) -> Result<A, Fault> {
        match self.ask(method, question).await {
            Err(Fault::Unreachable(_)) => self.ask(method, question).await,
            other => other,
        }
    }

    async fn connection(&self) -> Result<Connection, Fault> {
        let mut connection = self.connection.lock().await;
        if let Some(connection) = connection.as_ref().filter(|connection| !connection.is_closed()) {
            return Ok(connection.clone());
        }
        let connect = async {
            let stream = TcpStream::connect(&self.authority).await.map_err(unreachable)?;
            stream.set_nodelay(true).map_err(unreachable)?;
            let handshake = Builder::new(TokioExecutor::new())
                .timer(TokioTimer::new())
                .keep_alive_interval(PING.0)
                .keep_alive_timeout(PING.1)
                .initial_stream_window_size(WINDOW)
                .initial_connection_window_size(4 * WINDOW)
                .handshake(TokioIo::new(stream));
            handshake.await.map_err(unreachable)
        };
        let connected = timeout(CONNECT, connect).await.unwrap_or(Err(Fault::Slow))?;
        let (sender, driver) = connected;
        // Ends with the connection; whoever asks next finds it closed.
        tokio::spawn(async move {
            if let Err(error) = driver.await {
                tracing::debug!(%error, "connection to Milvus");
            }
        });
        Ok(connection.insert(sender).clone())
    }

    async fn call<A: Answer>(&self, method: &str, question: &impl Message) -> Result<A, Fault> {
        let mut connection = self.connection().await?;
        connection.ready().await.map_err(unreachable)?;
        let length = question.encoded_len();
        let mut body = Vec::with_capacity(PREFIX + length);
        // Not compressed.
        body.push(0);
        body.extend((length as u32).to_be_bytes());
        body.extend(question.encode_to_vec());
        let mut request = Request::post(format!(
            "http://{}/milvus.proto.milvus.MilvusService/{method}",
            self.authority
        ))
        .header(header::CONTENT_TYPE, "application/grpc")
        .header(header::TE, "trailers")
        .header("grpc-timeout", format!("{}m", self.timeout.as_millis().min(99_999_999)))
        .header(header::USER_AGENT, concat!("upnext-server/", env!("CARGO_PKG_VERSION")));
        if let Some(token) = &self.token {
            request = request.header(header::AUTHORIZATION, token);
        }
        let request = request.body(Full::new(Bytes::from(body))).map_err(unreachable)?;
        let response = connection.send_request(request).await.map_err(unreachable)?;
        if response.status() != StatusCode::OK {
            return Err(Fault::Unreachable(format!("HTTP status {}", response.status())));
        }
        grpc_status(response.headers())?;
        let collected = Limited::new(response.into_body(), MOST_BYTES).collect().await;
        let collected = collected.map_err(|error| Fault::Unreachable(error.to_string()))?;
        if let Some(trailers) = collected.trailers() {
            grpc_status(trailers)?;
        }
        let bytes = collected.to_bytes();
        message(&bytes)
            .and_then(|bytes| A::decode(bytes).ok())
            .ok_or_else(|| Fault::Refused("an answer that is no gRPC".to_owned()))
    }
}

/// The one message of a body.
fn message(body: &[u8]) -> Option<&[u8]> {
    let (prefix, rest) = body.split_at_checked(PREFIX)?;
    let length = u32::from_be_bytes(prefix[1..].try_into().ok()?);
    (prefix[0] == 0 && usize::try_from(length) == Ok(rest.len())).then_some(rest)
}

/// What headers or trailers say of the call; nothing is good.
fn grpc_status(headers: &HeaderMap) -> Result<(), Fault> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    match text("grpc-status").map(str::parse) {
        None | Some(Ok(0)) => Ok(()),
        Some(Ok(DEADLINE_EXCEEDED)) => Err(Fault::Slow),
        Some(code) => {
            let code = code.map_or_else(|_| "?".to_owned(), |code: u32| code.to_string());
            Err(Fault::unreachable(format!(
                "gRPC status {code}: {}",
                text("grpc-message").unwrap_or_default()
            )))
        }
    }
}

fn unreachable(error: impl std::error::Error) -> Fault {
    // The innermost says most: "connection refused" rather than "error trying to connect".
    let mut inner: &dyn std::error::Error = &error;
    while let Some(source) = inner.source() {
        inner = source;
    }
    Fault::unreachable(inner.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_one_whole_message() {
        assert_eq!(message(&[0, 0, 0, 0, 2, 7, 8]), Some(&[7, 8][..]));
        assert_eq!(message(&[0, 0, 0, 0, 0]), Some(&[][..]));
        for broken in [
            &[][..],
            &[0, 0, 0, 0],
            &[0, 0, 0, 0, 2, 7],
            &[1, 0, 0, 0, 1, 7],
            &[0, 0, 0, 0, 1, 7, 8],
        ] {
            assert_eq!(message(broken), None, "{broken:?}");
        }
    }

    #[test]
    fn a_status_other_than_zero_is_a_fault() {
        let with = |status: &'static str| {
            HeaderMap::from_iter(
                [("grpc-status", status)]
                    .map(|(name, value)| (header::HeaderName::from_static(name), HeaderValue::from_static(value))),
            )
        };
        assert_eq!(grpc_status(&HeaderMap::new()), Ok(()));
        assert_eq!(grpc_status(&with("0")), Ok(()));
        assert_eq!(grpc_status(&with("4")), Err(Fault::Slow));
        assert!(matches!(grpc_status(&with("14")), Err(Fault::Unreachable(_))));
        assert!(matches!(grpc_status(&with("x")), Err(Fault::Unreachable(_))));
    }
}
