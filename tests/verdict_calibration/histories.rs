//! What befalls a NIC, and what its owner does: incidents of a few years by what sets hangs
//! off, and the moment and the log with which somebody changes something. Written from what
//! people report and do, and knows nothing of how it is judged.

/// xorshift64*: the same histories everywhere and always.
pub struct Random(pub u64);

impl Random {
    pub fn uniform(&mut self) -> f64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 11) as f64 / (1u64 << 53) as f64
    }

    pub fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.uniform()
    }

    /// Evenly on a logarithmic scale.
    pub fn about(&mut self, low: f64, high: f64) -> f64 {
        self.between(low.ln(), high.ln()).exp()
    }

    pub fn wait(&mut self, mean: f64) -> f64 {
        -mean * (1.0 - self.uniform()).ln()
    }

    pub fn whole(&mut self, low: usize, high: usize) -> usize {
        low + (self.uniform() * (high - low + 1) as f64) as usize
    }

    pub fn happens(&mut self, chance: f64) -> bool {
        self.uniform() < chance
    }
}

/// What sets the hangs off.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Cause {
    /// Nothing in particular: so many a day, from … to ….
    Evenly(f64, f64),
    /// One leads to the next, for some hours.
    InBursts,
    /// The backup in the night to Sunday, six times in ten.
    WeeklyBackup,
    /// People at work from Monday to Friday.
    WorkingDays,
    /// Up eight hours a day, on a clock that only then runs: the evening's hang is near the morning's.
    EightHours,
    /// A quiet of … to … days, then days on which it hangs and hangs.
    Spells(f64, f64),
    /// A season of a quarter of a year with 39 times as many hangs as in the rest of the year.
    Season,
    /// Something else that loads the NIC, and one day is over.
    LoadThatGoes,
}

/// Incidents, and the load by which they came.
pub struct Life {
    pub incidents: Vec<f64>,
    /// From when on the load is how high (1 at first), ascending.
    pub load: Vec<(f64, f64)>,
    /// The ends of bad days, if there were any.
    pub ends: Vec<f64>,
}

impl Life {
    /// The first incident from then on.
    pub fn next(&self, from: f64) -> f64 {
        let at = self.incidents.partition_point(|t| *t < from);
        self.incidents.get(at).copied().unwrap_or(f64::INFINITY)
    }

    /// What was sent until then, in days of the first load.
    pub fn sent(&self, until: f64) -> f64 {
        let ends = self.load.iter().skip(1).map(|(from, _)| *from);
        let ends = ends.chain([f64::INFINITY]);
        let each = self.load.iter().zip(ends);
        each.map(|((from, height), end)| (end.min(until) - from).max(0.0) * height)
            .sum()
    }
}

/// How long it is looked at, in days.
pub const LIFE: f64 = 900.0;

fn poisson(random: &mut Random, from: f64, to: f64, rate: f64, out: &mut Vec<f64>) {
    let mut t = from + random.wait(1.0 / rate);
    while t < to {
        out.push(t);
        t += random.wait(1.0 / rate);
    }
}

pub fn life(random: &mut Random, cause: Cause) -> Life {
    let mut out = Vec::new();
    let mut load = vec![(0.0, 1.0)];
    let mut ends = Vec::new();
    match cause {
        Cause::Evenly(low, high) => {
            let rate = random.about(low, high);
            poisson(random, 0.0, LIFE, rate, &mut out);
        }
        Cause::InBursts => {
            let mut first = Vec::new();
            poisson(random, 0.0, LIFE, 0.5, &mut first);
            for t in first {
                out.push(t);
                for _ in 1..random.whole(1, 7) {
                    out.push(t + random.between(0.0, 0.2));
                }
            }
        }
        Cause::WeeklyBackup => {
            for week in 0..(LIFE / 7.0) as usize {
                if random.happens(0.6) {
                    let start = week as f64 * 7.0 + random.between(0.04, 0.08);
                    for _ in 0..random.whole(1, 5) {
                        out.push(start + random.between(0.0, 0.15));
                    }
                }
            }
        }
        Cause::WorkingDays => {
            let rate = random.about(0.5, 3.0);
            for day in (0..LIFE as usize).filter(|day| day % 7 < 5) {
                let start = day as f64 + 0.33;
                poisson(random, start, start + 0.4, rate / 0.4, &mut out);
            }
        }
        Cause::EightHours => {
            let rate = random.about(0.3, 3.0);
            for day in 0..(LIFE * 3.0) as usize {
                // The hours of work are not all alike.
                let morning = day as f64 / 3.0;
                let busy = random.between(0.3, 1.7);
                poisson(random, morning, morning + 1.0 / 3.0, rate * busy, &mut out);
            }
        }
        Cause::Spells(short, long) => {
            let mut t = random.between(0.0, long);
            while t < LIFE {
                let end = t + random.between(1.0, 5.0);
                let rate = random.between(2.0, 8.0);
                poisson(random, t, end, rate, &mut out);
                ends.push(out.last().copied().unwrap_or(end).max(t));
                load.push((t, rate * 10.0));
                load.push((end, 1.0));
                t = end + random.between(short, long);
            }
        }
        Cause::Season => {
            let rate = random.about(0.02, 0.1);
            let begin = random.between(0.0, 365.0) - 365.0;
            for year in 0..4 {
                let start = begin + 365.0 * f64::from(year);
                let end = start + 91.0;
                poisson(random, start.max(0.0), end.max(0.0), rate * 39.0, &mut out);
                poisson(
                    random,
                    end.max(0.0),
                    (start + 365.0).max(0.0),
                    rate,
                    &mut out,
                );
                load.push((start.max(0.0), 39.0));
                load.push((end.max(0.0), 1.0));
            }
        }
        Cause::LoadThatGoes => {
            // Loaded when the change comes (see `situation`), then for 1 to 3 weeks more.
            let rate = random.about(0.3, 3.0);
            let end = random.between(20.0, 90.0);
            poisson(random, 0.0, end, rate, &mut out);
            poisson(random, end, LIFE, rate / 39.0, &mut out);
            load.push((end, 1.0 / 39.0));
        }
    }
    out.sort_by(f64::total_cmp);
    Life {
        incidents: out,
        load,
        ends,
    }
}

/// When somebody acts.
#[derive(Clone, Copy, Debug)]
pub enum Act {
    /// On any day.
    SomeDay,
    /// After so many incidents on different days as they have patience for.
    EnoughOfIt,
    /// In the days after a weekly backup that hung it.
    AfterBackup,
    /// When the bad days are over.
    EndOfSpell,
    /// One to three weeks before the load goes.
    BeforeLoadGoes,
}

/// What of it is in the log when they act.
#[derive(Clone, Copy, Debug)]
pub enum Log {
    /// Some weeks or months.
    Whole,
    /// What the journal keeps: the last 7 to 30 days, always.
    Rolling,
    /// The last 7 to 30 days before the change, then all.
    LastDays,
    /// It begins with the first incident that somebody saw.
    FirstIncident,
    /// Somebody kept the last 3 to 8 incidents.
    LastIncidents,
}

/// When something was changed, from when on there is a log, and how long a log keeps.
pub struct Situation {
    pub begin: f64,
    pub change: f64,
    pub keeps: f64,
}

pub fn situation(random: &mut Random, life: &Life, act: Act, log: Log) -> Option<Situation> {
    let after = random.between(0.05, 1.0);
    let seen = random.about(10.0, 120.0);
    let start = random.between(0.0, 365.0);
    let change = match act {
        Act::SomeDay => start + seen,
        Act::EnoughOfIt => {
            let patience = random.whole(1, 12);
            let mut day = f64::NEG_INFINITY;
            let mut days = life.incidents.iter().filter(|t| {
                let new = **t >= start && **t - day > 0.6;
                if new {
                    day = **t;
                }
                new
            });
            days.nth(patience - 1)? + after
        }
        Act::AfterBackup => *life.incidents.iter().find(|t| **t > start + seen)? + after,
        Act::EndOfSpell => *life.ends.iter().find(|t| **t > start + seen)? + after,
        Act::BeforeLoadGoes => life.load.last()?.0 - random.between(7.0, 21.0),
    };
    let start = match act {
        Act::EnoughOfIt | Act::AfterBackup | Act::EndOfSpell | Act::SomeDay => start,
        Act::BeforeLoadGoes => 0.0,
    };
    let days = random.between(7.0, 30.0);
    let (begin, keeps) = match log {
        Log::Whole => (start, f64::INFINITY),
        Log::Rolling => (start, days),
        Log::LastDays => ((change - days).max(0.0), f64::INFINITY),
        Log::FirstIncident => {
            let from = change - random.about(10.0, 120.0);
            (*life.incidents.iter().find(|t| **t >= from)?, f64::INFINITY)
        }
        Log::LastIncidents => {
            let before = life.incidents.iter().rev().filter(|t| **t < change);
            (*before.take(random.whole(3, 8)).last()?, f64::INFINITY)
        }
    };
    let known = life.incidents.iter().any(|t| (begin..change).contains(t));
    (known && change > begin).then_some(Situation {
        begin,
        change,
        keeps,
    })
}
