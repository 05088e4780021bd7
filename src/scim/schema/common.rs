//! The attributes that every resource has (RFC 7643 §3.1). No schema lists them.

use super::{Attribute, Mutability, Returned, Type, Uniqueness};

const META_PARTS: &[Attribute] = &[
    Attribute::text("resourceType", "The name of the resource's type.").exact().written(Mutability::ReadOnly),
    Attribute::text("created", "When it was made.").of(Type::DateTime).written(Mutability::ReadOnly),
    Attribute::text("lastModified", "When it last changed.").of(Type::DateTime).written(Mutability::ReadOnly),
    Attribute::reference("location", "Its URI.", &["uri"]).written(Mutability::ReadOnly),
    Attribute::text("version", "Its version, as in the ETag.").exact().written(Mutability::ReadOnly),
];

/// `schemas`, `id`, `externalId` and `meta`.
pub const COMMON: &[Attribute] = &[
    Attribute::reference("schemas", "The URNs of the schemas that the resource follows.", &["uri"])
        .many()
        .required()
        .returned(Returned::Always),
    Attribute::text("id", "The server's own name of the resource.")
        .exact()
        .required()
        .written(Mutability::ReadOnly)
        .returned(Returned::Always)
        .unique(Uniqueness::Global),
    Attribute::text("externalId", "The client's own name of the resource.").exact(),
    Attribute::complex("meta", "What the server knows of the resource.", META_PARTS).written(Mutability::ReadOnly),
];
