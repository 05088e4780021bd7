//! The certificate and key of a listener: looked at before the listener is opened, so that a mistake is told with its line.

use std::path::{Path, PathBuf};

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use super::files::read_bytes;
use crate::kernel::Timestamp;

/// The PEM files of a listener.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate and those between it and the root.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// Which of the two files is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// The certificate.
    Certificate,
    /// The key.
    Key,
}

/// Looks at a pair: each file is readable and what it should be, and the key is the certificate's.
/// Gives a warning if the certificate is not valid at `now`.
///
/// # Errors
/// Which file is wrong, and why; both, if both are.
pub fn check(files: &TlsFiles, now: Timestamp) -> Result<Option<String>, Vec<(Which, String)>> {
    let chain = certificates(&files.certificate).and_then(|chain| {
        let warning = validity(&chain[0], &files.certificate, now)?;
        Ok((chain, warning))
    });
    let ((chain, warning), key) = match (chain, private_key(&files.key)) {
        (Ok(chain), Ok(key)) => (chain, key),
        (chain, key) => {
            let certificate = chain.err().map(|text| (Which::Certificate, text));
            return Err(certificate.into_iter().chain(key.err().map(|text| (Which::Key, text))).collect());
        }
    };
    let wrong_key = |text: String| vec![(Which::Key, text)];
    match CertifiedKey::from_der(chain, key, &rustls::crypto::aws_lc_rs::default_provider()) {
        Ok(_) => Ok(warning),
        Err(rustls::Error::InconsistentKeys(_)) => Err(wrong_key(format!(
            "{} is not the key of the certificate in {}: take the two files that were made together",
            files.key.display(),
            files.certificate.display()
        ))),
        Err(error) => Err(wrong_key(format!("{} can't be used: {error}", files.key.display()))),
    }
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, String> {
    let pem = read_bytes(path).map_err(|error| error.to_string())?;
    PrivateKeyDer::from_pem_slice(&pem)
        .map_err(|_| format!("{} holds no private key in PEM form (-----BEGIN PRIVATE KEY-----)", path.display()))
}

/// The certificates of a PEM file; at least one.
///
/// # Errors
/// The sentence that says what is wrong.
pub fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let pem = read_bytes(path).map_err(|error| error.to_string())?;
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    let read = read.map_err(|_| format!("{} is not PEM", path.display()))?;
    if read.is_empty() {
        return Err(format!("{} holds no certificate in PEM form (-----BEGIN CERTIFICATE-----)", path.display()));
    }
    Ok(read)
}

fn validity(certificate: &CertificateDer<'_>, path: &Path, now: Timestamp) -> Result<Option<String>, String> {
    let broken = |_| format!("{} holds a certificate that can't be read", path.display());
    let (_, certificate) = X509Certificate::from_der(certificate).map_err(broken)?;
    let from = Timestamp::from_seconds(certificate.validity().not_before.timestamp());
    let until = Timestamp::from_seconds(certificate.validity().not_after.timestamp());
    let warning = if now > until {
        Some(format!("the certificate in {} ran out on {until}: browsers will refuse it", path.display()))
    } else if now < from {
        Some(format!("the certificate in {} is valid from {from} only", path.display()))
    } else {
        None
    };
    Ok(warning)
}
