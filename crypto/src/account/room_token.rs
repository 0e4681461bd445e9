//! Room tokens: the right to make one room, which does not say whose it is (RFC 9497, mode VOPRF, ristretto255-SHA512).

use crate::{CryptoError, Secret, random_array, seeded::SeededRandomness};
use core::fmt;
use opaque_ke::Ristretto255;
use sotto_protocol::RoomToken;
use sotto_protocol::account::{BlindRoomToken, EvaluatedRoomToken, RoomPolicy};
use voprf::{EvaluationElement, Group as _, Proof, VoprfClient};

/// A token that was asked for.
pub struct RoomTokenRequest {
    policy: RoomPolicy,
    nonce: [u8; 32],
    blinding: VoprfClient<Ristretto255>,
    blinded: [u8; 32],
}

impl RoomTokenRequest {
    /// Begins. The policy is to have been asked for without a session.
    ///
    /// # Errors
    /// [`CryptoError::Randomness`].
    pub fn new(policy: RoomPolicy) -> Result<Self, CryptoError> {
        Self::with_nonce(policy, random_array()?, &mut SeededRandomness::new(Secret::random()?))
    }

    /// As [`RoomTokenRequest::new`], with a nonce and randomness for the blinding that are used once.
    pub(super) fn with_nonce(
        policy: RoomPolicy,
        nonce: [u8; 32],
        randomness: &mut (impl opaque_ke::rand::RngCore + opaque_ke::rand::CryptoRng),
    ) -> Result<Self, CryptoError> {
        let begun = VoprfClient::blind(&nonce, randomness).map_err(malformed)?;
        let blinded = begun.message.serialize().as_slice().try_into().map_err(|_| MALFORMED)?;
        Ok(Self { policy, nonce, blinding: begun.state, blinded })
    }

    /// What the relay is asked, with a session.
    #[must_use]
    pub const fn call(&self) -> BlindRoomToken {
        BlindRoomToken { period: self.policy.period, blinded: self.blinded }
    }

    /// Checks that the relay used the key that it gives everybody, and unblinds.
    ///
    /// # Errors
    /// [`CryptoError::Malformed`] where the answer is none, or made with another key.
    pub fn finish(&self, answer: &EvaluatedRoomToken) -> Result<RoomToken, CryptoError> {
        let evaluated = EvaluationElement::deserialize(&answer.evaluated).map_err(malformed)?;
        let proof = Proof::deserialize(&answer.proof).map_err(malformed)?;
        let public_key = Ristretto255::deserialize_elem(&self.policy.public_key).map_err(malformed)?;
        let output =
            self.blinding.finalize(&self.nonce, &evaluated, &proof, public_key).map_err(malformed)?;
        Ok(RoomToken {
            period: self.policy.period,
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
    use voprf::{BlindedElement, VoprfServer};

    #[test]
    fn a_relay_that_uses_a_key_of_its_own_for_somebody_is_found_out() {
        let server = |seed| VoprfServer::<Ristretto255>::new_from_seed(&[seed; 32], b"test").unwrap();
        let public_key =
            Ristretto255::serialize_elem(server(1).get_public_key()).as_slice().try_into().unwrap();
        let request = RoomTokenRequest::new(RoomPolicy { takes_token: true, period: 7, public_key }).unwrap();
        let answer = |seed| {
            let blinded = BlindedElement::deserialize(&request.call().blinded).unwrap();
            let mut randomness = SeededRandomness::new(Secret::random().unwrap());
            let result = server(seed).blind_evaluate(&mut randomness, &blinded);
            EvaluatedRoomToken {
                evaluated: result.message.serialize().as_slice().try_into().unwrap(),
                proof: result.proof.serialize().as_slice().try_into().unwrap(),
            }
        };
        let token = request.finish(&answer(1)).unwrap();
        assert_eq!(server(1).evaluate(&token.nonce).unwrap().as_slice(), token.output);
        assert_eq!(request.finish(&answer(2)), Err(MALFORMED));
        let swapped = EvaluatedRoomToken { proof: answer(1).proof, ..answer(2) };
        assert_eq!(request.finish(&swapped), Err(MALFORMED));
        assert_eq!(
            request.finish(&EvaluatedRoomToken { evaluated: [0xff; 32], proof: [0; 64] }),
            Err(MALFORMED)
        );
        assert_eq!(format!("{request:?}"), "RoomTokenRequest(…)");
    }
}
