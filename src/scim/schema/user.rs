//! The core User schema (RFC 7643 §4.1).

use super::{Attribute, Mutability, Returned, Schema, Type, Uniqueness};

const TYPE: &str = "What the value is for.";
const DISPLAY: Attribute = Attribute::text("display", "A name of the value for people.");
const PRIMARY: Attribute =
    Attribute::text("primary", "Whether this is the preferred value; true for at most one.").of(Type::Boolean);

const NAME_PARTS: &[Attribute] = &[
    Attribute::text("formatted", "The full name, as it is shown."),
    Attribute::text("familyName", "The family name."),
    Attribute::text("givenName", "The given name."),
    Attribute::text("middleName", "The middle names."),
    Attribute::text("honorificPrefix", "The title before the name."),
    Attribute::text("honorificSuffix", "The suffix behind the name."),
];

const EMAIL_PARTS: &[Attribute] = &[
    Attribute::text("value", "An e-mail address."),
    DISPLAY,
    Attribute::text("type", TYPE).advising(&["work", "home", "other"]),
    PRIMARY,
];

const PHONE_PARTS: &[Attribute] = &[
    Attribute::text("value", "A phone number."),
    DISPLAY,
    Attribute::text("type", TYPE).advising(&["work", "home", "mobile", "fax", "pager", "other"]),
    PRIMARY,
];

const IM_PARTS: &[Attribute] = &[
    Attribute::text("value", "An address for instant messages."),
    DISPLAY,
    Attribute::text("type", TYPE).advising(&["aim", "gtalk", "icq", "xmpp", "msn", "skype", "qq", "yahoo"]),
    PRIMARY,
];

const PHOTO_PARTS: &[Attribute] = &[
    Attribute::reference("value", "The URL of a picture.", &["external"]),
    DISPLAY,
    Attribute::text("type", TYPE).advising(&["photo", "thumbnail"]),
    PRIMARY,
];

const ADDRESS_PARTS: &[Attribute] = &[
    Attribute::text("formatted", "The full address, as it is shown; lines may be broken."),
    Attribute::text("streetAddress", "Street, house, flat; lines may be broken."),
    Attribute::text("locality", "The city."),
    Attribute::text("region", "The state or region."),
    Attribute::text("postalCode", "The postal code."),
    Attribute::text("country", "The country, two letters."),
    Attribute::text("type", TYPE).advising(&["work", "home", "other"]),
    PRIMARY,
];

const GROUP_PARTS: &[Attribute] = &[
    Attribute::text("value", "The id of a group.").exact().written(Mutability::ReadOnly),
    Attribute::reference("$ref", "The URI of that group.", &["Group"]).written(Mutability::ReadOnly),
    Attribute::text("display", "The group's name for people.").written(Mutability::ReadOnly),
    Attribute::text("type", "How the user belongs to it.").advising(&["direct"]).written(Mutability::ReadOnly),
];

const PLAIN_PARTS: &[Attribute] =
    &[Attribute::text("value", "The value."), DISPLAY, Attribute::text("type", TYPE), PRIMARY];

const CERTIFICATE_PARTS: &[Attribute] = &[
    Attribute::text("value", "A certificate, DER in base64.").of(Type::Binary).exact(),
    DISPLAY,
    Attribute::text("type", TYPE),
    PRIMARY,
];

/// The core User schema.
pub static USER: Schema = Schema {
    id: "urn:ietf:params:scim:schemas:core:2.0:User",
    aliases: &[
        "urn:scim:schemas:core:2.0:User",
        "urn:scim:schemas:core:2.0",
        "urn:scim:schemas:core:1.0",
        "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/User",
    ],
    name: "User",
    description: "A person.",
    attributes: &[
        Attribute::text("userName", "The e-mail address by which the person signs in.")
            .required()
            .unique(Uniqueness::Server),
        Attribute::complex("name", "The parts of the person's name.", NAME_PARTS),
        Attribute::text("displayName", "The name that is shown."),
        Attribute::text("nickName", "The casual name."),
        Attribute::reference("profileUrl", "The URL of a page about the person.", &["external"]),
        Attribute::text("title", "The job title."),
        Attribute::text("userType", "How the person belongs to the organization."),
        Attribute::text("preferredLanguage", "The preferred languages, as in Accept-Language."),
        Attribute::text("locale", "The locale, for numbers and dates."),
        Attribute::text("timezone", "The time zone, as in the IANA database."),
        Attribute::text("active", "Whether the person may sign in.").of(Type::Boolean),
        Attribute::text("password", "Taken, and kept nowhere.")
            .exact()
            .written(Mutability::WriteOnly)
            .returned(Returned::Never),
        Attribute::complex("emails", "E-mail addresses.", EMAIL_PARTS).many(),
        Attribute::complex("phoneNumbers", "Phone numbers.", PHONE_PARTS).many(),
        Attribute::complex("ims", "Addresses for instant messages.", IM_PARTS).many(),
        Attribute::complex("photos", "Pictures of the person.", PHOTO_PARTS).many(),
        Attribute::complex("addresses", "Postal addresses.", ADDRESS_PARTS).many(),
        Attribute::complex(
            "groups",
            "The groups that the person is in; changed by way of the groups alone.",
            GROUP_PARTS,
        )
        .many()
        .written(Mutability::ReadOnly),
        Attribute::complex("entitlements", "What the person is entitled to; kept, and without effect.", PLAIN_PARTS)
            .many(),
        Attribute::complex("roles", "The person's roles elsewhere; kept, and without effect.", PLAIN_PARTS).many(),
        Attribute::complex("x509Certificates", "The person's certificates.", CERTIFICATE_PARTS).many(),
    ],
};
