//! Memory for one call over HTTP: what is asked, until it is done, and the answer, until it is read. It is taken out of the same
//! store as that of room sockets.

use super::address::{Address, Addresses};
use super::memory::{DOWNLOAD_BYTES, LONGEST_ANSWER_BYTES, Share};
use bytes::Bytes;
use sotto_protocol::limits::HANDSHAKE_FRAME_MAX_BYTES;
use std::net::IpAddr;
use std::sync::Arc;

/// Memory that is taken, by whom it is for. The address is not forgotten meanwhile.
#[derive(Debug)]
pub(crate) struct Taken {
    share: Share,
    _address: Arc<Address>,
}

/// Bytes, and the memory that they take. Both are given back when the last of them is written.
struct Counted {
    bytes: Vec<u8>,
    _taken: Taken,
}

impl Addresses {
    /// Waits for memory for what is asked from there. To be dropped, with what it waits for, after a time.
    pub(crate) async fn take_for_request(&self, client: IpAddr, bytes: usize) -> Option<Taken> {
        let address = self.find(client);
        let share = self.messages_of(&address).take(bytes.min(HANDSHAKE_FRAME_MAX_BYTES)).await?;
        Some(Taken { share, _address: address })
    }

    /// Waits for memory for an answer.
    pub(crate) async fn take_for_answer(&self, client: IpAddr, bytes: usize) -> Option<Taken> {
        let address = self.find(client);
        let share = self.answers_to(&address).take(bytes.min(LONGEST_ANSWER_BYTES)).await?;
        Some(Taken { share, _address: address })
    }

    /// Waits for memory for a file that is read.
    pub(crate) async fn take_for_download(&self, client: IpAddr) -> Option<Taken> {
        let address = self.find(client);
        let share = self.downloads_of(&address).take(DOWNLOAD_BYTES).await?;
        Some(Taken { share, _address: address })
    }
}

impl Taken {
    /// For as long as there is something left of these bytes.
    pub(crate) fn by(mut self, bytes: Vec<u8>) -> Bytes {
        self.share.shrink_to(bytes.capacity());
        Bytes::from_owner(Counted { bytes, _taken: self })
    }
}

impl AsRef<[u8]> for Counted {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limit::{Limits, Strictness};
    use futures_util::FutureExt as _;

    #[tokio::test]
    async fn memory_is_taken_until_the_last_byte_is_gone() {
        let limits = Limits { waiting_bytes: 0, ..Limits::new(Strictness::Off) };
        let addresses = Addresses::new(limits, &[]);
        let client = IpAddr::from([192, 0, 2, 1]);
        let everything = async || addresses.take_for_answer(client, usize::MAX).await;
        let taken = everything().now_or_never().flatten().unwrap();
        assert!(addresses.take_for_answer(client, 1).now_or_never().is_none());
        let mut answer = taken.by(vec![7; 3000]);
        assert!(addresses.take_for_answer(client, 1).now_or_never().is_some(), "what was not needed is back");
        assert!(everything().now_or_never().is_none());
        let rest = answer.split_off(1000);
        drop(answer);
        assert!(everything().now_or_never().is_none());
        drop(rest);
        assert!(everything().now_or_never().is_some());
        let other = IpAddr::from([192, 0, 2, 2]);
        let asked = addresses.take_for_request(client, 5000).now_or_never().flatten();
        assert!(asked.is_some() && addresses.take_for_request(other, usize::MAX).now_or_never().is_some());
    }
}
