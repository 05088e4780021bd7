//! `[scim]`: what the side port is called by those who use it.

use std::net::SocketAddr;

use url::Url;

use super::addresses;
use super::file::ScimFile;
use super::meaning::Meaning;
use crate::scim::BASE_PATH;

/// `[scim]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScimSettings {
    /// Scheme, host and port, as identity providers see them; the path is `/`.
    pub public_url: Url,
    /// Whether the listener itself speaks TLS, with the certificate of `[listen]`.
    pub tls: bool,
}

impl ScimSettings {
    /// What is typed at the identity provider, and what every `Location` begins with.
    pub fn base_url(&self) -> String {
        format!("{}{BASE_PATH}", self.public_url.as_str().trim_end_matches('/'))
    }
}

/// What `[scim]` means, for a listener at `address`. Tokens travel here: plain http is for loopback alone, and https is
/// spoken by the listener itself if `[listen]` has a certificate, else by whatever is in front.
pub fn settings(
    meaning: &Meaning<'_>,
    typed: ScimFile,
    address: SocketAddr,
    certificate: bool,
    site: Option<&Url>,
) -> Option<ScimSettings> {
    let ScimFile { public_url } = typed;
    let url = match public_url {
        Some(typed) => {
            let url = addresses::public_url(&typed.value);
            url.map_err(|text| meaning.wrong(typed.line, text.replace("«public_url»", "«public_url» of [scim]")))
                .ok()?
        }
        None => unnamed(address, certificate, site)?,
    };
    let tls = certificate && url.scheme() == "https";
    if url.scheme() == "https" && !tls && !address.ip().is_loopback() {
        let text = "«public_url» of [scim] is https, but «scim» speaks plain HTTP: name «tls_certificate» and \
                    «tls_key» in [listen], unless something in front ends TLS";
        meaning.warn(0, text);
    }
    Some(ScimSettings { public_url: url, tls })
}

/// The URL if none is named: the listener's own address on loopback, else the site's host at the listener's port.
fn unnamed(address: SocketAddr, certificate: bool, site: Option<&Url>) -> Option<Url> {
    let scheme = if certificate { "https" } else { "http" };
    let host = match site.and_then(Url::host_str) {
        Some(host) if certificate || !address.ip().is_loopback() => host.to_owned(),
        _ if address.ip().is_loopback() => return Url::parse(&format!("{scheme}://{address}/")).ok(),
        _ => "localhost".to_owned(),
    };
    Url::parse(&format!("{scheme}://{host}:{}/", address.port())).ok()
}
