//! How slowly a request may come, and since when that is the app's own affair: once it has answered with a stream. What
//! a request announces of itself frees its body of nothing.
//!
//! Over HTTP/1.1 pingora limits the silence within a body, and the gate looks at each piece that comes. pingora has no
//! limit for an HTTP/2 body, nor for an app that is silent towards a stream that was merely announced: for those a
//! moment is set here, at which the request is dropped ([`Due`]).

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep};

use super::limits;

/// How one request comes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Pace {
    body: Body,
    answer_due: Option<Instant>,
}

/// The body of a request.
#[derive(Clone, Copy, Debug, Default)]
enum Body {
    /// There is none, or it is whole.
    #[default]
    Whole,
    /// The app has answered with a stream.
    Free,
    /// It must come at [`limits::BODY_RATE`] after [`limits::BODY_GRACE`].
    Due { since: Instant, bytes: u64 },
    /// A call over HTTP/2 through and through, whose client may pause for [`limits::CALL_SILENCE`].
    Call { last: Instant },
}

impl Pace {
    /// A request with a body; `call`: gRPC to an app that speaks HTTP/2.
    pub fn body(&mut self, call: bool, now: Instant) {
        self.body = if call { Body::Call { last: now } } else { Body::Due { since: now, bytes: 0 } };
    }

    /// A request that announces a stream: pingora lets the app be silent towards it for long, so its answer is due here.
    pub fn announced(&mut self, now: Instant) {
        self.answer_due = now.checked_add(limits::UPSTREAM_SILENCE);
    }

    /// A piece of the body came, the last one if `whole`; `false`: too late.
    pub fn piece(&mut self, length: usize, whole: bool, now: Instant) -> bool {
        match &mut self.body {
            Body::Whole | Body::Free => {}
            Body::Due { bytes, .. } => {
                *bytes = bytes.saturating_add(u64::try_from(length).unwrap_or(u64::MAX));
            }
            Body::Call { last } => *last = now,
        }
        let in_time = self.body_due().is_none_or(|due| now <= due);
        if whole {
            self.body = Body::Whole;
        }
        in_time
    }

    /// The app's answer has begun; `stream`: and may go on for long.
    pub fn answered(&mut self, stream: bool) {
        self.answer_due = None;
        if stream && !matches!(self.body, Body::Whole) {
            self.body = Body::Free;
        }
    }

    /// The app's answer is over: what is left of the body after a stream is as any other.
    pub fn answer_is_over(&mut self, now: Instant) {
        if matches!(self.body, Body::Free) {
            self.body(false, now);
        }
    }

    /// Whether nothing of it is waited for.
    pub fn is_over(&self) -> bool {
        matches!(self.body, Body::Whole) && self.answer_due.is_none()
    }

    /// Whether the body may come as slowly as it likes.
    pub fn is_free(&self) -> bool {
        matches!(self.body, Body::Free)
    }

    fn body_due(&self) -> Option<Instant> {
        match self.body {
            Body::Whole | Body::Free => None,
            Body::Due { since, bytes } => {
                since.checked_add(limits::BODY_GRACE + Duration::from_secs(bytes / limits::BODY_RATE))
            }
            Body::Call { last } => last.checked_add(limits::CALL_SILENCE),
        }
    }

    /// By when something must have happened. `body`: whether nobody else watches over the body.
    pub fn due(&self, body: bool) -> Option<Instant> {
        let body = if body { self.body_due() } else { None };
        body.into_iter().chain(self.answer_due).min()
    }
}

/// An alarm, set only once there is a moment to wait for.
#[derive(Default)]
pub struct Due {
    set_for: Option<Instant>,
    alarm: Option<Pin<Box<Sleep>>>,
}

impl Due {
    /// Is done at `moment`, which may be another one each time.
    pub fn poll(&mut self, moment: Instant, context: &mut Context<'_>) -> Poll<()> {
        let alarm = self.alarm.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(moment)));
        if self.set_for != Some(moment) {
            self.set_for = Some(moment);
            alarm.as_mut().reset(moment);
        }
        alarm.as_mut().poll(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn begun(call: bool) -> (Pace, Instant) {
        let (mut pace, now) = (Pace::default(), Instant::now());
        pace.body(call, now);
        (pace, now)
    }

    #[test]
    fn a_body_has_its_grace_and_then_its_rate() {
        let check = |bytes: usize, seconds: u64, expected: bool| {
            let (mut pace, now) = begun(false);
            let came = pace.piece(bytes, false, now + Duration::from_secs(seconds));
            assert_eq!(came, expected, "{bytes} bytes after {seconds} s");
        };
        check(1, 30, true);
        check(1, 31, false);
        check(2560, 40, true);
        check(2560, 41, false);
        check(usize::MAX, 3600, true);
    }

    #[test]
    fn drops_of_a_body_do_not_keep_it_alive() {
        let (mut pace, now) = begun(false);
        let late = (1..100).find(|second| !pace.piece(1, false, now + Duration::from_secs(*second)));
        assert_eq!(late, Some(31));
    }

    #[test]
    fn a_call_may_pause_but_not_for_ever() {
        let (mut pace, now) = begun(true);
        for minute in 1..60 {
            assert!(pace.piece(1, false, now + Duration::from_secs(minute * 60)), "{minute}");
        }
        let due = now + Duration::from_secs(59 * 60) + limits::CALL_SILENCE;
        assert_eq!(pace.due(true), Some(due));
    }

    #[test]
    fn an_announcement_frees_nothing_and_an_answer_does() {
        let (mut pace, now) = begun(false);
        pace.announced(now);
        assert_eq!(pace.due(true), Some(now + limits::BODY_GRACE), "the body is due all the same");
        assert_eq!(pace.due(false), Some(now + limits::UPSTREAM_SILENCE), "and so is the answer");
        pace.answered(false);
        assert_eq!(pace.due(true), Some(now + limits::BODY_GRACE), "an ordinary answer changes nothing about the body");
        pace.answered(true);
        assert!(pace.is_free() && pace.due(true).is_none());
        let later = now + Duration::from_secs(86_400);
        assert!(pace.piece(0, false, later));
        pace.answer_is_over(later);
        assert_eq!(pace.due(true), Some(later + limits::BODY_GRACE), "after the stream it is a body as any other");
    }

    #[test]
    fn a_whole_body_is_not_waited_for() {
        let (mut pace, now) = begun(false);
        assert!(pace.piece(5, true, now));
        pace.answered(true);
        pace.answer_is_over(now);
        assert_eq!(pace.due(true), None);
    }

    #[tokio::test]
    async fn a_moment_that_is_moved_on_is_waited_for_anew() {
        let began = Instant::now();
        let at = |millis| began + Duration::from_millis(millis);
        let mut due = Due::default();
        let first = std::future::poll_fn(|context| Poll::Ready(due.poll(at(20), context)));
        assert!(first.await.is_pending());
        std::future::poll_fn(|context| due.poll(at(60), context)).await;
        assert!(began.elapsed() >= Duration::from_millis(60), "{:?}", began.elapsed());
        std::future::poll_fn(|context| due.poll(at(20), context)).await;
    }
}
