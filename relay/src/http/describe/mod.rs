//! The description of what is served over HTTP, as OpenAPI: made of the calls' own types, next to where they are served.

mod call;
mod document;
#[cfg(test)]
pub(super) mod example;
mod shape;
mod shapes;

pub(crate) use call::call;
pub(super) use document::document;
pub(crate) use shape::Shape;

use utoipa::openapi::path::{HttpMethod, Operation, OperationBuilder, ParameterBuilder, ParameterIn};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::response::ResponseBuilder;
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{ContentBuilder, Required, Schema};

/// Where the token of a session is shown.
pub(super) const SESSION: &str = "session";

/// A content type and what is in it.
pub(crate) type Content = (&'static str, Schema);

/// Whether something can be read.
#[cfg(test)]
type Reader = fn(&[u8]) -> bool;

/// What one method of one path does.
pub(crate) struct Described {
    pub(super) method: HttpMethod,
    operation: OperationBuilder,
    /// What is sent and answered, with what reads it: tests compare the two.
    #[cfg(test)]
    pub(super) readers: Vec<(Schema, Reader)>,
}

/// Text for people.
pub(crate) fn plain() -> Content {
    ("text/plain; charset=utf-8", ObjectBuilder::new().schema_type(Type::String).into())
}

impl Described {
    /// A method, by a name of its own and in a few words.
    pub(crate) fn new(method: HttpMethod, id: &str, summary: &str) -> Self {
        let operation = OperationBuilder::new().operation_id(Some(id)).summary(Some(summary.trim()));
        Self {
            method,
            operation,
            #[cfg(test)]
            readers: Vec::new(),
        }
    }

    /// What is looked at.
    pub(crate) fn get(id: &str, summary: &str) -> Self {
        Self::new(HttpMethod::Get, id, summary)
    }

    /// More words.
    pub(crate) fn says(mut self, description: &str) -> Self {
        self.operation = self.operation.description(Some(description));
        self
    }

    /// Only for whoever shows a session.
    pub(crate) fn by_session(mut self) -> Self {
        let needed = utoipa::openapi::SecurityRequirement::new(SESSION, [""; 0]);
        self.operation = self.operation.security(needed);
        self
    }

    /// A part of the path, by the name that stands in braces there.
    #[allow(dead_code, reason = "for routes that name a thing, such as a blob")]
    pub(crate) fn in_path(mut self, name: &str, what: &str, pattern: &str) -> Self {
        let text = ObjectBuilder::new().schema_type(Type::String).pattern(Some(pattern));
        let part = ParameterBuilder::new().name(name).parameter_in(ParameterIn::Path);
        let part = part.required(Required::True).description(Some(what)).schema(Some(Schema::from(text)));
        self.operation = self.operation.parameter(part.build());
        self
    }

    /// A header of the request, which may be left out.
    #[allow(dead_code, reason = "for routes that read headers of their own, such as a blob's offset")]
    pub(crate) fn in_header(mut self, name: &str, what: &str) -> Self {
        let text = Schema::from(ObjectBuilder::new().schema_type(Type::String));
        let header = ParameterBuilder::new().name(name).parameter_in(ParameterIn::Header);
        let header = header.required(Required::False).description(Some(what)).schema(Some(text));
        self.operation = self.operation.parameter(header.build());
        self
    }

    /// What the request holds.
    pub(crate) fn takes(mut self, (content_type, schema): Content) -> Self {
        let content = ContentBuilder::new().schema(Some(schema)).build();
        let body = RequestBodyBuilder::new().content(content_type, content).required(Some(Required::True));
        self.operation = self.operation.request_body(Some(body.build()));
        self
    }

    /// A status, when it comes, and what comes with it.
    pub(crate) fn answers(mut self, status: u16, when: &str, content: Option<Content>) -> Self {
        let mut response = ResponseBuilder::new().description(when);
        if let Some((content_type, schema)) = content {
            response = response.content(content_type, ContentBuilder::new().schema(Some(schema)).build());
        }
        self.operation = self.operation.response(status.to_string(), response.build());
        self
    }

    pub(super) fn into_operation(self) -> Operation {
        self.operation.build()
    }
}
