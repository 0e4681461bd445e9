//! What a close frame says (RFC 6455, sections 5.5.1 and 7.4).

use super::Violation;

/// Whether that may stand in a close frame: nothing, or a code that may be sent and a reason in UTF-8.
pub(crate) fn check_close(payload: &[u8]) -> Result<(), Violation> {
    let Some((code, reason)) = payload.split_first_chunk() else {
        return if payload.is_empty() { Ok(()) } else { Err(Violation::Protocol) };
    };
    if !may_be_sent(u16::from_be_bytes(*code)) {
        return Err(Violation::Protocol);
    }
    std::str::from_utf8(reason).map(drop).map_err(|_| Violation::Text)
}

/// The codes that the RFC and its registry define for a frame, and those that are free for libraries and applications. 1004 to 1006 and 1015
/// never stand in one.
fn may_be_sent(code: u16) -> bool {
    matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_close_says_nothing_or_a_code_that_may_be_sent() {
        let close = |code: u16, reason: &[u8]| check_close(&[&code.to_be_bytes()[..], reason].concat());
        assert_eq!(check_close(b""), Ok(()));
        assert_eq!(check_close(b"\x03"), Err(Violation::Protocol));
        for code in [1000, 1001, 1002, 1003, 1007, 1011, 1014, 3000, 3999, 4000, 4999] {
            assert_eq!(close(code, "za\u{17c}\u{f3}\u{142}\u{107}".as_bytes()), Ok(()), "{code}");
        }
        for code in [0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, u16::MAX] {
            assert_eq!(close(code, b""), Err(Violation::Protocol), "{code}");
        }
        assert_eq!(close(1000, b"\xce\xba\xed\xa0\x80"), Err(Violation::Text));
    }
}
