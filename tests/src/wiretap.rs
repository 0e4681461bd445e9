//! A wiretap between clients and relay: passes every byte on and keeps it; afterwards takes the WebSocket masks off, so that
//! what clients sent can be searched too.

use std::{
    io::{Read as _, Write as _},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{Arc, Mutex},
};

/// The bytes of one direction of a connection.
type Stream = Arc<Mutex<Vec<u8>>>;

/// A wiretap in front of a relay. Clients use [`Wiretap::address`].
pub struct Wiretap {
    port: u16,
    streams: Arc<Mutex<Vec<Stream>>>,
}

impl Wiretap {
    /// Taps the relay on this port.
    pub fn before(relay_port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("its address").port();
        let streams = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&streams);
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let Ok(relay) = TcpStream::connect(("127.0.0.1", relay_port)) else { continue };
                for (from, to) in [(&client, &relay), (&relay, &client)] {
                    let bytes = Arc::new(Mutex::new(Vec::new()));
                    kept.lock().expect("lock").push(Arc::clone(&bytes));
                    let (from, to) = (from.try_clone().expect("clone"), to.try_clone().expect("clone"));
                    std::thread::spawn(move || pass_on(from, to, &bytes));
                }
            }
        });
        Self { port, streams }
    }

    /// `http://127.0.0.1:PORT`.
    pub fn address(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Every stream as it was on the wire, followed by the payloads of its WebSocket frames without their masks.
    pub fn captured(&self) -> Vec<(String, Vec<u8>)> {
        let streams = self.streams.lock().expect("lock");
        let mut captured = Vec::new();
        for (index, stream) in streams.iter().enumerate() {
            let wire = stream.lock().expect("lock").clone();
            captured.push((format!("payloads of stream {index}"), payloads(&wire)));
            captured.push((format!("stream {index}"), wire));
        }
        captured
    }
}

fn pass_on(mut from: TcpStream, mut to: TcpStream, kept: &Mutex<Vec<u8>>) {
    let mut buffer = vec![0; 65_536];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        kept.lock().expect("lock").extend_from_slice(&buffer[..length]);
        if to.write_all(&buffer[..length]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}

/// The payloads of all WebSocket frames (RFC 6455, section 5.2) after the handshake; empty for other streams.
fn payloads(wire: &[u8]) -> Vec<u8> {
    let mut all = Vec::new();
    let head_end = wire.windows(4).position(|window| window == b"\r\n\r\n").map(|at| at + 4);
    let is_upgrade =
        |head: &[u8]| String::from_utf8_lossy(head).to_lowercase().contains("upgrade: websocket");
    let Some(mut rest) = head_end.filter(|end| is_upgrade(&wire[..*end])).map(|end| &wire[end..]) else {
        return all;
    };
    while rest.len() >= 2 {
        let (is_masked, short) = (rest[1] & 0x80 != 0, rest[1] & 0x7f);
        let length_bytes = match short {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        let mask_at = 2 + length_bytes;
        let begin = mask_at + if is_masked { 4 } else { 0 };
        if rest.len() < begin {
            break;
        }
        let extended = rest[2..mask_at].iter().fold(0_usize, |sum, byte| sum << 8 | usize::from(*byte));
        let length = if length_bytes == 0 { usize::from(short) } else { extended };
        let end = (begin + length).min(rest.len());
        let mask: Vec<u8> = rest[mask_at..begin].to_vec();
        all.extend(
            rest[begin..end]
                .iter()
                .enumerate()
                .map(|(at, byte)| byte ^ if is_masked { mask[at % 4] } else { 0 }),
        );
        rest = &rest[end..];
    }
    all
}
