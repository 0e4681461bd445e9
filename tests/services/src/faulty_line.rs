//! A bad line to a relay: a proxy that knows WebSocket frames, and of every ten delays one, cuts the connection in the middle of it, or
//! delivers it twice.

use crate::Dice;
use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{sleep, spawn};
use std::time::Duration;

const ONE_IN: u64 = 10;
const DELAY_MS: u64 = 60;
const HEAD_MAX_BYTES: usize = 64 * 1024;
const FRAME_MAX_BYTES: u64 = 64 * 1024 * 1024;

/// A proxy that ends when this is dropped.
#[derive(Debug)]
pub struct FaultyLine {
    address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    is_over: AtomicBool,
    is_good: AtomicBool,
    delayed: AtomicU64,
    cut: AtomicU64,
    doubled: AtomicU64,
}

impl FaultyLine {
    /// Leads to `host:port`.
    ///
    /// # Errors
    /// What the system said.
    pub fn to(relay: &str, mut dice: Dice) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared::default());
        let line = Self { address, shared: Arc::clone(&shared) };
        let relay = relay.to_owned();
        spawn(move || {
            for client in listener.incoming() {
                if shared.is_over.load(Ordering::Acquire) {
                    return;
                }
                let (relay, shared, dice) = (relay.clone(), Arc::clone(&shared), dice.split());
                let Ok(client) = client else { continue };
                // An error ends this one connection: that is what it is for.
                spawn(move || _ = connect(client, &relay, dice, &shared));
            }
        });
        Ok(line)
    }

    /// `host:port`, to be used in place of the relay's.
    #[must_use]
    pub fn authority(&self) -> String {
        self.address.to_string()
    }

    /// Whether it is as good as any other line from now on.
    pub fn set_good(&self, is_good: bool) {
        self.shared.is_good.store(is_good, Ordering::Release);
    }

    /// Frames that were delayed, cut and doubled so far.
    #[must_use]
    pub fn faults(&self) -> [u64; 3] {
        let Shared { delayed, cut, doubled, .. } = &*self.shared;
        [delayed, cut, doubled].map(|count| count.load(Ordering::Relaxed))
    }
}

impl Drop for FaultyLine {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::Release);
        // So that it is noticed.
        let _ = TcpStream::connect(self.address);
    }
}

fn connect(mut client: TcpStream, relay: &str, mut dice: Dice, shared: &Arc<Shared>) -> io::Result<()> {
    let mut relay = TcpStream::connect(relay)?;
    client.set_nodelay(true)?;
    relay.set_nodelay(true)?;
    let head = read_head(&mut client)?;
    relay.write_all(&head)?;
    let is_socket = String::from_utf8_lossy(&head).to_ascii_lowercase().contains("upgrade: websocket");
    if is_socket {
        client.write_all(&read_head(&mut relay)?)?;
    }
    let (from_client, to_client) = (client.try_clone()?, client);
    let (from_relay, to_relay) = (relay.try_clone()?, relay);
    let (back, shared_back) = (dice.split(), Arc::clone(shared));
    spawn(move || carry(from_relay, to_client, is_socket, back, &shared_back));
    carry(from_client, to_relay, is_socket, dice, shared);
    Ok(())
}

/// Until either side ends, and then neither goes on.
fn carry(mut from: TcpStream, mut to: TcpStream, is_socket: bool, dice: Dice, shared: &Shared) {
    // However it ends, it is over.
    let _ = if is_socket {
        carry_frames(&mut from, &mut to, dice, shared)
    } else {
        let ended = io::copy(&mut from, &mut to).map(|_| ());
        // The answer may still come the other way.
        let _ = to.shutdown(Shutdown::Write);
        return drop(ended);
    };
    for stream in [from, to] {
        let _ = stream.shutdown(Shutdown::Both);
    }
}

fn carry_frames(from: &mut TcpStream, to: &mut TcpStream, mut dice: Dice, shared: &Shared) -> io::Result<()> {
    loop {
        let frame = read_frame(from)?;
        if !dice.one_in(ONE_IN) || shared.is_good.load(Ordering::Acquire) {
            to.write_all(&frame)?;
            continue;
        }
        match dice.below(3) {
            0 => {
                shared.delayed.fetch_add(1, Ordering::Relaxed);
                sleep(Duration::from_millis(1 + dice.below(DELAY_MS)));
                to.write_all(&frame)?;
            }
            1 => {
                shared.cut.fetch_add(1, Ordering::Relaxed);
                let half = dice.below(frame.len() as u64);
                let (half, _) = frame.split_at(usize::try_from(half).unwrap_or_default());
                return to.write_all(half);
            }
            _ => {
                shared.doubled.fetch_add(1, Ordering::Relaxed);
                to.write_all(&frame)?;
                to.write_all(&frame)?;
            }
        }
    }
}

fn read_head(from: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() > HEAD_MAX_BYTES {
            return Err(io::ErrorKind::InvalidData.into());
        }
        read_more(from, &mut head, 1)?;
    }
    Ok(head)
}

/// A frame as it came (RFC 6455, section 5.2).
fn read_frame(from: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut frame = Vec::new();
    let [_, second] = read_more(from, &mut frame, 2)?.try_into().unwrap_or_default();
    let length = match second & 0x7f {
        126 => number(&read_more(from, &mut frame, 2)?),
        127 => number(&read_more(from, &mut frame, 8)?),
        short => u64::from(short),
    };
    let mask = if second & 0x80 == 0 { 0 } else { 4 };
    if length > FRAME_MAX_BYTES {
        return Err(io::ErrorKind::InvalidData.into());
    }
    read_more(from, &mut frame, length + mask)?;
    Ok(frame)
}

fn number(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |number, byte| (number << 8) | u64::from(*byte))
}

/// Reads exactly so many bytes onto the end, and gives them.
fn read_more(from: &mut TcpStream, onto: &mut Vec<u8>, count: u64) -> io::Result<Vec<u8>> {
    let mut more = Vec::new();
    from.take(count).read_to_end(&mut more)?;
    if more.len() as u64 != count {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    onto.extend_from_slice(&more);
    Ok(more)
}
