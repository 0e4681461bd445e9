//! What `sotto --version` says: version, license, and where the source code of this build is.

const VERSION: &str = env!("CARGO_PKG_VERSION");
const LICENSE: &str = env!("CARGO_PKG_LICENSE");
/// The address in `SOTTO_SOURCE_URL` while this program was built.
const BUILT_FROM: Option<&str> = match option_env!("SOTTO_SOURCE_URL") {
    Some(url) if !url.is_empty() => Some(url),
    _ => None,
};

/// What `--version` prints after the program's name.
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
         {source}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::Args;
    use clap::CommandFactory as _;

    #[test]
    fn the_long_version_says_license_and_where_the_source_is() {
        let shown = Args::command().render_long_version();
        assert!(shown.starts_with(&format!("sotto {VERSION}\n")), "{shown}");
        for part in ["License: AGPL-3.0-or-later", "no warranty", BUILT_FROM.unwrap_or("ask the person")] {
            assert!(shown.contains(part), "{part} is missing from:\n{shown}");
        }
        assert_eq!(Args::command().render_version(), format!("sotto {VERSION}\n"));
    }
}
