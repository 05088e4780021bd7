//! What watches a request from outside of pingora's phases: a limit on the whole header's time, and the end of every
//! open stream whose session ends, or whose route is not for its person any more.
//!
//! pingora has no hook for either. So the future that serves a request is polled beside a watcher, and dropped when the
//! watcher says so: over HTTP/1.1 the connection closes, over HTTP/2 the stream is reset.

use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::sync::futures::Notified;

use super::decide::{Decision, Who, decide};
use super::routes::Routes;
use crate::session::{SessionToken, Sessions};

/// How far a request has come.
#[derive(Clone, Copy, Debug, Default)]
enum Stage {
    /// Its header is not whole yet.
    #[default]
    Reading,
    /// Nothing needs watching.
    Free,
    /// It is served for this session, by the rule of this number.
    Watched(SessionToken, usize),
}

tokio::task_local! {
    static STAGE: Cell<Stage>;
}

/// The header of the request that this task serves is whole.
pub fn header_is_read() {
    let _ = STAGE.try_with(|stage| stage.set(Stage::Free));
}

/// The request that this task serves lives only as long as this session, and as the rule of this number lets it through.
pub fn watch(session: SessionToken, rule: usize) {
    let _ = STAGE.try_with(|stage| stage.set(Stage::Watched(session, rule)));
}

/// Why a request was ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The header took too long.
    SlowHeader,
    /// The session ended.
    Session(SessionToken),
    /// The session lives, but the route is not for this person any more.
    Rule(SessionToken),
}

/// Serves a request until it is done, or until the watcher ends it. A request that is done at once costs nothing here,
/// one that waits an entry in a list, without allocating.
pub async fn guarded<F: Future>(
    sessions: &Sessions,
    routes: &Routes,
    header_time: Duration,
    serve: F,
) -> Result<F::Output, Ended> {
    let serve = async move {
        let mut serve = pin!(serve);
        let mut header_limit = pin!(tokio::time::sleep(header_time));
        // Made before the request is looked at: whatever happens to its person from here on is heard.
        let mut changed = pin!(sessions.changed());
        let mut check = None;
        poll_fn(|context| {
            if let Poll::Ready(output) = serve.as_mut().poll(context) {
                return Poll::Ready(Ok(output));
            }
            match STAGE.with(Cell::get) {
                Stage::Free => Poll::Pending,
                Stage::Reading => header_limit.as_mut().poll(context).map(|()| Err(Ended::SlowHeader)),
                Stage::Watched(session, rule) => {
                    let look = || -> Check<'_> { Box::pin(look(sessions, routes, session, rule)) };
                    poll_end(sessions, look, changed.as_mut(), &mut check, context).map(Err)
                }
            }
        })
        .await
    };
    STAGE.scope(Cell::new(Stage::Reading), serve).await
}

/// A look at whether a stream may go on: why not, if not.
type Check<'a> = Pin<Box<dyn Future<Output = Option<Ended>> + Send + 'a>>;

/// Decides again, by what is known of the person now.
async fn look(sessions: &Sessions, routes: &Routes, session: SessionToken, rule: usize) -> Option<Ended> {
    let Some(facts) = sessions.may_go_on(&session).await else {
        return Some(Ended::Session(session));
    };
    let decision = decide(&routes.rule(rule).access, Who::Person(&facts));
    (decision != Decision::Forward).then_some(Ended::Rule(session))
}

/// Is done when a stream must end: looks each time that something changed.
fn poll_end<'a>(
    sessions: &'a Sessions,
    look: impl Fn() -> Check<'a>,
    mut changed: Pin<&mut Notified<'a>>,
    check: &mut Option<Check<'a>>,
    context: &mut Context<'_>,
) -> Poll<Ended> {
    loop {
        if let Some(looking) = check {
            let ended = ready!(looking.as_mut().poll(context));
            *check = None;
            if let Some(ended) = ended {
                return Poll::Ready(ended);
            }
        }
        ready!(changed.as_mut().poll(context));
        // Listening again comes before looking: what changes meanwhile is looked at once more.
        changed.set(sessions.changed());
        *check = Some(look());
    }
}
