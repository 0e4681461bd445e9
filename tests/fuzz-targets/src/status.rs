//! Status registers: as the relay gives them, and with anything in them that a member signs and seals.

use crate::{edits, fixture::Fixture};
use aes_gcm::{
    Aes256Gcm, KeyInit as _,
    aead::{Aead as _, Payload},
};
use sotto_crypto::{
    CryptoError, Secret,
    account::VaultKey,
    status::{OWN_MARK_BYTES, OpenedStatus, REGISTER_BYTES, Status, StatusRegisters},
    testing::{epoch_mark, expand},
};
use sotto_protocol::Chain;

const SALT: [u8; 16] = [4; 16];
const PLAIN_BYTES: usize = REGISTER_BYTES - 25 - 16;

/// A register's value of any bytes: only what Ada wrote opens.
pub fn value(input: &[u8]) {
    Fixture::with(|fixture| {
        let value = edits::apply(input, std::slice::from_ref(&fixture.status));
        let opened = with_registers(fixture, |registers| {
            registers.open(fixture.room.roster(), &registers.id(&fixture.own.device)?, &value)
        });
        assert_eq!(opened.is_ok(), value == fixture.status, "what Ada did not write is taken for hers");
    });
}

/// A status of any content, signed and sealed as it should be.
pub fn body(input: &[u8]) {
    Fixture::with(|fixture| {
        let Ok(opened) = open_body(fixture, input) else { return };
        let again = with_registers(fixture, |registers| {
            let written = registers.seal(&fixture.own.device, opened.leaf, &opened.status)?;
            registers.open(fixture.room.roster(), &written.register, &written.value)
        });
        assert_eq!(again, Ok(opened), "a status changed by being written and read");
    });
}

fn open_body(fixture: &Fixture, body: &[u8]) -> Result<OpenedStatus, CryptoError> {
    with_registers(fixture, |registers| {
        let register = registers.id(&fixture.own.device)?;
        let (room, epoch) = (fixture.room.id(), fixture.room.epoch().to_be_bytes());
        let label = b"sotto/1 status signature".as_slice();
        let secret = fixture.room.secrets()?.status;
        let mark = epoch_mark(secret.seed(), &room, fixture.room.epoch())?;
        let statement = [label, room.as_bytes(), &epoch, &mark, &register, &SALT, body].concat();
        let length = u16::try_from(body.len()).map_err(|_| CryptoError::Malformed("status"))?.to_be_bytes();
        let mut plain = [length.as_slice(), &fixture.own.device.sign(&statement), body].concat();
        plain.resize(PLAIN_BYTES.max(plain.len()), 0);
        let header = [&[1], epoch.as_slice(), &SALT].concat();
        let parts = [room.as_bytes().as_slice(), &register, &SALT];
        let okm = expand::<44>(secret.seed(), b"sotto/1 status value", &parts)?;
        let aad = [header.as_slice(), &register, room.as_bytes()].concat();
        let sealed = seal(&okm[..32], &okm[32..], &plain, &aad);
        registers.open(fixture.room.roster(), &register, &[header, sealed].concat())
    })
}

/// AES-256-GCM, as `docs/PROTOCOL.md` uses it: for what is sealed here by hand.
pub fn seal(key: &[u8], nonce: &[u8], plain: &[u8], aad: &[u8]) -> Vec<u8> {
    let nonce: [u8; 12] = nonce.try_into().expect("has 12 bytes");
    let cipher = Aes256Gcm::new_from_slice(key).expect("has 32 bytes");
    cipher.encrypt(&nonce.into(), Payload { msg: plain, aad }).expect("is sealed")
}

fn with_registers<T>(fixture: &Fixture, work: impl FnOnce(&StatusRegisters<'_>) -> T) -> T {
    let secret = fixture.room.secrets().expect("has secrets").status;
    let vault = VaultKey::from_seed(Secret::new([9; 32]));
    work(&StatusRegisters::new(&secret, fixture.room.id(), fixture.room.epoch()).of_account(&vault))
}

/// What Ada writes into her register.
pub fn real_value(room: &sotto_crypto::room::Room, device: &sotto_crypto::DeviceKey) -> Vec<u8> {
    let secret = room.secrets().expect("has secrets").status;
    let registers = StatusRegisters::new(&secret, room.id(), room.epoch());
    registers.seal(device, 0, &real_status(room)).expect("is sealed").value.to_vec()
}

fn real_status(room: &sotto_crypto::room::Room) -> Status {
    let (delivered_seq, read_seq) = (Some(7), Some(6));
    let (typing_until_ms, present_until_ms) = (Some(1_700_000_000_000), None);
    let chain = Chain::start(&room.id());
    let own_mark = None;
    Status { version: 3, chain, delivered_seq, read_seq, typing_until_ms, present_until_ms, own_mark }
}

/// The body of a status.
pub fn real_body() -> Vec<u8> {
    let mut body = Vec::new();
    let mut encoder = minicbor::Encoder::new(&mut body);
    Fixture::with(|fixture| {
        let status = real_status(&fixture.room);
        encoder.map(6)?.u8(0)?.u32(0)?.u8(1)?.u64(status.version)?.u8(2)?.encode(status.chain)?;
        encoder.u8(3)?.encode(status.delivered_seq)?.u8(5)?.encode(status.typing_until_ms)?;
        encoder.u8(7)?.bytes(&[8; OWN_MARK_BYTES])?.ok()
    })
    .expect("is encoded");
    body
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_real_body_is_a_status() {
        let body = real_body();
        let opened = Fixture::with(|fixture| open_body(fixture, &body)).expect("opens");
        assert_eq!((opened.leaf, opened.status.version, opened.status.delivered_seq), (0, 3, Some(7)));
    }
}
