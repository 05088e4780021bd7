//! Form fields and redirect parameters: base64 and inflating end in a value or an error, within their bounds.

use vestibule::saml::{UnverifiedResponse, redirect};

/// One input.
pub fn run(bytes: &[u8]) {
    let _ = redirect::inflate(bytes);
    if let Ok(text) = std::str::from_utf8(bytes) {
        if let Ok(response) = UnverifiedResponse::from_form_field(text) {
            let _ = response.peek();
        }
        let _ = redirect::RedirectMessage::parse(text);
    }
    let _ = UnverifiedResponse::from_xml(bytes).peek();
    let _ = UnverifiedResponse::from_xml(bytes).to_show();
}
