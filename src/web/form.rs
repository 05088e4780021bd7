//! Reads posted forms: bounded, of one content type, no field twice (R7, R48).

use std::error::Error;
use std::time::Duration;

use axum::body::Body;
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use url::form_urlencoded;

use super::multipart::{self, Part};
use super::page::Trouble;
use crate::kernel::{self, Fault, FaultKind};

/// The largest form of the portal's own pages, in bytes.
pub const PAGE_FORM_LIMIT: usize = kernel::FORM_LIMIT;
/// The largest form at the ACS, in bytes (R7).
pub const ACS_FORM_LIMIT: usize = kernel::LARGE_FORM_LIMIT;
/// How long a form may take to arrive whole.
const READ_TIME: Duration = Duration::from_secs(15);
/// How many fields a form has at most.
const FIELD_LIMIT: usize = 32;

/// A form that was posted.
#[derive(Debug, Default)]
pub struct Form {
    fields: Vec<(String, String)>,
    files: Vec<(String, Vec<u8>)>,
}

/// Why there is no form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FormError {
    /// Larger than the limit.
    TooLarge,
    /// Not `application/x-www-form-urlencoded`.
    ContentType,
    /// The body did not arrive whole.
    Broken,
    /// More than [`FIELD_LIMIT`] fields, or one of them twice.
    Fields,
}

impl FormError {
    /// What is wrong, for the operator.
    pub const fn text(self) -> &'static str {
        match self {
            FormError::TooLarge => "the form is too large",
            FormError::ContentType => "the body is not application/x-www-form-urlencoded",
            FormError::Broken => "the body did not arrive whole",
            FormError::Fields => "the form has a field twice, or too many fields",
        }
    }
}

/// Whether a limit ended the reading: ours, or that of the listener in front.
fn is_too_long(error: &(dyn Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if error.is::<LengthLimitError>() {
            return true;
        }
        cause = error.source();
    }
    false
}

impl From<FormError> for Trouble {
    fn from(error: FormError) -> Self {
        let (kind, public) = if error == FormError::TooLarge {
            (FaultKind::TooLarge, "What was sent is larger than this page takes. Please go back and send less.")
        } else {
            (FaultKind::Invalid, "This form can't be read. Please go back and try again.")
        };
        Fault::new(kind, public, error.text()).into()
    }
}

async fn collect(body: Body, limit: usize) -> Result<bytes::Bytes, FormError> {
    match tokio::time::timeout(READ_TIME, Limited::new(body, limit).collect()).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if is_too_long(&*error) => Err(FormError::TooLarge),
        Ok(Err(_)) | Err(_) => Err(FormError::Broken),
    }
}

impl Form {
    /// Reads a form of at most `limit` bytes.
    ///
    /// # Errors
    /// [`FormError`].
    pub async fn read(headers: &HeaderMap, body: Body, limit: usize) -> Result<Self, FormError> {
        let media_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let media_type = media_type.split(';').next().unwrap_or_default().trim();
        if !media_type.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            return Err(FormError::ContentType);
        }
        Self::parse(&collect(body, limit).await?)
    }

    /// The same, of a form that may bring files along (`multipart/form-data`).
    ///
    /// # Errors
    /// [`FormError`].
    pub async fn read_with_files(headers: &HeaderMap, body: Body, limit: usize) -> Result<Self, FormError> {
        let Some(boundary) = multipart::boundary(headers) else { return Self::read(headers, body, limit).await };
        let parts = multipart::parse(&collect(body, limit).await?, &boundary, FIELD_LIMIT)?;
        let mut form = Form::default();
        for Part { name, file, bytes } in parts {
            if form.holds(&name) {
                return Err(FormError::Fields);
            }
            if file {
                form.files.push((name, bytes));
            } else {
                form.fields.push((name, String::from_utf8(bytes).map_err(|_| FormError::Broken)?));
            }
        }
        Ok(form)
    }

    fn holds(&self, name: &str) -> bool {
        self.fields.iter().any(|(held, _)| held == name) || self.files.iter().any(|(held, _)| held == name)
    }

    /// What a file holds that was chosen in a field; `None`: none was, or it is empty.
    pub fn file(&self, name: &str) -> Option<&[u8]> {
        let found = self.files.iter().find(|(held, _)| held == name);
        found.map(|(_, bytes)| bytes.as_slice()).filter(|bytes| !bytes.is_empty())
    }

    fn parse(bytes: &[u8]) -> Result<Self, FormError> {
        let mut fields: Vec<(String, String)> = Vec::new();
        for (name, value) in form_urlencoded::parse(bytes) {
            if fields.len() == FIELD_LIMIT || fields.iter().any(|(held, _)| *held == name) {
                return Err(FormError::Fields);
            }
            fields.push((name.into_owned(), value.into_owned()));
        }
        Ok(Form { fields, files: Vec::new() })
    }

    /// The value of a field.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(held, _)| held == name).map(|(_, value)| value.as_str())
    }
}

/// The value of a query's parameter; `None` if it is not there, or there twice.
pub fn query_value(query: Option<&str>, name: &str) -> Option<String> {
    let mut values = form_urlencoded::parse(query?.as_bytes()).filter(|(held, _)| held == name);
    let value = values.next()?.1.into_owned();
    values.next().is_none().then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r48_no_field_comes_twice() {
        let form = Form::parse(b"SAMLResponse=a%2Bb&RelayState=").expect("a form");
        assert_eq!(form.get("SAMLResponse"), Some("a+b"));
        assert_eq!(form.get("RelayState"), Some(""));
        assert_eq!(form.get("email"), None);
        assert_eq!(Form::parse(b"a=1&b=2&a=1").err(), Some(FormError::Fields));
        assert_eq!(Form::parse(b"SAMLResponse=1&SAML%52esponse=2").err(), Some(FormError::Fields));
        let many: String = (0..=FIELD_LIMIT).fold(String::new(), |held, number| format!("{held}f{number}=&"));
        assert_eq!(Form::parse(many.as_bytes()).err(), Some(FormError::Fields));
    }

    #[test]
    fn a_doubled_parameter_has_no_value() {
        assert_eq!(query_value(Some("return_to=%2Fa"), "return_to").as_deref(), Some("/a"));
        assert_eq!(query_value(Some("return_to=%2Fa&return_to=%2Fb"), "return_to"), None);
        assert_eq!(query_value(None, "return_to"), None);
    }
}
