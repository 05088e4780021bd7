//! What watches requests from outside of pingora's phases: a limit on a whole header's time, the moments of
//! [`super::pace`], and the end of every open stream whose session ends, or whose route is not for its person any more.
//!
//! pingora has no hook for any of them. So the future that serves a connection is polled beside a watcher, and dropped when
//! the watcher says so. Over HTTP/1.1 one watcher serves all of a connection's requests, one after the other, and the
//! connection closes; over HTTP/2 each stream has its own, and is reset. A request that does not wait costs a few words
//! of memory: the timer and the place in the list of those who listen are the connection's, and stay.

use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::sync::futures::Notified;
use tokio::time::{Instant, Sleep};

use super::decide::{Decision, Who, decide};
use super::pace::Due;
use super::routes::Routes;
use crate::session::{SessionToken, Sessions};

/// How far a connection has come with what it serves now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Its first header is not whole yet.
    First,
    /// An HTTP/2 handshake is under way.
    Handshake,
    /// A later header is not whole yet, if it has begun at all.
    Next,
    /// Nothing needs watching.
    Free,
    /// A request is served for a session, by a rule.
    Watched,
}

/// What the task that serves a request tells its watcher.
struct Watch {
    stage: Cell<Stage>,
    /// Until when the header must be whole.
    until: Cell<Instant>,
    /// For whom it is served, and by the rule of which number.
    whose: Cell<Option<(SessionToken, usize)>>,
    /// Whether that is another request than at the last look.
    another: Cell<bool>,
    /// The wakes that the decision on the request has taken into account.
    seen: Cell<u64>,
    /// When the request is dropped, unless another moment is set before.
    due: Cell<Option<Instant>>,
}

tokio::task_local! {
    static WATCH: Watch;
}

/// A header is awaited on an HTTP/1.1 connection: the first one in the time that the connection has, a later one within
/// `time`. `false` if this task serves a stream of an HTTP/2 connection instead, which has no watcher yet.
pub fn awaits_header(time: Duration) -> bool {
    WATCH
        .try_with(|watch| {
            watch.due.set(None);
            if watch.stage.get() != Stage::First {
                watch.until.set(Instant::now() + time);
                watch.stage.set(Stage::Next);
            }
        })
        .is_ok()
}

/// The connection of this task begins to speak HTTP/2.
pub fn handshake_begins() {
    let _ = WATCH.try_with(|watch| watch.stage.set(Stage::Handshake));
}

/// If an HTTP/2 handshake was under way, it is done: the connection's streams have limits of their own.
pub fn handshake_is_done() {
    let _ = WATCH.try_with(|watch| {
        if watch.stage.get() == Stage::Handshake {
            watch.stage.set(Stage::Free);
        }
    });
}

/// The header of the request that this task serves is whole; what is found out about its sender is found out now.
pub fn header_is_read(sessions: &Sessions) {
    let _ = WATCH.try_with(|watch| {
        watch.stage.set(Stage::Free);
        watch.seen.set(sessions.wakes().begun);
    });
}

/// The request that this task serves lives only as long as this session, and as the rule of this number lets it through.
pub fn watch(session: SessionToken, rule: usize) {
    let _ = WATCH.try_with(|watch| {
        watch.whose.set(Some((session, rule)));
        watch.another.set(true);
        watch.stage.set(Stage::Watched);
    });
}

/// The request that this task serves is dropped at this moment, unless another one is set before.
pub fn set_due(due: Option<Instant>) {
    let _ = WATCH.try_with(|watch| watch.due.set(due));
}

/// Why a request was ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The first header took too long.
    SlowHeader,
    /// No further header came in time.
    Idle,
    /// The body, or the answer to an announced stream, did not come in time.
    Late,
    /// The session ended.
    Session(SessionToken),
    /// The session lives, but the route is not for this person any more.
    Rule(SessionToken),
}

/// Serves a connection whose first header must come within `time`, or without one a stream whose header was read, until
/// it is done, or until the watcher ends it.
pub async fn guarded<F: Future>(
    sessions: &Sessions,
    routes: &Routes,
    time: Option<Duration>,
    serve: F,
) -> Result<F::Output, Ended> {
    let now = Instant::now();
    let watch = Watch {
        stage: Cell::new(if time.is_some() { Stage::First } else { Stage::Free }),
        until: Cell::new(now + time.unwrap_or_default()),
        whose: Cell::new(None),
        another: Cell::new(false),
        seen: Cell::new(sessions.wakes().begun),
        due: Cell::new(None),
    };
    let serve = async move {
        let mut serve = pin!(serve);
        let mut timer = pin!(time.map(tokio::time::sleep));
        let mut ear = Ear { sessions, changed: pin!(sessions.changed()), registered: None };
        let mut check = None;
        let mut due = Due::default();
        poll_fn(|context| {
            if let Poll::Ready(output) = serve.as_mut().poll(context) {
                return Poll::Ready(Ok(output));
            }
            WATCH.with(|watch| {
                if watch.due.get().is_some_and(|moment| due.poll(moment, context).is_ready()) {
                    return Poll::Ready(Err(Ended::Late));
                }
                match watch.stage.get() {
                    Stage::Free => Poll::Pending,
                    Stage::First | Stage::Handshake | Stage::Next => {
                        poll_limit(timer.as_mut(), watch, context).map(Err)
                    }
                    Stage::Watched => poll_end(routes, &mut ear, &mut check, watch, context).map(Err),
                }
            })
        })
        .await
    };
    WATCH.scope(watch, serve).await
}

/// Is done when the header has come too late. The timer is set anew only when it has run out: its moment lies before the
/// one that counts, or is that moment.
fn poll_limit(mut timer: Pin<&mut Option<Sleep>>, watch: &Watch, context: &mut Context<'_>) -> Poll<Ended> {
    let until = watch.until.get();
    while let Some(mut sleep) = timer.as_mut().as_pin_mut() {
        ready!(sleep.as_mut().poll(context));
        if Instant::now() >= until {
            let ended = if watch.stage.get() == Stage::Next { Ended::Idle } else { Ended::SlowHeader };
            return Poll::Ready(ended);
        }
        sleep.reset(until);
    }
    Poll::Pending
}

/// Listens for wakes. Its place among those who listen is kept until a wake takes it.
struct Ear<'e, 's> {
    sessions: &'s Sessions,
    changed: Pin<&'e mut Notified<'s>>,
    /// The wakes that had been when the place was taken, if none was under way then.
    registered: Option<u64>,
}

impl Ear<'_, '_> {
    /// Sees to it that the next wake is heard; gives how many there have been.
    fn listen(&mut self, context: &mut Context<'_>) -> u64 {
        loop {
            let before = self.sessions.wakes();
            if self.registered == Some(before.begun) {
                return before.begun;
            }
            // A wake that is under way may take this place as well: then it is not relied on later.
            self.registered = before.settled.then_some(before.begun);
            self.changed.set(self.sessions.changed());
            let heard = self.changed.as_mut().poll(context).is_ready();
            if !heard && self.sessions.wakes().begun == before.begun {
                return before.begun;
            }
            self.registered = None;
        }
    }
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
fn poll_end<'s>(
    routes: &'s Routes,
    ear: &mut Ear<'_, 's>,
    check: &mut Option<Check<'s>>,
    watch: &Watch,
    context: &mut Context<'_>,
) -> Poll<Ended> {
    if watch.another.replace(false) {
        *check = None;
    }
    loop {
        if let Some(looking) = check {
            let ended = ready!(looking.as_mut().poll(context));
            *check = None;
            if let Some(ended) = ended {
                return Poll::Ready(ended);
            }
        }
        // Listening again comes before looking: what changes meanwhile is looked at once more.
        let wakes = ear.listen(context);
        if watch.seen.replace(wakes) == wakes {
            return Poll::Pending;
        }
        if let Some((session, rule)) = watch.whose.get() {
            let sessions = ear.sessions;
            *check = Some(Box::pin(look(sessions, routes, session, rule)));
        }
    }
}
