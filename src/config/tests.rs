//! Each mistake of a configuration is named with its line, and with what would be right.

use std::path::Path;
use std::time::Duration;

use super::*;

/// The least that works.
const LEAST: &str = "[[upstream]]\nname = \"app\"\naddresses = [\"127.0.0.1:3000\"]\n";

fn parse(text: &str) -> Result<(Config, Vec<Mistake>), Vec<Mistake>> {
    Config::parse(text, Path::new(""), Timestamp::from_seconds(1_800_000_000))
}

/// What `vestibule check` would print of `text`.
fn mistakes(text: &str) -> String {
    let found = parse(text).expect_err("a mistake is found");
    found.iter().map(|mistake| mistake.display("v.toml")).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_sample_configuration_is_the_defaults() {
    let sample = include_str!("../../config/vestibule.toml");
    let (mut sample, warnings) = parse(sample).expect("the sample is right");
    assert_eq!(warnings, []);
    sample.identity_headers.retain(|(_, names)| !names.is_empty());
    let (defaults, _) = parse(LEAST).expect("the least is right");
    assert_eq!(sample, defaults);
}

#[test]
fn the_sample_configuration_names_every_key() {
    let sample = include_str!("../../config/vestibule.toml");
    for key in [
        "smtp",
        "from",
        "tls_certificate",
        "tls_key",
        "server_name",
        "ca",
        "[[route]]",
        "path",
        "access",
        "max_age",
        "upstream",
        "orgs",
        "roles",
        "public_mail_domains",
        "account",
        "token",
        "daily_per_number",
        "daily_per_organization",
        "[[webhook]]",
        "secret",
        "old_secrets",
        "events",
        "allow_http",
    ] {
        assert!(sample.contains(key), "{key}");
    }
    for fact in FACTS {
        assert!(sample.contains(&format!("\n{fact} = []")), "{fact}");
    }
}

#[test]
fn each_mistake_is_named_with_its_line() {
    let check = |text: &str, expected: &str| {
        let found = mistakes(&format!("{text}\n{LEAST}"));
        assert!(found.lines().any(|line| line.starts_with(expected)), "{text}\nwanted: {expected}\nfound:\n{found}");
    };
    check("[[upstreams]]", "v.toml:1: unknown key «upstreams»: did you mean «upstream»?");
    check("public_uri = 1", "v.toml:1: unknown key «public_uri»: did you mean «public_url»?");
    check("[listen]\nprocsy = \"\"", "v.toml:2: unknown key «procsy» in [listen]: did you mean «proxy»?");
    check("zzz = 1", "v.toml:1: unknown key «zzz»: known here: public_url, threads");
    check("threads = \"four\"", "v.toml:1: «threads» must be a whole number from 0 to 1024, not \"four\"");
    check("threads = -1", "v.toml:1: «threads» must be a whole number from 0 to 1024, not -1");
    check("threads = 1.5", "v.toml:1: «threads» must be a whole number");
    check(
        "public_url = \"http://app.example.com\"",
        "v.toml:1: «public_url» must be https: plain http is for loopback",
    );
    check("public_url = \"app.example.com\"", "v.toml:1: «public_url» must be a URL such as");
    check("trusted_proxies = [\n\"10.0.0.0/8\",\n\"10.0.0.0/99\"]", "v.toml:3: «trusted_proxies» must hold networks");
    check(
        "[listen]\nproxy = \"8080\"",
        "v.toml:2: «proxy» must be an address and port, such as \"127.0.0.1:8080\", not \"8080\"",
    );
    check(
        "[listen]\nproxy = \"0.0.0.0:8082\"",
        "v.toml:2: «proxy» (0.0.0.0:8082) and «ops» (127.0.0.1:8082) want the same port",
    );
    check("[listen]\ntls_key = \"k.pem\"", "v.toml:2: «tls_key» needs «tls_certificate» beside it");
    check(
        "[listen]\ntls_certificate = \"no.pem\"\ntls_key = \"k.pem\"",
        "v.toml:2: can't read no.pem: there is no such file",
    );
    check(
        &format!("[listen]\nadmin_socket = \"/{}\"", "a".repeat(120)),
        "v.toml:2: the path of the admin socket is too long",
    );
    check("[store]\nurl = \"postgres://x\"", "v.toml:2: «url» (PostgreSQL) is not in this version yet: use «path»");
    check("[store]\npath = \"\"", "v.toml:2: «path» is empty");
    check("[store]\npath = \"Cargo.toml\"", "v.toml:2: Cargo.toml is a file");
    check("[session]\nidle = \"8 hours\"", "v.toml:2: «idle» must be a whole number with s, m, h or d");
    check("[session]\nidle = 8", "v.toml:2: «idle» must be");
    check("[session]\nidle = \"10s\"", "v.toml:2: «idle» must be from \"1m\" to \"30d\"");
    check("[session]\nidle = \"9h\"\nabsolute = \"8h\"", "v.toml:3: «idle» is longer than «absolute»");
    check("[dns]\nservers = [\"ns.example\"]", "v.toml:2: «servers» must hold addresses of DNS servers, such as");
    check("[dns]\nrecheck = \"1s\"", "v.toml:2: «recheck» must be from \"1m\" to \"30d\"");
    check("[dns]\ngrace = \"100d\"", "v.toml:2: «grace» must be from \"1m\" to \"90d\"");
    check("[dns]\nprefix = \"a=b\"", "v.toml:2: «prefix» is 1 to 63 of");
    check("[dns]\npublic_mail_domains = \"no.txt\"", "v.toml:2: can't read no.txt: there is no such file");
    check("[dns]\npublic_mail_domains = \"LICENSE\"", "v.toml:2: line 2 of LICENSE is no domain");
    check("[log]\nlevel = \"loud\"", "v.toml:2: \"loud\" is not a level");
    check("[log]\nformat = \"xml\"", "v.toml:2: «format» must be auto, text or json, not \"xml\"");
    check("[identity_headers]\nuser = [\"Remote User\"]", "v.toml:2: \"Remote User\" is not the name of a header");
    check("[identity_headers]\nuser = [\"Cookie\"]", "v.toml:2: the header \"Cookie\" has a meaning of its own");
    check("[identity_headers]\nuser = [\"A-B\", \"a_b\"]", "v.toml:2: the header \"a_b\" is there twice");
    check(
        "[identity_headers]\nmail = [\"A\"]",
        "v.toml:2: unknown key «mail» in [identity_headers]: did you mean «email»?",
    );
    check("[mail]\nsmtp = \"smtp://127.0.0.1\"", "v.toml:2: [mail] needs «from»");
    check("[mail]\nfrom = \"a@b.example\"", "v.toml:2: [mail] needs «smtp»");
    check("[mail]\nsmtp = \"mail:25\"\nfrom = \"Acme\"", "v.toml:3: «from» must be an address");
    check("[mail]\nsmtp = \"http://a:b@mail\"\nfrom = \"a@b.example\"", "v.toml:2: «smtp» begins with smtp:// or");
    check("[mail]\nsmtp = \"smtps://m\"\nfrom = \"a@b.example\"\nca = \"no.pem\"", "v.toml:4: can't read no.pem");
    check("[mail]\nhost = \"m\"", "v.toml:2: unknown key «host» in [mail]: known here: smtp, from, ca");
    check("[password]\nmin_length = 6", "v.toml:2: «min_length» must be a whole number from 8 to 64, not 6");
    check("[password]\nenabled = \"yes\"", "v.toml:2: «enabled» must be true or false");
    check("public_url = ", "v.toml:1: this is not TOML");
    check("listen = 5", "v.toml:1: «listen» must be a table: write [listen], not 5");
}

#[test]
fn each_mistake_of_a_route_or_upstream_is_named_with_its_line() {
    let check = |text: &str, expected: &str| {
        let found = mistakes(&format!("{LEAST}{text}\n"));
        assert!(found.lines().any(|line| line.starts_with(expected)), "{text}\nwanted: {expected}\nfound:\n{found}");
    };
    check(
        "[[upstream]]\nname = \"app\"\naddresses = [\"a:1\"]",
        "v.toml:4: the upstream «app» is there twice, first on line 1",
    );
    check("[[upstream]]\nname = \"b\"", "v.toml:4: this [[upstream]] needs «addresses»");
    check("[[upstream]]\nname = \"b\"\naddresses = []", "v.toml:4: this [[upstream]] needs «addresses»");
    check("[[upstream]]\naddresses = [\"a:1\"]", "v.toml:4: this [[upstream]] needs a «name»");
    check(
        "[[upstream]]\nname = \"b\"\naddresses = [\"http://a\"]",
        "v.toml:6: leave http:// out of \"http://a\": write \"a\", and protocol = \"http\"",
    );
    check("protocol = \"spdy\"", "v.toml:4: «protocol» must be http, https, h2c or h2, not \"spdy\"");
    check("protocol = \"https\"", "v.toml:1: over TLS to an address in numbers «server_name» says");
    check("ca = \"no.pem\"", "v.toml:4: can't read no.pem");
    check("[[route]]\npath = \"public/\"\naccess = \"public\"", "v.toml:5: a path starts with /: write \"/public/\"");
    check("[[route]]\npath = \"/a\"", "v.toml:4: this [[route]] needs «access»");
    check("[[route]]\naccess = \"public\"", "v.toml:4: this [[route]] needs a «path»");
    check("[[route]]\npath = \"/a\"\naccess = \"everyone\"", "v.toml:6: «access» must be \"public\", \"signed_in\" or");
    check("[[route]]\npath = \"/a\"\naccess = 3", "v.toml:6: «access» must be \"public\", \"signed_in\", or { orgs");
    check(
        "[[route]]\npath = \"/a\"\naccess = { roles = [\"amdin\"] }",
        "v.toml:6: \"amdin\" is not a role (did you mean «admin»?)",
    );
    check("[[route]]\npath = \"/a\"\naccess = { orgs = [\"Acme\"] }", "v.toml:6: \"Acme\" is not a slug");
    check(
        "[[route]]\npath = \"/a\"\naccess = { role = [] }",
        "v.toml:6: unknown key «role» in «access»: did you mean «roles»?",
    );
    let route = "[[route]]\npath = \"/a\"\n";
    check(&format!("{route}access = \"signed_in\"\nmax_age = \"1s\""), "v.toml:7: «max_age» must be from \"1m\" to");
    check(&format!("{route}access = \"signed_in\"\nmax_age = \"25h\""), "v.toml:7: «max_age» must be from");
    check(&format!("{route}access = \"public\"\nmax_age = \"15m\""), "v.toml:7: «max_age» asks for a second factor");
    check("[[route]]\npath = \"/a\"\naccess = { roles = [] }", "v.toml:6: «access» names nobody");
    check(
        "[[route]]\npath = \"/a\"\naccess = \"public\"\nupstream = \"ap\"",
        "v.toml:7: there is no upstream «ap»: did you mean «app»?",
    );
    check(
        "[[route]]\npath = \"/.vestibule/x\"\naccess = \"public\"",
        "v.toml:5: \"/.vestibule/x\" is the portal's own",
    );
    check("[[route]]\npath = \"/a/*\"\naccess = \"public\"", "v.toml:5: \"/a/*\" can't match");
    check(
        "[[route]]\npath = \"/a//b\"\naccess = \"public\"",
        "v.toml:5: \"/a//b\" can't match: write it as requests are compared, \"/a/b\"",
    );
    let twice = "[[route]]\npath = \"/a\"\naccess = \"public\"\n";
    check(&format!("{twice}{twice}"), "v.toml:8: the path \"/a\" has a route on line 5 already");
}

#[test]
fn one_look_finds_all_mistakes_in_the_order_of_their_lines() {
    let found = mistakes("public_url = 5\nthreds = 1\n[listen]\nproxy = \"x\"\n[[route]]\npath = \"a\"\n");
    let lines: Vec<&str> = found.lines().map(|line| line.split(": ").next().unwrap_or_default()).collect();
    assert_eq!(lines, ["v.toml", "v.toml:1", "v.toml:2", "v.toml:4", "v.toml:5", "v.toml:6"]);
    assert!(found.starts_with("v.toml: there is no app to protect"), "{found}");
}

#[test]
fn a_mistake_is_told_once_and_not_by_what_follows_from_it() {
    let check = |text: &str, expected: &[&str]| {
        let found = mistakes(text);
        let starts = found.lines().zip(expected).all(|(line, start)| line.starts_with(start));
        assert!(starts && found.lines().count() == expected.len(), "{text}\nfound:\n{found}");
    };
    check("public_url = ", &["v.toml:1: this is not TOML"]);
    check("[[upstreams]]", &["v.toml:1: unknown key «upstreams»"]);
    check("[upstream]", &["v.toml:1: «upstream» must be a list of tables: write [[upstream]]"]);
    check(&format!("{LEAST}[session]\nidle = \"8\"\nabsolute = \"1h\""), &["v.toml:5: «idle» must be a whole"]);
    check(&format!("{LEAST}[session]\nidle = \"30h\"\nabsolute = \"x\""), &["v.toml:6: «absolute» must be a whole"]);
    let https = "public_url = \"https://a.test\"\n";
    check(
        &format!("{https}[listen]\ntls_certificate = \"no.pem\"\ntls_key = \"none.pem\"\n{LEAST}"),
        &["v.toml:3: can't read no.pem", "v.toml:4: can't read none.pem"],
    );
}

#[test]
fn a_short_absolute_limit_shortens_the_idle_one_that_nobody_typed() {
    let (config, _) = parse(&format!("{LEAST}[session]\nabsolute = \"1h\"")).expect("it is right");
    assert_eq!((config.session.idle.as_secs(), config.session.absolute.as_secs()), (3600, 3600));
}

#[test]
fn what_would_surprise_is_warned_of() {
    let check = |text: &str, expected: &[&str]| {
        let (_, warnings) = parse(text).expect("no mistake");
        let told: Vec<String> = warnings.iter().map(|warning| warning.display("v.toml")).collect();
        assert_eq!(told, expected, "{text}");
    };
    let route = |path: &str, access: &str| format!("[[route]]\npath = \"{path}\"\naccess = \"{access}\"\n");
    let routes = |first: &str, second: &str| format!("{LEAST}{}{}", route(first, "public"), route(second, "signed_in"));
    let dead = ["v.toml:8: the route /x is never reached: / on line 5 matches first; move it up"];
    check(&routes("/", "/x"), &dead);
    check(&routes("/a/", "/ab"), &[]);
    check(&routes("/a", "/a/b"), &[]);
    check(&routes("/x", "/"), &[]);
    let open =
        |rest: &str| format!("public_url = \"https://a.test\"\n{rest}[listen]\nproxy = \"0.0.0.0:443\"\n{LEAST}");
    let plain = "v.toml:3: «public_url» is https, but «proxy» speaks plain HTTP: name «tls_certificate» and «tls_key», \
                 unless something in front ends TLS; then name its network in «trusted_proxies»";
    check(&open(""), &[plain]);
    check(&open("trusted_proxies = [\"10.0.0.0/8\"]\n"), &[]);
    check(&format!("public_url = \"https://a.test\"\n{LEAST}"), &[]);
    let mail = |url: &str| format!("{LEAST}[mail]\nsmtp = \"smtp://{url}\"\nfrom = \"a@b.example\"\n");
    let in_the_open = "v.toml:5: «smtp» with ?tls=none: links that sign people in cross the network in the open";
    check(&mail("relay:25?tls=none"), &[in_the_open]);
    check(&mail("127.0.0.1:25?tls=none"), &[]);
}

#[test]
fn each_mistake_of_the_sms_gateway_is_named_with_its_line() {
    let check = |text: &str, expected: &str| {
        let found = mistakes(&format!("{text}\n{LEAST}"));
        assert!(found.lines().any(|line| line.starts_with(expected)), "{text}\nwanted: {expected}\nfound:\n{found}");
    };
    let sms = |rest: &str| format!("[sms]\naccount = \"AC1\"\ntoken = \"t\"\nfrom = \"+14155550100\"\n{rest}");
    check("[sms]\naccount = \"AC1\"", "v.toml:2: [sms] needs «token»");
    check("[sms]\ntoken = \"t\"", "v.toml:2: [sms] needs «account»");
    check("[sms]\naccount = \"AC1\"\ntoken = \"t\"", "v.toml:2: [sms] needs «from»");
    check("[sms]\naccount = \"a/b\"\ntoken = \"t\"\nfrom = \"x\"", "v.toml:2: «account» stands in an address");
    check(&sms("url = \"http://sms.example\""), "v.toml:5: «url» must be https (or http on loopback)");
    check(&sms("url = \"https://a:b@sms.example\""), "v.toml:5: «url» is an address alone");
    check(&sms("daily_per_number = 0"), "v.toml:5: «daily_per_number» must be a whole number from 1 to 1000000");
}

#[test]
fn the_sms_gateway_is_twilio_unless_another_is_named() {
    let parsed = |rest: &str| {
        let text =
            format!("{LEAST}[sms]\naccount = \"AC1\"\ntoken = \"mum_is_the_word\"\nfrom = \"+14155550100\"\n{rest}");
        let (config, _) = parse(&text).unwrap();
        assert!(!format!("{config:?}").contains("mum_is"));
        config.sms.expect("there is one")
    };
    assert_eq!(parsed("").url.as_str(), "https://api.twilio.com/");
    let other = parsed("url = \"http://127.0.0.1:9000/sms\"\ndaily_per_number = 3");
    assert_eq!((other.url.as_str(), other.daily_per_number), ("http://127.0.0.1:9000/sms", 3));
    assert!(parse(LEAST).unwrap().0.sms.is_none());
}

#[test]
fn a_dns_server_is_an_address_with_a_port_unless_it_is_the_usual_one() {
    let (config, _) = parse(&format!("{LEAST}[dns]\nservers = [\"10.0.0.2\", \"[::1]:5353\", \"::1\"]")).unwrap();
    let servers: Vec<String> = config.dns.servers.iter().map(ToString::to_string).collect();
    assert_eq!(servers, ["10.0.0.2:53", "[::1]:5353", "[::1]:53"]);
}

#[test]
fn a_list_of_public_mail_domains_replaces_the_one_that_comes_along() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("mail.txt"), "school.example # pupils\n").unwrap();
    let text = format!("{LEAST}[dns]\npublic_mail_domains = \"mail.txt\"");
    let (config, _) = Config::parse(&text, folder.path(), Timestamp::EPOCH).unwrap();
    let is_public = |domain: &str| config.dns.public_mail.contains(&domain.parse().unwrap());
    assert!(is_public("school.example") && !is_public("gmail.com"));
}

#[test]
fn paths_start_from_the_folder_of_the_file() {
    let (config, _) = Config::parse(LEAST, Path::new("/etc/vestibule"), Timestamp::EPOCH).unwrap();
    assert_eq!(config.store, Path::new("/etc/vestibule/data"));
    assert_eq!(config.listen.admin_socket, Path::new("/etc/vestibule/data/admin.sock"));
}

#[test]
fn a_certificate_and_a_key_that_do_not_fit_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let pair = || rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let (one, two) = (pair(), pair());
    let write = |name: &str, text: String| std::fs::write(folder.path().join(name), text).unwrap();
    write("cert.pem", one.cert.pem());
    write("key.pem", one.signing_key.serialize_pem());
    write("other.pem", two.signing_key.serialize_pem());
    let look = |certificate: &str, key: &str| {
        let text = format!(
            "public_url = \"https://a.test\"\n[listen]\ntls_certificate = \"{certificate}\"\ntls_key = \"{key}\"\n{LEAST}"
        );
        Config::parse(&text, folder.path(), Timestamp::from_seconds(1_800_000_000))
            .map_err(|mistakes| mistakes.iter().map(|mistake| mistake.display("v.toml")).collect::<Vec<_>>().join("\n"))
    };
    assert!(look("cert.pem", "key.pem").is_ok());
    let check = |certificate: &str, key: &str, starts: &str, contains: &str| {
        let found = look(certificate, key).unwrap_err();
        assert!(found.starts_with(starts) && found.contains(contains), "{found}");
    };
    check("cert.pem", "other.pem", "v.toml:4: ", "is not the key of the certificate");
    check("key.pem", "key.pem", "v.toml:3: ", "holds no certificate");
    check("cert.pem", "cert.pem", "v.toml:4: ", "holds no private key");
}

#[test]
fn spans_of_time_have_a_unit() {
    for (text, expected) in [("90s", Some(90)), ("30m", Some(1800)), ("8h", Some(28800)), ("7d", Some(604_800))] {
        assert_eq!(parse_duration(text), expected.map(Duration::from_secs), "{text}");
    }
    for wrong in ["", "8", "h", "8w", "-8h", "8é", "1.5h", "99999999999999999999h"] {
        assert_eq!(parse_duration(wrong), None, "{wrong}");
    }
}
