//! Web addresses as this browser reads them.

use web_sys::Url;

/// An address that leads somewhere.
pub struct WebAddress {
    /// The whole, as the browser writes it.
    pub href: String,
    /// The host, in the letters of the domain name system.
    pub host: String,
}

/// Reads an address, if it is one of `http` or `https`.
pub fn read(link: &str) -> Option<WebAddress> {
    let url = Url::new(link).ok()?;
    matches!(url.protocol().as_str(), "http:" | "https:")
        .then(|| WebAddress { href: url.href(), host: url.hostname() })
}
