//! Metadata at its address, as the running server reads it: set, followed, kept over a restart, forgotten, removed (R52).

use crate::world::publisher::Publisher;

use super::site::{Site, certificate_pem};

#[test]
fn r52_metadata_at_its_address_is_followed_and_kept_over_a_restart() {
    let site = Site::new();
    let publisher = Publisher::start(&site.path("ca.pem"));
    let (old, new) = (certificate_pem(), certificate_pem());
    publisher.publish(&[&old]);
    let configured = std::fs::read_to_string(site.path("vestibule.toml")).unwrap();
    let host = publisher.host();
    site.write("vestibule.toml", &format!("{configured}[saml]\ninternal_hosts = [\"{host}\"]\nca = \"ca.pem\"\n"));
    let server = site.serve();
    site.run(&["org", "create", "acme", "--name", "Acme"]).done();
    let url = publisher.url.as_str();
    let said = site.run(&["sso", "set", "acme", "--metadata", url]).done();
    assert!(said.starts_with("acme signs in at https://idp.example/ now (1 certificate"), "{said}");
    publisher.publish(&[&old, &new]);
    let said = site.run(&["sso", "refresh", "acme"]).done();
    assert!(said.starts_with(&format!("acme follows {url} (2 certificates)")), "{said}");
    drop(server);
    let _server = site.serve();
    let shown = || site.json(&["sso", "show", "acme"])["idp"].clone();
    let idp = shown();
    assert_eq!((idp["metadata"]["url"].as_str(), idp["certificates"].as_array().unwrap().len()), (Some(url), 2));
    assert!(site.run(&["sso", "show", "acme"]).done().contains(&format!("{url}, last read ")));
    publisher.publish(&[&new]);
    site.write("organizations.toml", &format!("[[organization]]\nslug = \"acme\"\nsso = {{ metadata = \"{url}\" }}\n"));
    let said = site.run(&["apply", "organizations.toml"]).done();
    assert!(said.contains("sso certificates"), "{said}");
    assert_eq!(shown()["certificates"].as_array().unwrap().len(), 1);
    *publisher.document.lock().unwrap() = "<html></html>".to_owned();
    site.run(&["apply", "organizations.toml"]).refused("acme: this is a web page");
    site.run(&["sso", "refresh", "acme"]).refused("this is a web page");
    assert!(shown()["metadata"]["failing"][1].as_str().unwrap().contains("web page"));
    let said = site.run(&["sso", "refresh", "acme", "--forget"]).done();
    assert!(said.contains("at no address any more"), "{said}");
    assert!(shown()["metadata"].is_null());
    site.run(&["sso", "refresh", "acme"]).refused("has no address of its metadata");
    let audit = site.run(&["audit", "--org", "acme"]).done();
    assert!(audit.contains("sso.refresh") && audit.contains("sso metadata_address"), "{audit}");
    let said = site.run(&["sso", "remove", "acme"]).done();
    assert!(said.contains("single sign-on"), "{said}");
    assert!(shown().is_null());
    site.run(&["sso", "remove", "acme"]).refused("has no single sign-on yet");
    assert!(site.run(&["check", "--store"]).done().contains("good"));
}

#[test]
fn r52_this_machine_and_its_network_are_not_asked_unless_the_operator_names_the_host() {
    let site = Site::new();
    let publisher = Publisher::start(&site.path("ca.pem"));
    publisher.publish(&[&certificate_pem()]);
    let _server = site.serve();
    site.run(&["org", "create", "acme", "--name", "Acme"]).done();
    for host in ["localhost", "127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "169.254.169.254"] {
        let url = publisher.url.replace("localhost", host);
        site.run(&["sso", "set", "acme", "--metadata", &url]).refused("has no public address here");
    }
    site.run(&["sso", "set", "acme", "--metadata", "http://localhost/m"]).refused("begins with https://");
    assert!(site.json(&["sso", "show", "acme"])["idp"].is_null());
}
