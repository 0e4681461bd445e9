//! A call of the account API, described from its type.

use super::shape::Shape;
use super::{Content, Described};
use sotto_protocol::account::{self, Access, AccountError, AccountErrorCode, Call};
use std::collections::BTreeMap;
use utoipa::openapi::path::HttpMethod;

/// What any call may be refused for.
const ALWAYS: [AccountErrorCode; 7] = [
    AccountErrorCode::Malformed,
    AccountErrorCode::ForeignOrigin,
    AccountErrorCode::LimitExceeded,
    AccountErrorCode::TooMany,
    AccountErrorCode::Internal,
    AccountErrorCode::Overloaded,
    AccountErrorCode::StorageFull,
];

/// The call, in a few words, and what it may be refused for besides what any call is.
pub(crate) fn call<C: Call + Shape>(summary: &str, errors: &[AccountErrorCode]) -> Described
where
    C::Answer: Shape,
{
    let id = std::any::type_name::<C>().rsplit("::").next().unwrap_or_default();
    let mut described = Described::new(HttpMethod::Post, id, summary)
        .says(&format!("A request has {} bytes at most.", C::MAX_BYTES))
        .takes(cbor::<C>())
        .answers(200, "It is done.", Some(cbor::<C::Answer>()));
    let by_access = match C::ACCESS {
        Access::Anonymous => AccountErrorCode::SessionNotWanted,
        Access::Session => {
            described = described.by_session();
            AccountErrorCode::SessionNeeded
        }
    };
    let mut by_status: BTreeMap<u16, Vec<String>> = BTreeMap::new();
    for code in ALWAYS.iter().chain([&by_access]).chain(errors) {
        let named = format!("{code:?} ({}): {}", *code as u32, code.describe());
        by_status.entry(code.status()).or_default().push(named);
    }
    for (status, named) in by_status {
        described = described.answers(status, &named.join("; "), Some(cbor::<AccountError>()));
    }
    #[cfg(test)]
    {
        described.readers = vec![
            (C::shape(), |bytes| sotto_protocol::decode::<C>(bytes).is_ok()),
            (C::Answer::shape(), |bytes| sotto_protocol::decode::<C::Answer>(bytes).is_ok()),
            (AccountError::shape(), |bytes| sotto_protocol::decode::<AccountError>(bytes).is_ok()),
        ];
    }
    described
}

fn cbor<T: Shape>() -> Content {
    (account::CONTENT_TYPE, T::shape())
}
