//! What verifying a response costs, all checks included: `cargo bench --bench saml`, and with `--no-default-features`
//! without the second verifier. It counts the thread's time on the processor, so that a busy machine does no harm.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a benchmark fails by panicking"
)]

#[allow(dead_code, reason = "shared with the tests")]
#[path = "../tests/it/saml/draft.rs"]
mod draft;
#[allow(dead_code, reason = "shared with the tests")]
#[path = "../tests/it/saml/forge.rs"]
mod forge;
#[allow(dead_code, reason = "shared with the tests")]
#[path = "../tests/it/saml/world.rs"]
mod world;

use std::hint::black_box;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use criterion::measurement::{Measurement, ValueFormatter, WallTime};
use criterion::{Criterion, SamplingMode, criterion_group, criterion_main};
use vestibule::saml::{Expected, IdentityProvider, UnverifiedResponse};

use draft::{Draft, attribute};
use forge::{Sealing, Signing};
use world::{ACS, ENTITY_ID, REQUEST, World, noon};

/// The size that the figures are for, in bytes of XML.
const SIZE: usize = 5 * 1024;

/// The thread's time on the processor, as Linux counts it, in nanoseconds; it is written down every few milliseconds, so
/// that samples must be long: few and flat ones.
struct ProcessorTime;

impl Measurement for ProcessorTime {
    type Intermediate = u64;
    type Value = u64;

    fn start(&self) -> u64 {
        let counted = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
        counted.split(' ').next().unwrap().parse().unwrap()
    }
    fn end(&self, started: u64) -> u64 {
        self.start() - started
    }
    fn add(&self, one: &u64, other: &u64) -> u64 {
        one + other
    }
    fn zero(&self) -> u64 {
        0
    }
    fn to_f64(&self, value: &u64) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "nanoseconds of a benchmark are far below 2^53")]
        let value = *value as f64;
        value
    }
    fn formatter(&self) -> &dyn ValueFormatter {
        WallTime.formatter()
    }
}

/// A response of about 5 KB.
fn sized(mut draft: Draft) -> String {
    let missing = SIZE.saturating_sub(draft.xml().len());
    let filler = attribute("groups", &"g".repeat(missing.saturating_sub(120).max(1)));
    draft.attributes = draft.attributes.replace("</saml:AttributeStatement>", &(filler + "</saml:AttributeStatement>"));
    draft.xml()
}

fn verify(criterion: &mut Criterion<ProcessorTime>) {
    let by = |key: &'static str| Draft { sign_assertion: Some(Signing::by(key)), ..Draft::default() };
    let cases = [
        ("assertion signed", "idp", sized(Draft::default())),
        ("response signed", "idp", sized(Draft::response_signed())),
        ("both signed", "idp", sized(Draft::both_signed())),
        ("ECDSA P-256", "p256", sized(by("p256"))),
        ("ECDSA P-384", "p384", sized(by("p384"))),
        ("encrypted", "idp", sized(Draft { encrypt: Some(Sealing::default()), ..Draft::default() })),
    ];
    let mut group = criterion.benchmark_group("verify");
    group.sampling_mode(SamplingMode::Flat);
    for (name, key, xml) in cases {
        let world = World::trusting(&[key]);
        let idp = IdentityProvider::new(&world.connection).unwrap();
        let expected = Expected {
            connection: &idp,
            entity_id: ENTITY_ID,
            acs_url: ACS,
            in_response_to: Some(REQUEST),
            unsolicited: false,
            decryption_keys: &world.keys,
        };
        let field = BASE64.encode(&xml);
        let once = || UnverifiedResponse::from_form_field(black_box(&field)).unwrap().verify(&expected, noon());
        assert!(once().outcome.is_ok(), "{name}: {:?}", once().outcome);
        group.bench_function(format!("{name}, {} bytes", xml.len()), |bencher| bencher.iter(once));
    }
    group.finish();
}

fn refuse(criterion: &mut Criterion<ProcessorTime>) {
    let world = World::default();
    let idp = IdentityProvider::new(&world.connection).unwrap();
    let expected = Expected {
        connection: &idp,
        entity_id: ENTITY_ID,
        acs_url: ACS,
        in_response_to: Some(REQUEST),
        unsolicited: false,
        decryption_keys: &world.keys,
    };
    let xml = sized(Draft::default());
    let inside = |content: &str| {
        xml.replacen("<samlp:Status>", &format!("<samlp:Extensions>{content}</samlp:Extensions><samlp:Status>"), 1)
    };
    let attributes = forge::repeated(28_000, |n| format!(" a{n}=''"));
    let transforms = "<ds:Transform Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"/>".repeat(2_000);
    let cases = [
        ("a stranger's signature", sized(Draft { sign_assertion: Some(Signing::by("stranger")), ..Draft::default() })),
        ("a document type", format!("<!DOCTYPE r>{xml}")),
        ("28,000 attributes", inside(&format!("<x xmlns=\"urn:x\"{attributes}/>"))),
        ("deep nesting", inside(&"<a>".repeat(50_000))),
        ("2,000 transforms", xml.replacen("</ds:Transforms>", &format!("{transforms}</ds:Transforms>"), 1)),
    ];
    let mut group = criterion.benchmark_group("refuse");
    group.sampling_mode(SamplingMode::Flat);
    for (name, xml) in cases {
        let response = UnverifiedResponse::from_xml(xml.as_bytes());
        assert!(response.verify(&expected, noon()).outcome.is_err(), "{name}");
        group.bench_function(name, |bencher| bencher.iter(|| black_box(&response).verify(&expected, noon())));
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().with_measurement(ProcessorTime).sample_size(10);
    targets = verify, refuse
}
criterion_main!(benches);
