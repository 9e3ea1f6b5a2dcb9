//! What the watcher does when something happens.

use std::fs;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use nix::time::{ClockId, clock_gettime};

use super::guard::{LIMIT, Verdict, WINDOW};
use super::kmsg::{Record, What};
use super::signals::{Link, Signal};
use super::wedge::{Action, Leave, Rung};
use super::{Watched, Watcher, nway, rulefiles};
use crate::apply::apply;
use crate::discover;
use crate::features::FeatureKernel;
use crate::log::{Event, Level, Line, Part};
use crate::memory::Memory;
use crate::nic::Nic;
use crate::plan::{KeyPlan, Plan, State};
use crate::rules::{Drift, decide};

/// A hang block that is older was printed while nobody watched; the next one follows soon
/// if the NIC is still wedged.
const FRESH: Duration = Duration::from_secs(30);

impl Watcher {
    pub(super) async fn react(&mut self, signal: Signal) {
        match signal {
            Signal::Link(link) => self.link(link).await,
            Signal::Gone(ifindex) => self.gone(ifindex),
            Signal::Features(ifindex) => self.drift(ifindex).await,
            Signal::Kernel(record) => self.kernel(record).await,
            Signal::Overflow => self.read_all(&Event::link_up()).await,
            Signal::Rules => self.rules().await,
            Signal::Broken(..) => {}
        }
    }

    /// Looks at every NIC anew: at the start, when messages were lost, when the rules changed.
    pub(super) async fn read_all(&mut self, event: &Event) {
        let found = match discover::all() {
            Ok(found) => found,
            Err(error) => {
                self.log.write(
                    Level::Error,
                    &format!("the network devices can't be listed: {error}"),
                );
                return;
            }
        };
        let there = |ifindex: &u32| found.iter().any(|found| found.nic.ifindex == *ifindex);
        self.nics.retain(|ifindex, _| there(ifindex));
        self.state.nics.retain(|ifindex, _| there(ifindex));
        for found in found {
            if self.take_on(found.nic.clone()) {
                self.put_right(found.nic.ifindex, event).await;
            }
        }
        self.save();
    }

    /// Begins or goes on to watch the NIC if a rule is for it.
    fn take_on(&mut self, nic: Nic) -> bool {
        if decide(self.rules.rules(), &nic).is_empty() {
            self.nics.remove(&nic.ifindex);
            return false;
        }
        let device = fs::read_link(format!("/sys/class/net/{}/device", nic.name)).ok();
        let bus_address = device.and_then(|link| Some(link.file_name()?.to_str()?.to_owned()));
        let watched = self.nics.entry(nic.ifindex).or_insert_with(|| Watched {
            nic: nic.clone(),
            bus_address: bus_address.clone(),
            carrier: false,
            carrier_ups: None,
            complaint: None,
        });
        watched.nic = nic;
        watched.bus_address = bus_address;
        true
    }

    async fn link(&mut self, link: Link) {
        let known = self
            .nics
            .get(&link.ifindex)
            .map(|watched| watched.nic.name.clone());
        // Messages of a bridge about its ports have no counter; the link's own follow.
        if link.carrier_ups.is_none() {
            return;
        }
        if known.is_none() || (link.name.is_some() && link.name != known) {
            let name = link.name.as_deref().unwrap_or_default();
            let Some(found) = discover::by_name(name, link.ifindex) else {
                return;
            };
            if !self.take_on(found.nic) {
                return;
            }
        }
        let Some(watched) = self.nics.get_mut(&link.ifindex) else {
            return;
        };
        let came_up = link.carrier && (!watched.carrier || watched.carrier_ups != link.carrier_ups);
        watched.carrier = link.carrier;
        watched.carrier_ups = link.carrier_ups;
        if came_up {
            let state = self.state.nics.entry(link.ifindex).or_default();
            state.last_link_up = Some(now_since_1970());
            state.guard.clear();
            self.put_right(link.ifindex, &Event::link_up()).await;
            self.save();
        }
    }

    fn gone(&mut self, ifindex: u32) {
        if let Some(watched) = self.nics.remove(&ifindex) {
            Memory::default().forget(&watched.nic);
            self.state.nics.remove(&ifindex);
            self.save();
        }
    }

    /// Brings the NIC to what the rules want, whatever it was before.
    async fn put_right(&mut self, ifindex: u32, event: &Event) {
        let Some(watched) = self.nics.get(&ifindex) else {
            return;
        };
        let nic = watched.nic.clone();
        let rules = Arc::clone(&self.rules);
        let decision = Memory::default().respected_by(&nic, decide(rules.rules(), &nic));
        let outcome = apply(&mut self.kernel, &nic, &decision).await;
        if let Some((level, line)) = Line::new(&outcome, event) {
            self.say(ifindex, level, &line);
        }
    }

    /// Logs a line above debug; what is wrong is said once, until it is something else.
    fn say(&mut self, ifindex: u32, level: Level, line: &Line) {
        let complaint = (level > Level::Info).then(|| format!("{:?}", line.parts));
        if let Some(watched) = self.nics.get_mut(&ifindex) {
            if complaint.is_some() && watched.complaint == complaint {
                return;
            }
            watched.complaint = complaint;
        }
        if level > Level::Debug {
            self.log.write(level, &line.to_string());
        }
    }

    /// Somebody changed features; it may have been us.
    async fn drift(&mut self, ifindex: u32) {
        let Some(watched) = self.nics.get(&ifindex) else {
            return;
        };
        let nic = watched.nic.clone();
        let rules = Arc::clone(&self.rules);
        let decision = Memory::default().respected_by(&nic, decide(rules.rules(), &nic));
        // A NIC that went away meanwhile is told of by another signal.
        let Ok(features) = self.kernel.get(ifindex).await else {
            return;
        };
        let plan = Plan::new(&decision, &features);
        let drifted = plan
            .keys
            .iter()
            .filter(|key| key.features.iter().any(|f| f.state.needs_set()));
        let state = self.state.nics.entry(ifindex).or_default();
        let mut put_back = Vec::new();
        let mut left = Vec::new();
        for key in drifted {
            let report_only = decision.settings.iter().any(|s| {
                *s.key == key.key && s.rule.name == key.rule && s.rule.drift == Drift::Report
            });
            if report_only {
                left.push(still(key, r#"left as is by drift = "report""#));
                continue;
            }
            match state.guard.ask(key.key.as_str(), since_boot()) {
                Verdict::PutBack => put_back.push(key.key.clone()),
                Verdict::LeaveNow => left.push(still(key, &loop_words())),
                Verdict::Leave => {}
            }
        }
        state.put_back += u32::try_from(put_back.len()).unwrap_or(u32::MAX);
        if !left.is_empty() {
            let line = Line {
                interface: features.interface.clone(),
                parts: left,
                rules: plan.rules(),
                identity: nic.identity(),
                event: Event::drift().to_string(),
            };
            self.say(ifindex, Level::Warning, &line);
        }
        if !put_back.is_empty() {
            let decision = decision.without(|setting| !put_back.contains(setting.key));
            let outcome = apply(&mut self.kernel, &nic, &decision).await;
            if let Some((level, line)) = Line::new(&outcome, &Event::drift()) {
                self.say(ifindex, level, &line);
            }
            self.save();
        }
    }

    async fn kernel(&mut self, record: Record) {
        if self
            .state
            .sequence
            .is_some_and(|last| record.sequence <= last)
        {
            return;
        }
        let of_record =
            |watched: &Watched| watched.bus_address.as_ref() == Some(&record.pci_address);
        let Some((&ifindex, watched)) = self.nics.iter().find(|(_, watched)| of_record(watched))
        else {
            return;
        };
        let nic = watched.nic.clone();
        self.state.sequence = Some(record.sequence);
        let stamp = Duration::from_micros(record.micros);
        let state = self.state.nics.entry(ifindex).or_default();
        match record.what {
            What::HangBlock { tdh } => {
                let action = state.wedge.block(stamp, tdh);
                if since_boot().saturating_sub(stamp) < FRESH {
                    self.act(ifindex, &nic, action).await;
                }
            }
            What::Reset => {
                state.wedge.moving(stamp, false);
            }
            What::LinkUp => {
                if let Some((after, recovery)) = state.wedge.moving(stamp, true) {
                    let tenths = u64::try_from(after.as_millis() / 100).unwrap_or(u64::MAX);
                    self.say_wedge(&nic, Level::Info, vec![Part::Back { tenths, recovery }]);
                }
            }
        }
        self.save();
    }

    async fn act(&mut self, ifindex: u32, nic: &Nic, action: Action) {
        let rules = Arc::clone(&self.rules);
        let decision = decide(rules.rules(), nic);
        if !decision.recover() {
            return;
        }
        match action {
            Action::Wait => {}
            Action::Leave(why) => {
                let reason = match why {
                    Leave::LadderUsedUp => "three recoveries did not help",
                    Leave::HourlyLimit => "six recoveries within an hour are the limit",
                };
                self.say_wedge(nic, Level::Error, vec![Part::Left(reason.into())]);
            }
            Action::Recover {
                rung,
                number,
                blocks,
            } => {
                // What set the hang off goes first, or the NIC comes back only to hang again.
                let decision = Memory::default().respected_by(nic, decision);
                let outcome = apply(&mut self.kernel, nic, &decision).await;
                let in_force = outcome.summary() == crate::apply::Summary::AlreadyRight;
                if let (false, Some((level, line))) =
                    (in_force, Line::new(&outcome, &Event::wedge()))
                {
                    self.say(ifindex, level, &line);
                }
                let interface = outcome.nic.name;
                let done = match rung {
                    Rung::RestartAutonegotiation => nway::restart_autonegotiation(&interface)
                        .map(|()| "autonegotiation restarted"),
                    Rung::ResetPciFunction => {
                        fs::write(format!("/sys/class/net/{interface}/device/reset"), "1")
                            .map(|()| "PCI function reset")
                    }
                };
                let state = self.state.nics.entry(ifindex).or_default();
                state.wedges += u32::from(number == 1);
                state.recoveries += 1;
                let what = match done {
                    Ok(done) => done.to_owned(),
                    Err(error) => format!("failed ({rung:?}: {error})"),
                };
                let parts = vec![
                    Part::Wedged { blocks, in_force },
                    Part::Recovery(number, what),
                ];
                self.say_wedge(nic, Level::Warning, parts);
            }
        }
    }

    fn say_wedge(&self, nic: &Nic, level: Level, parts: Vec<Part>) {
        let line = Line {
            interface: nic.name.clone(),
            parts,
            rules: decide(self.rules.rules(), nic).rules(),
            identity: nic.identity(),
            event: Event::wedge().to_string(),
        };
        self.log.write(level, &line.to_string());
    }

    /// The rule files changed, or somebody asks to read them.
    async fn rules(&mut self) {
        let old = Arc::clone(&self.rules);
        let new = rulefiles::reload(&old, &self.dirs);
        let complaints = crate::rules::load(&self.dirs).complaints();
        for complaint in complaints {
            self.log.write(Level::Warning, &complaint);
        }
        if old.rules().eq(new.rules()) {
            return;
        }
        self.rules = Arc::new(new);
        for state in self.state.nics.values_mut() {
            state.guard.clear();
        }
        self.read_all(&Event::rules()).await;
    }

    fn save(&self) {
        if let Err(error) = self.state.save(&self.state_path) {
            let path = self.state_path.display();
            self.log
                .write(Level::Warning, &format!("{path} can't be written: {error}"));
        }
    }
}

fn still(key: &KeyPlan, reason: &str) -> Part {
    let wrong = key
        .features
        .iter()
        .filter(|feature| matches!(feature.state, State::Change | State::Stuck));
    Part::Still {
        keys: vec![key.key.to_string()],
        on: !key.on,
        reason: reason.to_owned(),
        features: wrong.map(|feature| feature.name.clone()).collect(),
    }
}

fn loop_words() -> String {
    format!(
        "left as is after {LIMIT} put-backs within {} minutes",
        WINDOW.as_secs() / 60
    )
}

/// The clock that stamps the kernel's log, near enough.
fn since_boot() -> Duration {
    clock_gettime(ClockId::CLOCK_MONOTONIC)
        .map(Duration::from)
        .unwrap_or_default()
}

fn now_since_1970() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}
