//! `console`: the link alone on stdout, so that it can be opened from a script.

use super::output::complain;
use super::{Context, Failure};
use crate::administration::api::{ConsoleLink, ConsoleLinkView};

pub(super) fn run(context: &Context) -> Result<(), Failure> {
    context.ask(&ConsoleLink {}, |made: &ConsoleLinkView| {
        complain(&format!("Open this link in a browser: it signs you in as the operator, once, until {}.", made.ends));
        made.url.clone()
    })
}
