//! TLS: HTTP/1.1 and h2, and a certificate that follows its files.

use std::path::Path;
use std::time::Duration;

use tempfile::TempDir;
use vestibule::proxy::TlsFiles;
use vestibule::proxy::tls::Certificate;

use super::world::World;

/// Writes a fresh certificate for localhost and its key; gives the certificate.
fn write_certificate(folder: &Path) -> String {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    std::fs::write(folder.join("key.pem"), made.signing_key.serialize_pem()).unwrap();
    std::fs::write(folder.join("certificate.pem"), made.cert.pem()).unwrap();
    made.cert.pem()
}

fn files(folder: &TempDir) -> TlsFiles {
    TlsFiles { certificate: folder.path().join("certificate.pem"), key: folder.path().join("key.pem") }
}

fn client(certificate: &str) -> reqwest::ClientBuilder {
    let root = reqwest::Certificate::from_pem(certificate.as_bytes()).unwrap();
    reqwest::Client::builder().tls_certs_only([root]).pool_max_idle_per_host(0)
}

#[tokio::test]
async fn both_versions_are_spoken_and_the_certificate_follows_its_files() {
    let folder = TempDir::new().unwrap();
    let first = write_certificate(folder.path());
    let world = World::with(|settings| {
        settings.tls = Some(files(&folder));
        settings.public_url = "https://localhost".parse().unwrap();
    })
    .await;
    let url = format!("https://localhost:{}/public/a", world.gate.port());
    let answer = client(&first).build().unwrap().get(&url).send().await.unwrap();
    assert_eq!((answer.version(), answer.status().as_u16()), (http::Version::HTTP_2, 200));
    assert_eq!(world.app.take_one().header("x-forwarded-proto"), Some("https"));
    let plain = client(&first).http1_only().build().unwrap().get(&url).send().await.unwrap();
    assert_eq!((plain.version(), plain.status().as_u16()), (http::Version::HTTP_11, 200));
    let cookie = world.sign_in().await;
    assert!(cookie.starts_with("__Host-vestibule="), "{cookie}");

    // A file that is half written is no reason to stop.
    std::fs::write(folder.path().join("certificate.pem"), "half").unwrap();
    let second = tokio::time::timeout(Duration::from_secs(30), async {
        tokio::time::sleep(Duration::from_secs(3)).await;
        assert!(client(&first).build().unwrap().get(&url).send().await.is_ok(), "the old certificate stays");
        let second = write_certificate(folder.path());
        while client(&second).build().unwrap().get(&url).send().await.is_err() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        second
    });
    let second = second.await.expect("the new certificate is taken up");
    assert_ne!(first, second);
    assert!(client(&first).build().unwrap().get(&url).send().await.is_err(), "the old one is gone");
}

#[test]
fn files_that_cannot_be_used_are_named() {
    let folder = TempDir::new().unwrap();
    let check = |expected: &str| {
        let error = Certificate::open(files(&folder)).unwrap_err();
        assert!(error.contains(expected), "{error}");
    };
    check("certificate.pem");
    write_certificate(folder.path());
    assert!(Certificate::open(files(&folder)).is_ok());
    std::fs::write(folder.path().join("key.pem"), "no key").unwrap();
    check("key.pem");
    let other = TempDir::new().unwrap();
    write_certificate(other.path());
    std::fs::copy(other.path().join("key.pem"), folder.path().join("key.pem")).unwrap();
    check("it is not the certificate's key");
    std::fs::write(folder.path().join("certificate.pem"), "").unwrap();
    check("there is no certificate in it");
}
