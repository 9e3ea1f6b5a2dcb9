//! Incidents come in bursts. A night's backup hangs the NIC ten times; that is one piece of
//! evidence. Incidents less than six hours apart are one burst, since what sets the hang off
//! (backup, sync) lasts for hours and comes back daily; but no burst is longer than a day,
//! because otherwise a chronically hanging NIC would count once, however long it did so.
//! Merging only takes evidence away.

/// Incidents less than this apart (days of exposure) are one burst …
pub const BURST_GAP: f64 = 0.25;
/// … but no burst is longer than this.
const BURST_MAX: f64 = 1.0;

/// Tells for one incident after the other, in the order of time, whether it begins a burst.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Cutter {
    /// Of the burst that was begun last.
    pub first_and_last: Option<(f64, f64)>,
}

impl Cutter {
    pub fn begins(&mut self, at: f64) -> bool {
        let first = self
            .first_and_last
            .filter(|(first, last)| at - last < BURST_GAP && at - first < BURST_MAX)
            .map(|(first, _)| first);
        self.first_and_last = Some((first.unwrap_or(at), at));
        first.is_none()
    }
}

/// Times of the first incidents of the bursts in `times` (days, ascending).
pub fn bursts(times: &[f64]) -> Vec<f64> {
    let mut cutter = Cutter::default();
    times
        .iter()
        .copied()
        .filter(|at| cutter.begins(*at))
        .collect()
}
