//! Room tokens: the right to make one room, which does not say whose it is (RFC 9497, mode POPRF, ristretto255-SHA512).
//! The key by which it is checked is one of those that make the relay what it is: a relay that used another key for one account, to know
//! that token again, would be another relay to that account.

use crate::{CryptoError, Secret, random_array, seeded::SeededRandomness};
use core::fmt;
use opaque_ke::Ristretto255;
use sotto_protocol::RoomToken;
use sotto_protocol::account::{BlindRoomToken, EvaluatedRoomToken, RelayKeys};
use voprf::{EvaluationElement, Group as _, PoprfClient, Proof};

const DAY_MS: u64 = 24 * 60 * 60 * 1000;
const PERIOD_MS: u64 = 30 * DAY_MS;
const PERIOD_INFO: &[u8] = b"sotto/1 room token period";

/// A token that was asked for.
pub struct RoomTokenRequest {
    relay: RelayKeys,
    period: u32,
    nonce: [u8; 32],
    blinding: PoprfClient<Ristretto255>,
    blinded: [u8; 32],
}

impl RoomTokenRequest {
    /// Begins, for the relay whose account it is and the period that it says is the current one, at this time. A period of its own for
    /// each account would tell the relay whose token it is, so it must be the one by the own clock, give or take a day.
    ///
    /// # Errors
    /// [`CryptoError::Malformed`] where it is another period; [`CryptoError::NoRandomness`].
    pub fn new(relay: RelayKeys, period: u32, now_ms: u64) -> Result<Self, CryptoError> {
        let is_now = [now_ms.saturating_sub(DAY_MS), now_ms, now_ms.saturating_add(DAY_MS)]
            .iter()
            .any(|at_ms| at_ms / PERIOD_MS == u64::from(period));
        if !is_now {
            return Err(CryptoError::Malformed("room token period"));
        }
        Self::with_nonce(relay, period, random_array()?, &mut SeededRandomness::new(Secret::random()?))
    }

    /// As [`RoomTokenRequest::new`], with a nonce and randomness for the blinding that are used once.
    pub(super) fn with_nonce(
        relay: RelayKeys,
        period: u32,
        nonce: [u8; 32],
        randomness: &mut (impl opaque_ke::rand::RngCore + opaque_ke::rand::CryptoRng),
    ) -> Result<Self, CryptoError> {
        let begun = PoprfClient::blind(&nonce, randomness).map_err(malformed)?;
        let blinded = begun.message.serialize().as_slice().try_into().map_err(|_| MALFORMED)?;
        Ok(Self { relay, period, nonce, blinding: begun.state, blinded })
    }

    /// What the relay is asked, with a session.
    #[must_use]
    pub const fn call(&self) -> BlindRoomToken {
        BlindRoomToken { period: self.period, blinded: self.blinded }
    }

    /// Checks that the relay used its one key, and unblinds.
    ///
    /// # Errors
    /// [`CryptoError::Malformed`] where the answer is none, or made with another key.
    pub fn finish(&self, answer: &EvaluatedRoomToken) -> Result<RoomToken, CryptoError> {
        let evaluated = EvaluationElement::deserialize(&answer.evaluated).map_err(malformed)?;
        let proof = Proof::deserialize(&answer.proof).map_err(malformed)?;
        let public_key = Ristretto255::deserialize_elem(&self.relay.tokens).map_err(malformed)?;
        let info = [PERIOD_INFO, &self.period.to_be_bytes()].concat();
        let output = self
            .blinding
            .finalize(&self.nonce, &evaluated, &proof, public_key, Some(&info))
            .map_err(malformed)?;
        Ok(RoomToken {
            period: self.period,
            nonce: self.nonce,
            output: output.as_slice().try_into().map_err(|_| MALFORMED)?,
        })
    }
}

impl fmt::Debug for RoomTokenRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RoomTokenRequest(…)")
    }
}

const MALFORMED: CryptoError = CryptoError::Malformed("room token");

fn malformed(_: impl Sized) -> CryptoError {
    MALFORMED
}

#[cfg(test)]
mod tests {
    use super::*;
    use voprf::{BlindedElement, PoprfServer};

    #[test]
    fn a_relay_that_uses_another_key_for_one_account_is_found_out() {
        let server = |seed| PoprfServer::<Ristretto255>::new_from_seed(&[seed; 32], b"test").unwrap();
        let tokens = Ristretto255::serialize_elem(server(1).get_public_key()).as_slice().try_into().unwrap();
        let relay = RelayKeys { signing: [1; 32], tokens };
        let request = RoomTokenRequest::new(relay, 7, 7 * PERIOD_MS).unwrap();
        let info = |period: u32| [PERIOD_INFO, &period.to_be_bytes()].concat();
        let answer_in = |seed, period| {
            let blinded = BlindedElement::deserialize(&request.call().blinded).unwrap();
            let mut randomness = SeededRandomness::new(Secret::random().unwrap());
            let result = server(seed).blind_evaluate(&mut randomness, &blinded, Some(&info(period))).unwrap();
            EvaluatedRoomToken {
                evaluated: result.message.serialize().as_slice().try_into().unwrap(),
                proof: result.proof.serialize().as_slice().try_into().unwrap(),
            }
        };
        let answer = |seed| answer_in(seed, 7);
        let token = request.finish(&answer(1)).unwrap();
        assert_eq!(server(1).evaluate(&token.nonce, Some(&info(7))).unwrap().as_slice(), token.output);
        assert_eq!(request.finish(&answer(2)), Err(MALFORMED));
        assert_eq!(request.finish(&answer_in(1, 8)), Err(MALFORMED), "a period of its own");
        let swapped = EvaluatedRoomToken { proof: answer(1).proof, ..answer(2) };
        assert_eq!(request.finish(&swapped), Err(MALFORMED));
        assert_eq!(
            request.finish(&EvaluatedRoomToken { evaluated: [0xff; 32], proof: [0; 64] }),
            Err(MALFORMED)
        );
        assert_eq!(format!("{request:?}"), "RoomTokenRequest(…)");
    }

    /// A period that only one account is told would be a mark.
    #[test]
    fn another_period_than_the_clocks_is_refused() {
        let relay = RelayKeys { signing: [1; 32], tokens: [2; 32] };
        let at = |period, now_ms| RoomTokenRequest::new(relay, period, now_ms).map(|_| ()).err();
        let middle = 7 * PERIOD_MS + PERIOD_MS / 2;
        let refused = Some(CryptoError::Malformed("room token period"));
        assert_eq!((at(7, middle), at(6, middle), at(8, middle)), (None, refused.clone(), refused.clone()));
        let begin = 7 * PERIOD_MS + DAY_MS / 2;
        assert_eq!((at(7, begin), at(6, begin), at(8, begin)), (None, None, refused));
        assert_eq!(at(8, 8 * PERIOD_MS - 1), None);
    }
}
