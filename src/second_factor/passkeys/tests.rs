//! Passkeys against a key in software, which is honest, or is not.

use std::cell::Cell;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::*;
use crate::directory::audit;
use crate::second_factor::person::tests::World;
use crate::second_factor::{Answer, FactorMethod, Guarded, Reserved, Verdict, answer, reserve};

const SITE: &str = "http://localhost:8080";
const PLACE: &str = "a sign-in";

fn base64(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn sha256(bytes: &[u8]) -> Vec<u8> {
    digest(&SHA256, bytes).as_ref().to_vec()
}

/// A key in software, with user verification.
struct SoftKey {
    pair: EcdsaKeyPair,
    id: Vec<u8>,
    counter: Cell<u32>,
    /// Where its browser says that it is.
    origin: &'static str,
    verifies: bool,
}

impl SoftKey {
    fn new(id: &[u8]) -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap();
        SoftKey { pair, id: id.to_vec(), counter: Cell::new(0), origin: SITE, verifies: true }
    }

    fn client_data(&self, kind: &str, options: &Value) -> String {
        json!({ "type": kind, "challenge": options["challenge"], "origin": self.origin, "crossOrigin": false })
            .to_string()
    }

    /// Relying party, flags, counter (WebAuthn §6.1).
    fn data(&self, attested: bool) -> Vec<u8> {
        self.counter.set(self.counter.get() + 1);
        let mut data = sha256(b"localhost");
        data.push(0x01 | if self.verifies { 0x04 } else { 0 } | if attested { 0x40 } else { 0 });
        data.extend(self.counter.get().to_be_bytes());
        data
    }

    /// Answers `navigator.credentials.create`.
    fn create(&self, options: &str) -> String {
        let options: Value = serde_json::from_str(options).unwrap();
        let client_data = self.client_data("webauthn.create", &options);
        let mut data = self.data(true);
        data.extend([0; 16]);
        data.extend(u16::try_from(self.id.len()).unwrap().to_be_bytes());
        data.extend(&self.id);
        let point = self.pair.public_key().as_ref();
        // The key in COSE form (RFC 9052 §7): kty 2, alg -7, crv 1, x, y.
        data.extend([0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20]);
        data.extend(&point[1..33]);
        data.extend([0x22, 0x58, 0x20]);
        data.extend(&point[33..65]);
        // {"fmt": "none", "attStmt": {}, "authData": …} in CBOR.
        let mut object = vec![0xa3];
        object.extend(b"\x63fmt\x64none\x67attStmt\xa0\x68authData\x59");
        object.extend(u16::try_from(data.len()).unwrap().to_be_bytes());
        object.extend(&data);
        let response =
            json!({ "attestationObject": base64(&object), "clientDataJSON": base64(client_data.as_bytes()) });
        self.credential(&response)
    }

    /// Answers `navigator.credentials.get`.
    fn get(&self, options: &str) -> String {
        let options: Value = serde_json::from_str(options).unwrap();
        let client_data = self.client_data("webauthn.get", &options);
        let data = self.data(false);
        let signed = [data.clone(), sha256(client_data.as_bytes())].concat();
        let signature = self.pair.sign(&SystemRandom::new(), &signed).unwrap();
        let response = json!({
            "authenticatorData": base64(&data),
            "clientDataJSON": base64(client_data.as_bytes()),
            "signature": base64(signature.as_ref()),
            "userHandle": null,
        });
        self.credential(&response)
    }

    fn credential(&self, response: &Value) -> String {
        let id = base64(&self.id);
        json!({ "id": id, "rawId": id, "type": "public-key", "response": response, "clientExtensionResults": {} })
            .to_string()
    }
}

struct Town {
    world: World,
    party: RelyingParty,
}

impl Town {
    async fn new() -> Self {
        Town { world: World::new().await, party: RelyingParty::new(&SITE.parse().unwrap()).unwrap() }
    }

    async fn ask_for_new(&self, place: &str) -> Option<String> {
        self.world.run(async |tx| self.party.ask_for_new(tx, &self.world.user, place).await).await
    }

    async fn confirm(&self, place: &str, given: &str) -> Confirmed {
        let confirm = async |tx: &Tx| self.party.confirm(tx, &self.world.person(), place, ("Blue key", given)).await;
        self.world.run(confirm).await
    }

    /// A key of the account.
    async fn with_key(&self, id: &[u8]) -> SoftKey {
        let key = SoftKey::new(id);
        let options = self.ask_for_new(PLACE).await.expect("there is room");
        assert_eq!(self.confirm(PLACE, &key.create(&options)).await, Confirmed::Done);
        key
    }

    async fn ask(&self, place: &str) -> Option<String> {
        self.world.run(async |tx| self.party.ask_for_answer(tx, self.world.user.id, place).await).await
    }

    async fn answer(&self, place: &str, response: &str) -> bool {
        let person = self.world.person();
        let Reserved::Look(ticket) = reserve(&self.world.store, &person, Guarded::Passkeys).await.unwrap() else {
            panic!("no pause holds for passkeys");
        };
        let given = Answer::Passkey { place, response, party: &self.party };
        match self.world.run(async |tx| answer(tx, &person, &ticket, given).await).await {
            Verdict::Right(right) => right.method == FactorMethod::Passkey,
            Verdict::Wrong => false,
        }
    }

    async fn held(&self) -> Vec<NamedKey> {
        factors::of(&self.world.store.reader(), self.world.user.id).await.unwrap().passkeys
    }
}

#[tokio::test]
async fn a_key_is_added_and_answers_each_challenge_once() {
    let town = Town::new().await;
    assert_eq!(town.ask(PLACE).await, None, "there is no key");
    let key = town.with_key(b"one").await;
    assert_eq!(town.held().await[0].name, "Blue key");
    let options = town.ask(PLACE).await.expect("a challenge");
    assert!(options.contains("\"rpId\":\"localhost\"") && options.contains("\"userVerification\":\"required\""));
    let response = key.get(&options);
    assert!(!town.answer("another sign-in", &response).await);
    assert!(town.answer(PLACE, &response).await);
    assert!(!town.answer(PLACE, &response).await, "the challenge is used up");
    town.ask(PLACE).await;
    assert!(!town.answer(PLACE, &response).await, "it is of another challenge");
    town.world.check().await;
}

#[tokio::test]
async fn what_is_wrong_is_refused() {
    let town = Town::new().await;
    let key = town.with_key(b"one").await;
    let refused = async |spoil: &dyn Fn(&SoftKey, &str) -> String, why: &str| {
        let options = town.ask(PLACE).await.expect("a challenge");
        assert!(!town.answer(PLACE, &spoil(&key, &options)).await, "{why}");
    };
    refused(&|_, _| String::new(), "nothing").await;
    refused(&|_, _| "{}".to_owned(), "no answer").await;
    refused(&|key, options| key.get(options).replace("signature\":\"M", "signature\":\"N"), "a broken signature").await;
    refused(&|_, options| SoftKey::new(b"one").get(options), "another key of that id").await;
    refused(&|_, options| SoftKey::new(b"two").get(options), "an unknown key").await;
    let elsewhere = |key: &SoftKey, options: &str| {
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &pkcs8(&key.pair)).unwrap();
        SoftKey { pair, id: key.id.clone(), counter: Cell::new(90), origin: "http://localhost:9090", verifies: true }
            .get(options)
    };
    refused(&elsewhere, "another origin").await;
    let absent = |key: &SoftKey, options: &str| {
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &pkcs8(&key.pair)).unwrap();
        SoftKey { pair, id: key.id.clone(), counter: Cell::new(90), origin: SITE, verifies: false }.get(options)
    };
    refused(&absent, "without PIN, finger or face").await;
    let options = town.ask(PLACE).await.expect("a challenge");
    assert!(town.answer(PLACE, &key.get(&options)).await, "the same key, honest");
}

fn pkcs8(pair: &EcdsaKeyPair) -> Vec<u8> {
    pair.to_pkcs8v1().unwrap().as_ref().to_vec()
}

#[tokio::test]
async fn a_counter_that_falls_back_may_be_a_copys() {
    let town = Town::new().await;
    let key = town.with_key(b"one").await;
    let (one, two) = (town.ask("one").await.expect("a challenge"), town.ask("two").await.expect("a challenge"));
    key.counter.set(10);
    assert!(town.answer("one", &key.get(&one)).await);
    // Asked for before that answer, and answered by a copy that counts on from where it was made.
    key.counter.set(5);
    assert!(!town.answer("two", &key.get(&two)).await);
    let again = town.ask("two").await.expect("a challenge");
    key.counter.set(11);
    assert!(town.answer("two", &key.get(&again)).await, "the honest one goes on");
}

#[tokio::test]
async fn a_challenge_lives_five_minutes() {
    let town = Town::new().await;
    let key = town.with_key(b"one").await;
    let options = town.ask(PLACE).await.expect("a challenge");
    let response = key.get(&options);
    town.world.clock.advance(ANSWER_WITHIN);
    assert!(!town.answer(PLACE, &response).await);
}

#[tokio::test]
async fn a_set_up_belongs_to_its_place_and_is_void_after_another_change() {
    let town = Town::new().await;
    let key = SoftKey::new(b"one");
    let options = town.ask_for_new("here").await.expect("there is room");
    assert_eq!(town.confirm("there", &key.create(&options)).await, Confirmed::Gone);
    assert_eq!(town.confirm("here", "{}").await, Confirmed::Wrong);
    assert_eq!(town.confirm("here", &key.create(&options)).await, Confirmed::Gone, "it was used up");
    let options = town.ask_for_new("here").await.expect("there is room");
    town.world.app().await;
    assert_eq!(town.confirm("here", &key.create(&options)).await, Confirmed::Gone);
}

#[tokio::test]
async fn a_credential_is_of_one_account_and_an_account_has_a_few() {
    let town = Town::new().await;
    for number in 0..KEPT {
        assert!(town.ask_for_new(PLACE).await.is_some());
        town.with_key(format!("key {number}").as_bytes()).await;
    }
    assert_eq!(town.ask_for_new(PLACE).await, None);
    let removed = town.held().await[0].id.to_hex();
    let take_away = async |tx: &Tx| remove(tx, &town.world.person(), &removed).await;
    assert!(town.world.run(take_away).await && !town.world.run(take_away).await);
    let options = town.ask_for_new(PLACE).await.expect("there is room again");
    let twice = SoftKey::new(b"key 1");
    assert_eq!(town.confirm(PLACE, &twice.create(&options)).await, Confirmed::Wrong, "there is one of that id");
    let options = town.ask_for_new(PLACE).await.expect("there is room again");
    assert_eq!(town.confirm(PLACE, &SoftKey::new(&[7; ID_LIMIT + 1]).create(&options)).await, Confirmed::Wrong);
    town.world.check().await;
    assert!(town.world.run(async |tx| factors::remove_all(tx, town.world.user.id).await).await);
    assert!(town.held().await.is_empty());
    town.with_key(b"key 1").await;
    town.world.check().await;
}

#[tokio::test]
async fn as_many_keys_as_an_account_may_have_fit_into_one_challenge_and_larger_ones_are_refused() {
    let town = Town::new().await;
    for number in 0..KEPT {
        town.with_key(&[u8::try_from(number).unwrap(); ID_LIMIT]).await;
    }
    assert!(town.ask(PLACE).await.is_some());
    const { assert!(KEPT * KEY_LIMIT < crate::store::VALUE_LIMIT) };
    let key = town.world.run(async |tx| tx.scan(&KEYS, &town.world.user.id, None, 1).await).await.remove(0).1;
    assert!(fits(&key));
    let mut large = serde_json::to_value(&key).unwrap();
    large["cred"]["cred_id"] = json!(base64(&[7; KEY_LIMIT]));
    assert!(!fits(&serde_json::from_value(large).unwrap()));
}

#[tokio::test]
async fn keys_come_and_go_audited_and_nameless_ones_get_a_number() {
    assert_eq!((tidy(" a\u{7}b ", 1), tidy("", 2)), ("ab".to_owned(), "Passkey 2".to_owned()));
    assert_eq!(tidy(&"x".repeat(100), 1).len(), NAME_LIMIT);
    let town = Town::new().await;
    town.with_key(b"one").await;
    let id = town.held().await[0].id.to_hex();
    town.world.run(async |tx| remove(tx, &town.world.person(), &id).await).await;
    let rows = audit::newest(&town.world.store.reader(), audit::OPERATOR, 10).await.unwrap();
    let told: Vec<_> = rows.iter().map(|(_, row)| (row.entry.action.as_str(), row.entry.after.as_str())).collect();
    assert_eq!(told, [("second_factor.passkey.add", "Blue key"), ("second_factor.passkey.remove", "")]);
}

#[test]
fn passkeys_need_a_name() {
    let check = |url: &str, expected: bool| {
        assert_eq!(RelyingParty::new(&url.parse().unwrap()).is_ok(), expected, "{url}");
    };
    check("https://app.example.com", true);
    check("https://app.example.com:8443", true);
    check("http://localhost:8080", true);
    check("http://127.0.0.1:8080", false);
    check("https://192.0.2.1", false);
    check("http://[::1]:8080", false);
    let refused = RelyingParty::new(&"http://127.0.0.1:8080".parse().unwrap()).unwrap_err();
    assert!(refused.to_string().contains("127.0.0.1"), "{refused}");
}
