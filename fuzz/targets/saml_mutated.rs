//! Good responses, changed: whatever still gets in is the same assertion, and the two verifiers are of one mind.

use std::sync::OnceLock;

use super::draft::Draft;
use super::world::World;
use vestibule::saml::{SamlError, VerifiedAssertion};

const TRICKS: [&str; 12] = [
    "<!-- -->",
    "<![CDATA[x]]>",
    "<?x?>",
    "<!DOCTYPE x>",
    "&#10;",
    " ID=\"_a1\"",
    " Id=\"_evil\"",
    " xmlns:x=\"1\"",
    " xmlns=\"\"",
    "eve@acme.example",
    "</saml:Assertion><saml:Assertion>",
    "<saml:AttributeValue>eve@acme.example</saml:AttributeValue>",
];

struct Good {
    xml: String,
    /// Where its elements begin and end.
    elements: Vec<(usize, usize)>,
    proof: VerifiedAssertion,
}

fn good(world: &World, xml: String) -> Good {
    let doc = uppsala::parse(&xml).expect("XML");
    let nodes = doc.descendants(doc.root());
    let ranges = nodes.into_iter().filter(|node| doc.element(*node).is_some()).filter_map(|node| doc.node_range(node));
    let elements = ranges.map(|range| (range.start, range.end)).collect();
    drop(doc);
    let proof = world.verdict_of_bytes(xml.as_bytes()).outcome.expect("a good message");
    Good { xml, elements, proof }
}

fn all() -> &'static (World, Vec<Good>) {
    static ALL: OnceLock<(World, Vec<Good>)> = OnceLock::new();
    ALL.get_or_init(|| {
        let world = World::default();
        let drafts = [Draft::default(), Draft::response_signed(), Draft::both_signed()];
        let goods = drafts.iter().map(|draft| good(&world, draft.xml())).collect();
        (world, goods)
    })
}

/// One input.
pub fn run(script: &[u8]) {
    let (world, goods) = all();
    let Some((first, script)) = script.split_first() else { return };
    let good = &goods[usize::from(*first) % goods.len()];
    let mut bytes = good.xml.clone().into_bytes();
    for change in script.chunks_exact(6).take(6) {
        let number = |at: usize| usize::from(change[at]) << 8 | usize::from(change[at + 1]);
        let at = number(1) % bytes.len().max(1);
        let (from, to) = good.elements[number(3) % good.elements.len()];
        let element = &good.xml.as_bytes()[from..to];
        match change[0] % 6 {
            0 => bytes[at] = change[5],
            1 => drop(bytes.drain(at..(at + usize::from(change[5])).min(bytes.len()))),
            2 => drop(bytes.splice(at..at, TRICKS[usize::from(change[5]) % TRICKS.len()].bytes())),
            3 => drop(bytes.splice(at..at, element.iter().copied())),
            4 => {
                let (start, _) = good.elements[number(1) % good.elements.len()];
                let start = start.min(bytes.len());
                bytes.splice(start..start, element.iter().copied());
            }
            _ => {
                let (start, end) = good.elements[number(1) % good.elements.len()];
                let end = end.min(bytes.len());
                bytes.splice(start.min(end)..end, element.iter().copied());
            }
        }
        if bytes.is_empty() {
            return;
        }
    }
    match world.verdict_of_bytes(&bytes).outcome {
        Ok(proof) => assert!(proof == good.proof, "{proof:?}"),
        Err(error) => assert!(!matches!(error, SamlError::Disagreement(_)), "{error}"),
    }
}
