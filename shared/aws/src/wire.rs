//! A little HTTP server, so that tests see what goes over the wire, and decide what comes back or that nothing does.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::{Region, SdkConfig};
use percent_encoding::percent_decode_str;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// As it was sent.
    pub(crate) path: String,
    pub(crate) query: BTreeMap<String, String>,
    /// By names in lower case.
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Vec<u8>,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Vec<u8>,
    /// How many bytes of the body are sent before the connection is closed.
    pub(crate) broken_off: Option<usize>,
}

impl Reply {
    pub(crate) fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self { status, body: body.into(), ..Self::default() }
    }

    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

/// `None` closes the connection without an answer.
type Handler = dyn Fn(&Request) -> Option<Reply> + Send + Sync;

pub(crate) struct Wire {
    pub(crate) url: String,
    seen: Arc<Mutex<Vec<Request>>>,
    connections: Arc<AtomicUsize>,
}

impl Wire {
    /// How many connections were opened so far.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }

    /// What came in so far.
    pub(crate) fn requests(&self) -> Vec<Request> {
        self.seen.lock().unwrap().clone()
    }

    /// The configuration of clients that talk to this server, and do not wait between their attempts.
    pub(crate) fn config(&self) -> SdkConfig {
        config(&self.url)
    }
}

pub(crate) fn config(url: &str) -> SdkConfig {
    let credentials = aws_config_credentials();
    SdkConfig::builder()
        .behavior_version(crate::clients::behavior())
        .http_client(crate::clients::http_client())
        .timeout_config(crate::clients::timeouts())
        .region(Region::from_static("eu-central-1"))
        .credentials_provider(credentials)
        .endpoint_url(url)
        .retry_config(RetryConfig::standard().with_max_attempts(4).with_initial_backoff(Duration::from_micros(1)))
        .build()
}

fn aws_config_credentials() -> aws_credential_types::provider::SharedCredentialsProvider {
    let credentials = aws_credential_types::Credentials::new("AKID", "SECRET", None, None, "tests");
    aws_credential_types::provider::SharedCredentialsProvider::new(credentials)
}

/// Serves until the test's runtime is gone.
pub(crate) async fn serve(handler: impl Fn(&Request) -> Option<Reply> + Send + Sync + 'static) -> Wire {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let seen = Arc::<Mutex<Vec<Request>>>::default();
    let connections = Arc::<AtomicUsize>::default();
    let (handler, kept, opened): (Arc<Handler>, _, _) =
        (Arc::new(handler), Arc::clone(&seen), Arc::clone(&connections));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            opened.fetch_add(1, Ordering::Relaxed);
            tokio::spawn(answer(stream, Arc::clone(&handler), Arc::clone(&kept)));
        }
    });
    Wire { url, seen, connections }
}

/// One answer after another: the first `replies` in their order, then the last again and again.
pub(crate) async fn serve_in_turn(replies: Vec<Option<Reply>>) -> Wire {
    let count = Mutex::new(0);
    serve(move |_| {
        let mut count = count.lock().unwrap();
        let reply = replies.get(*count).or(replies.last()).unwrap().clone();
        *count += 1;
        reply
    })
    .await
}

async fn answer(stream: TcpStream, handler: Arc<Handler>, seen: Arc<Mutex<Vec<Request>>>) {
    let mut stream = BufReader::new(stream);
    while let Some(request) = read(&mut stream).await {
        seen.lock().unwrap().push(request.clone());
        let Some(reply) = handler(&request) else { return };
        let mut head = format!("HTTP/1.1 {} OK\r\n", reply.status);
        if !reply.headers.iter().any(|(name, _)| *name == "content-length") {
            head.extend(["content-length: ", &reply.body.len().to_string(), "\r\n"]);
        }
        for (name, value) in &reply.headers {
            head.extend([*name, ": ", value, "\r\n"]);
        }
        head += "\r\n";
        let body = if request.method == "HEAD" { &[] } else { reply.body.as_slice() };
        let sent = &body[..reply.broken_off.unwrap_or(body.len())];
        if stream.write_all(head.as_bytes()).await.is_err() || stream.write_all(sent).await.is_err() {
            return;
        }
        let _ = stream.flush().await;
        if reply.broken_off.is_some() {
            return;
        }
    }
}

async fn read(stream: &mut BufReader<TcpStream>) -> Option<Request> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await.ok().filter(|length| *length > 0)?;
        match line.trim_end() {
            "" => break,
            line => lines.push(line.to_owned()),
        }
    }
    let mut first = lines.first()?.split(' ');
    let (method, target) = (first.next()?.to_owned(), first.next()?);
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let pairs = query.split('&').filter(|pair| !pair.is_empty()).map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    let query = pairs.map(|(name, value)| (name.to_owned(), decoded(value))).collect();
    let headers: BTreeMap<_, _> = lines[1..]
        .iter()
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let length = headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    Some(Request { method, path: path.to_owned(), query, headers, body })
}

/// What a path or a query's value means.
pub(crate) fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8().unwrap().into_owned()
}
