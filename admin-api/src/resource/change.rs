//! From a request to another centre: checked by itself, among the others, then handed to the one writer.
//!
//! A change is made from the centre in force. When somebody else was faster, the writer says so and the change is made
//! anew from theirs, so that two administrators at two resources do not disturb each other; two at the same
//! resource tell each other apart by `If-Match`.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::http::HeaderMap;
use config::{Centre, Destination, ResourceFault, Shape, Snapshot};
use serde_json::{Map, Value};

use super::{Exposed, built_in, find, found};
use crate::auth::Identity;
use crate::conditional::Tag;
use crate::merge::merge;
use crate::ports::{CentreChange, ChangeError};
use crate::problem::{ApiError, FieldFault, Kind};
use crate::state::ApiState;

/// How often a change is made anew when others were faster.
pub(crate) const TRIES: usize = 8;

/// What a request wants of a resource.
#[derive(Debug, Clone)]
pub(crate) struct Edit {
    name: String,
    what: What,
    /// Where those go who wait in a queue that is removed.
    to: Option<Destination>,
}

#[derive(Debug, Clone)]
enum What {
    Create(Map<String, Value>),
    Replace(Map<String, Value>),
    Patch(Map<String, Value>),
    Remove,
}

/// A change on its way, to be checked.
pub(crate) struct Change<'a, T> {
    /// The resource as it is; none when it is new.
    pub(crate) old: Option<&'a T>,
    /// The resource as it shall be; none when it is removed.
    pub(crate) new: Option<&'a T>,
    /// The centre as it is.
    pub(crate) before: &'a Centre,
    /// The centre as it shall be.
    pub(crate) after: &'a Centre,
    /// The settings in force, for what they say about it.
    pub(crate) snapshot: &'a Snapshot,
    /// The live fields of the body that can be written, each with its flag.
    pub(crate) flags: &'a [Flag],
}

/// A live field and what it shall be.
pub(crate) type Flag = (&'static str, bool);

/// A change that is in force.
pub(crate) struct Done<T> {
    /// Who made it.
    pub(crate) by: Identity,
    /// The resource's name.
    pub(crate) name: String,
    /// The resource as it was.
    pub(crate) old: Option<Arc<T>>,
    /// The resource as it is.
    pub(crate) new: Option<Arc<T>>,
    /// The live fields of the body that can be written, each with its flag.
    pub(crate) flags: Vec<Flag>,
}

impl Edit {
    /// A new one from this body, which names it.
    pub(crate) fn create<T: Exposed>(body: Value) -> Result<Self, ApiError> {
        let body = object(body)?;
        // Without its name it is refused later, when all its fields are read.
        let name = body
            .get(T::KIND.key_field())
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned();
        Ok(Self {
            name,
            what: What::Create(body),
            to: None,
        })
    }

    /// All of it replaced by this body. Secrets that are left out are kept, since nobody can read them to send
    /// them back.
    pub(crate) fn replace(name: String, body: Value) -> Result<Self, ApiError> {
        Ok(Self {
            name,
            what: What::Replace(object(body)?),
            to: None,
        })
    }

    /// Parts of it changed as this merge patch says.
    pub(crate) fn patch(name: String, body: Value) -> Result<Self, ApiError> {
        Ok(Self {
            name,
            what: What::Patch(object(body)?),
            to: None,
        })
    }

    /// Removed.
    pub(crate) fn remove(name: String) -> Self {
        Self {
            name,
            what: What::Remove,
            to: None,
        }
    }

    /// The same, for those who wait there to go elsewhere.
    pub(crate) fn moving(self, to: Option<Destination>) -> Self {
        Self { to, ..self }
    }

    /// Takes the live fields out of the body and reads those that can be written.
    fn take_flags<T: Exposed>(&mut self) -> Result<Vec<Flag>, ApiError> {
        let (What::Create(body) | What::Replace(body) | What::Patch(body)) = &mut self.what else {
            return Ok(Vec::new());
        };
        let mut flags = Vec::new();
        for &name in T::LIVE {
            let value = body.remove(name);
            let writable = T::WRITABLE.contains(&name);
            match value.filter(|_| writable) {
                Some(Value::Bool(flag)) => flags.push((name, flag)),
                Some(_) => {
                    return Err(ApiError::field(
                        name,
                        "this is no flag",
                        "write true or false",
                    ));
                }
                None => {}
            }
        }
        Ok(flags)
    }

    /// The resource as it shall be; none when it is removed.
    fn result<T: Exposed>(&self, old: Option<&T>) -> Result<Option<T>, ApiError> {
        let json = match &self.what {
            What::Create(body) => Value::Object(body.clone()),
            What::Replace(body) => with_secrets(body.clone(), old),
            What::Patch(patch) => {
                let mut json = old.map_or(Value::Null, T::to_stored_json);
                merge(&mut json, Value::Object(patch.clone()));
                json
            }
            What::Remove => return Ok(None),
        };
        let json = self.named::<T>(json)?;
        Ok(Some(T::from_json(&json)?))
    }

    /// A body may leave out the name that stands in the path, but not contradict it.
    fn named<T: Exposed>(&self, mut json: Value) -> Result<Value, ApiError> {
        let (Value::Object(body), false) = (&mut json, matches!(self.what, What::Create(_))) else {
            return Ok(json);
        };
        if T::KIND.is_single() {
            return Ok(json);
        }
        let field = T::KIND.key_field();
        let name = body
            .entry(field)
            .or_insert_with(|| Value::from(self.name.as_str()));
        if name.as_str() == Some(&self.name) {
            return Ok(json);
        }
        let message = format!("a {} cannot be renamed", T::KIND);
        Err(ApiError::field(
            field,
            message,
            format!("leave it out, or write {:?}", self.name),
        ))
    }
}

pub(crate) fn object(body: Value) -> Result<Map<String, Value>, ApiError> {
    if let Value::Object(body) = body {
        return Ok(body);
    }
    let help = "write { \"field\": value, ... }";
    Err(ApiError::field("", "the body is no object", help))
}

fn with_secrets<T: Exposed>(mut body: Map<String, Value>, old: Option<&T>) -> Value {
    let Some(Value::Object(old)) = old.map(T::to_stored_json) else {
        return Value::Object(body);
    };
    let secrets = T::schema()
        .into_iter()
        .filter(|field| field.shape == Shape::Secret);
    for secret in secrets.map(|field| field.name) {
        let is_kept = !body.contains_key(secret) && T::keeps(secret, &body);
        if let Some(kept) = old.get(secret).filter(|_| is_kept) {
            body.insert(secret.to_owned(), kept.clone());
        }
    }
    Value::Object(body)
}

/// Puts an edit into force and waits until readers see it.
///
/// # Errors
///
/// 404 or 409 when the resource is not there or is there already, 412 for `If-Match`, 422 with the fields at
/// fault, 409 when others need it or the engine refuses.
pub(crate) async fn apply<T: Exposed>(
    state: &ApiState,
    by: &Identity,
    edit: Edit,
    headers: &HeaderMap,
) -> Result<Done<T>, ApiError> {
    // In a task of its own: what follows from a change must follow, even if the client has gone meanwhile.
    let work = carry_out(state.clone(), by.clone(), edit, headers.clone());
    tokio::spawn(work).await.map_err(ApiError::internal)?
}

async fn carry_out<T: Exposed>(
    state: ApiState,
    by: Identity,
    mut edit: Edit,
    headers: HeaderMap,
) -> Result<Done<T>, ApiError> {
    let flags = edit.take_flags::<T>()?;
    for _ in 0..TRIES {
        let snapshot = state.snapshot();
        let old = find::<T>(&snapshot.centre, &edit.name);
        exists(&edit, old.as_deref(), &snapshot, &headers)?;
        let centre = changed(&state, &edit, &flags, old.as_deref(), &snapshot).await?;
        let mut seen_at = 0;
        if centre != *snapshot.centre {
            let change = CentreChange {
                actor: by.actor(),
                base: snapshot.version,
                centre,
                moves: edit
                    .to
                    .clone()
                    .map(|to| (edit.name.clone(), to))
                    .into_iter()
                    .collect(),
            };
            match state.ports().centre.change(change).await {
                Ok(committed) => seen_at = committed.seq,
                Err(ChangeError::Stale) => continue,
                Err(error) => return Err(error.into()),
            }
        }
        let new = state.snapshot().centre.find::<T>(&edit.name).cloned();
        let done = Done {
            by,
            name: edit.name,
            old,
            new,
            flags,
        };
        T::after(&state, &done).await?;
        state.view_at(seen_at).await?;
        return Ok(done);
    }
    Err(ChangeError::Stale.into())
}

fn exists<T: Exposed>(
    edit: &Edit,
    old: Option<&T>,
    snapshot: &Snapshot,
    headers: &HeaderMap,
) -> Result<(), ApiError> {
    if let What::Create(_) = edit.what {
        if old.is_some() {
            return Err(taken::<T>(&edit.name));
        }
    } else {
        found::<T>(&snapshot.centre, &edit.name)?;
    }
    if matches!(edit.what, What::Remove) && built_in::<T>(&edit.name).is_some() {
        let what = format!(
            "the {} {:?} is one that every centre has",
            T::KIND,
            edit.name
        );
        return Err(ApiError::new(Kind::Conflict, what));
    }
    let tag = old.map(|old| Tag::of(&old.to_stored_json()));
    Tag::check(tag.as_ref(), headers)
}

/// Somebody has that name already.
pub(crate) fn taken<T: Exposed>(name: &str) -> ApiError {
    let what = format!("there is a {} {name:?} already", T::KIND);
    let fault = FieldFault::new(T::KIND.key_field(), what.clone()).help("choose another");
    ApiError::new(Kind::Conflict, what).with_errors(vec![fault])
}

/// The centre as the edit makes it, checked and with the secrets sealed that are the API's to seal.
async fn changed<T: Exposed>(
    state: &ApiState,
    edit: &Edit,
    flags: &[Flag],
    old: Option<&T>,
    snapshot: &Snapshot,
) -> Result<Centre, ApiError> {
    let new = edit.result(old)?;
    let mut centre = Centre::clone(&snapshot.centre);
    match &new {
        Some(new) => centre.insert(new.clone()),
        None => centre.remove::<T>(&edit.name),
    };
    let change = Change {
        old,
        new: new.as_ref(),
        before: &snapshot.centre,
        after: &centre,
        snapshot,
        flags,
    };
    T::check(state, &change).await?;
    check_faults::<T>(edit, snapshot, &centre)?;
    if let Some(new) = new {
        centre.insert(new.seal(state).await?);
    }
    Ok(centre)
}

/// Refuses what is wrong with the new centre, and was not wrong with the old one.
fn check_faults<T: Exposed>(
    edit: &Edit,
    snapshot: &Snapshot,
    after: &Centre,
) -> Result<(), ApiError> {
    let faults_of = |centre: &Centre| {
        let mut faults = centre.validate_since(&snapshot.centre);
        faults.extend(centre.check_against(&snapshot.settings));
        faults
    };
    let before = faults_of(&snapshot.centre);
    let mut faults: Vec<ResourceFault> = faults_of(after);
    faults.retain(|fault| !before.contains(fault));
    faults.extend(after.stale_secrets(snapshot));
    if faults.is_empty() {
        return Ok(());
    }
    if let What::Remove = edit.what {
        let users: BTreeSet<String> = faults
            .iter()
            .map(|fault| format!("{} {:?}", fault.kind, fault.name))
            .collect();
        let users: Vec<String> = users.into_iter().collect();
        let detail = format!(
            "{} {:?} is used by {}",
            T::KIND,
            edit.name,
            users.join(", ")
        );
        let elsewhere = |fault: &ResourceFault| field_fault(fault, true);
        return Err(
            ApiError::new(Kind::InUse, detail).with_errors(faults.iter().map(elsewhere).collect())
        );
    }
    let is_other = |fault: &ResourceFault| fault.kind != T::KIND || fault.name != edit.name;
    Err(ApiError::invalid(
        faults
            .iter()
            .map(|fault| field_fault(fault, is_other(fault)))
            .collect(),
    ))
}

/// A fault of another resource that this change brings about is named with that resource.
fn field_fault(fault: &ResourceFault, elsewhere: bool) -> FieldFault {
    let field = match elsewhere {
        true if fault.kind.is_single() => format!("{}.{}", fault.kind.path(), fault.field),
        true => format!("{}/{}.{}", fault.kind.path(), fault.name, fault.field),
        false => fault.field.clone(),
    };
    FieldFault::new(field, fault.message.clone()).help(fault.help.clone())
}
