//! Which program this is, under which license, and where the source code of this build is.
//!
//! Section 13 of the license: an operator who lets others use a changed relay over a network offers them its source code. The relay
//! makes the offer at `/v1/about`, with the address that its operator sets, or else the one that it was built with.

use std::fmt;
use std::str::FromStr;

/// This version.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
/// The license, by its SPDX identifier.
pub const LICENSE: &str = env!("CARGO_PKG_LICENSE");
/// The address in `SOTTO_SOURCE_URL` while this program was built.
pub const BUILT_FROM: Option<&str> = match option_env!("SOTTO_SOURCE_URL") {
    Some(url) if !url.is_empty() => Some(url),
    _ => None,
};

/// What `--version` prints after the program's name.
#[must_use]
pub fn long_version() -> String {
    let source = match BUILT_FROM {
        Some(url) => format!("Source code of this build: {url}"),
        None => "This build names no address of its source code: ask the person or the site that you have it from.".to_owned(),
    };
    format!(
        "{VERSION}\n\
         License: {LICENSE} <https://www.gnu.org/licenses/agpl-3.0.html>\n\
         You may use, share and change this program under this license.\n\
         There is no warranty, to the extent permitted by law.\n\
         {source}\n\
         If you changed it and let others use it over a network, offer them your source code: serve --source-url URL"
    )
}

/// A public address of source code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceUrl(String);

impl SourceUrl {
    /// As browsers open it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for SourceUrl {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const WRONG: &str = "it is an http or https address without a user name and a password, such as https://code.example.org/sotto";
        let url = url::Url::parse(text).map_err(|_| WRONG)?;
        let is_public = matches!(url.scheme(), "http" | "https")
            && url.has_host()
            && url.username().is_empty()
            && url.password().is_none();
        if is_public { Ok(Self(url.into())) } else { Err(WRONG) }
    }
}

impl fmt::Display for SourceUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_of_source_code_opens_in_a_browser_and_holds_no_password() {
        let url = |text: &str| text.parse::<SourceUrl>().map(|url| url.to_string());
        let good = "https://code.example.org/sotto?ref=v1#readme";
        assert_eq!(url(good).as_deref(), Ok(good));
        assert_eq!(url("HTTP://Code.example.org").as_deref(), Ok("http://code.example.org/"));
        for wrong in [
            "",
            "code.example.org/sotto",
            "javascript:alert(1)",
            "data:text/html,x",
            "git@code.example.org:sotto.git",
            "ssh://git@code.example.org/sotto",
            "https://token@code.example.org/sotto",
            "https://user:password@code.example.org/sotto",
            "https://",
        ] {
            assert!(url(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_long_version_says_license_and_where_the_source_is() {
        let text = long_version();
        assert!(text.starts_with(VERSION) && text.contains("License: AGPL-3.0-or-later"), "{text}");
        assert!(text.contains(BUILT_FROM.unwrap_or("ask the person")), "{text}");
    }
}
