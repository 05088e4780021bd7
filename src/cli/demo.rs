//! `demo`: what its screen says.

use serde_json::json;

use super::output::{Output, complain, facts};
use super::verbs::Demo as Typed;
use super::{Context, Failure};
use crate::config::{LOG_VARIABLE, Log, LogFormat, environment};
use crate::server::{Demo, Places};
use crate::telemetry;

/// What the log says in a demo: its screen belongs to the text below.
const LEVEL: &str = "warn";

pub(super) fn run(context: &Context, typed: &Typed) -> Result<(), Failure> {
    if context.config.is_some() || typed.config.is_some() {
        return Err(Failure("the demo takes no configuration: `vestibule serve --config FILE` does".to_owned()));
    }
    let log = Log { level: LEVEL.to_owned(), format: LogFormat::Text };
    telemetry::start_logging(&log, environment(LOG_VARIABLE).as_deref())?;
    let demo = Demo::open(typed.port)?;
    let (places, program) = (demo.places().clone(), context.program.clone());
    for taken in &places.taken {
        complain(&format!("port {taken} is taken: the demo uses the next free one"));
    }
    let output = Output { json: context.output.json || typed.json };
    Ok(demo.run(move || output.show(&listed(&places), |_| told(&places, &program)))?)
}

fn listed(places: &Places) -> serde_json::Value {
    let people = places.companies.iter().flat_map(|company| &company.people);
    json!({
        "public_url": places.public_url,
        "identity_provider": places.identity_provider,
        "ops": places.ops,
        "config": places.config,
        "people": people.map(|person| person.email).collect::<Vec<_>>(),
    })
}

fn told(places: &Places, program: &str) -> String {
    let config = places.config.display();
    let mut people = Vec::new();
    let mut first = "";
    for company in &places.companies {
        for person in &company.people {
            first = if first.is_empty() { person.email } else { first };
            people.push((person.email, format!("{}, {} of {}", person.name(), person.role, company.name)));
        }
    }
    let verb = |words: &str| format!("{program} {words} --config {config}");
    let behind = facts(&[
        ("each sign-in, check by check", verb("logins")),
        ("why someone gets in, or not", verb(&format!("explain {first} /owners/"))),
        ("settings on pages, as the operator", verb("console")),
        ("who is signed in", verb("session list")),
        ("end it", verb("session revoke --all")),
        ("what to type at an identity provider", verb("sso show acme")),
        ("metrics", format!("{}/metrics", places.ops)),
        ("keys of the assertions", format!("{}/.vestibule/jwks.json", places.public_url)),
    ]);
    let indent = |text: &str| text.lines().map(|line| format!("    {line}")).collect::<Vec<_>>().join("\n");
    format!(
        "Vestibule's demo is running.\n\n  Open {url} and sign in as one of these; no passwords:\n\n{people}\n\n  \
         Behind the scenes, in another terminal:\n\n{behind}\n\n  \
         {url}/public/ is open to all, {url}/owners/ to owners alone.\n  \
         The identity provider is at {idp}; the app behind the proxy shows the headers that it receives.\n  \
         Everything is thrown away on Ctrl-C.",
        url = places.public_url,
        idp = places.identity_provider,
        people = indent(&facts(&people)),
        behind = indent(&behind),
    )
}
