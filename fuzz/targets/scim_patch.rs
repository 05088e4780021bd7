//! SCIM bodies: a resource, a PATCH or a Bulk request ends in a value or a refusal, and what a PATCH makes is a user.

use vestibule::scim::schema::Kind;
use vestibule::scim::{Attributes, BulkPlan, ListRequest, Patch};

const BEFORE: &str = r#"{"userName":"ada@acme.example","active":true,"name":{"givenName":"Ada"},"emails":[
    {"value":"ada@acme.example","type":"work","primary":true},{"value":"a@home.example"}]}"#;

/// One input: a body.
pub fn run(bytes: &[u8]) {
    let _ = (BulkPlan::read(bytes), ListRequest::from_search(bytes));
    for kind in Kind::ALL {
        if let Ok(kept) = Attributes::read(kind, bytes) {
            let again = serde_json::to_vec(&kept).map(|body| Attributes::read(kind, &body));
            assert!(again.is_ok_and(|again| again == Ok(kept)));
        }
    }
    let (Ok(patch), Ok(before)) = (Patch::read(bytes), Attributes::read(Kind::User, BEFORE.as_bytes())) else { return };
    let _ = patch.group_changes();
    if let Ok(after) = patch.apply_to_user(&before) {
        let again = serde_json::to_vec(&after).map(|body| Attributes::read(Kind::User, &body));
        assert!(again.is_ok_and(|again| again == Ok(after)));
    }
}
