//! The whole document.

use super::SESSION;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{ComponentsBuilder, InfoBuilder, LicenseBuilder, OpenApiBuilder, Paths};

const ABOUT: &str = "The HTTP part of a Sotto relay. Conversations themselves go over the room socket.\n\n\
    Requests and answers of calls are CBOR, which is described here as the JSON that comes nearest to it: a byte string is a \
    text in base16 (format `bytes`, or `bytes-N` where it has exactly N bytes), a map's key is a number, written as a text. A \
    map may hold more keys than are described: they are passed over. docs/PROTOCOL.md has what is behind these shapes.\n\n\
    There is no CORS: pages of other sites are refused. Without a session, `Authorization` must not be sent.";

/// The document of these paths.
pub(in crate::http) fn document(paths: Paths) -> String {
    let session = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("32 bytes in base64url without padding")
        .description(Some("The token of a session."))
        .build();
    let info = InfoBuilder::new()
        .title("Sotto relay")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(ABOUT))
        .license(Some(LicenseBuilder::new().name("AGPL-3.0-or-later").build()));
    let components = ComponentsBuilder::new().security_scheme(SESSION, SecurityScheme::Http(session));
    let document = OpenApiBuilder::new().info(info.build()).paths(paths).components(Some(components.build()));
    // It is made of texts and lists: there is nothing in it that JSON has not.
    document.build().to_json().unwrap_or_default()
}
