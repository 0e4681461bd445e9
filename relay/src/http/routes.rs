//! Routes that cannot be served without being described, nor described without being served: both are given at once.

use super::describe::{Described, document};
use crate::metrics::{Outcomes, metrics};
use axum::Router;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::middleware::map_response;
use axum::response::Response;
use axum::routing::{MethodRouter, get};
use bytes::Bytes;
use sotto_protocol::account::AccountErrorCode;
use utoipa::openapi::path::{PathItemBuilder, Paths};
use utoipa::openapi::schema::{ObjectBuilder, Type};

/// What a response is counted as. Whoever refuses a request leaves it there.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Refusal(pub AccountErrorCode);

/// Refusals without a code of the account API, by their status.
#[derive(Debug, Clone, Copy)]
enum Unnamed {
    Refused = 62,
    Failed = 63,
}

/// What is served, each with its description.
#[derive(Default)]
pub(crate) struct Routes {
    router: Router,
    paths: Paths,
}

impl Routes {
    /// None yet.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Serves a path. Each of its methods is described.
    pub(crate) fn on<const N: usize>(
        mut self,
        path: &'static str,
        methods: [Described; N],
        service: MethodRouter,
    ) -> Self {
        let mut item = PathItemBuilder::new();
        for described in methods {
            item = item.operation(described.method.clone(), described.into_operation());
        }
        self.paths.paths.insert(path.to_owned(), item.build());
        let outcomes = metrics().calls(path);
        let counted = service.layer(map_response(move |response: Response| {
            count(&outcomes, &response);
            std::future::ready(response)
        }));
        self.router = self.router.route(path, counted);
        self
    }

    /// Both.
    pub(crate) fn merge(mut self, other: Self) -> Self {
        self.router = self.router.merge(other.router);
        self.paths.paths.extend(other.paths.paths);
        self
    }

    /// All of them, and the document that describes them.
    pub(crate) fn into_router(self) -> Router {
        const PATH: &str = "/openapi.json";
        let schema = ObjectBuilder::new().schema_type(Type::Object).into();
        let described = Described::get("openapi", "This document").answers(
            200,
            "It.",
            Some(("application/json", schema)),
        );
        // Described first, with something in its place, so that the document holds itself.
        let paths = Self::new().on(PATH, [described], get(StatusCode::OK)).paths;
        let mut all = self;
        all.paths.paths.extend(paths.paths);
        let text = Bytes::from(document(all.paths));
        let headers = [(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "no-cache")];
        all.router.route(PATH, get(move || std::future::ready((headers, text.clone()))))
    }
}

fn count(outcomes: &Outcomes, response: &Response) {
    let status = response.status();
    if let Some(Refusal(code)) = response.extensions().get() {
        outcomes.count_error(*code as usize, code);
    } else if status.is_server_error() {
        outcomes.count_error(Unnamed::Failed as usize, &Unnamed::Failed);
    } else if status.is_client_error() {
        outcomes.count_error(Unnamed::Refused as usize, &Unnamed::Refused);
    } else {
        outcomes.count_success();
    }
}
