//! The HTTP-Redirect binding's query: bounded inflating, each parameter once, the very bytes that a signature covers.

use std::borrow::Cow;
use std::io::{Read as _, Write as _};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::kernel::{Explain, FaultKind};

/// The longest query that is read, in bytes: browsers and servers cut longer ones.
pub const QUERY_LIMIT: usize = 64 * 1024;
/// The largest message that a query may inflate to, in bytes (R8).
pub const INFLATED_LIMIT: usize = 1024 * 1024;
/// The longest `RelayState`, in bytes (SAML bindings §3.4.3, R44).
pub const RELAY_STATE_LIMIT: usize = 80;

/// Everything but RFC 3986 §2.3 unreserved characters is percent-encoded.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// A query that is no message by the Redirect binding.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RedirectError {
    /// Longer than [`QUERY_LIMIT`].
    #[error("the query has {0} bytes, more than {QUERY_LIMIT}")]
    QueryTooLong(usize),
    /// A parameter that came twice (R48).
    #[error("the parameter {0} came more than once")]
    Duplicate(&'static str),
    /// Neither `SAMLRequest` nor `SAMLResponse`, or both.
    #[error("the query has not exactly one of SAMLRequest and SAMLResponse")]
    NoMessage,
    /// A parameter that can't be decoded.
    #[error("the parameter {0} can't be decoded: {1}")]
    Encoding(&'static str, &'static str),
    /// More than [`INFLATED_LIMIT`] once inflated (R8).
    #[error("the message inflates to more than {INFLATED_LIMIT} bytes")]
    InflatedTooLarge,
    /// `RelayState` over [`RELAY_STATE_LIMIT`].
    #[error("RelayState has {0} bytes, more than {RELAY_STATE_LIMIT}")]
    RelayStateTooLong(usize),
}

impl Explain for RedirectError {
    fn kind(&self) -> FaultKind {
        match self {
            RedirectError::QueryTooLong(_) | RedirectError::InflatedTooLarge => FaultKind::TooLarge,
            _ => FaultKind::Invalid,
        }
    }
    fn public(&self) -> Cow<'static, str> {
        Cow::Borrowed("This link holds no message that can be read. Please start again from the app.")
    }
    fn detail(&self) -> String {
        self.to_string()
    }
}

/// Which way a message goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageKind {
    /// `SAMLRequest`.
    Request,
    /// `SAMLResponse`.
    Response,
}

/// A message as it came by redirect: nothing in it is verified yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedirectMessage {
    /// Request or response.
    pub kind: MessageKind,
    /// The XML, inflated.
    pub xml: Vec<u8>,
    /// `RelayState`, decoded.
    pub relay_state: Option<String>,
    /// The signature, if there is one.
    pub signature: Option<RedirectSignature>,
}

/// The signature of a redirect: over the query's own bytes, as they came (R45).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedirectSignature {
    /// `SigAlg`: the algorithm's URI.
    pub algorithm: String,
    /// `Signature`, decoded.
    pub value: Vec<u8>,
    /// What it covers (SAML bindings §3.4.4.1).
    pub signed: Vec<u8>,
}

/// The parameters of a query, as they came: encoded.
#[derive(Default)]
struct Parameters<'q> {
    request: Option<&'q str>,
    response: Option<&'q str>,
    relay_state: Option<&'q str>,
    algorithm: Option<&'q str>,
    signature: Option<&'q str>,
}

impl<'q> Parameters<'q> {
    fn read(query: &'q str) -> Result<Self, RedirectError> {
        let mut found = Parameters::default();
        for pair in query.split('&') {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let name = decode("name", name).unwrap_or_default();
            let (slot, name) = match name.as_str() {
                "SAMLRequest" => (&mut found.request, "SAMLRequest"),
                "SAMLResponse" => (&mut found.response, "SAMLResponse"),
                "RelayState" => (&mut found.relay_state, "RelayState"),
                "SigAlg" => (&mut found.algorithm, "SigAlg"),
                "Signature" => (&mut found.signature, "Signature"),
                _ => continue,
            };
            if slot.replace(value).is_some() {
                return Err(RedirectError::Duplicate(name));
            }
        }
        Ok(found)
    }
}

impl RedirectMessage {
    /// Reads a raw query (without `?`): each parameter once, bounded (R8, R48). Other parameters are ignored.
    ///
    /// # Errors
    /// [`RedirectError`], for whatever a stranger may send.
    pub fn parse(query: &str) -> Result<Self, RedirectError> {
        if query.len() > QUERY_LIMIT {
            return Err(RedirectError::QueryTooLong(query.len()));
        }
        let found = Parameters::read(query)?;
        let (kind, name, raw) = match (found.request, found.response) {
            (Some(raw), None) => (MessageKind::Request, "SAMLRequest", raw),
            (None, Some(raw)) => (MessageKind::Response, "SAMLResponse", raw),
            _ => return Err(RedirectError::NoMessage),
        };
        let relay_state = found.relay_state.map(|raw| decode("RelayState", raw)).transpose()?;
        if let Some(long) = relay_state.as_ref().filter(|state| state.len() > RELAY_STATE_LIMIT) {
            return Err(RedirectError::RelayStateTooLong(long.len()));
        }
        let signature = match (found.algorithm, found.signature) {
            (Some(algorithm), Some(signature)) => {
                let relay = found.relay_state.map(|raw| format!("&RelayState={raw}")).unwrap_or_default();
                Some(RedirectSignature {
                    algorithm: decode("SigAlg", algorithm)?,
                    value: from_base64("Signature", &decode("Signature", signature)?)?,
                    signed: format!("{name}={raw}{relay}&SigAlg={algorithm}").into_bytes(),
                })
            }
            (None, None) => None,
            _ => return Err(RedirectError::Encoding("Signature", "it comes together with SigAlg or not at all")),
        };
        let xml = inflate(&from_base64(name, &decode(name, raw)?)?)?;
        Ok(RedirectMessage { kind, xml, relay_state, signature })
    }
}

/// `+` is a space (HTML forms) and so never part of what we decode as base64; a raw `%` refuses.
fn decode(name: &'static str, raw: &str) -> Result<String, RedirectError> {
    let spaced = raw.replace('+', " ");
    percent_decode_str(&spaced)
        .decode_utf8()
        .map(Cow::into_owned)
        .map_err(|_| RedirectError::Encoding(name, "it is not UTF-8"))
}

/// Standard base64; white space is allowed, nothing else (R8).
fn from_base64(name: &'static str, text: &str) -> Result<Vec<u8>, RedirectError> {
    let packed: String = text.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    BASE64.decode(packed).map_err(|_| RedirectError::Encoding(name, "it is not base64"))
}

/// Inflates at most [`INFLATED_LIMIT`] bytes (R8, CVE-2025-25293).
///
/// # Errors
/// [`RedirectError::InflatedTooLarge`], or [`RedirectError::Encoding`] if it is no DEFLATE stream.
pub fn inflate(deflated: &[u8]) -> Result<Vec<u8>, RedirectError> {
    let mut inflated = Vec::new();
    let bound = u64::try_from(INFLATED_LIMIT).unwrap_or(u64::MAX) + 1;
    DeflateDecoder::new(deflated)
        .take(bound)
        .read_to_end(&mut inflated)
        .map_err(|_| RedirectError::Encoding("the message", "it is not DEFLATE"))?;
    if inflated.len() > INFLATED_LIMIT { Err(RedirectError::InflatedTooLarge) } else { Ok(inflated) }
}

/// The value of `SAMLRequest` or `SAMLResponse` for `xml`: deflated, base64, percent-encoded.
pub fn encode_message(xml: &str) -> String {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    // Writing to memory does not fail.
    let deflated = encoder.write_all(xml.as_bytes()).and_then(|()| encoder.finish()).unwrap_or_default();
    encode(&BASE64.encode(deflated))
}

/// `text` percent-encoded for a query.
pub fn encode(text: &str) -> String {
    utf8_percent_encode(text, ENCODED).to_string()
}

/// `url` with `query` behind the one that it may have; a fragment is dropped.
pub fn with_query(url: &str, query: &str) -> String {
    let (url, _) = url.split_once('#').unwrap_or((url, ""));
    let joint = match url.split_once('?') {
        None => "?",
        Some((_, existing)) if existing.is_empty() || existing.ends_with('&') => "",
        Some(_) => "&",
    };
    format!("{url}{joint}{query}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_comes_back_with_the_bytes_that_its_signature_covers() {
        let message = encode_message("<a>ü</a>");
        let query = format!("x=1&RelayState=r%20s&SAMLRequest={message}&Signature=AQI%3d&SigAlg=urn%3ax");
        let read = RedirectMessage::parse(&query).expect("a message");
        assert_eq!((read.kind, read.xml.as_slice()), (MessageKind::Request, "<a>ü</a>".as_bytes()));
        assert_eq!(read.relay_state.as_deref(), Some("r s"));
        let signature = read.signature.expect("a signature");
        assert_eq!((signature.algorithm.as_str(), signature.value.as_slice()), ("urn:x", [1, 2].as_slice()));
        let signed = format!("SAMLRequest={message}&RelayState=r%20s&SigAlg=urn%3ax");
        assert_eq!(signature.signed, signed.into_bytes(), "in the binding's order, as it was encoded");
    }

    #[test]
    fn r48_parameters_that_come_twice_or_not_at_all_are_refused() {
        let message = encode_message("<a/>");
        let check = |query: &str, expected: RedirectError| {
            assert_eq!(RedirectMessage::parse(query), Err(expected), "{query}");
        };
        check(&format!("SAMLRequest={message}&SAMLRequest={message}"), RedirectError::Duplicate("SAMLRequest"));
        check(&format!("SAMLRequest={message}&%53AMLRequest={message}"), RedirectError::Duplicate("SAMLRequest"));
        check(&format!("SAMLRequest={message}&RelayState=a&RelayState=a"), RedirectError::Duplicate("RelayState"));
        check(&format!("SAMLRequest={message}&SAMLResponse={message}"), RedirectError::NoMessage);
        check("RelayState=a", RedirectError::NoMessage);
        check("", RedirectError::NoMessage);
        let long = "a".repeat(RELAY_STATE_LIMIT + 1);
        check(&format!("SAMLRequest={message}&RelayState={long}"), RedirectError::RelayStateTooLong(81));
        let lone = RedirectError::Encoding("Signature", "it comes together with SigAlg or not at all");
        check(&format!("SAMLRequest={message}&Signature=AA%3D%3D"), lone);
        check("SAMLRequest=!", RedirectError::Encoding("SAMLRequest", "it is not base64"));
        check("SAMLRequest=%ff", RedirectError::Encoding("SAMLRequest", "it is not UTF-8"));
        check(&"a".repeat(QUERY_LIMIT + 1), RedirectError::QueryTooLong(QUERY_LIMIT + 1));
    }

    #[test]
    fn r8_inflating_stops_at_its_bound() {
        let bomb = encode_message(&"a".repeat(INFLATED_LIMIT + 1));
        assert!(bomb.len() < 4096, "small enough for a query");
        assert_eq!(RedirectMessage::parse(&format!("SAMLRequest={bomb}")), Err(RedirectError::InflatedTooLarge));
        let largest = encode_message(&"a".repeat(INFLATED_LIMIT));
        assert!(RedirectMessage::parse(&format!("SAMLRequest={largest}")).is_ok());
    }

    #[test]
    fn a_query_is_put_behind_the_one_that_is_there() {
        let check = |url: &str, expected: &str| assert_eq!(with_query(url, "a=1"), expected);
        check("https://idp.example/sso", "https://idp.example/sso?a=1");
        check("https://idp.example/sso?idpid=C1", "https://idp.example/sso?idpid=C1&a=1");
        check("https://idp.example/sso?", "https://idp.example/sso?a=1");
        check("https://idp.example/sso#top", "https://idp.example/sso?a=1");
    }
}
