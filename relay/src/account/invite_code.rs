//! Invite codes of a relay that does not take everybody: random, typed by people, stored hashed.

use super::randomness::random;
use super::{Accounts, internal};
use sotto_protocol::account::{AccountError, AccountErrorCode, InviteCode};

/// Crockford's base32.
const SYMBOLS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// 100 bits.
const LENGTH: usize = 20;
const GROUP: usize = 5;
const TYPED_MAX: usize = 64;

impl Accounts {
    /// Makes a code for so many accounts.
    pub(crate) async fn create_invite_code(&self, uses: u32) -> Result<InviteCode, AccountError> {
        let symbols: [u8; LENGTH] = random()?;
        let mut text = String::new();
        for (position, symbol) in symbols.iter().enumerate() {
            if position > 0 && position % GROUP == 0 {
                text.push('-');
            }
            text.extend(SYMBOLS.get(usize::from(symbol & 31)).copied().map(char::from));
        }
        let code = InviteCode(text);
        self.store.add_invite_code(&self.code_hash(&code)?, uses).await.map_err(internal)?;
        Ok(code)
    }

    /// A code as it is stored: typed in either case, with or without hyphens and spaces.
    pub(crate) fn code_hash(&self, code: &InviteCode) -> Result<[u8; 32], AccountError> {
        if code.0.len() > TYPED_MAX {
            return Err(AccountErrorCode::BadInviteCode.into());
        }
        let plain: String = code.0.chars().filter(|symbol| !matches!(symbol, '-' | ' ')).collect();
        Ok(self.secrets.code_hash(&plain.to_ascii_uppercase()))
    }
}
