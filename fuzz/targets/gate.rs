//! What the gate reads of every request: paths, cookies, the way back after a sign-in. Held against readers who know
//! nothing of how it is done here.

use std::sync::OnceLock;

use vestibule::portal::ReturnPath;
use vestibule::proxy::path;
use vestibule::proxy::routes::Routes;
use vestibule::proxy::{Access, RouteSettings};
use vestibule::session::{CookieForm, Stripped};

/// One input.
pub fn run(bytes: &[u8]) {
    cookies(bytes);
    if let Ok(text) = std::str::from_utf8(bytes) {
        paths(text);
        way_back(text);
    }
}

/// No cookie of ours is left in what the app gets.
fn cookies(header: &[u8]) {
    let Stripped::Rest(rest) = CookieForm::without(header) else { return };
    for pair in rest.split(|byte| *byte == b';') {
        let name = pair.split(|byte| *byte == b'=').next().unwrap_or_default().trim_ascii();
        let name = name.strip_prefix(b"__Host-").unwrap_or(name);
        assert!(name != b"vestibule" && !name.starts_with(b"vestibule-"), "{}", String::from_utf8_lossy(&rest));
    }
}

/// A canonical path is canonical, and what passes as public is public to every app, however it reads.
fn paths(text: &str) {
    static ROUTES: OnceLock<Routes> = OnceLock::new();
    let routes = ROUTES.get_or_init(|| {
        let public =
            RouteSettings { path: "/public/".to_owned(), access: Access::Public, max_age: None, upstream: None };
        Routes::new(&[public], &["app"]).expect("routes")
    });
    let Ok(once) = path::canonical(text) else { return };
    assert_eq!(path::canonical(&once).as_deref().ok(), Some(&*once), "{text:?}");
    assert!(once.starts_with('/') && !once.contains("//") && !once.contains('\\'), "{text:?}: {once}");
    assert!(once.split('/').all(|segment| segment != "." && segment != ".."), "{text:?}: {once}");
    let Ok(route) = routes.find(&once) else { return };
    if route.access == Access::Public {
        for parameters in [false, true] {
            let read = as_an_app(&once, parameters);
            assert!(read.to_ascii_lowercase().starts_with("/public/"), "{text:?}: {once} is read as {read}");
        }
    }
}

/// As an app reads that decodes until nothing is left to decode, and takes `\` for `/`.
fn as_an_app(path: &str, parameters: bool) -> String {
    let mut bytes = path.as_bytes().to_vec();
    loop {
        let decoded = decode(&bytes);
        if decoded == bytes {
            break;
        }
        bytes = decoded;
    }
    let text = String::from_utf8_lossy(&bytes).replace('\\', "/");
    let mut segments: Vec<&str> = Vec::new();
    for segment in text.split('/') {
        let segment = if parameters { segment.split(';').next().unwrap_or_default() } else { segment };
        match segment {
            "" | "." => {}
            ".." => drop(segments.pop()),
            segment => segments.push(segment),
        }
    }
    format!("/{}/", segments.join("/"))
}

fn decode(bytes: &[u8]) -> Vec<u8> {
    let digit = |byte: u8| (byte as char).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let (mut decoded, mut at) = (Vec::new(), 0);
    while at < bytes.len() {
        let pair = (bytes.get(at + 1).copied().and_then(digit), bytes.get(at + 2).copied().and_then(digit));
        if let (b'%', (Some(high), Some(low))) = (bytes[at], pair) {
            decoded.push(high << 4 | low);
            at += 3;
        } else {
            decoded.push(bytes[at]);
            at += 1;
        }
    }
    decoded
}

/// The way back never leaves this host.
fn way_back(text: &str) {
    let back = ReturnPath::parse(text);
    let path = back.as_str();
    assert!(path.starts_with('/') && !path.starts_with("//") && !path.contains('\\'), "{text:?}: {path}");
    assert!(path.bytes().all(|byte| byte.is_ascii_graphic()), "{text:?}: {path}");
    let base = url::Url::parse("https://app.example.com/.vestibule/finish").expect("a URL");
    let joined = base.join(path).expect("a path can be gone to");
    assert_eq!(joined.origin(), base.origin(), "{text:?}: {path}");
}
