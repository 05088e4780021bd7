//! The path of an operation: an attribute or a part of one, of all values or of those that a filter chooses.

use crate::scim::error::{ScimError, ScimType};
use crate::scim::filter::{self, Node};
use crate::scim::path::{Name, Target, resolve};
use crate::scim::schema::{Kind, Schema};

/// Where an operation works.
#[derive(Clone, Debug)]
pub enum PatchPath {
    /// On an attribute, or on a part of it.
    Attribute(Place),
    /// On the attributes of a schema: the path is its URN.
    Schema(&'static Schema),
}

/// An attribute or a part of it, and which of its values are meant.
#[derive(Clone, Debug)]
pub struct Place {
    /// The attribute, and the part if one is named.
    pub target: Target,
    /// Which values; none means all.
    pub filter: Option<Node>,
}

impl Place {
    /// Whether it is a group's `members`.
    pub fn is_members(&self) -> bool {
        self.target.attribute.name == "members"
    }
}

impl PatchPath {
    /// Reads a path. Refused with 400: `invalidPath` if it is none or leads to nothing that is known, `invalidFilter`
    /// for what stands in its brackets.
    pub fn parse(kind: Kind, text: &str) -> Result<Self, ScimError> {
        Self::known(kind, text)?.ok_or_else(|| invalid(format!("There is no attribute `{text}`.")))
    }

    /// The same for a key of a value: none for what is not known, which is dropped (S17).
    pub fn known(kind: Kind, text: &str) -> Result<Option<Self>, ScimError> {
        filter::check_limits(text, filter::PATH).map_err(invalid)?;
        let text = text.trim();
        let Some((name, rest)) = text.split_once('[') else {
            return match resolve(kind, text) {
                None => Err(invalid(format!("`{text}` is no path."))),
                Some(Name::Unknown) => Ok(None),
                Some(Name::Schema(schema)) => Ok(Some(PatchPath::Schema(schema))),
                Some(Name::Attribute(target)) => Ok(Some(PatchPath::Attribute(Place { target, filter: None }))),
            };
        };
        let (inside, behind) = rest.rsplit_once(']').ok_or_else(|| invalid("The path lacks a `]`.".to_owned()))?;
        let part = match behind.strip_prefix('.') {
            Some(part) => Some(part),
            None if behind.is_empty() => None,
            None => return Err(invalid("Behind the brackets of a path only a part can be named.".to_owned())),
        };
        let mut target = match resolve(kind, name) {
            Some(Name::Attribute(target)) if target.part.is_none() && target.attribute.multi_valued => target,
            Some(Name::Unknown) => return Ok(None),
            _ => return Err(invalid(format!("`{name}` has no values to choose from."))),
        };
        if let Some(part) = part {
            target.part = Some(target.attribute.sub(part).ok_or_else(|| invalid(format!("`{text}` leads nowhere.")))?);
        }
        let filter = filter::element_filter(target.attribute, inside)
            .map_err(|reason| ScimError::new(ScimType::InvalidFilter, reason))?;
        Ok(Some(PatchPath::Attribute(Place { target, filter: Some(filter) })))
    }
}

fn invalid(reason: String) -> ScimError {
    ScimError::new(ScimType::InvalidPath, reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s24_s37_a_path_is_read_whole_or_refused() {
        let told = |text: &str| match PatchPath::known(Kind::User, text) {
            Err(error) => error.scim_type().map_or("-", ScimType::as_str).to_owned(),
            Ok(None) => "unknown".to_owned(),
            Ok(Some(PatchPath::Schema(schema))) => schema.name.to_owned(),
            Ok(Some(PatchPath::Attribute(place))) => {
                let part = place.target.part.map(|part| format!(".{}", part.name)).unwrap_or_default();
                let brackets = if place.filter.is_some() { "[]" } else { "" };
                format!("{}{brackets}{part}", place.target.attribute.name)
            }
        };
        for (text, expected) in [
            ("emails[type eq \"work\"].value", "emails[].value"),
            ("EMAILS[Type EQ \"work\" and primary eq true]", "emails[]"),
            ("emails[value eq \"]\"]", "emails[]"),
            ("urn:ietf:params:scim:schemas:core:2.0:User:emails[type eq \"work\"].VALUE", "emails[].value"),
            ("emails.value", "emails.value"),
            ("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User", "EnterpriseUser"),
            ("shoeSize", "unknown"),
            ("shoes[size eq 38].left", "unknown"),
            ("emails[type eq \"work\"", "invalidPath"),
            ("emails[type eq \"work\"]value", "invalidPath"),
            ("emails[type eq \"work\"].shoe", "invalidPath"),
            ("emails[type eq \"work\"].value.x", "invalidPath"),
            ("emails[]", "invalidFilter"),
            ("emails[type eq \"x]\"", "invalidPath"),
            ("emails[type is \"x\"]", "invalidFilter"),
            ("name[givenName eq \"x\"]", "invalidPath"),
            ("userName[value eq \"x\"]", "invalidPath"),
            ("emails.value[type pr]", "invalidPath"),
            ("a b", "invalidPath"),
            (".", "invalidPath"),
            (&"emails[".repeat(5000), "invalidPath"),
            (&format!("emails[{}]", vec!["type pr"; 21].join(" or ")), "invalidPath"),
        ] {
            assert_eq!(told(text), expected, "{text}");
        }
        assert!(PatchPath::parse(Kind::User, "shoeSize").is_err());
    }
}
