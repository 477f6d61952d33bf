//! Routes with their documentation and their right, in one step.
//!
//! A route comes into being only by [`Routes::add`], which takes a handler whose first argument is a proof of a right
//! ([`Guard`]) and the OpenAPI description made from the same function. So each route is guarded,
//! each stands in the document, and the document's word on who may call it is the one that is enforced.
//!
//! A handler without its check does not compile:
//!
//! ```compile_fail,E0277
//! use admin_api::routing::{Doc, Routes};
//!
//! async fn unguarded(name: axum::extract::Path<String>) -> String {
//!     name.0
//! }
//! let routes = Routes::new("").add(Doc::get("/unguarded", "Shows anything to anybody"), unguarded);
//! ```
//!
//! With it, it does:
//!
//! ```
//! use admin_api::auth::Supervisor;
//! use admin_api::routing::{Doc, Routes};
//!
//! async fn guarded(_: Supervisor, name: axum::extract::Path<String>) -> String {
//!     name.0
//! }
//! let routes = Routes::new("").add(Doc::get("/guarded", "Shows it to supervisors"), guarded);
//! ```

use axum::Router;
use axum::handler::Handler;
use axum::routing::{MethodFilter, on};
use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::extensions::ExtensionsBuilder;
use utoipa::openapi::path::{HttpMethod, Operation, OperationBuilder, Paths};
use utoipa::openapi::schema::Schema;
use utoipa::openapi::security::SecurityRequirement;
use utoipa::openapi::{Ref, RefOr, ResponseBuilder};

use crate::auth::{Guard, Guarded, Right};
use crate::state::ApiState;

/// Routes, their documentation, and who may call them.
pub struct Routes {
    prefix: &'static str,
    router: Router<ApiState>,
    paths: Paths,
    schemas: Vec<(String, RefOr<Schema>)>,
    table: Vec<Route>,
}

/// One route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// Its method: `GET`.
    pub method: &'static str,
    /// Its path with parameters in braces: `/api/v1/users/{username}`.
    pub path: String,
    /// What it asks of its caller.
    pub right: Right,
}

/// The documentation of one route.
pub struct Doc {
    method: HttpMethod,
    path: String,
    operation: Operation,
    schemas: Vec<(String, RefOr<Schema>)>,
}

/// The documentation that `#[utoipa::path]` made of a handler: `doc(__path_HANDLER)`.
pub(crate) fn doc<
    D: utoipa::Path + utoipa::__dev::SchemaReferences + utoipa::__dev::Tags<'static>,
>(
    _: D,
) -> Doc {
    let mut operation = D::operation();
    // Functions of two resources may have one name, operations of the document may not.
    let group = D::tags().first().copied().unwrap_or_default();
    operation.operation_id = operation.operation_id.map(|id| format!("{group}_{id}"));
    operation.tags = Some(vec![group.to_owned()]);
    // The schemas are reachable only through the trait that utoipa's own binding for axum uses.
    let mut schemas = Vec::new();
    D::schemas(&mut schemas);
    let method = D::methods().pop().unwrap_or(HttpMethod::Get);
    Doc {
        method,
        path: D::path(),
        operation,
        schemas,
    }
}

impl Doc {
    /// A GET with nothing but a summary.
    pub fn get(path: &str, summary: &str) -> Self {
        Self::new(
            HttpMethod::Get,
            path,
            OperationBuilder::new().summary(Some(summary)).build(),
        )
    }

    /// Replaces the words after the summary.
    #[must_use]
    pub(crate) fn described(mut self, words: &str) -> Self {
        self.operation.description = Some(words.to_owned());
        self
    }

    /// A route described by hand.
    pub(crate) fn new(method: HttpMethod, path: &str, operation: Operation) -> Self {
        Self {
            method,
            path: path.to_owned(),
            operation,
            schemas: Vec::new(),
        }
    }
}

impl Routes {
    /// No routes yet; all will be below `prefix`.
    pub fn new(prefix: &'static str) -> Self {
        Self {
            prefix,
            router: Router::new(),
            paths: Paths::new(),
            schemas: Vec::new(),
            table: Vec::new(),
        }
    }

    /// Adds a route. `handler` must take a proof of a right as its first argument.
    #[must_use]
    pub fn add<H, T>(mut self, doc: Doc, handler: H) -> Self
    where
        H: Handler<T, ApiState>,
        T: Guarded,
    {
        let right = <T::Guard as Guard>::RIGHT;
        let path = format!("{}{}", self.prefix, doc.path);
        let (method, filter) = method(&doc.method);
        self.router = self.router.route(&path, on(filter, handler));
        self.paths
            .add_path_operation(&path, vec![doc.method], guarded(doc.operation, right));
        self.schemas.extend(doc.schemas);
        self.table.push(Route {
            method,
            path,
            right,
        });
        self
    }

    /// Adds all of another's routes.
    #[must_use]
    pub fn merge(mut self, other: Self) -> Self {
        self.router = self.router.merge(other.router);
        self.paths.merge(other.paths);
        self.schemas.extend(other.schemas);
        self.table.extend(other.table);
        self
    }

    /// The routes in the order they were added.
    pub fn table(&self) -> &[Route] {
        &self.table
    }

    pub(crate) fn paths(&self) -> &Paths {
        &self.paths
    }

    pub(crate) fn schemas(&self) -> &[(String, RefOr<Schema>)] {
        &self.schemas
    }

    pub(crate) fn into_router(self) -> Router<ApiState> {
        self.router
    }
}

fn method(method: &HttpMethod) -> (&'static str, MethodFilter) {
    match method {
        HttpMethod::Get => ("GET", MethodFilter::GET),
        HttpMethod::Post => ("POST", MethodFilter::POST),
        HttpMethod::Put => ("PUT", MethodFilter::PUT),
        HttpMethod::Patch => ("PATCH", MethodFilter::PATCH),
        HttpMethod::Delete => ("DELETE", MethodFilter::DELETE),
        HttpMethod::Options => ("OPTIONS", MethodFilter::OPTIONS),
        HttpMethod::Head => ("HEAD", MethodFilter::HEAD),
        HttpMethod::Trace => ("TRACE", MethodFilter::TRACE),
    }
}

/// Writes into the document what the guard enforces, and the form of errors.
fn guarded(mut operation: Operation, right: Right) -> Operation {
    if right != Right::Public {
        let none: [String; 0] = [];
        let ways = ["bearer", "cookie"].map(|way| SecurityRequirement::new(way, none.clone()));
        operation.security = Some(ways.into());
    }
    let problem = ContentBuilder::new()
        .schema(Some(Ref::from_schema_name("Problem")))
        .build();
    let error = ResponseBuilder::new()
        .description("Any error, as RFC 9457 problem details")
        .content("application/problem+json", problem)
        .build();
    operation
        .responses
        .responses
        .entry("default".to_owned())
        .or_insert(RefOr::T(error));
    operation.extensions = Some(
        ExtensionsBuilder::new()
            .add("x-right", right.as_str())
            .build(),
    );
    operation
}
