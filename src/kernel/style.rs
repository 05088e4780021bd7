//! The one stylesheet of Vestibule's own pages, and how a Content-Security-Policy names it.

use std::sync::LazyLock;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

/// The stylesheet, within each page: no second request, and none to anyone else.
pub const STYLE: &str = include_str!("../../templates/page.css");

static SOURCE: LazyLock<String> = LazyLock::new(|| source_of(STYLE));

/// The hash of a stylesheet or a script as a source of `style-src` or `script-src`.
pub fn source_of(text: &str) -> String {
    format!("'sha256-{}'", BASE64.encode(digest(&SHA256, text.as_bytes())))
}

/// The stylesheet's hash as a source of `style-src`.
pub fn style_source() -> &'static str {
    &SOURCE
}
