//! Words for connections that get no further: written by hand, for there is no HTTP on them yet.

use crate::limit::Full;
use std::sync::Arc;
use std::sync::LazyLock;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::timeout;

/// How many may be refused in words at one time; others are hung up on.
const AT_ONCE: usize = 64;
/// How long a refused peer has to read why.
const READ_WITHIN: Duration = Duration::from_secs(1);
/// What a peer has sent before it reads is taken in up to here: closing over unread bytes would take the answer away.
const TAKEN_IN_BYTES: u64 = 16 * 1024;

static REFUSING: LazyLock<Arc<Semaphore>> = LazyLock::new(|| Arc::new(Semaphore::new(AT_ONCE)));

/// Says that there is no place, where it can be said.
pub(super) fn refuse_full(stream: TcpStream, full: Full, is_tls: bool) {
    let Ok(permit) = Arc::clone(&REFUSING).try_acquire_owned() else { return };
    if is_tls {
        return;
    }
    tokio::spawn(async move {
        let words = match full {
            Full::Relay => "This relay has as many connections as it takes. Try again in a minute.\n",
            Full::Address | Full::TooOften(_) => {
                "Your address has as many connections as one may have here. Close some, or try again in a minute.\n"
            }
        };
        say(stream, "503 Service Unavailable", "retry-after: 60\r\n", words).await;
        drop(permit);
    });
}

/// Tells whoever speaks HTTP in the clear where TLS is spoken.
pub(super) async fn refuse_plain(stream: TcpStream) {
    let words = "This relay speaks TLS here: use an address that begins with https://.\n";
    say(stream, "400 Bad Request", "", words).await;
}

async fn say(mut stream: TcpStream, status: &str, header: &str, words: &str) {
    let length = words.len();
    let answer = format!(
        "HTTP/1.1 {status}\r\n{header}content-type: text/plain\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{words}"
    );
    let said = async {
        stream.write_all(answer.as_bytes()).await?;
        stream.shutdown().await?;
        tokio::io::copy(&mut stream.take(TAKEN_IN_BYTES), &mut tokio::io::sink()).await
    };
    // Who does not listen need not know.
    let _ = timeout(READ_WITHIN, said).await;
}
