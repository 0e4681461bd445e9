//! Clients that cost as little as they can: frames are told apart by length, and nothing is decoded.

use anyhow::{Context as _, Result, bail};
use ed25519_dalek::{Signer as _, SigningKey};
use futures_util::{SinkExt as _, StreamExt as _};
use sotto_protocol::{
    Append, ClientFrame, CreateRoom, Direction, EntryHeader, EntryId, OpenRoom, PageRequest,
    ROOM_SOCKET_PATH, RelayFrame, Reply, Request, RoomId, decode, encode, open_statement,
};
use std::time::Instant;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, client_async_with_config};

/// Body of every entry, in bytes: when it was sent, which one it is, and padding.
const BODY_BYTES: usize = 512;
/// Frames below are acknowledgements, frames above entries.
const ENTRY_MIN_BYTES: usize = 200;

/// A room and its key.
#[derive(Clone)]
pub struct Room {
    pub id: RoomId,
    key: SigningKey,
}

impl Room {
    pub fn new() -> Result<Self> {
        Ok(Self { id: RoomId::new(random()?), key: SigningKey::from_bytes(&random()?) })
    }
}

fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)?;
    Ok(bytes)
}

/// A WebSocket without TLS.
pub type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Connects without asking for anything.
pub async fn connect(authority: &str) -> Result<Socket> {
    let stream = TcpStream::connect(authority).await?;
    stream.set_nodelay(true)?;
    let config = WebSocketConfig::default().read_buffer_size(4096).write_buffer_size(4096);
    let url = format!("ws://{authority}{ROOM_SOCKET_PATH}");
    Ok(client_async_with_config(url, MaybeTlsStream::Plain(stream), Some(config)).await?.0)
}

/// Connects and opens the room, making it first if asked to.
pub async fn open(authority: &str, room: &Room, create: bool) -> Result<Socket> {
    let mut socket = connect(authority).await?;
    let RelayFrame::Welcome(welcome) = read(&mut socket).await? else { bail!("no welcome") };
    if create {
        let key = room.key.verifying_key().to_bytes();
        let create =
            CreateRoom { room: room.id, access_key: key, join_key: key, token: None, admin_key: key };
        ask(&mut socket, Request::Create(create)).await?;
    }
    let signature = room.key.sign(&open_statement(authority, &welcome.challenge, &room.id, 0)).to_bytes();
    ask(&mut socket, Request::Open(OpenRoom { room: room.id, epoch: 0, signature })).await?;
    Ok(socket)
}

/// Connects, opens the room and reads the log from there on: how many entries came.
pub async fn catch_up(authority: &str, room: &Room, from: u64) -> Result<usize> {
    let mut socket = connect(authority).await?;
    let RelayFrame::Welcome(welcome) = read(&mut socket).await? else { bail!("no welcome") };
    let signature = room.key.sign(&open_statement(authority, &welcome.challenge, &room.id, 0)).to_bytes();
    ask(&mut socket, Request::Open(OpenRoom { room: room.id, epoch: 0, signature })).await?;
    page(&mut socket, room, from, Direction::Forward).await
}

/// Reads up to fifty entries of an open room.
pub async fn page(socket: &mut Socket, room: &Room, from: u64, direction: Direction) -> Result<usize> {
    let page = PageRequest { room: room.id, from, direction, limit: 50, handshakes_only: false };
    let frame = ClientFrame { request: 2, body: Request::Page(page) };
    socket.send(Message::binary(encode(&frame))).await?;
    match read(socket).await? {
        RelayFrame::Reply(_, Reply::Page(page)) => Ok(page.entries.len()),
        _ => bail!("no page"),
    }
}

/// Asks a server that knows no rooms for what it has: how many bytes came.
pub async fn fetch(authority: &str) -> Result<usize> {
    let mut socket = connect(authority).await?;
    socket.send(Message::binary(vec![0; 64])).await?;
    Ok(socket.next().await.context("closed")??.len())
}

/// Gives the stream of a socket that has nothing left to read.
pub fn bare(socket: Socket) -> Result<TcpStream> {
    match socket.into_inner() {
        MaybeTlsStream::Plain(stream) => Ok(stream),
        _ => bail!("not a plain stream"),
    }
}

async fn ask(socket: &mut Socket, body: Request) -> Result<()> {
    socket.send(Message::binary(encode(&ClientFrame { request: 1, body }))).await?;
    match read(socket).await? {
        RelayFrame::Reply(_, Reply::Error(error)) => Err(error.into()),
        _ => Ok(()),
    }
}

async fn read(socket: &mut Socket) -> Result<RelayFrame> {
    let message = socket.next().await.context("closed")??;
    Ok(decode(&message.into_data())?)
}

/// A client's frame that appends an entry, of somebody who has read up to `read_seq`, framed and masked (with zeros).
pub fn append_frame(room: &RoomId, read_seq: u64, message: u64, began: Instant) -> Result<Vec<u8>> {
    let mut entry = EntryHeader { epoch: 0, id: EntryId::new(random()?) }.to_bytes().to_vec();
    entry.resize(EntryHeader::LEN + BODY_BYTES - 16, 7);
    entry.extend_from_slice(&message.to_be_bytes());
    entry.extend_from_slice(&u64::try_from(began.elapsed().as_micros())?.to_be_bytes());
    let payload =
        encode(&ClientFrame { request: 1, body: Request::Append(Append { room: *room, entry, read_seq }) });
    let mut frame = vec![0x82, 0x80 | 126];
    frame.extend_from_slice(&u16::try_from(payload.len())?.to_be_bytes());
    frame.extend_from_slice(&[0; 4]);
    frame.extend_from_slice(&payload);
    Ok(frame)
}

/// What came in with one read.
#[derive(Default)]
pub struct Received {
    pub acknowledgements: u64,
    /// Number and time of sending (µs since the run began) of each entry.
    pub entries: Vec<(u64, u64)>,
}

/// Reads frames off a bare stream.
pub struct Reader<R> {
    stream: R,
    buffer: Vec<u8>,
}

impl<R: tokio::io::AsyncRead + Unpin> Reader<R> {
    pub fn new(stream: R) -> Self {
        Self { stream, buffer: Vec::with_capacity(16 * 1024) }
    }

    /// Waits for bytes and counts the frames in them. None at the end.
    pub async fn receive(&mut self) -> Result<Option<Received>> {
        self.buffer.reserve(16 * 1024);
        if self.stream.read_buf(&mut self.buffer).await? == 0 {
            return Ok(None);
        }
        let mut received = Received::default();
        let mut used = 0;
        while let Some((payload, frame_len)) = self.buffer.get(used..).and_then(split_frame) {
            if payload.len() < ENTRY_MIN_BYTES {
                received.acknowledgements += 1;
            } else {
                received.entries.extend(last_numbers(payload));
            }
            used += frame_len;
        }
        self.buffer.drain(..used);
        Ok(Some(received))
    }
}

/// The first frame's payload and the length of the frame.
fn split_frame(bytes: &[u8]) -> Option<(&[u8], usize)> {
    let (length, header_len) = match bytes.get(1)? {
        126 => (usize::from(u16::from_be_bytes([*bytes.get(2)?, *bytes.get(3)?])), 4),
        short => (usize::from(*short), 2),
    };
    Some((bytes.get(header_len..header_len + length)?, header_len + length))
}

/// The two numbers at the end of every entry.
fn last_numbers(payload: &[u8]) -> Option<(u64, u64)> {
    let (rest, sent) = payload.split_last_chunk()?;
    let (_, message) = rest.split_last_chunk()?;
    Some((u64::from_be_bytes(*message), u64::from_be_bytes(*sent)))
}
