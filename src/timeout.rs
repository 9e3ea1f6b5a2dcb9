//! A time-out for work that may never end.
//!
//! A netlink request takes the kernel's network configuration lock (rtnl) inside the system
//! call, where neither a signal nor a timer reaches it. So the work is done on a thread and
//! each of its results is waited for with a bound.

use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no answer within {} s: somebody holds the kernel's network configuration lock (rtnl)", .0.as_secs_f32())]
pub struct TimedOut(pub Duration);

/// Work that gives results one by one.
pub struct Work<T> {
    limit: Duration,
    results: Receiver<T>,
    late: bool,
    worker: Option<JoinHandle<()>>,
}

/// Starts work on a thread of its own. If a result does not come in time the work is left to
/// itself; it ends with the process, at the latest when the system call it waits in returns.
pub fn start<T: Send + 'static>(
    limit: Duration,
    work: impl FnOnce(Sender<T>) + Send + 'static,
) -> Work<T> {
    let (sender, results) = mpsc::channel();
    Work {
        limit,
        results,
        late: false,
        worker: Some(thread::spawn(move || work(sender))),
    }
}

impl<T> Work<T> {
    /// The next result; `None` when there are no more. Once one has not come in time, none is
    /// waited for any more.
    pub fn next_result(&mut self) -> Result<Option<T>, TimedOut> {
        if self.late {
            return Err(TimedOut(self.limit));
        }
        match self.results.recv_timeout(self.limit) {
            Ok(result) => Ok(Some(result)),
            Err(RecvTimeoutError::Timeout) => {
                self.late = true;
                Err(TimedOut(self.limit))
            }
            Err(RecvTimeoutError::Disconnected) => match self.worker.take().map(JoinHandle::join) {
                Some(Err(panic)) => std::panic::resume_unwind(panic),
                _ => Ok(None),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_that_never_ends_is_left_behind() {
        let limit = Duration::from_millis(500);
        let mut work = start(limit, |sender| {
            sender.send(7).unwrap();
            loop {
                thread::park();
            }
        });
        assert_eq!(work.next_result(), Ok(Some(7)));
        assert_eq!(work.next_result(), Err(TimedOut(limit)));
    }

    #[test]
    fn what_was_late_once_is_not_waited_for_again() {
        let (go, gone) = mpsc::channel::<()>();
        let limit = Duration::from_millis(500);
        let mut work = start(limit, move |sender| {
            gone.recv().unwrap();
            sender.send(7).unwrap();
        });
        assert_eq!(work.next_result(), Err(TimedOut(limit)));
        go.send(()).unwrap();
        work.worker.take().unwrap().join().unwrap();
        assert_eq!(work.next_result(), Err(TimedOut(limit)));
    }

    #[test]
    fn results_come_in_order_and_end() {
        let mut work = start(Duration::from_secs(60), |sender| {
            (1..=2).for_each(|number| sender.send(number).unwrap());
        });
        assert_eq!(
            [work.next_result(), work.next_result(), work.next_result()],
            [Ok(Some(1)), Ok(Some(2)), Ok(None)]
        );
    }
}
