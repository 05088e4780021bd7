//! Refusals of the directory in SCIM's words: which status, which keyword (S14).

use super::error::{ScimError, ScimType};
use crate::directory::DirectoryError;
use crate::directory::provisioning::ProvisioningError;
use crate::kernel::Fault;
use crate::store::StoreError;

impl From<ProvisioningError> for ScimError {
    fn from(error: ProvisioningError) -> Self {
        let text = error.to_string();
        match error {
            ProvisioningError::NoToken => ScimError::plain(401, text),
            // A refusal for a domain has no keyword (G.e).
            ProvisioningError::Resting(_) | ProvisioningError::ForeignDomain(_) | ProvisioningError::LastOwner(_) => {
                ScimError::plain(403, text)
            }
            ProvisioningError::UserNameTaken | ProvisioningError::Outsider | ProvisioningError::GroupNameTaken => {
                ScimError::new(ScimType::Uniqueness, text)
            }
            ProvisioningError::NoSuchResource(_) => ScimError::plain(404, text),
            ProvisioningError::InvalidValue(_) => ScimError::value(text),
            ProvisioningError::TooLarge(_) => ScimError::plain(413, text),
            ProvisioningError::TooMany(_) => ScimError::new(ScimType::TooMany, text),
            ProvisioningError::Directory(error) => error.into(),
            ProvisioningError::Store(error) => error.into(),
        }
    }
}

impl From<DirectoryError> for ScimError {
    fn from(error: DirectoryError) -> Self {
        Fault::from(error).into()
    }
}

impl From<StoreError> for ScimError {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "a SCIM request failed");
        Fault::from(error).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s14_each_refusal_has_its_status_and_keyword() {
        let check = |error: ProvisioningError, status: u16, keyword: Option<ScimType>, words: &str| {
            let error = ScimError::from(error);
            assert_eq!((error.status(), error.scim_type()), (status, keyword), "{error}");
            assert!(error.detail().contains(words), "{error}");
        };
        check(ProvisioningError::NoToken, 401, None, "bearer token");
        check(ProvisioningError::Resting("Group".into()), 403, None, "«Group»");
        check(ProvisioningError::ForeignDomain("other.example".parse().unwrap()), 403, None, "other.example");
        check(ProvisioningError::LastOwner("acme".into()), 403, None, "last owner of acme");
        check(ProvisioningError::UserNameTaken, 409, Some(ScimType::Uniqueness), "userName");
        check(ProvisioningError::Outsider, 409, Some(ScimType::Uniqueness), "invite this person first");
        check(ProvisioningError::GroupNameTaken, 409, Some(ScimType::Uniqueness), "displayName");
        check(ProvisioningError::NoSuchResource("x".into()), 404, None, "no such resource");
        check(ProvisioningError::InvalidValue("v".into()), 400, Some(ScimType::InvalidValue), "v");
        check(ProvisioningError::TooMany("m".into()), 400, Some(ScimType::TooMany), "m");
        check(ProvisioningError::from(StoreError::TooLarge { table: "t", size: 20_000 }), 413, None, "20000");
        check(ProvisioningError::Store(StoreError::Contention("t")), 503, None, "changing");
    }
}
