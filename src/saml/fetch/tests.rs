//! What is read over the net, from a server with a certificate of its own on loopback, under names that a test makes up.

use std::collections::BTreeMap;

use parking_lot::Mutex;
use rustls::pki_types::PrivateKeyDer;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::*;
use crate::kernel::OrgId;

/// What the server sends.
enum Reply {
    /// This, and then it hangs up.
    All(String),
    /// Chunks without an end.
    Endless,
    /// Nothing.
    Silence,
}

fn page(status: &str, more: &str, body: &str) -> Reply {
    Reply::All(format!("HTTP/1.1 {status}\r\n{more}content-length: {}\r\n\r\n{body}", body.len()))
}

fn leads_to(location: &str) -> Reply {
    page("302 Found", &format!("location: {location}\r\n"), "")
}

/// A server at `idp.acme.test`, and what it was asked for.
struct Server {
    port: u16,
    pem: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Server {
    async fn start(answer: impl Fn(&str) -> Reply + Send + Sync + 'static) -> Self {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let made = rcgen::generate_simple_self_signed(["idp.acme.test".to_owned()]).unwrap();
        let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
        let tls = rustls::ServerConfig::builder().with_no_client_auth();
        let tls = tls.with_single_cert(vec![made.cert.der().clone()], key).unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(tls));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (asked, answer) = (Arc::new(Mutex::new(Vec::new())), Arc::new(answer));
        let heard = Arc::clone(&asked);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, answer, heard) = (acceptor.clone(), Arc::clone(&answer), Arc::clone(&heard));
                tokio::spawn(async move {
                    let Ok(mut stream) = acceptor.accept(stream).await else { return };
                    let mut head = vec![0; 4096];
                    let length = stream.read(&mut head).await.unwrap_or(0);
                    let head = String::from_utf8_lossy(&head[..length]).into_owned();
                    let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
                    heard.lock().push(path.clone());
                    match answer(&path) {
                        Reply::All(text) => {
                            let _ = stream.write_all(text.as_bytes()).await;
                            let _ = stream.shutdown().await;
                        }
                        Reply::Endless => {
                            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").await;
                            let chunk = format!("4000\r\n{}\r\n", "a".repeat(0x4000));
                            while stream.write_all(chunk.as_bytes()).await.is_ok() {}
                        }
                        Reply::Silence => std::future::pending().await,
                    }
                });
            }
        });
        Server { port, pem: made.cert.pem(), asked }
    }

    /// One that may ask this server, and no other in this machine.
    fn fetcher(&self, town: &Arc<Town>) -> Fetcher {
        let settings = FetchSettings {
            internal_hosts: vec![("idp.acme.test".to_owned(), self.port)],
            authorities: Some(self.pem.clone().into_bytes()),
        };
        Fetcher::new(&settings).unwrap().with_names(Arc::clone(town) as Arc<dyn Names>)
    }

    fn url(&self, path: &str) -> String {
        format!("https://idp.acme.test:{}{path}", self.port)
    }
}

/// Names that lead where a test wants, and how often they were looked up.
struct Town {
    names: BTreeMap<&'static str, Vec<IpAddr>>,
    looks: Mutex<Vec<String>>,
}

impl Town {
    fn new(names: &[(&'static str, &[&str])]) -> Arc<Self> {
        let names = names
            .iter()
            .map(|(name, addresses)| (*name, addresses.iter().map(|address| address.parse().unwrap()).collect()));
        let mut names: BTreeMap<&str, Vec<IpAddr>> = names.collect();
        names.insert("idp.acme.test", vec!["127.0.0.1".parse().unwrap()]);
        Arc::new(Town { names, looks: Mutex::default() })
    }
}

#[async_trait]
impl Names for Town {
    async fn addresses(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        self.looks.lock().push(host.to_owned());
        let found = self.names.get(host).ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?;
        Ok(found.iter().map(|address| SocketAddr::new(*address, port)).collect())
    }
}

#[tokio::test]
async fn r52_a_document_is_read_at_its_address_and_the_name_is_looked_up_once() {
    let server = Server::start(|path| match path {
        "/metadata?app=1" => page("200 OK", "", "<md/>"),
        _ => page("404 Not Found", "", "no"),
    })
    .await;
    let town = Town::new(&[]);
    let fetcher = server.fetcher(&town);
    assert_eq!(fetcher.read(&server.url("/metadata?app=1"), Asker::Operator).await.unwrap(), b"<md/>");
    assert_eq!(*town.looks.lock(), ["idp.acme.test"]);
    assert_eq!(*server.asked.lock(), ["/metadata?app=1"]);
    let host = "idp.acme.test".to_owned();
    assert_eq!(fetcher.read(&server.url("/"), Asker::Operator).await, Err(FetchError::Status(host, 404)));
    let nobody = fetcher.read("https://nobody.test/", Asker::Operator).await;
    assert_eq!(nobody, Err(FetchError::NoSuchHost("nobody.test".to_owned())));
}

#[tokio::test]
async fn r52_what_leads_inside_is_not_asked() {
    let server = Server::start(|_| page("200 OK", "", "secret")).await;
    let town = Town::new(&[
        ("loopback.test", &["127.0.0.1"]),
        ("loopback6.test", &["::1"]),
        ("private.test", &["10.0.0.7"]),
        ("cloud.test", &["169.254.169.254"]),
        ("mapped.test", &["::ffff:127.0.0.1"]),
        ("translated.test", &["64:ff9b::7f00:1"]),
        ("unique.test", &["fd00::1"]),
        // One of several is enough.
        ("both.test", &["1.1.1.1", "127.0.0.1"]),
        ("idp.acme.test.evil.test", &["127.0.0.1"]),
    ]);
    let fetcher = server.fetcher(&town);
    let port = server.port;
    for host in town.names.keys().filter(|name| **name != "idp.acme.test") {
        let refused = fetcher.read(&format!("https://{host}:{port}/"), Asker::Operator).await;
        assert_eq!(refused, Err(FetchError::Internal((*host).to_owned())), "{host}");
    }
    for (typed, host) in [
        ("127.0.0.1", "127.0.0.1"),
        ("127.1", "127.0.0.1"),
        ("2130706433", "127.0.0.1"),
        ("0x7f.1", "127.0.0.1"),
        ("0177.0.0.1", "127.0.0.1"),
        ("[::1]", "[::1]"),
        ("[::ffff:127.0.0.1]", "[::ffff:7f00:1]"),
        ("[64:ff9b::127.0.0.1]", "[64:ff9b::7f00:1]"),
        ("0.0.0.0", "0.0.0.0"),
        ("169.254.169.254", "169.254.169.254"),
    ] {
        let refused = fetcher.read(&format!("https://{typed}:{port}/"), Asker::Operator).await;
        assert_eq!(refused, Err(FetchError::Internal(host.to_owned())), "{typed}");
    }
    // At the host that is named, another port.
    for address in ["https://idp.acme.test/", "https://idp.acme.test:8443/"] {
        let refused = fetcher.read(address, Asker::Operator).await;
        assert_eq!(refused, Err(FetchError::Internal("idp.acme.test".to_owned())), "{address}");
    }
    // The system's own name of this machine.
    let system = Fetcher::new(&FetchSettings::default()).unwrap();
    let refused = system.read(&format!("https://localhost:{port}/"), Asker::Operator).await;
    assert_eq!(refused, Err(FetchError::Internal("localhost".to_owned())));
    assert!(server.asked.lock().is_empty(), "{:?}", server.asked.lock());
}

#[tokio::test]
async fn r52_an_answer_may_lead_on_and_never_inward() {
    let server = Server::start(|path| match path {
        "/moved" => leads_to("/here"),
        "/here" => page("200 OK", "", "<md/>"),
        "/plain" => leads_to("http://idp.acme.test/here"),
        "/inward" => leads_to("https://10.0.0.1/"),
        "/named" => leads_to("https://inner.test/"),
        "/user" => leads_to("https://me@idp.acme.test/"),
        "/file" => leads_to("file:///etc/passwd"),
        "/nowhere" => page("302 Found", "", ""),
        _ => leads_to("/round"),
    })
    .await;
    let town = Town::new(&[("inner.test", &["192.168.1.1"])]);
    let fetcher = server.fetcher(&town);
    assert_eq!(fetcher.read(&server.url("/moved"), Asker::Operator).await.unwrap(), b"<md/>");
    let check = async |path: &str, expected: FetchError| {
        assert_eq!(fetcher.read(&server.url(path), Asker::Operator).await, Err(expected), "{path}");
    };
    check("/plain", FetchError::Url("http://idp.acme.test".to_owned())).await;
    check("/inward", FetchError::Internal("10.0.0.1".to_owned())).await;
    check("/named", FetchError::Internal("inner.test".to_owned())).await;
    check("/user", FetchError::Url("https://idp.acme.test".to_owned())).await;
    check("/file", FetchError::Url("file://".to_owned())).await;
    check("/nowhere", FetchError::Status("idp.acme.test".to_owned(), 302)).await;
    server.asked.lock().clear();
    check("/round", FetchError::Redirects).await;
    assert_eq!(server.asked.lock().len(), REDIRECT_LIMIT + 1);
}

#[tokio::test]
async fn r52_what_is_too_large_or_too_slow_is_left() {
    let server = Server::start(|path| match path {
        "/large" => page("200 OK", "", &"a".repeat(MESSAGE_LIMIT + 1)),
        "/fits" => page("200 OK", "", &"a".repeat(MESSAGE_LIMIT)),
        "/endless" => Reply::Endless,
        "/short" => Reply::All("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf".to_owned()),
        _ => Reply::Silence,
    })
    .await;
    let town = Town::new(&[]);
    let mut fetcher = server.fetcher(&town);
    let host = || "idp.acme.test".to_owned();
    assert_eq!(fetcher.read(&server.url("/fits"), Asker::Operator).await.unwrap().len(), MESSAGE_LIMIT);
    for path in ["/large", "/endless"] {
        assert_eq!(fetcher.read(&server.url(path), Asker::Operator).await, Err(FetchError::TooLarge(host())), "{path}");
    }
    assert_eq!(fetcher.read(&server.url("/short"), Asker::Operator).await, Err(FetchError::BrokenOff(host())));
    fetcher.within = Duration::from_millis(300);
    let slow = fetcher.read(&server.url("/silent"), Asker::Operator).await;
    assert_eq!(slow, Err(FetchError::Slow(host(), fetcher.within)));
    // Whoever waits for slow ones waits no longer than they.
    let silent = server.url("/silent");
    let crowd =
        futures_util::future::join_all((0..turns::ASKED_AT_ONCE * 3).map(|_| fetcher.read(&silent, Asker::Operator)));
    let crowd = timeout(Duration::from_secs(5), crowd).await.expect("an end");
    assert!(crowd.contains(&Err(FetchError::Busy)), "{crowd:?}");
}

#[tokio::test]
async fn r52_a_certificate_that_cannot_be_trusted_ends_it() {
    let server = Server::start(|_| page("200 OK", "", "<md/>")).await;
    let town = Town::new(&[]);
    let internal_hosts = vec![("idp.acme.test".to_owned(), server.port)];
    let system = FetchSettings { internal_hosts, authorities: None };
    let fetcher = Fetcher::new(&system).unwrap().with_names(Arc::clone(&town) as Arc<dyn Names>);
    let refused = fetcher.read(&server.url("/"), Asker::Operator).await;
    assert_eq!(refused, Err(FetchError::Untrusted("idp.acme.test".to_owned())));
    assert!(server.asked.lock().is_empty());
    // Nobody listens any more.
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let at_gone = Server { port: gone, ..server }.fetcher(&town);
    let refused = at_gone.read(&format!("https://idp.acme.test:{gone}/"), Asker::Operator).await;
    assert_eq!(refused, Err(FetchError::Unreachable("idp.acme.test".to_owned())));
}

#[tokio::test]
async fn an_organization_reads_one_at_a_time_and_the_job_always() {
    let server = Server::start(|path| match path {
        "/silent" => Reply::Silence,
        _ => page("200 OK", "", "<md/>"),
    })
    .await;
    let fetcher = Arc::new(server.fetcher(&Town::new(&[])));
    let asker = |n: u8| Asker::Organization(OrgId::from_bytes([n; 16]));
    for n in 0..turns::ASKED_AT_ONCE {
        let (fetcher, silent) = (Arc::clone(&fetcher), server.url("/silent"));
        let asker = asker(u8::try_from(n).unwrap());
        tokio::spawn(async move { fetcher.read(&silent, asker).await });
    }
    let all = async {
        while server.asked.lock().len() < turns::ASKED_AT_ONCE {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(Duration::from_secs(9), all).await.expect("all of them are being read");
    let url = server.url("/");
    let (again, job) =
        tokio::join!(timeout(Duration::from_secs(1), fetcher.read(&url, asker(0))), fetcher.read(&url, Asker::Job),);
    assert_eq!(again, Ok(Err(FetchError::Busy)), "at once");
    assert_eq!(job.unwrap(), b"<md/>");
}

#[test]
fn it_is_not_told_which_internal_names_there_are() {
    let host = || "vault.corp".to_owned();
    let (none, internal) = (FetchError::NoSuchHost(host()), FetchError::Internal(host()));
    assert_eq!((none.public(), none.detail()), (internal.public(), internal.detail()));
    assert!(none.detail().starts_with("vault.corp has no public address here: check the name"), "{none}");
}

#[test]
fn an_address_is_https_without_user_or_fragment() {
    let check = |typed: &str, expected: Option<&str>| {
        let read = checked_text(typed).ok();
        assert_eq!(read.as_ref().map(Url::as_str), expected, "{typed}");
    };
    check(" https://idp.test/metadata?app=1 ", Some("https://idp.test/metadata?app=1"));
    check("HTTPS://IDP.Test:8443/m", Some("https://idp.test:8443/m"));
    for wrong in [
        "http://idp.test/",
        "idp.test",
        "",
        "https://",
        "https://me@idp.test/",
        "https://me:pass@idp.test/",
        "https://idp.test/#x",
        "https://idp.test:0/",
        "https://idp.test/a b",
        "https:\\\\idp.test/",
        "file:///etc/passwd",
        "ftp://idp.test/",
    ] {
        check(wrong, None);
    }
    check(&format!("https://idp.test/{}", "a".repeat(URL_LIMIT)), None);
    assert!(is_address("https://idp.test") && is_address("HTTP://idp.test"));
    assert!(!is_address("metadata.xml") && !is_address("https.xml") && !is_address("https:/x"));
}

#[test]
fn authorities_that_are_none_are_refused() {
    let pem = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".to_vec();
    let settings = FetchSettings { authorities: Some(pem), ..FetchSettings::default() };
    let refused = Fetcher::new(&settings).err().expect("a mistake");
    assert!(refused.starts_with("«ca» of [saml]"), "{refused}");
    assert!(Fetcher::new(&FetchSettings::default()).is_ok());
}
