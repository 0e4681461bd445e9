//! Frames: one binary WebSocket message each, one CBOR value each.
//!
//! A client sends [`ClientFrame`]s and gets one [`RelayFrame::Reply`] for each, in any order, told apart by `request`.
//! The relay speaks first, with [`RelayFrame::Welcome`], and pushes [`RelayFrame::Entry`] for rooms that are open.

mod reply;
mod request;

pub use reply::{
    CardReply, Dropped, Held, HistoryReply, LogEntry, OpenedRoom, Page, PastEpoch, Reply, Retention,
    RoomAccess, Welcome,
};
pub use request::{
    Append, AppendHandshake, AppendRewind, CapsuleWrap, CardRequest, ConfirmJoin, CreateRoom, DeleteRoom,
    Direction, Door, DropWraps, HeldRequest, HistoryRequest, JoinAuthority, OpenRoom, PageRequest, Published,
    RepairEpoch, Request, SetRetention, Status, StatusRequest, Subscribe, Unsubscribe, WriteStatus,
    register_of,
};

use crate::RoomId;
use minicbor::{Decode, Encode};

/// From a client to the relay.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct ClientFrame {
    /// Chosen by the client, repeated in the reply.
    #[n(0)]
    pub request: u32,
    /// What is asked.
    #[n(1)]
    pub body: Request,
}

/// From the relay to a client.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum RelayFrame {
    /// The first frame of every connection.
    #[n(0)]
    Welcome(#[n(0)] Welcome),
    /// The answer to one request.
    #[n(1)]
    Reply(#[n(0)] u32, #[n(1)] Reply),
    /// A new entry in an open room.
    #[n(2)]
    Entry(#[n(0)] RoomId, #[n(1)] LogEntry),
    /// The client reads too slowly and entries of this room were left out: read the log.
    #[n(3)]
    Behind(#[n(0)] RoomId),
    /// A status register of an open room was written.
    #[n(4)]
    Status(#[n(0)] RoomId, #[n(1)] Status),
    /// An open room was deleted by one of its admins.
    #[n(5)]
    Gone(#[n(0)] RoomId),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DoorId, FrameError, decode, encode};

    fn append() -> ClientFrame {
        ClientFrame {
            request: 3,
            body: Request::Append(Append { room: RoomId::new([1; 16]), entry: vec![2; 300], read_seq: 7 }),
        }
    }

    #[test]
    fn a_frame_survives_the_round_trip() {
        assert_eq!(decode::<ClientFrame>(&encode(&append())), Ok(append()));
    }

    #[test]
    fn bytes_are_sent_as_bytes() {
        assert!(encode(&append()).len() < 300 + 40);
    }

    #[test]
    fn cut_and_lengthened_frames_are_refused() {
        let bytes = encode(&append());
        for cut in 0..bytes.len() {
            assert_eq!(decode::<ClientFrame>(&bytes[..cut]), Err(FrameError), "cut at {cut}");
        }
        let mut longer = bytes;
        longer.push(0);
        assert_eq!(decode::<ClientFrame>(&longer), Err(FrameError));
    }

    #[test]
    fn a_field_of_a_later_version_is_skipped() {
        // CardRequest with an extra key 9.
        let mut bytes = Vec::new();
        let mut encoder = minicbor::Encoder::new(&mut bytes);
        encoder.map(4).unwrap();
        encoder.u8(0).unwrap().bytes(&[1; 16]).unwrap();
        encoder.u8(1).unwrap().bytes(&[2; 16]).unwrap();
        encoder.u8(2).unwrap().bytes(&[3; 64]).unwrap();
        encoder.u8(9).unwrap().str("later").unwrap();
        let expected =
            CardRequest { room: RoomId::new([1; 16]), door: DoorId::new([2; 16]), signature: [3; 64] };
        assert_eq!(decode::<CardRequest>(&bytes), Ok(expected));
    }
}
