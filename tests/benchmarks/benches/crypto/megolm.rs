//! A peer: Megolm, as Matrix has it, by `vodozemac`. Its messages are signed by the session, not by a device's own key.

use sotto_benchmarks::{messages::TEXT_BYTES, meter::Meter};
use std::cell::RefCell;
use vodozemac::megolm::{GroupSession, InboundGroupSession, SessionConfig};

/// Encrypts and decrypts the same text; each message is decrypted once, in order.
pub fn measure(meter: &mut impl Meter) -> (Option<f64>, Option<f64>) {
    let text = vec![b'x'; TEXT_BYTES];
    let sender = RefCell::new(GroupSession::new(SessionConfig::version_1()));
    let mut receiver = InboundGroupSession::new(&sender.borrow().session_key(), SessionConfig::version_1());
    let encrypt = || sender.borrow_mut().encrypt(&text);
    let seal = meter.quick("vodozemac: encrypt", || encrypt().to_bytes());
    let open = meter.quick_with("vodozemac: decrypt", encrypt, |message| receiver.decrypt(&message).unwrap());
    (seal, open)
}
