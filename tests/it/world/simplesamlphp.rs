//! SimpleSAMLphp, a real identity provider: Debian's package under PHP's own web server, with a throw-away configuration.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use base64::Engine as _;
use tempfile::TempDir;

use super::ports;

/// Where Debian's package `simplesamlphp` puts its pages.
const PAGES: &str = "/usr/share/simplesamlphp/www";
/// The IdP's entity ID.
pub const ENTITY_ID: &str = "https://idp.acme.example/simplesamlphp";
/// Whom the IdP knows: name, password, e-mail, given name, family name.
pub const ADA: (&str, &str, &str) = ("ada", "correct horse", "ada@acme.example");

/// How the IdP protects what it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Variant {
    /// The assertion is signed.
    SignedAssertion,
    /// The whole response is signed, the assertion is not.
    SignedResponse,
    /// The assertion is signed, then encrypted to us.
    EncryptedAssertion,
}

impl Variant {
    /// All of them.
    pub const ALL: [Variant; 3] = [Variant::SignedAssertion, Variant::SignedResponse, Variant::EncryptedAssertion];
}

/// What the IdP's admin types in about us.
#[derive(Clone, Debug)]
pub struct Registration {
    /// Our entity ID.
    pub entity_id: String,
    /// Our ACS URL.
    pub acs_url: String,
    /// Our certificate, DER, to encrypt to.
    pub certificate: Vec<u8>,
}

/// A running SimpleSAMLphp; it ends when dropped.
pub struct SimpleSamlPhp {
    /// Where it is, without a last `/`.
    pub base_url: String,
    process: Child,
    _home: TempDir,
}

impl SimpleSamlPhp {
    /// Starts it, with one service provider registered, and waits until it answers.
    pub async fn start(registration: &Registration, variant: Variant) -> SimpleSamlPhp {
        Self::start_saying(registration, variant, None).await
    }

    /// The same, where it says how people are authenticated: an authentication context class.
    pub async fn start_saying(registration: &Registration, variant: Variant, context: Option<&str>) -> SimpleSamlPhp {
        assert!(Path::new(PAGES).is_dir(), "SimpleSAMLphp is not installed: `make test` installs it");
        let address = ports::free();
        let home = tempfile::tempdir().expect("a directory");
        configure(home.path(), address, registration, variant);
        if let Some(context) = context {
            say(home.path(), context);
        }
        let log = fs::File::create(home.path().join("log/php.log")).expect("a log");
        let mut process = Command::new("php")
            .args(["-d", "display_errors=0", "-d", "error_reporting=0", "-S", &address.to_string(), "-t", PAGES])
            .env("SIMPLESAMLPHP_CONFIG_DIR", home.path().join("config"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("php runs");
        ports::wait_for(address, || {
            let status = process.try_wait().expect("a process")?;
            let log = fs::read_to_string(home.path().join("log/php.log")).unwrap_or_default();
            Some(format!("php ended with {status}: {log}"))
        })
        .await;
        SimpleSamlPhp { base_url: format!("http://{address}"), process, _home: home }
    }

    /// Its metadata, as its admin would send it to us.
    pub async fn metadata(&self) -> Vec<u8> {
        let answer = reqwest::get(format!("{}/saml2/idp/metadata.php", self.base_url)).await.expect("its metadata");
        assert!(answer.status().is_success(), "{answer:?}");
        answer.bytes().await.expect("its metadata").to_vec()
    }
}

impl Drop for SimpleSamlPhp {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Has the IdP say `context` of every authentication.
fn say(home: &Path, context: &str) {
    let file = home.join("metadata/saml20-idp-hosted.php");
    let before = fs::read_to_string(&file).expect("the IdP's own metadata");
    let text = format!(
        "{before} $metadata['{ENTITY_ID}']['authproc'] = [
            50 => ['class' => 'saml:AuthnContextClassRef', 'AuthnContextClassRef' => '{context}']];"
    );
    fs::write(&file, text).expect("a file");
}

fn configure(home: &Path, address: SocketAddr, registration: &Registration, variant: Variant) {
    for folder in ["config", "metadata", "cert", "log", "data", "tmp"] {
        fs::create_dir(home.join(folder)).expect("a directory");
    }
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", "/CN=idp.acme.example"])
        .args(["-keyout", "idp.pem", "-out", "idp.crt"])
        .current_dir(home.join("cert"))
        .stderr(Stdio::null())
        .status();
    assert!(made.expect("openssl runs").success(), "openssl makes a key");
    let write = |name: &str, text: String| fs::write(home.join(name), text).expect("a file");
    let at = home.display();
    write(
        "config/config.php",
        format!(
            "<?php $config = [
                'baseurlpath' => 'http://{address}/',
                'certdir' => '{at}/cert/', 'loggingdir' => '{at}/log/', 'datadir' => '{at}/data/',
                'tempdir' => '{at}/tmp', 'metadatadir' => '{at}/metadata',
                'metadata.sources' => [['type' => 'flatfile', 'directory' => '{at}/metadata']],
                'secretsalt' => 'for tests alone', 'auth.adminpassword' => 'for tests alone',
                'technicalcontact_name' => 'Nobody', 'technicalcontact_email' => 'nobody@acme.example',
                'timezone' => 'UTC', 'logging.handler' => 'file', 'enable.saml20-idp' => true,
                'module.enable' => ['exampleauth' => true, 'core' => true, 'saml' => true],
                'store.type' => 'phpsession', 'session.phpsession.savepath' => '{at}/data',
                'session.cookie.secure' => false, 'session.cookie.samesite' => null,
            ];"
        ),
    );
    let (name, password, email) = ADA;
    write(
        "config/authsources.php",
        format!(
            "<?php $config = ['people' => ['exampleauth:UserPass', '{name}:{password}' => [
                'uid' => ['{name}'], 'email' => ['{email}'], 'givenName' => ['Ada'], 'sn' => ['Lovelace'],
            ]]];"
        ),
    );
    write(
        "metadata/saml20-idp-hosted.php",
        format!(
            "<?php $metadata['{ENTITY_ID}'] = ['host' => '__DEFAULT__', 'auth' => 'people',
                'privatekey' => 'idp.pem', 'certificate' => 'idp.crt'];"
        ),
    );
    let response = variant == Variant::SignedResponse;
    let encrypted = variant == Variant::EncryptedAssertion;
    let certificate = base64::engine::general_purpose::STANDARD.encode(&registration.certificate);
    let Registration { entity_id, acs_url, .. } = registration;
    write(
        "metadata/saml20-sp-remote.php",
        format!(
            "<?php $metadata['{entity_id}'] = ['AssertionConsumerService' => '{acs_url}',
                'saml20.sign.response' => {response}, 'saml20.sign.assertion' => {},
                'assertion.encryption' => {encrypted}, 'certData' => '{certificate}'];",
            !response
        ),
    );
}
