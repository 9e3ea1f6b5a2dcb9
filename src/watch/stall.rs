//! A stall: a NIC transmits nothing though packets wait in its queue, and its driver says nothing.
//! It is looked for only while a rule has `stall = "report"`, and then only said.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::TryStreamExt;
use rtnetlink::packet_route::tc::{TcAttribute, TcHandle, TcMessage, TcStats2};

use super::Watcher;
use crate::log::{Event, Level, Part};
use crate::nic::sent;
use crate::notify::{self, Kind};

/// How often it is looked.
const EVERY: Duration = Duration::from_secs(5);
/// The driver has 5 s (`watchdog_timeo` in e1000e's netdev.c), and the kernel looks that often whether they
/// have passed (`dev_watchdog`): after 10 s it should have said something.
const TIME_OUT: Duration = Duration::from_secs(10);

/// What was seen of a NIC's queue. Times are since boot.
#[derive(Debug, Default)]
pub struct Stall {
    next: Duration,
    packets: Option<u64>,
    /// Since then nothing left the queue.
    since: Option<Duration>,
    said: bool,
}

impl Stall {
    /// What the NIC has transmitted, ever, and how many packets wait. Says for how long it has been stalled,
    /// once, unless there was a hang block meanwhile.
    fn seen(
        &mut self,
        now: Duration,
        packets: Option<u64>,
        waiting: u32,
        last_block: Option<Duration>,
    ) -> Option<Duration> {
        self.next = now + EVERY;
        if waiting == 0 || packets.is_none() || packets != self.packets {
            self.packets = packets;
            self.since = (waiting > 0).then_some(now);
            self.said = false;
            return None;
        }
        let since = *self.since.get_or_insert(now);
        let stalled = now.saturating_sub(since);
        let silent = last_block.is_none_or(|block| block < since);
        (stalled > TIME_OUT && silent && !std::mem::replace(&mut self.said, true))
            .then_some(stalled)
    }
}

impl Watcher {
    /// When it is to be looked next, since boot.
    pub(super) fn next_look(&self) -> Option<Duration> {
        let stalls = self.nics.values().filter_map(|nic| nic.stall.as_ref());
        stalls.map(|stall| stall.next).min()
    }

    pub(super) async fn look_for_stalls(&mut self, now: Duration) {
        let waiting = match waiting().await {
            Ok(waiting) => waiting,
            Err(error) => {
                // Until the rules are read again.
                self.nics.values_mut().for_each(|nic| nic.stall = None);
                let what = format!("queues can't be read, so stalls are not noticed: {error}");
                self.log.write(Level::Error, &what);
                return;
            }
        };
        let mut stalled = Vec::new();
        for (ifindex, watched) in &mut self.nics {
            let Some(stall) = &mut watched.stall else {
                continue;
            };
            let waiting = waiting.get(ifindex).copied().unwrap_or_default();
            let packets = sent(&watched.nic.name, "packets");
            let state = self.state.nics.get(ifindex);
            let block = state.and_then(|state| state.wedge.last_block());
            if let Some(time) = stall.seen(now, packets, waiting, block) {
                let seconds = time.as_secs();
                stalled.push((watched.nic.clone(), Part::Stalled { seconds, waiting }));
            }
        }
        for (nic, part) in stalled {
            self.tell(notify::Event::of_nic(
                Kind::Stalled,
                &nic,
                &part.to_string(),
            ));
            self.save();
            self.say_of(&nic, Level::Warning, vec![part], &Event::stall());
        }
    }
}

/// How many packets wait in the queue of each network device.
async fn waiting() -> Result<BTreeMap<u32, u32>, String> {
    let (connection, handle, _) = rtnetlink::new_connection().map_err(|error| error.to_string())?;
    let connection = tokio::spawn(connection);
    let found = handle.qdisc().get().execute().try_collect::<Vec<_>>().await;
    connection.abort();
    let found = found.map_err(|error| error.to_string())?;
    Ok(found.iter().filter_map(of_device).collect())
}

/// A device's number and how many packets wait there, from what the kernel says of its root qdisc.
fn of_device(message: &TcMessage) -> Option<(u32, u32)> {
    let of_statistics = |attribute: &TcAttribute| match attribute {
        TcAttribute::Stats2(statistics) => statistics.iter().find_map(|one| match one {
            TcStats2::Queue(queue) => Some(queue.qlen),
            _ => None,
        }),
        _ => None,
    };
    let waiting = message.attributes.iter().find_map(of_statistics)?;
    let ifindex = u32::try_from(message.header.index).ok()?;
    (message.header.parent == TcHandle::ROOT).then_some((ifindex, waiting))
}

#[cfg(test)]
mod tests {
    use rtnetlink::packet_route::tc::TcStatsQueue;

    use super::*;

    /// Looks every five seconds, and gives when something was said, and of how long.
    fn looks(seen: &[(u64, u32)], block: Option<u64>) -> Vec<(usize, u64)> {
        let mut stall = Stall::default();
        let mut said = Vec::new();
        for (number, (packets, waiting)) in seen.iter().enumerate() {
            let now = stall.next;
            let block = block.map(Duration::from_secs);
            let time = stall.seen(now, Some(*packets), *waiting, block);
            said.extend(time.map(|time| (number, time.as_secs())));
        }
        said
    }

    #[test]
    fn a_queue_that_nothing_leaves_is_said_once_until_it_moves() {
        let still = [(7, 3); 10];
        assert_eq!(looks(&still, None), [(3, 15)]);
        let twice = [&still[..], &[(8, 3)], &still[..]].concat();
        assert_eq!(looks(&twice, None), [(3, 15), (14, 15)]);
    }

    #[test]
    fn an_idle_nic_and_a_busy_one_are_not_stalled() {
        assert_eq!(looks(&[(7, 0); 10], None), []);
        let busy: Vec<_> = (0..10).map(|packets| (packets, 1000)).collect();
        assert_eq!(looks(&busy, None), []);
        // It was idle, and now something waits: for ten seconds only.
        assert_eq!(looks(&[(7, 0), (7, 0), (7, 1), (7, 1), (7, 1)], None), []);
    }

    #[test]
    fn what_the_driver_says_itself_is_not_said_again() {
        let still = [(7, 3); 10];
        assert_eq!(looks(&still, Some(4)), []);
    }

    #[test]
    fn the_root_of_a_device_has_what_waits() {
        let mut queue = TcStatsQueue::default();
        queue.qlen = 12;
        let mut message = TcMessage::default();
        message.header.index = 2;
        message.header.parent = TcHandle::ROOT;
        message.attributes = vec![
            TcAttribute::Kind("fq_codel".into()),
            TcAttribute::Stats2(vec![TcStats2::Queue(queue)]),
        ];
        assert_eq!(of_device(&message), Some((2, 12)));
        message.header.parent = TcHandle::UNSPEC;
        assert_eq!(of_device(&message), None);
    }
}
