//! `/feature-codes`: what phones without a console dial. There is one of it. Supervisors read, administrators change.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use config::FeatureCodes;

use super::PREFIX;
use crate::auth::{Administrator, Proof, Supervisor};
use crate::extract::Document;
use crate::problem::ApiError;
use crate::resource::change::{Edit, apply};
use crate::resource::{self, Exposed, docs};
use crate::routing::Routes;
use crate::state::ApiState;

impl Exposed for FeatureCodes {
    const SCHEMA: &'static str = "FeatureCodes";

    fn built_in() -> Vec<Self> {
        vec![Self::default()]
    }
}

pub(crate) fn routes() -> Routes {
    Routes::new(PREFIX)
        .add(docs::read::<FeatureCodes>(), read)
        .add(docs::replace::<FeatureCodes>(), replace)
        .add(docs::patch::<FeatureCodes>(), patch)
}

async fn read(who: Supervisor, State(state): State<ApiState>) -> Result<Response, ApiError> {
    resource::answer::<FeatureCodes>(&state, who.identity(), "", StatusCode::OK).await
}

async fn replace(
    who: Administrator,
    State(state): State<ApiState>,
    headers: HeaderMap,
    Document(body): Document,
) -> Result<Response, ApiError> {
    let edit = Edit::replace(String::new(), body)?;
    apply::<FeatureCodes>(&state, who.identity(), edit, &headers).await?;
    resource::answer::<FeatureCodes>(&state, who.identity(), "", StatusCode::OK).await
}

async fn patch(
    who: Administrator,
    State(state): State<ApiState>,
    headers: HeaderMap,
    Document(body): Document,
) -> Result<Response, ApiError> {
    let edit = Edit::patch(String::new(), body)?;
    apply::<FeatureCodes>(&state, who.identity(), edit, &headers).await?;
    resource::answer::<FeatureCodes>(&state, who.identity(), "", StatusCode::OK).await
}
