//! What is known about NICs before anything is seen of this one. One in five hangs evenly, at
//! any rate from twice in a hundred days to eight a day. The others have calms of four days to
//! eight months, the longer ones the more likely; spells of half a day to eight days, with a
//! burst in ten days up to eight a day; and in calms either none at all or a fiftieth of that.
//!
//! With three in ten that hang evenly (and 4 in 100 as the bound) the wait after rare spells is a
//! fifth shorter, but of those whose log has only the last days, 7 in 100 read a wrong "likely
//! fixed". Longer calms make all wait longer who have seen a spell.

use super::mmpp::Nics;

/// The share of those that hang evenly.
const STEADY: f64 = 0.2;

/// `count` numbers from `low` to `high`, each the same number of times the one before.
fn grid(low: f64, high: f64, count: u32) -> impl Iterator<Item = f64> + Clone {
    let step = (high / low).ln() / f64::from(count - 1);
    (0..count).map(move |i| low * (f64::from(i) * step).exp())
}

pub fn nics() -> Nics {
    let calms = grid(4.0, 256.0, 9);
    let spells = grid(0.5, 8.0, 6);
    let rates = grid(0.1, 8.0, 8);
    let whole: f64 = calms.clone().map(|calm| calm.powf(0.3)).sum();
    let calms = calms.map(move |calm| (calm, calm.powf(0.3) / whole));
    let in_spells = calms.flat_map(move |(calm, weight)| {
        let spells = spells.clone();
        let rates = rates.clone();
        let weight = (1.0 - STEADY) * weight / 6.0 / 8.0 / 2.0;
        spells.flat_map(move |spell| {
            let rates = rates.clone();
            rates.flat_map(move |rate| {
                let leave = [1.0 / calm, 1.0 / spell];
                [0.0, 0.02].map(|share| (leave, [share * rate, rate], weight))
            })
        })
    });
    let steady = grid(0.02, 8.0, 60).map(|rate| ([1.0, 1.0], [rate, rate], STEADY / 60.0));
    Nics::new(in_spells.chain(steady))
}
