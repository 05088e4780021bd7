//! A forge of SAML responses: makes, signs and encrypts whatever a test wants to show to the verifier, under keys that
//! are for tests alone. It knows no rule and keeps to none.

use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bergshamra::c14n::{C14nMode, canonicalize_doc};
use bergshamra::crypto::keytransport::OaepParams;
use bergshamra::crypto::{cipher, digest, keytransport, sign};
use bergshamra::keys::loader;
use bergshamra::xml::NodeSet;
use uppsala::{Document, NodeId};

pub const RSA_SHA256: &str = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";
pub const RSA_SHA384: &str = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha384";
pub const RSA_SHA512: &str = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512";
pub const ECDSA_SHA256: &str = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256";
pub const ECDSA_SHA384: &str = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384";
pub const SHA1: &str = "http://www.w3.org/2000/09/xmldsig#sha1";
pub const SHA256: &str = "http://www.w3.org/2001/04/xmlenc#sha256";
pub const SHA384: &str = "http://www.w3.org/2001/04/xmldsig-more#sha384";
pub const SHA512: &str = "http://www.w3.org/2001/04/xmlenc#sha512";
pub const EXCLUSIVE: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";
pub const INCLUSIVE: &str = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315";
pub const ENVELOPED: &str = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";

/// The text of a file under `tests/saml`.
pub fn file(path: &str) -> String {
    // The fuzz targets, one folder deeper, share this file.
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let folder =
        ["tests/saml", "../tests/saml"].map(|folder| root.join(folder)).into_iter().find(|folder| folder.exists());
    let full = folder.unwrap().join(path);
    std::fs::read_to_string(&full).unwrap_or_else(|error| panic!("{}: {error}", full.display()))
}

/// The DER of a PEM file under `tests/saml/keys`, as base64.
pub fn pem_body(name: &str) -> String {
    file(&format!("keys/{name}")).lines().filter(|line| !line.starts_with("-----")).collect()
}

/// `count` pieces of text, one behind the other.
pub fn repeated(count: usize, piece: impl Fn(usize) -> String) -> String {
    (0..count).map(piece).collect::<Vec<_>>().concat()
}

/// How an element is to be signed.
#[derive(Clone)]
pub struct Signing {
    /// A key of `tests/saml/keys`, or `hmac:NAME` for the certificate `NAME` used as a shared secret.
    pub key: &'static str,
    pub method: &'static str,
    pub digest: &'static str,
    /// Canonicalization of SignedInfo.
    pub info: &'static str,
    pub transforms: Vec<&'static str>,
    pub prefixes: Option<&'static str>,
    /// The namespace prefix of the signature's elements; empty: the default namespace.
    pub prefix: &'static str,
    /// What stands in `KeyInfo`; `None`: no KeyInfo. `{certificate}` is replaced by the key's own.
    pub key_info: Option<&'static str>,
}

impl Default for Signing {
    fn default() -> Self {
        Signing {
            key: "idp",
            method: RSA_SHA256,
            digest: SHA256,
            info: EXCLUSIVE,
            transforms: vec![ENVELOPED, EXCLUSIVE],
            prefixes: None,
            prefix: "ds",
            key_info: Some(
                "<ds:X509Data xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\">\
                 <ds:X509Certificate>{certificate}</ds:X509Certificate></ds:X509Data>",
            ),
        }
    }
}

impl Signing {
    pub fn by(key: &'static str) -> Self {
        let method = match key {
            "p256" => ECDSA_SHA256,
            "p384" => ECDSA_SHA384,
            _ => RSA_SHA256,
        };
        Signing { key, method, ..Signing::default() }
    }

    fn sign(&self, bytes: &[u8]) -> Vec<u8> {
        let key = match self.key.strip_prefix("hmac:") {
            Some(name) => loader::load_hmac_key(file(&format!("keys/{name}.cert.pem")).as_bytes()),
            None => loader::load_pem_auto(file(&format!("keys/{}.key.pem", self.key)).as_bytes(), None),
        };
        let key = key.unwrap().to_signing_key().unwrap().unwrap();
        sign::from_uri(self.method).unwrap().sign(&key, bytes).unwrap()
    }
}

/// Signs the element with that `ID`, putting the signature behind its `Issuer`.
pub fn signed(xml: &str, id: &str, signing: &Signing) -> String {
    signed_for(xml, id, &format!("#{id}"), signing)
}

/// Signs the element with that `ID` under a Reference with another URI.
pub fn signed_for(xml: &str, id: &str, uri: &str, signing: &Signing) -> String {
    let doc = uppsala::parse(xml).unwrap();
    let node = with_id(&doc, id);
    let c14n = signing.transforms.iter().rev().find_map(|uri| C14nMode::from_uri(uri)).unwrap_or(C14nMode::Inclusive);
    let prefixes: Vec<&str> = signing.prefixes.unwrap_or_default().split_whitespace().collect();
    let nodes = NodeSet::tree_without_comments(node, &doc);
    let content = canonicalize_doc(&doc, c14n, Some(&nodes), &prefixes).unwrap();
    let digest = digest::digest(signing.digest, &content).unwrap();
    let signature = template(uri, &BASE64.encode(digest), signing);
    let start = doc.node_range(node).unwrap().start;
    let close = start + xml[start..].match_indices("Issuer>").find(|(at, _)| closes(&xml[start..], *at)).unwrap().0 + 7;
    seal(&[&xml[..close], &signature, &xml[close..]].concat(), signing)
}

/// Whether the tag whose name ends at `at` is a closing one.
fn closes(xml: &str, at: usize) -> bool {
    xml[..at].rfind('<').is_some_and(|open| xml[open..].starts_with("</"))
}

/// Computes the value of the signature whose value is still `{value}`.
pub fn seal(xml: &str, signing: &Signing) -> String {
    let doc = uppsala::parse(xml).unwrap();
    let value =
        doc.descendants(doc.root()).into_iter().find(|node| doc.text_content(*node) == Some("{value}")).unwrap();
    let signature = doc.parent(doc.parent(value).unwrap()).unwrap();
    let info = doc.children(signature).into_iter().find(|node| doc.element(*node).is_some()).unwrap();
    let mode = C14nMode::from_uri(signing.info).unwrap();
    let nodes = NodeSet::tree_without_comments(info, &doc);
    let bytes = canonicalize_doc::<&str>(&doc, mode, Some(&nodes), &[]).unwrap();
    xml.replacen("{value}", &BASE64.encode(signing.sign(&bytes)), 1)
}

/// A signature whose value is still `{value}`.
pub fn template(uri: &str, digest: &str, signing: &Signing) -> String {
    let (p, xmlns) = match signing.prefix {
        "" => (String::new(), "xmlns".to_owned()),
        prefix => (format!("{prefix}:"), format!("xmlns:{prefix}")),
    };
    let list = signing
        .prefixes
        .map(|prefixes| format!("<ec:InclusiveNamespaces xmlns:ec=\"{EXCLUSIVE}\" PrefixList=\"{prefixes}\"/>"));
    let transforms: Vec<String> = signing
        .transforms
        .iter()
        .map(|uri| match &list {
            Some(list) if *uri == EXCLUSIVE => format!("<{p}Transform Algorithm=\"{uri}\">{list}</{p}Transform>"),
            _ => format!("<{p}Transform Algorithm=\"{uri}\"/>"),
        })
        .collect();
    let certificate =
        if signing.key.starts_with("hmac:") { String::new() } else { pem_body(&format!("{}.cert.pem", signing.key)) };
    let key_info = signing.key_info.map_or(String::new(), |inside| {
        format!("<{p}KeyInfo>{}</{p}KeyInfo>", inside.replace("{certificate}", &certificate))
    });
    format!(
        "<{p}Signature {xmlns}=\"http://www.w3.org/2000/09/xmldsig#\"><{p}SignedInfo>\
         <{p}CanonicalizationMethod Algorithm=\"{}\"/><{p}SignatureMethod Algorithm=\"{}\"/>\
         <{p}Reference URI=\"{uri}\"><{p}Transforms>{}</{p}Transforms>\
         <{p}DigestMethod Algorithm=\"{}\"/><{p}DigestValue>{digest}</{p}DigestValue></{p}Reference></{p}SignedInfo>\
         <{p}SignatureValue>{{value}}</{p}SignatureValue>{key_info}</{p}Signature>",
        signing.info,
        signing.method,
        transforms.concat(),
        signing.digest,
    )
}

fn with_id(doc: &Document<'_>, id: &str) -> NodeId {
    let found = doc.descendants(doc.root()).into_iter().find(|node| doc.get_attribute(*node, "ID") == Some(id));
    found.unwrap_or_else(|| panic!("no element has the ID {id}"))
}

/// The source text of the element with that `ID`.
pub fn source(xml: &str, id: &str) -> String {
    let doc = uppsala::parse(xml).unwrap();
    doc.node_source(with_id(&doc, id)).unwrap().to_owned()
}

/// How an assertion is to be encrypted.
#[derive(Clone)]
pub struct Sealing {
    pub key: &'static str,
    pub cipher: &'static str,
    pub transport: &'static str,
    pub digest: Option<&'static str>,
    pub mask: Option<&'static str>,
    /// The encrypted key stands beside the data, not inside its KeyInfo.
    pub beside: bool,
    /// How many encrypted keys there are: all but the last hold noise.
    pub keys: usize,
}

impl Default for Sealing {
    fn default() -> Self {
        Sealing {
            key: "sp",
            cipher: "http://www.w3.org/2009/xmlenc11#aes256-gcm",
            transport: "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p",
            digest: None,
            mask: None,
            beside: false,
            keys: 1,
        }
    }
}

/// `plain`, encrypted, as a `saml:EncryptedAssertion`.
pub fn encrypted(plain: &str, sealing: &Sealing) -> String {
    encrypted_bytes(plain.as_bytes(), sealing)
}

/// Any bytes, encrypted, as a `saml:EncryptedAssertion`.
pub fn encrypted_bytes(plain: &[u8], sealing: &Sealing) -> String {
    let cipher = cipher::from_uri(sealing.cipher).unwrap();
    let content_key = vec![7; cipher.key_size()];
    let data = BASE64.encode(cipher.encrypt(&content_key, plain).unwrap());
    let key = loader::load_pem_auto(file(&format!("keys/{}.key.pem", sealing.key)).as_bytes(), None).unwrap();
    let key = key.to_signing_key().unwrap().unwrap();
    let params = OaepParams {
        digest_uri: sealing.digest.map(str::to_owned),
        mgf_uri: sealing.mask.map(str::to_owned),
        oaep_params: None,
    };
    let wrapped = keytransport::from_uri_with_params(sealing.transport, params).unwrap().encrypt(&key, &content_key);
    encrypted_with(sealing, &data, &BASE64.encode(wrapped.unwrap()))
}

/// A `saml:EncryptedAssertion` of ready-made ciphertexts.
pub fn encrypted_with(sealing: &Sealing, data: &str, wrapped: &str) -> String {
    let inside = |name: &str, prefix: &str, ns: &str, uri: Option<&str>| {
        uri.map_or(String::new(), |uri| format!("<{prefix}:{name} xmlns:{prefix}=\"{ns}\" Algorithm=\"{uri}\"/>"))
    };
    let method = inside("DigestMethod", "ds", "http://www.w3.org/2000/09/xmldsig#", sealing.digest)
        + &inside("MGF", "xenc11", "http://www.w3.org/2009/xmlenc11#", sealing.mask);
    let key = |value: &str| {
        format!(
            "<xenc:EncryptedKey xmlns:xenc=\"http://www.w3.org/2001/04/xmlenc#\"><xenc:EncryptionMethod \
             Algorithm=\"{}\">{method}</xenc:EncryptionMethod><xenc:CipherData><xenc:CipherValue>{value}\
             </xenc:CipherValue></xenc:CipherData></xenc:EncryptedKey>",
            sealing.transport
        )
    };
    let noise = BASE64.encode([1; 256]);
    let keys: String = (1..sealing.keys).map(|_| key(&noise)).chain([key(wrapped)]).collect();
    let (within, beside) = if sealing.beside { (String::new(), keys) } else { (keys, String::new()) };
    format!(
        "<saml:EncryptedAssertion xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\"><xenc:EncryptedData \
         xmlns:xenc=\"http://www.w3.org/2001/04/xmlenc#\" Type=\"http://www.w3.org/2001/04/xmlenc#Element\">\
         <xenc:EncryptionMethod Algorithm=\"{}\"/><ds:KeyInfo xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\">{within}\
         </ds:KeyInfo><xenc:CipherData><xenc:CipherValue>{data}</xenc:CipherValue></xenc:CipherData>\
         </xenc:EncryptedData>{beside}</saml:EncryptedAssertion>",
        sealing.cipher
    )
}
