//! `domain`, against a running server and a real DNS server.

use super::site::Site;
use crate::world::dns::{DnsServer, Zone};

/// A site that asks a DNS server of the test's own; the runtime keeps that alive.
fn site() -> (Site, DnsServer, tokio::runtime::Runtime) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let (site, dns) = (Site::new(), runtime.block_on(DnsServer::start()));
    let configuration = std::fs::read_to_string(site.path("vestibule.toml")).unwrap();
    site.write("vestibule.toml", &format!("{configuration}[dns]\nservers = [\"{}\"]\n", dns.address));
    (site, dns, runtime)
}

#[test]
fn a_claim_is_proved_by_the_record_that_it_prints() {
    let (site, dns, _runtime) = site();
    let server = site.serve();
    for slug in ["acme", "globex"] {
        site.run(&["org", "create", slug, "--name", slug]).done();
    }
    let claimed = site.run(&["domain", "claim", "acme", "acme.test"]).done();
    let record = site.json(&["domain", "list", "acme"])[0]["record"].as_str().unwrap().to_owned();
    assert!(record.starts_with("vestibule-domain-verify=") && claimed.contains(&record), "{claimed}");
    assert!(site.run(&["domain", "claim", "acme", "acme.test"]).done().contains(&record), "the token stays");
    let early = site.run(&["domain", "verify", "acme", "acme.test"]);
    assert!(early.out.contains("NXDOMAIN") && early.out.contains("pending"), "{}", early.out);
    early.refused("is not verified for acme: the record is not there: vestibule-domain-verify=");
    server.signal("-KILL");
    let _server = site.serve();
    assert_eq!(site.json(&["domain", "list", "acme"])[0]["record"], record.as_str(), "what was printed still counts");
    dns.txt("acme.test", &record);
    assert!(site.run(&["domain", "verify", "acme", "acme.test"]).done().contains("verified now"));
    let listed = site.run(&["domain", "list"]).done();
    assert!(listed.contains("verified") && listed.contains("the record is there"), "{listed}");

    let second = site.run(&["domain", "claim", "globex", "acme.test"]).done();
    assert!(second.contains("As long as acme holds the domain"), "{second}");
    let both = site.json(&["domain", "list", "globex"])[0]["record"].as_str().unwrap().to_owned();
    dns.set("acme.test", Zone::Txt(vec![vec![record], vec![both]]));
    site.run(&["domain", "verify", "globex", "acme.test"]).refused("acme holds it");
    site.run(&["domain", "release", "acme", "acme.test"]).done();
    site.run(&["domain", "verify", "globex", "acme.test"]).done();
    assert_eq!(site.json(&["org", "show", "globex"])["domains"][0]["state"], "verified");
    site.run(&["domain", "verify", "acme", "acme.test"]).refused("acme has no claim of the domain acme.test");
    assert_eq!(site.json(&["check", "--store"])["store"]["problems"], serde_json::json!([]));
}
