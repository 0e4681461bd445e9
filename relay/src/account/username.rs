//! Names that nobody gets. What a name is, says `sotto_protocol::is_username`.

/// Nobody gets these: people would take them for the operator, or for everybody.
const RESERVED: [&str; 36] = [
    "abuse",
    "admin",
    "administrator",
    "all",
    "anonymous",
    "anyone",
    "channel",
    "contact",
    "deleted",
    "everyone",
    "guest",
    "help",
    "here",
    "hostmaster",
    "info",
    "mod",
    "moderator",
    "nobody",
    "noreply",
    "no-reply",
    "null",
    "official",
    "operator",
    "owner",
    "postmaster",
    "relay",
    "root",
    "security",
    "service",
    "sotto",
    "staff",
    "support",
    "system",
    "undefined",
    "unknown",
    "webmaster",
];

/// Whether nobody gets that name.
pub(super) fn is_reserved(name: &str, also: &[String]) -> bool {
    RESERVED.contains(&name) || also.iter().any(|reserved| reserved == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reserved_names_are_names_that_nobody_gets() {
        assert!(RESERVED.iter().all(|name| sotto_protocol::is_username(name) && is_reserved(name, &[])));
        assert!(!is_reserved("ada", &[]) && is_reserved("ada", &["ada".to_owned()]));
    }
}
