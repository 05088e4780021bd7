//! `/Users/{id}` and what makes one: create, read, replace, patch, delete; each change one transaction.

use axum::http::StatusCode;
use serde_json::{Map, Value};

use super::answer::Answer;
use super::error::ScimError;
use super::etag::{if_match, if_none_match};
use super::list::ListRequest;
use super::patch::Patch;
use super::projection::Projection;
use super::render::{self, Rendered};
use super::resource::Attributes;
use super::schema::Kind;
use super::{Asked, ScimServer};
use crate::directory::provisioning::{Person, PersonInput, person, person_change};
use crate::kernel::{EmailAddress, UserId};
use crate::store::Tx;

/// What a client asked to be shown.
pub(super) fn projection(kind: Kind, query: &str) -> Result<Projection, ScimError> {
    let asked = ListRequest::from_query(query)?;
    Ok(Projection::parse(kind, asked.attributes.as_deref(), asked.excluded_attributes.as_deref()))
}

/// What the directory needs to know of a person who was sent (S4, G.a).
fn input(attributes: &Attributes) -> Result<PersonInput, ScimError> {
    let user_name = address("userName", attributes.user_name().unwrap_or_default())?;
    let primary_email = attributes.primary_email().map(|text| address("The primary of `emails`", text)).transpose()?;
    let name = |part: &str| {
        let value = attributes.as_map().get("name").and_then(|name| name.get(part));
        value.and_then(Value::as_str).map(str::to_owned)
    };
    let mut kept: Map<String, Value> = attributes.as_map().clone();
    // The account says it, and a password is kept nowhere.
    kept.remove("active");
    kept.remove("password");
    Ok(PersonInput {
        user_name,
        external_id: attributes.external_id().map(str::to_owned),
        active: attributes.active(),
        first_name: name("givenName"),
        last_name: name("familyName"),
        primary_email,
        attributes: kept,
    })
}

fn address(what: &str, text: &str) -> Result<EmailAddress, ScimError> {
    let wrong = || ScimError::value(format!("{what} must be one e-mail address, such as ada@acme.example."));
    // White space around an address is somebody's mistake, not part of it.
    if text.trim() == text { text.parse().map_err(|_| wrong()) } else { Err(wrong()) }
}

impl ScimServer {
    /// A person whole, with their groups.
    pub(super) async fn shown(&self, tx: &Tx, asked: &Asked, found: &Person) -> Result<Rendered, ScimError> {
        let groups = person::groups(tx, &asked.scope, found.account.id).await?;
        Ok(render::person(&self.base, found, &groups))
    }

    /// Refuses a change of another version than the one that `If-Match` names.
    async fn matches(&self, tx: &Tx, asked: &Asked, found: &Person) -> Result<(), ScimError> {
        match asked.if_match() {
            None => Ok(()),
            wanted => if_match(wanted, &self.shown(tx, asked, found).await?.etag),
        }
    }

    pub(super) async fn create_user(&self, asked: &Asked) -> Result<Answer, ScimError> {
        let projection = projection(Kind::User, &asked.query)?;
        let input = input(&Attributes::read(Kind::User, &asked.body)?)?;
        let made = self.store.transaction("scim user create", async |tx: Tx| {
            let made = person_change::create(&tx, &*self.rng, &asked.scope, &input).await?;
            self.shown(&tx, asked, &made).await
        });
        let Rendered { resource, etag, location } = made.await?;
        let body = Value::Object(projection.apply(resource));
        Ok(Answer { status: StatusCode::CREATED, location: Some(location), ..Answer::ok(body).tagged(etag) })
    }

    pub(super) async fn read_user(&self, asked: &Asked, id: UserId) -> Result<Answer, ScimError> {
        let projection = projection(Kind::User, &asked.query)?;
        let tx = self.store.reader();
        let found = person::by_id(&tx, &asked.scope, id).await?;
        let Rendered { resource, etag, .. } = self.shown(&tx, asked, &found).await?;
        if if_none_match(asked.if_none_match(), &etag) {
            return Ok(Answer::bare(StatusCode::NOT_MODIFIED).tagged(etag));
        }
        Ok(Answer::ok(Value::Object(projection.apply(resource))).tagged(etag))
    }

    pub(super) async fn replace_user(&self, asked: &Asked, id: UserId) -> Result<Answer, ScimError> {
        let sent = Attributes::read(Kind::User, &asked.body)?;
        self.change_user(asked, id, |_| Ok((sent.clone(), false))).await
    }

    pub(super) async fn patch_user(&self, asked: &Asked, id: UserId) -> Result<Answer, ScimError> {
        let patch = Patch::read(&asked.body)?;
        let change = |before: &Attributes| {
            let after = patch.apply_to_user(before)?;
            let hidden = after.active().is_none();
            Ok((after, hidden))
        };
        self.change_user(asked, id, change).await
    }

    /// Reads, changes and writes a person in one transaction, which is run again if they changed meanwhile. The change
    /// gives what they are then, and whether `active` was taken away.
    async fn change_user(
        &self,
        asked: &Asked,
        id: UserId,
        change: impl Fn(&Attributes) -> Result<(Attributes, bool), ScimError>,
    ) -> Result<Answer, ScimError> {
        let projection = projection(Kind::User, &asked.query)?;
        let change = &change;
        let changed = self.store.transaction("scim user change", async |tx: Tx| {
            let found = person::by_id(&tx, &asked.scope, id).await?;
            self.matches(&tx, asked, &found).await?;
            let (after, hidden) = change(&render::attributes(&found))?;
            let mut input = input(&after)?;
            if hidden {
                input.attributes.insert("active".to_owned(), Value::Null);
            }
            let changed = person_change::replace(&tx, &*self.rng, &asked.scope, &found, &input).await?;
            self.shown(&tx, asked, &changed).await
        });
        let Rendered { resource, etag, location } = changed.await?;
        let body = Value::Object(projection.apply(resource));
        Ok(Answer { location: Some(location), ..Answer::ok(body).tagged(etag) })
    }

    pub(super) async fn delete_user(&self, asked: &Asked, id: UserId) -> Result<Answer, ScimError> {
        self.store
            .transaction("scim user delete", async |tx: Tx| {
                let found = person::by_id(&tx, &asked.scope, id).await?;
                self.matches(&tx, asked, &found).await?;
                Ok::<_, ScimError>(person_change::delete(&tx, &*self.rng, &asked.scope, &found).await?)
            })
            .await?;
        Ok(Answer::bare(StatusCode::NO_CONTENT))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s4_a_user_name_is_one_address_and_nothing_else() {
        assert_eq!(address("x", "Ada@Acme.Example").unwrap().as_str(), "ada@acme.example");
        for wrong in [
            "",
            "ada",
            " ada@acme.example",
            "ada@acme.example\n",
            "ada@b@acme.example",
            "ada@acme.example, bo@acme.example",
            "<ada@acme.example>",
            "\"ada\"@acme.example",
            "ada＠acme.example",
            "ada\u{202e}@acme.example",
            "ada\u{200b}@acme.example",
            &format!("{}@acme.example", "a".repeat(250)),
        ] {
            assert_eq!(address("x", wrong).expect_err(wrong).status(), 400, "{wrong}");
        }
    }
}
