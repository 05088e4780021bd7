//! An identity provider that publishes its metadata on https, with a certificate of its own making.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::sync::{Arc, Mutex};

use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, Stream};

/// A server with a certificate for `localhost`, and what it publishes.
pub struct Publisher {
    /// Where it publishes.
    pub url: String,
    /// What.
    pub document: Arc<Mutex<String>>,
}

impl Publisher {
    /// Its certificate stands in the file `authority` from now on.
    pub fn start(authority: &Path) -> Self {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        std::fs::write(authority, made.cert.pem()).unwrap();
        let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
        let tls = ServerConfig::builder().with_no_client_auth();
        let tls = Arc::new(tls.with_single_cert(vec![made.cert.der().clone()], key).unwrap());
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("https://localhost:{}/metadata", listener.local_addr().unwrap().port());
        let document = Arc::new(Mutex::new(String::new()));
        let published = Arc::clone(&document);
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let mut connection = ServerConnection::new(Arc::clone(&tls)).unwrap();
                let mut secure = Stream::new(&mut connection, &mut stream);
                if secure.read(&mut [0; 4096]).is_err() {
                    continue;
                }
                let document = published.lock().unwrap().clone();
                let head =
                    format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", document.len());
                let _ = secure.write_all(format!("{head}{document}").as_bytes());
                connection.send_close_notify();
                let _ = connection.complete_io(&mut stream);
            }
        });
        Publisher { url, document }
    }

    /// Its host and port.
    pub fn host(&self) -> &str {
        self.url.split('/').nth(2).unwrap()
    }

    /// Publishes metadata with these certificates, PEM, from now on.
    pub fn publish(&self, certificates: &[&str]) {
        let key = |pem: &&str| {
            let der: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
            format!(
                "<KeyDescriptor use=\"signing\"><KeyInfo xmlns=\"http://www.w3.org/2000/09/xmldsig#\"><X509Data>\
                 <X509Certificate>{der}</X509Certificate></X509Data></KeyInfo></KeyDescriptor>"
            )
        };
        let keys = certificates.iter().map(key).collect::<Vec<_>>().concat();
        *self.document.lock().unwrap() = format!(
            "<EntityDescriptor xmlns=\"urn:oasis:names:tc:SAML:2.0:metadata\" entityID=\"https://idp.example/\">\
             <IDPSSODescriptor protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\">{keys}\
             <SingleSignOnService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect\" \
             Location=\"https://idp.example/sso\"/></IDPSSODescriptor></EntityDescriptor>"
        );
    }
}
