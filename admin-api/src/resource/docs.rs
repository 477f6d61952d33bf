//! What the OpenAPI document says of the routes that all kinds of resource share.

use utoipa::IntoParams;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::{
    HttpMethod, Operation, OperationBuilder, Parameter, ParameterBuilder, ParameterIn,
};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, Schema, SchemaType, Type};
use utoipa::openapi::{ContentBuilder, Ref, RefOr, Required, Response, ResponseBuilder};

use super::Exposed;
use crate::list::ListParams;
use crate::routing::Doc;

/// The document's words for `GET /KIND`.
pub(crate) fn list<T: Exposed>() -> Doc {
    let operation = operation::<T>("list", format!("Lists the {}", plural(T::KIND.as_str())))
        .parameters(Some(ListParams::into_params(|| Some(ParameterIn::Query))))
        .response("200", json("One page", page::<T>()));
    Doc::new(HttpMethod::Get, &path::<T>(false), operation.build())
}

/// The document's words for `POST /KIND`.
pub(crate) fn create<T: Exposed>() -> Doc {
    let operation = operation::<T>("create", format!("Adds a {}", T::KIND));
    Doc::new(
        HttpMethod::Post,
        &path::<T>(false),
        with_body::<T>(operation, "application/json", "201"),
    )
}

/// The document's words for `GET /KIND/NAME`.
pub(crate) fn read<T: Exposed>() -> Doc {
    let operation = one::<T>("read", format!("Shows {}", a::<T>()))
        .response("200", tagged::<T>("The resource"));
    Doc::new(HttpMethod::Get, &path::<T>(true), operation.build())
}

/// The document's words for `PUT /KIND/NAME`.
pub(crate) fn replace<T: Exposed>() -> Doc {
    let operation = one::<T>("replace", format!("Replaces {}", a::<T>())).parameter(if_match()).description(Some(
        "Fields that are left out get their defaults; secrets that are left out are kept, null removes them.",
    ));
    Doc::new(
        HttpMethod::Put,
        &path::<T>(true),
        with_body::<T>(operation, "application/json", "200"),
    )
}

/// The document's words for `PATCH /KIND/NAME`.
pub(crate) fn patch<T: Exposed>() -> Doc {
    let operation = one::<T>("patch", format!("Changes parts of {}", a::<T>()))
        .parameter(if_match())
        .description(Some(
            "A JSON Merge Patch (RFC 7396): null sets a field to its default.",
        ));
    Doc::new(
        HttpMethod::Patch,
        &path::<T>(true),
        with_body::<T>(operation, "application/merge-patch+json", "200"),
    )
}

/// The document's words for `DELETE /KIND/NAME`.
pub(crate) fn remove<T: Exposed>() -> Doc {
    Doc::new(HttpMethod::Delete, &path::<T>(true), removal::<T>().build())
}

/// The same where callers may be sent elsewhere.
pub(crate) fn remove_moving<T: Exposed>() -> Doc {
    let to = ParameterBuilder::new()
        .name("to")
        .parameter_in(ParameterIn::Query)
        .required(Required::False)
        .description(Some(
            "Where those go who wait there, with their arrival: a destination, such as `queue:sales`. Refused with 409 \
             without one while somebody waits.",
        ))
        .schema(Some(text()));
    let operation = removal::<T>().parameter(to);
    Doc::new(HttpMethod::Delete, &path::<T>(true), operation.build())
}

fn removal<T: Exposed>() -> OperationBuilder {
    one::<T>("delete", format!("Removes a {}", T::KIND))
        .parameter(if_match())
        .description(Some(
            "Refused with 409 while others refer to it; the answer names them.",
        ))
        .response(
            "204",
            ResponseBuilder::new().description("It is gone").build(),
        )
}

fn plural(kind: &str) -> String {
    match kind.strip_suffix('y') {
        Some(stem) => format!("{stem}ies"),
        None => format!("{kind}s"),
    }
}

/// One of the kind, as a sentence names it.
fn a<T: Exposed>() -> String {
    let kind = T::KIND.as_str();
    match T::KIND.is_single() {
        true => format!("the {kind}"),
        false if kind.starts_with('a') => format!("an {kind}"),
        false => format!("a {kind}"),
    }
}

fn path<T: Exposed>(one: bool) -> String {
    match one && !T::KIND.is_single() {
        true => format!("/{}/{{{}}}", T::KIND.path(), T::KIND.key_field()),
        false => format!("/{}", T::KIND.path()),
    }
}

fn operation<T: Exposed>(verb: &str, summary: String) -> OperationBuilder {
    OperationBuilder::new()
        .operation_id(Some(format!("{}_{verb}", T::KIND.table())))
        .tag(T::KIND.path())
        .summary(Some(summary))
}

fn one<T: Exposed>(verb: &str, summary: String) -> OperationBuilder {
    let operation = operation::<T>(verb, summary);
    if T::KIND.is_single() {
        return operation;
    }
    let name = ParameterBuilder::new()
        .name(T::KIND.key_field())
        .parameter_in(ParameterIn::Path)
        .required(Required::True)
        .schema(Some(text()));
    operation.parameter(name)
}

fn if_match() -> Parameter {
    ParameterBuilder::new()
        .name("If-Match")
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some(
            "The ETag it was read with: 412 when it was changed since.",
        ))
        .schema(Some(text()))
        .build()
}

fn text() -> Schema {
    ObjectBuilder::new()
        .schema_type(SchemaType::Type(Type::String))
        .into()
}

fn with_body<T: Exposed>(operation: OperationBuilder, media_type: &str, status: &str) -> Operation {
    let content = ContentBuilder::new()
        .schema(Some(Ref::from_schema_name(T::SCHEMA)))
        .build();
    let body = RequestBodyBuilder::new()
        .content(media_type, content)
        .required(Some(Required::True))
        .build();
    operation
        .request_body(Some(body))
        .response(status, tagged::<T>("The resource as it is now"))
        .build()
}

fn tagged<T: Exposed>(description: &str) -> Response {
    let mut response = json(description, Ref::from_schema_name(T::SCHEMA).into());
    let header = HeaderBuilder::new()
        .description(Some("For If-Match and If-None-Match"))
        .schema(Some(text()))
        .build();
    response.headers.insert("ETag".to_owned(), RefOr::T(header));
    response
}

fn page<T: Exposed>() -> RefOr<Schema> {
    let cursor = ObjectBuilder::new()
        .schema_type(SchemaType::from_iter([Type::String, Type::Null]))
        .description(Some("The `cursor` of the next page; null on the last"));
    let items = ArrayBuilder::new().items(Ref::from_schema_name(T::SCHEMA));
    ObjectBuilder::new()
        .property("items", items)
        .required("items")
        .property("next", cursor)
        .required("next")
        .into()
}

fn json(description: &str, schema: RefOr<Schema>) -> Response {
    let content = ContentBuilder::new().schema(Some(schema)).build();
    ResponseBuilder::new()
        .description(description)
        .content("application/json", content)
        .build()
}
