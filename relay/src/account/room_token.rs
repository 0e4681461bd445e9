//! Room tokens: blind evaluation for those who have a session, and the check of what anybody shows later (RFC 9497, mode POPRF).
//! The stretch of days is its public part, and the key one for everybody and always.
//! The relay cannot tell which evaluation became which token.

use super::randomness::{Seeded, keyed_hash};
use super::{Accounts, Session, wait};
use crate::clock::Clock;
use opaque_ke::Ristretto255;
use sotto_protocol::account::{
    AccountError, AccountErrorCode, BlindRoomToken, EvaluatedRoomToken, RoomPolicy,
};
use sotto_protocol::{ROOM_TOKEN_PERIOD_DAYS, RoomToken, entry_hash as sha256};
use subtle::ConstantTimeEq as _;
use voprf::{BlindedElement, Group as _, PoprfServer};
use zeroize::Zeroizing;

const KEY_INFO: &[u8] = b"sotto/1 room token key";
const PERIOD_INFO: &[u8] = b"sotto/1 room token period";

/// What it takes to make and to check them.
#[derive(Clone)]
pub(crate) struct RoomTokens {
    server: PoprfServer<Ristretto255>,
    clock: Clock,
}

/// A token that is good, as long as it was not used before.
#[derive(Debug, Clone, Copy)]
pub(crate) struct GoodToken {
    /// By which the database knows it.
    pub hash: [u8; 32],
    /// When it was made.
    pub period: u32,
}

impl RoomTokens {
    /// Under the relay's secrets: relays that share those share this.
    pub(super) fn new(secret: &[u8; 32], clock: Clock) -> Result<Self, AccountErrorCode> {
        let seed = Zeroizing::new(keyed_hash(secret, &[b"sotto relay room tokens"]));
        let server =
            PoprfServer::new_from_seed(&seed[..], KEY_INFO).map_err(|_| AccountErrorCode::Internal)?;
        Ok(Self { server, clock })
    }

    /// Whether a token is one of the current stretch of days or of the one before.
    pub(crate) fn check(&self, token: &RoomToken) -> Option<GoodToken> {
        self.check_in(token, period_of(self.clock.latest_day()))
    }

    fn check_in(&self, token: &RoomToken, now: u32) -> Option<GoodToken> {
        if token.period > now || now - token.period > 1 {
            return None;
        }
        let output = self.server.evaluate(&token.nonce, Some(&info_of(token.period))).ok()?;
        let is_good = bool::from(output.as_slice().ct_eq(&token.output));
        is_good.then(|| GoodToken { hash: sha256(&token.nonce), period: token.period })
    }

    /// By which clients check that a token was made as everybody's is.
    pub(super) fn public_key(&self) -> Result<[u8; 32], AccountErrorCode> {
        let key = Ristretto255::serialize_elem(self.server.get_public_key());
        key.as_slice().try_into().map_err(|_| AccountErrorCode::Internal)
    }

    fn evaluate(&self, period: u32, blinded: &[u8; 32]) -> Result<EvaluatedRoomToken, AccountErrorCode> {
        let blinded = BlindedElement::<Ristretto255>::deserialize(blinded);
        let blinded = blinded.map_err(|_| AccountErrorCode::Malformed)?;
        let result = self.server.blind_evaluate(&mut Seeded::fresh()?, &blinded, Some(&info_of(period)));
        let result = result.map_err(|_| AccountErrorCode::Internal)?;
        let internal = |_| AccountErrorCode::Internal;
        Ok(EvaluatedRoomToken {
            evaluated: result.message.serialize().as_slice().try_into().map_err(internal)?,
            proof: result.proof.serialize().as_slice().try_into().map_err(internal)?,
        })
    }
}

impl Accounts {
    /// Who may make rooms.
    pub(crate) fn room_policy(&self) -> Result<RoomPolicy, AccountError> {
        let takes_token = self.settings.guests == super::Guests::Invited;
        Ok(RoomPolicy { takes_token, period: period_of(self.today()) })
    }

    /// Evaluates the function for one more token of this account.
    pub(crate) fn blind_room_token(
        &self,
        session: &Session,
        asked: BlindRoomToken,
    ) -> Result<EvaluatedRoomToken, AccountError> {
        if asked.period != period_of(self.today()) {
            return Err(AccountErrorCode::Conflict.into());
        }
        self.tokens_made.take(session.account()).map_err(wait)?;
        Ok(self.room_tokens.evaluate(asked.period, &asked.blinded)?)
    }

    /// What checks the tokens of those who make rooms; nothing where everybody may.
    pub(crate) fn room_gate(&self) -> Option<RoomTokens> {
        (self.settings.guests == super::Guests::Invited).then(|| self.room_tokens.clone())
    }
}

fn info_of(period: u32) -> Vec<u8> {
    [PERIOD_INFO, &period.to_be_bytes()].concat()
}

/// The stretch of days that a day lies in.
pub(super) const fn period_of(day: u32) -> u32 {
    day / ROOM_TOKEN_PERIOD_DAYS
}

#[cfg(test)]
mod tests {
    use super::*;
    use voprf::{EvaluationElement, PoprfClient, Proof};

    fn token(tokens: &RoomTokens, period: u32) -> RoomToken {
        let nonce = [7; 32];
        let mut randomness = Seeded::fresh().unwrap();
        let blinding = PoprfClient::<Ristretto255>::blind(&nonce, &mut randomness).unwrap();
        let blinded = blinding.message.serialize().as_slice().try_into().unwrap();
        let answer = tokens.evaluate(period, &blinded).unwrap();
        let public_key = Ristretto255::deserialize_elem(&tokens.public_key().unwrap()).unwrap();
        let evaluated = EvaluationElement::deserialize(&answer.evaluated).unwrap();
        let proof = Proof::deserialize(&answer.proof).unwrap();
        let output =
            blinding.state.finalize(&nonce, &evaluated, &proof, public_key, Some(&info_of(period))).unwrap();
        RoomToken { period, nonce, output: output.as_slice().try_into().unwrap() }
    }

    #[test]
    fn a_token_is_good_in_its_stretch_of_days_and_the_next() {
        let tokens = RoomTokens::new(&[1; 32], Clock::default()).unwrap();
        let token = token(&tokens, 100);
        for (now, is_good) in [(99, false), (100, true), (101, true), (102, false)] {
            assert_eq!(tokens.check_in(&token, now).is_some(), is_good, "{now}");
        }
    }

    #[test]
    fn a_token_of_others_or_with_a_bit_flipped_is_refused() {
        let tokens = RoomTokens::new(&[1; 32], Clock::default()).unwrap();
        let good = token(&tokens, 100);
        assert!(RoomTokens::new(&[2; 32], Clock::default()).unwrap().check_in(&good, 100).is_none());
        let mut output = good.output;
        output[63] ^= 1;
        assert!(tokens.check_in(&RoomToken { output, ..good.clone() }, 100).is_none());
        assert!(tokens.check_in(&RoomToken { nonce: [8; 32], ..good.clone() }, 100).is_none());
        assert!(tokens.check_in(&RoomToken { period: 99, ..good }, 100).is_none());
        assert_eq!(tokens.evaluate(100, &[0xff; 32]).err(), Some(AccountErrorCode::Malformed));
        assert_eq!(tokens.evaluate(100, &[0; 32]).err(), Some(AccountErrorCode::Malformed), "the identity");
    }
}
