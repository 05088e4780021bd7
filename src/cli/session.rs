//! `session`

use super::output::table;
use super::text;
use super::verbs::{Revoke, Session};
use super::{Context, Failure};
use crate::administration::api::{SessionList, SessionRevoke, SessionView, Whose};

pub(super) fn run(context: &Context, verb: Session) -> Result<(), Failure> {
    match verb {
        Session::List { org, user } => {
            let whose = match (org, user) {
                (Some(slug), _) => Whose::Org(slug),
                (None, Some(email)) => Whose::User(email),
                (None, None) => Whose::All,
            };
            context.ask(&SessionList { whose }, |found| list(found))
        }
        Session::Revoke(Revoke { id, user, org, all: _ }) => {
            let whose = match (id, user, org) {
                (Some(id), ..) => Whose::Session(id),
                (None, Some(email), _) => Whose::User(email),
                (None, None, Some(slug)) => Whose::Org(slug),
                (None, None, None) => Whose::All,
            };
            context.ask(&SessionRevoke { whose }, text::changes)
        }
    }
}

fn list(found: &[SessionView]) -> String {
    let row = |session: &SessionView| {
        [
            session.id.to_string(),
            session.email.clone(),
            session.slug.as_ref().map(ToString::to_string).unwrap_or_default(),
            session.created.clone(),
            session.ends.clone(),
            session.client.clone().unwrap_or_default(),
        ]
    };
    let rows: Vec<_> = found.iter().map(row).collect();
    table(["ID", "EMAIL", "ORGANIZATION", "SINCE", "ENDS BY", "FROM"], &rows, "No sessions.")
}
