//! The certificate of the proxy listener: read at the start, and again whenever its files change.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwap;
use parking_lot::Mutex;
use rustls::crypto::aws_lc_rs::sign::any_supported_type;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use super::settings::TlsFiles;

/// How often the files are looked at.
pub const RELOAD_INTERVAL: Duration = Duration::from_secs(2);

/// What tells that a file changed: when it was last written, and its length.
type Stamp = [Option<(SystemTime, u64)>; 2];

/// The certificate in use, which follows its files.
pub struct Certificate {
    files: TlsFiles,
    stamp: Mutex<Stamp>,
    current: ArcSwap<CertifiedKey>,
}

impl Certificate {
    /// Reads the files.
    ///
    /// # Errors
    /// A sentence that names the file and what is wrong with it.
    pub fn open(files: TlsFiles) -> Result<Arc<Self>, String> {
        let stamp = Mutex::new(stamp_of(&files));
        let current = ArcSwap::from_pointee(read(&files)?);
        Ok(Arc::new(Certificate { files, stamp, current }))
    }

    /// Reads the files again if they changed. If they can't be used, the certificate stays as it was.
    pub fn look(&self) {
        let stamp = stamp_of(&self.files);
        if *self.stamp.lock() == stamp {
            return;
        }
        match read(&self.files) {
            Ok(key) => {
                self.current.store(Arc::new(key));
                tracing::info!(file = %self.files.certificate.display(), "the TLS certificate was read anew");
            }
            Err(reason) => tracing::error!(reason, "the new TLS certificate can't be used: the old one stays"),
        }
        *self.stamp.lock() = stamp;
    }
}

fn stamp_of(files: &TlsFiles) -> Stamp {
    let of = |path: &Path| {
        let metadata = std::fs::metadata(path).ok()?;
        Some((metadata.modified().ok()?, metadata.len()))
    };
    [of(&files.certificate), of(&files.key)]
}

fn read(files: &TlsFiles) -> Result<CertifiedKey, String> {
    let wrong = |path: &Path, reason: &dyn std::fmt::Display| format!("{}: {reason}", path.display());
    let certificates: Result<Vec<CertificateDer<'static>>, _> =
        CertificateDer::pem_file_iter(&files.certificate).and_then(Iterator::collect);
    let certificates = certificates.map_err(|error| wrong(&files.certificate, &error))?;
    if certificates.is_empty() {
        return Err(wrong(&files.certificate, &"there is no certificate in it"));
    }
    let key = PrivateKeyDer::from_pem_file(&files.key).map_err(|error| wrong(&files.key, &error))?;
    let key = any_supported_type(&key).map_err(|error| wrong(&files.key, &error))?;
    let certified = CertifiedKey::new(certificates, key);
    certified.keys_match().map_err(|error| wrong(&files.key, &format!("it is not the certificate's key ({error})")))?;
    Ok(certified)
}

impl std::fmt::Debug for Certificate {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Certificate({})", self.files.certificate.display())
    }
}

/// Gives the certificate of the moment to each handshake.
#[derive(Debug)]
pub struct Resolver(pub Arc<Certificate>);

impl ResolvesServerCert for Resolver {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.current.load_full())
    }
}
