//! What the watcher tells the hooks: it queues events; calling hooks is another unit's work.

use super::Watcher;
use crate::log::{Level, Line, Part};
use crate::notify::{Event, Kind};

impl Watcher {
    /// Queues an event, which is there once the state is saved.
    pub(super) fn tell(&mut self, event: Event) {
        self.state.events += 1;
        if let Err(error) = self.queue.stage(self.state.events, event) {
            let what = format!("an event is lost to the hooks: {error}");
            self.log.write(Level::Warning, &what);
        }
    }

    /// Publishes the events that the saved state has.
    pub(super) fn publish(&self) {
        if let Err(error) = self.queue.publish(self.state.events) {
            let what = format!("the hooks are not told: {error}");
            self.log.write(Level::Warning, &what);
        }
    }

    /// Tells that a rule is not in force, once until that is otherwise.
    pub(super) fn tell_of_force(&mut self, ifindex: u32, line: &Line) {
        let wrong = line.parts.iter().any(Part::is_amiss).then(|| line.said());
        let (Some(watched), Some(state)) =
            (self.nics.get(&ifindex), self.state.nics.get_mut(&ifindex))
        else {
            return;
        };
        if state.told == wrong {
            return;
        }
        state.told.clone_from(&wrong);
        if let Some(what) = wrong {
            let event = Event::of_nic(Kind::NotInForce, &watched.nic, &what);
            self.tell(event);
        }
        self.save();
    }
}
