//! Asks for blobs by hand: the bytes of HTTP are the test's own.

use crate::support::{PATIENCE, random};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sotto_protocol::blob::{BlobError, BlobErrorCode, PATH};
use sotto_protocol::decode;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (found, value) = line.split_once(": ")?;
            found.eq_ignore_ascii_case(name).then_some(value)
        })
    }

    pub fn error(&self) -> BlobError {
        decode(&self.body).unwrap_or_else(|_| panic!("{self:?}"))
    }

    pub fn code(&self) -> BlobErrorCode {
        let code = self.error().code;
        assert_eq!(code.status(), self.status);
        code
    }

    pub fn offset(&self) -> u64 {
        self.header("upload-offset").unwrap_or_else(|| panic!("{self:?}")).parse().unwrap()
    }
}

/// A blob as its uploader has it.
#[derive(Clone)]
pub struct Blob {
    pub authority: String,
    pub id: String,
    pub token: String,
}

impl Blob {
    pub fn new(authority: &str) -> Self {
        Self {
            authority: authority.to_owned(),
            id: URL_SAFE_NO_PAD.encode(random::<16>()),
            token: URL_SAFE_NO_PAD.encode(random::<32>()),
        }
    }

    pub fn path(&self) -> String {
        format!("{PATH}{}", self.id)
    }

    pub async fn create(&self, length: u64) -> Answer {
        self.create_for(length, None).await
    }

    pub async fn create_for(&self, length: u64, days: Option<u32>) -> Answer {
        let days = days.map_or(String::new(), |days| format!("upload-keep-days: {days}\r\n"));
        let more = format!("upload-length: {length}\r\n{days}{}", self.token_header());
        ask(&self.authority, "PUT", &self.path(), &more, b"").await
    }

    pub async fn append(&self, offset: u64, bytes: &[u8]) -> Answer {
        ask(&self.authority, "PATCH", &self.path(), &self.segment_headers(offset), bytes).await
    }

    /// What stands before a segment, but for its length.
    pub fn segment_headers(&self, offset: u64) -> String {
        format!(
            "content-type: application/octet-stream\r\nupload-offset: {offset}\r\n{}",
            self.token_header()
        )
    }

    pub async fn look(&self) -> Answer {
        ask(&self.authority, "HEAD", &self.path(), "", b"").await
    }

    pub async fn progress(&self) -> Answer {
        ask(&self.authority, "HEAD", &self.path(), &self.token_header(), b"").await
    }

    pub async fn read(&self) -> Answer {
        self.read_with("").await
    }

    pub async fn read_with(&self, headers: &str) -> Answer {
        ask(&self.authority, "GET", &self.path(), headers, b"").await
    }

    pub async fn delete(&self) -> Answer {
        ask(&self.authority, "DELETE", &self.path(), &self.token_header(), b"").await
    }

    /// Creates it and sends all of it, in one segment.
    pub async fn upload(&self, bytes: &[u8]) {
        let made = self.create(bytes.len() as u64).await;
        assert_eq!(made.status, 201, "{made:?}");
        let sent = self.append(0, bytes).await;
        assert_eq!((sent.status, sent.offset()), (204, bytes.len() as u64), "{sent:?}");
    }

    /// Begins a segment that says to be `length` long, and sends what is there of it.
    pub async fn begin_segment(&self, offset: u64, length: usize, bytes: &[u8]) -> TcpStream {
        let more = self.segment_headers(offset);
        send(&self.authority, "PATCH", &self.path(), &format!("content-length: {length}\r\n{more}"), bytes)
            .await
    }

    pub fn token_header(&self) -> String {
        format!("upload-token: {}\r\n", self.token)
    }
}

/// One request on a connection of its own. `headers` are whole lines.
pub async fn ask(authority: &str, method: &str, path: &str, headers: &str, body: &[u8]) -> Answer {
    let length = if headers.contains("transfer-encoding") {
        String::new()
    } else {
        format!("content-length: {}\r\n", body.len())
    };
    let stream = send(authority, method, path, &format!("{length}{headers}"), body).await;
    answer(stream).await
}

/// Sends a request and does not read the answer yet.
pub async fn send(authority: &str, method: &str, path: &str, headers: &str, body: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(authority).await.unwrap();
    let host = if headers.contains("host:") { String::new() } else { format!("host: {authority}\r\n") };
    let head = format!("{method} {path} HTTP/1.1\r\n{host}connection: close\r\n{headers}\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    // The relay may refuse before it has read all of it.
    let _ = stream.write_all(body).await;
    stream
}

/// Reads an answer to its end.
pub async fn answer(mut stream: TcpStream) -> Answer {
    let mut bytes = Vec::new();
    // A relay that refuses a body closes without reading it: what it said before is there.
    let _ = timeout(PATIENCE, stream.read_to_end(&mut bytes)).await.expect("the relay is silent");
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").unwrap_or_else(|| panic!("{bytes:?}"));
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Answer { status, head, body: bytes[end + 4..].to_vec() }
}

/// Bytes that are not alike anywhere.
pub fn content(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_u32;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state as u8
    };
    (0..length).map(|_| next()).collect()
}
