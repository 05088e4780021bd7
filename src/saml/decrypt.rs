//! Opens an encrypted assertion by its structure (R19 to R23). What comes out is as untrusted as any message: it goes
//! through the same parser, walk and verifier again.

use std::fmt;

use bergshamra::crypto::cipher;
use bergshamra::crypto::keytransport::{OaepParams, from_uri_with_params};
use bergshamra::crypto::sign::SigningKey;
use bergshamra::keys::loader;
use uppsala::NodeId;

use super::algorithms::{content_encryption, key_transport};
use super::base64::{decode, encode};
use super::document::{ASSERTION, ENCRYPTION, ENCRYPTION_11, SIGNATURE, Tree, parse};
use super::error::{SamlError, shown};

/// The most encrypted keys that are tried: each costs an RSA operation for each of ours.
const ENCRYPTED_KEY_LIMIT: usize = 4;

/// How many bytes a line of PEM holds.
const PEM_LINE: usize = 48;

/// A private RSA key of ours that assertions may be encrypted to.
pub struct DecryptionKey(SigningKey);

impl DecryptionKey {
    /// Reads an RSA key.
    ///
    /// # Errors
    /// [`SamlError::Configuration`] if `der` is not an RSA key in unencrypted PKCS #8.
    pub fn from_pkcs8_der(der: &[u8]) -> Result<Self, SamlError> {
        let refused = || SamlError::Configuration("the decryption key is not an RSA key in PKCS #8".into());
        let lines: Vec<String> = der.chunks(PEM_LINE).map(encode).collect();
        let pem = format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", lines.join("\n"));
        let key = loader::load_rsa_private_pem(pem.as_bytes()).map_err(|_| refused())?;
        key.to_signing_key().ok().flatten().map(DecryptionKey).ok_or_else(refused)
    }
}

impl fmt::Debug for DecryptionKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("DecryptionKey(…)")
    }
}

/// Opens the `saml:EncryptedAssertion` at `node`; gives the assertion as a document of its own.
pub(super) fn open(tree: &Tree<'_>, node: NodeId, keys: &[DecryptionKey]) -> Result<String, SamlError> {
    let opened = open_data(tree, node, keys).map_err(|error| match error {
        SamlError::DecryptFailed(_) => error,
        other => SamlError::DecryptFailed(other.to_string()),
    })?;
    let text = String::from_utf8(opened).map_err(|_| failed("what it holds is no text"))?;
    let alone = parse(text.as_bytes()).is_ok_and(|inner| inner.is(inner.root, ASSERTION, "Assertion"));
    Ok(if alone { text } else { with_inherited_prefixes(tree, node, &text) })
}

fn open_data(tree: &Tree<'_>, node: NodeId, keys: &[DecryptionKey]) -> Result<Vec<u8>, SamlError> {
    if keys.is_empty() {
        return Err(failed("there is no decryption key here"));
    }
    let data = tree.only(node, ENCRYPTION, "EncryptedData")?.ok_or_else(|| failed("EncryptedData is missing"))?;
    let kind = tree.attribute(data, "Type").unwrap_or("http://www.w3.org/2001/04/xmlenc#Element");
    if kind != "http://www.w3.org/2001/04/xmlenc#Element" {
        return Err(failed("it is not an encrypted element"));
    }
    let (method, _) = method(tree, data)?;
    let key_size = content_encryption(method)?;
    let sealed = cipher_value(tree, data)?;
    let cipher = cipher::from_uri(method).map_err(|_| failed("the cipher is not at hand"))?;
    for content_key in content_keys(tree, node, data, keys)? {
        if content_key.len() == key_size
            && let Ok(opened) = cipher.decrypt(&content_key, &sealed)
        {
            return Ok(opened);
        }
    }
    Err(failed("no key of ours opens it"))
}

/// Every content key that one of ours unwraps: from inside `KeyInfo`, and from beside the data (R19).
fn content_keys(
    tree: &Tree<'_>,
    node: NodeId,
    data: NodeId,
    keys: &[DecryptionKey],
) -> Result<Vec<Vec<u8>>, SamlError> {
    let mut wrapped: Vec<NodeId> = tree.named(node, ENCRYPTION, "EncryptedKey").collect();
    if let Some(key_info) = tree.only(data, SIGNATURE, "KeyInfo")? {
        wrapped.extend(tree.named(key_info, ENCRYPTION, "EncryptedKey"));
    }
    if wrapped.is_empty() || wrapped.len() > ENCRYPTED_KEY_LIMIT {
        return Err(failed("it has no encrypted key, or too many"));
    }
    let mut unwrapped = Vec::new();
    for encrypted_key in wrapped {
        let (method_name, method_node) = method(tree, encrypted_key)?;
        let parameters = oaep(tree, method_name, method_node)?;
        let sealed = cipher_value(tree, encrypted_key)?;
        let transport =
            from_uri_with_params(method_name, parameters).map_err(|_| failed("the key transport is not at hand"))?;
        unwrapped.extend(keys.iter().filter_map(|key| transport.decrypt(&key.0, &sealed).ok()));
    }
    Ok(unwrapped)
}

/// The parameters of RSA-OAEP, checked against the list.
fn oaep(tree: &Tree<'_>, name: &str, node: NodeId) -> Result<OaepParams, SamlError> {
    let algorithm_of = |child: Option<NodeId>| child.and_then(|child| tree.attribute(child, "Algorithm"));
    let digest = algorithm_of(tree.only(node, SIGNATURE, "DigestMethod")?);
    let mask = algorithm_of(tree.only(node, ENCRYPTION_11, "MGF")?);
    key_transport(name, digest, mask)?;
    let label = match tree.only(node, ENCRYPTION, "OAEPparams")? {
        Some(label) => Some(decode(tree.plain_text(label)?).ok_or_else(|| failed("its OAEP label is not base64"))?),
        None => None,
    };
    Ok(OaepParams { digest_uri: digest.map(str::to_owned), mgf_uri: mask.map(str::to_owned), oaep_params: label })
}

/// The encryption method of a piece of data or a key.
fn method<'t>(tree: &'t Tree<'_>, node: NodeId) -> Result<(&'t str, NodeId), SamlError> {
    let method = tree.only(node, ENCRYPTION, "EncryptionMethod")?;
    let method = method.ok_or_else(|| failed("it does not say how it is encrypted"))?;
    Ok((tree.attribute(method, "Algorithm").unwrap_or_default(), method))
}

fn cipher_value(tree: &Tree<'_>, node: NodeId) -> Result<Vec<u8>, SamlError> {
    let data = tree.only(node, ENCRYPTION, "CipherData")?.ok_or_else(|| failed("CipherData is missing"))?;
    let value = tree.only(data, ENCRYPTION, "CipherValue")?.ok_or_else(|| failed("CipherValue is missing"))?;
    decode(tree.plain_text(value)?).ok_or_else(|| failed("a CipherValue is not base64"))
}

/// Gives the assertion the prefixes that were in scope where it stood, if it does not declare them itself.
fn with_inherited_prefixes(tree: &Tree<'_>, node: NodeId, text: &str) -> String {
    let name_end = text.find(|c: char| c.is_ascii_whitespace() || c == '>' || c == '/').unwrap_or(text.len());
    let (name, rest) = text.split_at(name_end);
    let own_tag = &rest[..rest.find('>').unwrap_or(rest.len())];
    let mut declared: Vec<String> = Vec::new();
    let mut given = String::new();
    let mut scope = Some(node);
    while let Some(element) = scope.and_then(|scope| tree.doc.element(scope)) {
        for (prefix, uri) in &element.namespace_declarations {
            let attribute = if prefix.is_empty() { "xmlns".to_owned() } else { format!("xmlns:{prefix}") };
            if !declared.contains(&attribute) && !own_tag.contains(&format!(" {attribute}=")) {
                let uri = uri.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;");
                given.extend([" ", attribute.as_str(), "=\"", uri.as_str(), "\""]);
            }
            declared.push(attribute);
        }
        scope = scope.and_then(|scope| tree.doc.parent(scope));
    }
    format!("{name}{given}{rest}")
}

fn failed(reason: &str) -> SamlError {
    SamlError::DecryptFailed(shown(reason))
}
