//! Good messages, changed at random: whatever still gets in signs the same person in, and both verifiers agree.

use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{Config, TestRunner};
use vestibule::saml::VerifiedAssertion;

use super::draft::Draft;
use super::forge::*;
use super::world::*;

/// How many changed messages are tried for each good one. The same ones in every run; the fuzz target tries others.
const CASES: u32 = 1_500;

/// One change.
#[derive(Clone, Debug)]
enum Change {
    /// Another byte at a place.
    Byte(Index, u8),
    /// A piece taken out.
    Cut(Index, Index),
    /// A piece of the message put in somewhere else.
    Paste(Index, Index, Index),
    /// A text that attackers like, put in somewhere.
    Insert(Index, usize),
    /// An element put in before, into, or in place of another one.
    Element(Index, Index, u8),
}

const TRICKS: [&str; 14] = [
    "<!-- -->",
    "<![CDATA[x]]>",
    "<?x?>",
    "<!DOCTYPE x>",
    "&#10;",
    "&amp;",
    " ID=\"_a1\"",
    " Id=\"_evil\"",
    " xmlns:x=\"1\"",
    " xmlns=\"\"",
    "eve@acme.example",
    "</saml:Assertion><saml:Assertion>",
    "<saml:AttributeValue>eve@acme.example</saml:AttributeValue>",
    "\u{200b}",
];

fn change() -> impl Strategy<Value = Change> {
    let at = any::<Index>;
    prop_oneof![
        (at(), any::<u8>()).prop_map(|(at, byte)| Change::Byte(at, byte)),
        (at(), at()).prop_map(|(from, length)| Change::Cut(from, length)),
        (at(), at(), at()).prop_map(|(from, length, to)| Change::Paste(from, length, to)),
        (at(), 0..TRICKS.len()).prop_map(|(at, trick)| Change::Insert(at, trick)),
        (at(), at(), 0_u8..3).prop_map(|(what, whither, how)| Change::Element(what, whither, how)),
    ]
}

fn apply(bytes: &mut Vec<u8>, change: &Change) {
    let length = bytes.len();
    match change {
        Change::Byte(at, byte) => {
            let at = at.index(length);
            bytes[at] = *byte;
        }
        Change::Cut(from, size) => {
            let from = from.index(length);
            let to = (from + 1 + size.index(64)).min(length);
            bytes.drain(from..to);
        }
        Change::Paste(from, size, to) => {
            let from = from.index(length);
            let piece = bytes[from..(from + 1 + size.index(400)).min(length)].to_vec();
            let to = to.index(length);
            bytes.splice(to..to, piece);
        }
        Change::Insert(at, trick) => {
            let at = at.index(length);
            bytes.splice(at..at, TRICKS[*trick].bytes());
        }
        Change::Element(what, whither, how) => {
            let Ok(text) = String::from_utf8(bytes.clone()) else { return };
            let Ok(doc) = uppsala::parse(&text) else { return };
            let elements: Vec<_> =
                doc.descendants(doc.root()).into_iter().filter(|n| doc.element(*n).is_some()).collect();
            let range = |index: &Index| doc.node_range(elements[index.index(elements.len())]);
            let (Some(what), Some(whither)) = (range(what), range(whither)) else { return };
            let piece = bytes[what].to_vec();
            match how {
                0 => bytes.splice(whither.start..whither.start, piece),
                1 => bytes.splice(whither.end..whither.end, piece),
                _ => bytes.splice(whither, piece),
            };
        }
    }
}

/// Changes `good` over and over; whatever is accepted must be the same person by the same assertion.
fn hold(what: &str, good: &str, cases: u32) {
    let world = World::default();
    let genuine = world.verdict(good).outcome.unwrap();
    let same = |proof: &VerifiedAssertion| *proof == genuine;
    let mut runner = TestRunner::new_with_rng(
        Config { cases, failure_persistence: None, ..Config::default() },
        proptest::test_runner::TestRng::deterministic_rng(proptest::test_runner::RngAlgorithm::ChaCha),
    );
    let accepted = std::cell::Cell::new(0_u32);
    let outcome = runner.run(&prop::collection::vec(change(), 1..4), |changes| {
        let mut bytes = good.as_bytes().to_vec();
        for change in &changes {
            if !bytes.is_empty() {
                apply(&mut bytes, change);
            }
        }
        let verdict = match std::str::from_utf8(&bytes) {
            Ok(text) => world.verdict(text),
            Err(_) => world.verdict_of_bytes(&bytes),
        };
        if let Ok(proof) = &verdict.outcome {
            accepted.set(accepted.get() + 1);
            prop_assert!(same(proof), "{proof:?}");
        }
        Ok(())
    });
    outcome.unwrap_or_else(|error| panic!("{what}: {error}"));
    println!("{what}: {} of {cases} changed messages still say the same", accepted.get());
    assert!(accepted.get() > 0, "{what}: changes outside what is signed do no harm, so some get in");
}

#[test]
fn a_changed_message_never_signs_somebody_else_in() {
    hold("assertion signed", &Draft::default().xml(), CASES);
    hold("response signed", &Draft::response_signed().xml(), CASES);
    hold("both signed", &Draft::both_signed().xml(), CASES);
}

#[test]
fn a_changed_encrypted_message_never_signs_somebody_else_in() {
    let sealed = |draft: Draft| draft.with(|draft| draft.encrypt = Some(Sealing::default())).xml();
    hold("encrypted", &sealed(Draft::default()), CASES / 5);
    hold("encrypted in a signed response", &sealed(Draft::response_signed()), CASES / 5);
}
