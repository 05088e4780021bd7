//! Group flush: one thread makes all waiting commits durable at once, tells the feeds in commit order, then answers.

use std::fs::File;
use std::sync::Arc;
use std::thread::JoinHandle;

use parking_lot::{Condvar, Mutex, MutexGuard};
use tokio::sync::{broadcast, oneshot};

use super::error::StoreError;
use super::feed::Change;
use super::pending::Rows;
use super::place::Place;
use super::sled::{CEILING_KEY, guarded};

/// How often others are let run before a flush, as long as that brings further commits.
const GATHERING: usize = 4;

/// Hears once a commit is durable, or that it will not be.
pub(super) type Done = oneshot::Receiver<Result<(), StoreError>>;

/// Waits until the flushing thread has answered.
pub(super) async fn durable(done: Done) -> Result<(), StoreError> {
    done.await.unwrap_or_else(|_| Err(StoreError::Backend("the flushing thread has ended".to_owned())))
}

/// Commits that are written, but not yet known to be durable.
#[derive(Default)]
pub(super) struct FlushQueue {
    state: Mutex<State>,
    wake: Condvar,
}

#[derive(Default)]
struct State {
    waiting: Vec<Waiting>,
    closing: bool,
    failed: Option<StoreError>,
}

struct Waiting {
    /// What the feeds will be told.
    change: Option<Arc<Change>>,
    /// The last sequence number that was set aside by then.
    ceiling: u64,
    done: oneshot::Sender<Result<(), StoreError>>,
}

impl FlushQueue {
    /// Queues a commit; call it in commit order. The receiver hears once it is durable.
    pub(super) fn push(&self, change: Option<Arc<Change>>, ceiling: u64) -> Done {
        let (done, receiver) = oneshot::channel();
        let mut state = self.state.lock();
        // After a failure `done` is dropped here, and the receiver hears that.
        if state.failed.is_none() {
            state.waiting.push(Waiting { change, ceiling, done });
        }
        self.wake.notify_one();
        receiver
    }

    /// Refuses once anything has failed: after a failed flush nobody knows what the disk holds.
    pub(super) fn check(&self) -> Result<(), StoreError> {
        self.state.lock().failed.clone().map_or(Ok(()), Err)
    }

    /// Ends all writing, for good.
    pub(super) fn poison(&self, error: &StoreError) {
        let mut state = self.state.lock();
        if state.failed.is_none() {
            tracing::error!(%error, "the store failed and takes no more writes until it is opened again");
            state.failed = Some(error.clone());
        }
    }

    /// All that wait, as soon as there are some; `None` once the queue is closed and empty.
    fn drain(&self) -> Option<Vec<Waiting>> {
        let mut state = self.state.lock();
        while state.waiting.is_empty() {
            if state.closing {
                return None;
            }
            self.wake.wait(&mut state);
        }
        // Whoever is about to commit may do so before the disk is waited for: with many writers on few cores that makes
        // several times fewer flushes, and one writer alone waits for nobody.
        for _ in 0..GATHERING {
            let seen = state.waiting.len();
            MutexGuard::unlocked(&mut state, std::thread::yield_now);
            if state.waiting.len() == seen {
                break;
            }
        }
        Some(std::mem::take(&mut state.waiting))
    }

    /// The thread is gone: whoever waits hears it, since nobody else will answer.
    fn abandon(&self) {
        self.poison(&StoreError::Backend("the flushing thread has ended".to_owned()));
        self.state.lock().waiting.clear();
    }

    fn close(&self) {
        self.state.lock().closing = true;
        self.wake.notify_all();
    }
}

/// The thread that flushes. Dropping it flushes what still waits, and waits for its end.
pub(super) struct Flusher {
    queue: Arc<FlushQueue>,
    thread: Option<JoinHandle<()>>,
}

impl Flusher {
    /// Starts the thread. Without a `place` there is no disk to wait for.
    pub(super) fn start(
        queue: Arc<FlushQueue>,
        rows: Arc<Rows>,
        place: Option<Place>,
        changes: broadcast::Sender<Arc<Change>>,
    ) -> Result<Self, StoreError> {
        let disk = place.map(Disk::new).transpose()?;
        let mut work = Work { queue: Arc::clone(&queue), rows, disk, changes };
        let thread = std::thread::Builder::new().name("store-flush".to_owned()).spawn(move || work.run());
        let thread = thread.map_err(|error| StoreError::Backend(error.to_string()))?;
        Ok(Flusher { queue, thread: Some(thread) })
    }
}

impl Drop for Flusher {
    fn drop(&mut self) {
        self.queue.close();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// What the thread holds.
struct Work {
    queue: Arc<FlushQueue>,
    rows: Arc<Rows>,
    disk: Option<Disk>,
    changes: broadcast::Sender<Arc<Change>>,
}

impl Drop for Work {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.queue.abandon();
        }
    }
}

impl Work {
    fn run(&mut self) {
        while let Some(waiting) = self.queue.drain() {
            let result = self.queue.check().and_then(|()| self.flush(&waiting));
            if let Err(error) = &result {
                self.queue.poison(error);
            }
            for Waiting { change, done, .. } in waiting {
                if let (Ok(()), Some(change)) = (&result, change) {
                    // No feed is listening: nothing to tell.
                    let _ = self.changes.send(change);
                }
                // Whoever asked has gone: the commit stands all the same.
                let _ = done.send(result.clone());
            }
        }
        if let Err(error) = self.close() {
            tracing::warn!(%error, "the store could not note its clean end");
        }
    }

    /// Makes a clean end the last thing in the log, and the mark tell of it: if the log's end is lost while the store
    /// is closed, opening it notices.
    fn close(&mut self) -> Result<(), StoreError> {
        let Some(disk) = self.disk.as_mut().filter(|disk| disk.used) else { return Ok(()) };
        self.queue.check()?;
        let ceiling = disk.mark + 1;
        guarded(|| self.rows.tree.insert(CEILING_KEY, &ceiling.to_be_bytes()))?;
        guarded(|| self.rows.tree.flush())?;
        disk.sync(ceiling)
    }

    fn flush(&mut self, waiting: &[Waiting]) -> Result<(), StoreError> {
        self.rows.settle()?;
        guarded(|| self.rows.tree.flush())?;
        let Some(disk) = &mut self.disk else { return Ok(()) };
        disk.sync(waiting.iter().map(|waiting| waiting.ceiling).max().unwrap_or_default())
    }
}

/// The files beneath, for what sled's own flush leaves out.
struct Disk {
    place: Place,
    file: File,
    mark: u64,
    /// Something was written since the store was opened.
    used: bool,
}

impl Disk {
    fn new(place: Place) -> Result<Self, StoreError> {
        let file = place.database_file()?;
        let mark = place.read_mark()?;
        Ok(Disk { place, file, mark, used: false })
    }

    /// sled's flush is `sync_file_range`: it survives the end of the process, not a power cut.
    fn sync(&mut self, ceiling: u64) -> Result<(), StoreError> {
        self.used = true;
        self.file.sync_data().map_err(|error| StoreError::Backend(error.to_string()))?;
        if ceiling > self.mark {
            self.place.write_mark(ceiling)?;
            self.mark = ceiling;
        }
        Ok(())
    }
}
