//! The gate's own answers: small error pages and JSON, each with the reference that is in the log line too.

use bytes::Bytes;
use http::header;
use pingora::http::ResponseHeader;
use pingora::proxy::Session;

/// An answer of the gate itself.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// Header fields besides content type, length and caching.
    pub headers: Vec<(header::HeaderName, header::HeaderValue)>,
    /// The media type.
    pub content_type: &'static str,
    /// The body.
    pub body: Bytes,
}

const HTML: &str = "text/html; charset=utf-8";
const JSON: &str = "application/json";
/// Nothing on our pages needs more than its own style.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'";

impl Answer {
    /// A JSON answer.
    pub fn json(status: u16, body: &serde_json::Value) -> Self {
        Answer { status, headers: Vec::new(), content_type: JSON, body: Bytes::from(body.to_string()) }
    }

    /// A redirect.
    pub fn redirect(status: u16, location: header::HeaderValue) -> Self {
        let headers = vec![(header::LOCATION, location)];
        Answer { status, headers, content_type: HTML, body: Bytes::new() }
    }

    /// An error: a page for people or JSON for scripts.
    pub fn error(status: u16, html: bool, reason: Option<&str>, reference: &str) -> Self {
        let told = tell(status);
        let sentence = reason.unwrap_or(told.sentence);
        if !html {
            let body = serde_json::json!({ "error": told.code, "message": sentence, "reference": reference });
            return Answer::json(status, &body);
        }
        let policy = header::HeaderValue::from_static(POLICY);
        Answer {
            status,
            headers: vec![(header::CONTENT_SECURITY_POLICY, policy)],
            content_type: HTML,
            body: Bytes::from(page(told.title, sentence, reference)),
        }
    }

    /// Adds a header field.
    #[must_use]
    pub fn with(mut self, name: header::HeaderName, value: header::HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// Sends it. If the request's body was not read, the connection ends with the answer.
    ///
    /// # Errors
    /// If the client is gone.
    pub async fn send(self, session: &mut Session) -> pingora::Result<()> {
        let head = session.req_header().method == http::Method::HEAD;
        let mut response = ResponseHeader::build(self.status, Some(self.headers.len() + 4))?;
        response.insert_header(header::CONTENT_LENGTH, self.body.len())?;
        response.insert_header(header::CACHE_CONTROL, "no-store")?;
        response.insert_header(header::X_CONTENT_TYPE_OPTIONS, "nosniff")?;
        if !self.body.is_empty() {
            response.insert_header(header::CONTENT_TYPE, self.content_type)?;
        }
        for (name, value) in self.headers {
            response.append_header(name, value)?;
        }
        if !session.is_body_done() {
            session.set_keepalive(None);
        }
        let empty = head || self.body.is_empty();
        session.write_response_header(Box::new(response), empty).await?;
        if !empty {
            session.write_response_body(Some(self.body), true).await?;
        }
        Ok(())
    }
}

struct Told {
    code: &'static str,
    title: &'static str,
    sentence: &'static str,
}

/// What is said about a status, with the next step.
const fn tell(status: u16) -> Told {
    let (code, title, sentence) = match status {
        400 => ("bad_request", "This request can't be read", "Please go back and try the link or the form again."),
        401 => ("sign_in_required", "Please sign in", "Sign in to go on."),
        403 => (
            "forbidden",
            "This is not for you",
            "Your account may not see this page. Ask an admin of your organization.",
        ),
        404 => ("not_found", "There is nothing here", "Please check the address."),
        405 => ("method_not_allowed", "This can't be done here", "Please go back and try again."),
        408 => ("too_slow", "That took too long", "Please check your connection and try again."),
        413 => ("too_large", "This is too large", "Please send something smaller."),
        414 => ("address_too_long", "This address is too long", "Please use a shorter one."),
        421 => ("wrong_host", "This is another site's address", "Please use the address that you were given."),
        431 => ("headers_too_large", "This request is too large", "Please clear this site's cookies and try again."),
        502 => ("app_unreachable", "The app does not answer", "Please try again in a moment."),
        503 => ("unavailable", "Not available just now", "Please try again in a moment."),
        504 => ("app_too_slow", "The app takes too long", "Please try again in a moment."),
        _ => ("internal", "Something went wrong on this side", "Please try again in a moment."),
    };
    Told { code, title, sentence }
}

fn page(title: &str, sentence: &str, reference: &str) -> String {
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title>\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"><style>\
         body{{font:1.1rem/1.5 system-ui,sans-serif;max-width:32rem;margin:15vh auto 0;padding:0 1rem;color:#222}}\
         h1{{font-size:1.5rem}}small{{color:#666}}\
         @media(prefers-color-scheme:dark){{body{{background:#111;color:#ddd}}small{{color:#999}}}}\
         </style></head><body><main><h1>{title}</h1><p>{}</p><p><small>Reference: {reference}</small></p></main>\
         </body></html>",
        escape(sentence)
    )
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_a_page_or_json_with_the_reference() {
        let page = Answer::error(403, true, Some("not <for> you"), "R7");
        let text = String::from_utf8(page.body.to_vec()).unwrap();
        assert!(text.contains("not &lt;for&gt; you") && text.contains("Reference: R7"), "{text}");
        let json = Answer::error(502, false, None, "R7");
        let value: serde_json::Value = serde_json::from_slice(&json.body).unwrap();
        assert_eq!((value["error"].as_str(), value["reference"].as_str()), (Some("app_unreachable"), Some("R7")));
    }
}
