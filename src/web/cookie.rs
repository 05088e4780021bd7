//! Cookies of our own pages, beside the session's.

use http::HeaderMap;
use http::header::COOKIE;

/// The value of a cookie that came once.
pub fn cookie_of(headers: &HeaderMap, name: &str) -> Option<String> {
    let lines = headers.get_all(COOKIE).into_iter().filter_map(|line| line.to_str().ok());
    let pairs = lines.flat_map(|line| line.split(';').filter_map(|pair| pair.trim().split_once('=')));
    let mut values = pairs.filter(|(held, _)| *held == name).map(|(_, value)| value);
    let value = values.next()?.to_owned();
    values.next().is_none().then_some(value)
}
