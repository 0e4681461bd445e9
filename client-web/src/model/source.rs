//! Where the source of what is run here is: section 13 of its license, the GNU Affero General Public License, asks that everyone who uses
//! it over a network is offered it.
//!
//! There is no one address: who changes the program offers the source of what they run. The operator of a relay names it there, and the
//! relay says it at [`RELAY_ABOUT_PATH`]. Where it does not, it is what `SOTTO_SOURCE_URL` said when this client was built.

/// The version of this client.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
/// Its license, as it is named among licenses.
pub const LICENSE: &str = env!("CARGO_PKG_LICENSE");
/// Where a relay says, as JSON, which version it is and, at `source`, where its source is.
pub const RELAY_ABOUT_PATH: &str = "/v1/about";

/// The address of the source: what the relay says, or else what this client was built with.
#[must_use]
pub fn address(said_by_relay: Option<&str>) -> Option<&str> {
    said_by_relay.and_then(web_address).or_else(|| option_env!("SOTTO_SOURCE_URL").and_then(web_address))
}

/// Only what leads to a page.
fn web_address(address: &str) -> Option<&str> {
    let address = address.trim();
    let is_web = address.starts_with("https://") || address.starts_with("http://");
    is_web.then_some(address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_web_address_is_an_address_of_the_source() {
        assert_eq!(web_address(" https://a.example/sotto "), Some("https://a.example/sotto"));
        assert_eq!(address(Some("https://a.example")), Some("https://a.example"));
        for not in ["", "a.example", "javascript:alert(1)", "file:///x"] {
            assert_eq!(web_address(not), None);
            assert_eq!(address(Some(not)), address(None));
        }
    }
}
