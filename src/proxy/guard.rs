//! What watches a request from outside of pingora's phases: a limit on the whole header's time, and the end of every
//! open stream whose session ends.
//!
//! pingora has no hook for either. So the future that serves a request is polled beside a watcher, and dropped when the
//! watcher says so: over HTTP/1.1 the connection closes, over HTTP/2 the stream is reset.

use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use crate::session::{SessionToken, Sessions};

/// How far a request has come.
#[derive(Clone, Copy, Debug, Default)]
enum Stage {
    /// Its header is not whole yet.
    #[default]
    Reading,
    /// Nothing needs watching.
    Free,
    /// It is served for this session.
    Watched(SessionToken),
}

tokio::task_local! {
    static STAGE: Cell<Stage>;
}

/// The header of the request that this task serves is whole.
pub fn header_is_read() {
    let _ = STAGE.try_with(|stage| stage.set(Stage::Free));
}

/// The request that this task serves lives only as long as this session.
pub fn watch(session: SessionToken) {
    let _ = STAGE.try_with(|stage| stage.set(Stage::Watched(session)));
}

/// Why a request was ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The header took too long.
    SlowHeader,
    /// The session ended.
    Session(SessionToken),
}

/// Serves a request until it is done, or until the watcher ends it.
pub async fn guarded<F: Future>(sessions: &Arc<Sessions>, header_time: Duration, serve: F) -> Result<F::Output, Ended> {
    let serve = async move {
        let mut serve = pin!(serve);
        let mut watcher = Watcher { sessions, header_time, waiting: Waiting::Nothing };
        poll_fn(|context| match serve.as_mut().poll(context) {
            Poll::Ready(output) => Poll::Ready(Ok(output)),
            Poll::Pending => watcher.poll(STAGE.with(Cell::get), context).map(Err),
        })
        .await
    };
    STAGE.scope(Cell::new(Stage::Reading), serve).await
}

type Wait = Pin<Box<dyn Future<Output = ()> + Send>>;

/// What the watcher waits for.
enum Waiting {
    Nothing,
    HeaderTime(Pin<Box<tokio::time::Sleep>>),
    SessionEnd(Wait),
}

struct Watcher<'a> {
    sessions: &'a Arc<Sessions>,
    header_time: Duration,
    waiting: Waiting,
}

impl Watcher<'_> {
    fn poll(&mut self, stage: Stage, context: &mut Context<'_>) -> Poll<Ended> {
        match stage {
            Stage::Reading => {
                if !matches!(self.waiting, Waiting::HeaderTime(_)) {
                    self.waiting = Waiting::HeaderTime(Box::pin(tokio::time::sleep(self.header_time)));
                }
            }
            Stage::Free => self.waiting = Waiting::Nothing,
            Stage::Watched(session) => {
                if !matches!(self.waiting, Waiting::SessionEnd(_)) {
                    self.waiting = Waiting::SessionEnd(Box::pin(end_of(Arc::clone(self.sessions), session)));
                }
            }
        }
        match (&mut self.waiting, stage) {
            (Waiting::HeaderTime(sleep), _) => sleep.as_mut().poll(context).map(|()| Ended::SlowHeader),
            (Waiting::SessionEnd(wait), Stage::Watched(session)) => {
                wait.as_mut().poll(context).map(|()| Ended::Session(session))
            }
            _ => Poll::Pending,
        }
    }
}

/// Waits until a session ends. The check comes before each wait: what ended just before is not missed.
async fn end_of(sessions: Arc<Sessions>, session: SessionToken) {
    let mut changes = sessions.watch();
    while sessions.may_go_on(&session).await {
        if changes.changed().await.is_err() {
            return;
        }
    }
}
