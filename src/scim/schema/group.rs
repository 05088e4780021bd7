//! The core Group schema (RFC 7643 §4.2).

use super::{Attribute, Mutability, Schema, Uniqueness};

const MEMBER_PARTS: &[Attribute] = &[
    Attribute::text("value", "The id of a user.").exact().written(Mutability::Immutable),
    Attribute::reference("$ref", "The URI of that user.", &["User"]).written(Mutability::Immutable),
    Attribute::text("type", "The type of the member.").advising(&["User"]).written(Mutability::Immutable),
];

/// The core Group schema.
pub static GROUP: Schema = Schema {
    id: "urn:ietf:params:scim:schemas:core:2.0:Group",
    aliases: &[
        "urn:scim:schemas:core:2.0:Group",
        "urn:scim:schemas:core:2.0",
        "urn:scim:schemas:core:1.0",
        "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group",
    ],
    name: "Group",
    description: "A team, or in an Admin organization the members of a linked organization.",
    attributes: &[
        Attribute::text("displayName", "The group's name for people; unique in the organization, without case.")
            .required()
            .unique(Uniqueness::Server),
        Attribute::complex("members", "Who is in the group.", MEMBER_PARTS).many(),
    ],
};
