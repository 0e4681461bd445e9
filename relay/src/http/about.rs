//! `GET /v1/about`: version, license, and where the source code is, for people who use the relay.

use super::describe::Described;
use super::routes::Routes;
use crate::about::{LICENSE, SourceUrl, VERSION};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::routing::get;
use bytes::Bytes;
use serde_json::json;
use utoipa::openapi::schema::{ObjectBuilder, SchemaType, Type};

/// The route, of a relay whose operator names this source.
pub(crate) fn routes(source: Option<&SourceUrl>) -> Routes {
    let answer = json!({ "version": VERSION, "license": LICENSE, "source": source.map(SourceUrl::as_str) });
    let text = Bytes::from(answer.to_string());
    let word = |what: &str| ObjectBuilder::new().schema_type(Type::String).description(Some(what));
    let url = word("Address of the source code of this relay; null: ask its operator")
        .schema_type(SchemaType::Array(vec![Type::String, Type::Null]));
    let shape = ObjectBuilder::new()
        .schema_type(Type::Object)
        .property("version", word("Version of the relay"))
        .property("license", word("Its license, by SPDX identifier"))
        .property("source", url)
        .required("version")
        .required("license")
        .required("source");
    let described = Described::get(
        "about",
        "Which version of the relay this is, its license, and where its source code is",
    )
    .answers(200, "It.", Some(("application/json", shape.into())));
    let headers = [(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "no-store")];
    Routes::new().on("/v1/about", [described], get(move || std::future::ready((headers, text.clone()))))
}
