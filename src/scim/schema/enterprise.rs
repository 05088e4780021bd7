//! The Enterprise User extension (RFC 7643 §4.3).

use super::{Attribute, Mutability, Schema};

const MANAGER_PARTS: &[Attribute] = &[
    Attribute::text("value", "The id of the user's manager.").exact(),
    Attribute::reference("$ref", "The URI of the user's manager.", &["User"]),
    Attribute::text("displayName", "The manager's name for people.").written(Mutability::ReadOnly),
];

/// The Enterprise User extension.
pub static ENTERPRISE_USER: Schema = Schema {
    id: "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User",
    aliases: &[
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0",
        "urn:scim:schemas:extension:enterprise:2.0:User",
        "urn:scim:schemas:extension:enterprise:2.0",
        "urn:scim:schemas:extension:enterprise:1.0",
    ],
    name: "EnterpriseUser",
    description: "What employers keep of a person besides.",
    attributes: &[
        Attribute::text("employeeNumber", "A number or name that the employer gave."),
        Attribute::text("costCenter", "The cost center."),
        Attribute::text("organization", "The name of the organization."),
        Attribute::text("division", "The name of the division."),
        Attribute::text("department", "The name of the department."),
        Attribute::complex("manager", "The person's manager.", MANAGER_PARTS),
    ],
};
