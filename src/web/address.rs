//! Addresses of pages: a path with a query, percent-encoded.

use url::form_urlencoded::Serializer;

/// `path` with a query of these parameters, of which those that are empty are left out.
pub fn address(path: &str, parameters: &[(&str, &str)]) -> String {
    let mut query = Serializer::new(String::new());
    query.extend_pairs(parameters.iter().filter(|(_, value)| !value.is_empty()));
    match query.finish() {
        query if query.is_empty() => path.to_owned(),
        query => format!("{path}?{query}"),
    }
}

/// `path`, which leads back to `return_to` afterwards.
pub fn returning(path: &str, return_to: &str) -> String {
    address(path, &[("return_to", return_to)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_leaves_out_what_is_empty_and_encodes_the_rest() {
        let check = |query: &[(&str, &str)], expected: &str| assert_eq!(address("/a", query), expected);
        check(&[], "/a");
        check(&[("search", ""), ("after", "")], "/a");
        check(&[("search", "a&b"), ("after", "e1 ö")], "/a?search=a%26b&after=e1+%C3%B6");
        assert_eq!(returning("/a", "/b?c=/d"), "/a?return_to=%2Fb%3Fc%3D%2Fd");
    }
}
