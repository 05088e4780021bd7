//! `scim-log`, as text.

use crate::administration::api::ScimRequestView;

/// Requests, newest first.
pub fn requests(found: &[ScimRequestView]) -> String {
    if found.is_empty() {
        return "No SCIM requests yet. They appear here within a second.".to_owned();
    }
    found.iter().map(request).collect::<Vec<_>>().join("\n")
}

fn request(request: &ScimRequestView) -> String {
    let ScimRequestView { slug, id: _, at, method, target, body, status, refused, took_ms, client } = request;
    let mut lines = vec![format!("{at}  {slug}  {status}  {method} {target}  {took_ms} ms  from {client}")];
    if !body.is_empty() {
        lines.push(format!("  sent {body}"));
    }
    lines.extend(refused.iter().map(|reason| format!("  refused: {reason}")));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_says_what_came_and_why_it_was_refused() {
        let mut one = ScimRequestView {
            slug: "acme".parse().unwrap(),
            id: "7-1".into(),
            at: "2026-01-31T12:00:00Z".into(),
            method: "PATCH".into(),
            target: "/scim/v2/Users/7".into(),
            body: "{\"op\":\"add\"}".into(),
            status: 400,
            refused: Some("invalidPath: There is no attribute `x`.".into()),
            took_ms: 2,
            client: "127.0.0.1".into(),
        };
        let expected = "2026-01-31T12:00:00Z  acme  400  PATCH /scim/v2/Users/7  2 ms  from 127.0.0.1\n  sent \
                        {\"op\":\"add\"}\n  refused: invalidPath: There is no attribute `x`.";
        assert_eq!(requests(&[one.clone()]), expected);
        (one.refused, one.body) = (None, String::new());
        assert_eq!(requests(&[one]).lines().count(), 1);
    }
}
