//! A kernel that plays what no real one at hand does.
//!
//! It keeps for one NIC what Linux keeps (`hw_features`, `wanted_features`, `features`) and
//! follows `ethnl_set_features` (net/ethtool/features.c), `__netdev_update_features` and
//! `netdev_fix_features` (net/core/dev.c), as far as segmentation offloads are concerned.

use std::collections::{BTreeMap, BTreeSet};

use unhang::features::{Changes, Feature, FeatureKernel, Features, KernelError};
use unhang::settings::{Family, Name, Reading, Value};

/// What was asked of the kernel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Call {
    Get,
    Set(Vec<(String, bool)>),
    Read(Family),
    Write(Family, Reading),
}

/// A SET of these features, for comparing.
pub fn set(wanted: &[(&str, bool)]) -> Call {
    let owned = wanted.iter().map(|(name, on)| ((*name).to_owned(), *on));
    Call::Set(owned.collect())
}

type Names = BTreeSet<String>;

#[derive(Debug, Clone, Default)]
pub struct FakeKernel {
    pub interface: String,
    /// Every feature of this kernel, in its order.
    names: Vec<String>,
    /// `hw_features`: what can be switched.
    hw: Names,
    /// `NETIF_F_NEVER_CHANGE`: what ethtool may not even ask for.
    never_change: Names,
    wanted: Names,
    active: Names,
    /// Features that the driver leaves as they are, whatever is asked for.
    disobeyed: Names,
    /// e1000e's `FLAG_TSO_FORCE`, before Linux 6.3.
    tso_force: bool,
    /// The families that the driver has, with their values.
    pub families: BTreeMap<Family, Reading>,
    /// Values that the driver refuses, and the kernel's words for that.
    pub refusing: Vec<(Name, Value, &'static str)>,
    pub link_is_down: bool,
    /// How often the link went down because something was changed.
    pub drops: usize,
    /// Errors, by the number of the call.
    pub errors: BTreeMap<usize, KernelError>,
    /// Names that the NIC is given just before a call, by the number of the call.
    pub renames: BTreeMap<usize, String>,
    pub calls: Vec<Call>,
}

const TSO: [&str; 2] = ["tx-tcp-segmentation", "tx-tcp6-segmentation"];

impl FakeKernel {
    /// A NIC whose features are described by `ethtool -k`'s words: `on`, `off`, `on [fixed]`,
    /// `on [requested off]` …, besides `never` for what can't even be asked for.
    pub fn with(features: &[(&str, &str)]) -> FakeKernel {
        let mut kernel = FakeKernel {
            interface: "eno1".into(),
            ..FakeKernel::default()
        };
        for (name, state) in features {
            kernel.add(name, state);
        }
        kernel
    }

    /// An e1000e NIC after probe, on Linux 6.12.
    pub fn e1000e() -> FakeKernel {
        FakeKernel::with(&[
            ("tx-scatter-gather", "on"),
            ("tx-checksum-ipv4", "off [fixed]"),
            ("tx-checksum-ip-generic", "on"),
            ("highdma", "on [fixed]"),
            ("rx-vlan-hw-parse", "on"),
            ("tx-vlan-hw-insert", "on"),
            ("tx-lockless", "never"),
            ("netns-local", "never"),
            ("rx-gro", "on"),
            ("rx-lro", "off [fixed]"),
            ("tx-tcp-segmentation", "on"),
            ("tx-gso-robust", "off [fixed]"),
            ("tx-tcp-ecn-segmentation", "off [fixed]"),
            ("tx-tcp-mangleid-segmentation", "off"),
            ("tx-tcp6-segmentation", "on"),
            ("tx-generic-segmentation", "on"),
            ("rx-hashing", "on"),
            ("rx-checksum", "on"),
            ("rx-fcs", "off"),
        ])
    }

    /// An e1000e NIC with the settings that an I219 has, as the driver sets them.
    pub fn i219() -> FakeKernel {
        let mut kernel = FakeKernel::e1000e();
        for setting in [
            "coalesce rx-usecs 3",
            "wol magic on",
            "wol ucast off",
            "eee on",
            "pause autoneg on",
            "pause rx on",
            "pause tx on",
            "ring rx 256",
            "ring tx 256",
            "private-flag s0ix-enabled on",
            "private-flag disable-k1 off",
        ] {
            let (name, value) = setting.rsplit_once(' ').unwrap();
            let name: Name = name.parse().unwrap();
            let family = kernel.families.entry(name.family).or_default();
            family.push((name.key, value.parse().unwrap()));
        }
        kernel
    }

    pub fn value(&self, name: &str) -> Option<Value> {
        let name: Name = name.parse().unwrap();
        name.of(self.families.get(&name.family)?)
    }

    /// Changes a setting as the kernel does it for somebody: what is so already does not reach the
    /// driver, and with autonegotiation on the partners agree on pause.
    pub fn change(&mut self, name: &Name, value: Value) {
        // As the driver of an i219 does it: see e1000_set_coalesce.
        let rounded = *name == "coalesce rx-usecs".parse().unwrap() && value == Value::Number(3000);
        let value = if rounded { Value::Number(3012) } else { value };
        let negotiated = self.value("pause autoneg") == Some(Value::Switch(true));
        let Some(reading) = self.families.get_mut(&name.family) else {
            return;
        };
        let slot = reading.iter_mut().find(|(key, _)| *key == name.key);
        let (key, is) = slot.expect("a setting that the driver has");
        if *is == value {
            return;
        }
        if name.family != Family::Pause || *key == "autoneg" || !negotiated {
            *is = value;
        }
        if name.family == Family::Pause && name.key == "autoneg" && !negotiated {
            // What the partners agree on here.
            for (_, is) in reading {
                *is = Value::Switch(true);
            }
        }
        if name.drops_link() && !self.link_is_down {
            self.link_is_down = true;
            self.drops += 1;
        }
    }

    /// Adds a feature, or describes one anew.
    pub fn add(&mut self, name: &str, state: &str) {
        let on = state.starts_with("on");
        let fixed = state == "never" || state.ends_with("[fixed]");
        let wanted =
            (on || state.ends_with("[requested on]")) && !state.ends_with("[requested off]");
        if !self.names.iter().any(|known| known == name) {
            self.names.push(name.to_owned());
        }
        put(&mut self.hw, name, !fixed);
        put(&mut self.never_change, name, state == "never");
        put(&mut self.active, name, on);
        // What can't be switched is not among what is wanted.
        put(&mut self.wanted, name, wanted && !fixed);
    }

    /// The driver will leave these as they are.
    pub fn disobeying(mut self, names: &[&str]) -> FakeKernel {
        self.disobeyed = names.iter().map(|name| (*name).to_owned()).collect();
        self
    }

    pub fn is_on(&self, name: &str) -> bool {
        self.active.contains(name)
    }

    /// Whether the driver does what is asked of this feature.
    pub fn obeys(&self, name: &str) -> bool {
        self.hw.contains(name) && !self.disobeyed.contains(name)
    }

    /// e1000e's link-up before Linux 6.3: writes `features` directly, so nobody is told.
    pub fn link_up(&mut self, megabits: u32) {
        for name in TSO {
            if !self.tso_force {
                put(&mut self.active, name, megabits >= 1000);
            }
        }
    }

    /// What `__netdev_update_features` does, for one reason or another.
    pub fn recompute(&mut self) {
        let fixed = self.active.difference(&self.hw).cloned();
        let mut features: Names = fixed.chain(self.wanted.iter().cloned()).collect();
        for name in &self.disobeyed {
            put(&mut features, name, self.active.contains(name));
        }
        let has = |features: &Names, name: &str| features.contains(name);
        if !has(&features, "tx-checksum-ip-generic") {
            features.remove("tx-scatter-gather");
        }
        if !has(&features, "tx-scatter-gather") {
            for name in TSO.into_iter().chain(["tx-generic-segmentation"]) {
                features.remove(name);
            }
        }
        if !has(&features, "tx-tcp-segmentation") {
            features.remove("tx-tcp-mangleid-segmentation");
        }
        let tso_changed = |name: &&str| has(&features, name) != has(&self.active, name);
        self.tso_force |= TSO.iter().any(tso_changed);
        self.active = features;
    }

    fn called(&mut self, call: Call) -> Result<(), KernelError> {
        let number = self.calls.len();
        self.calls.push(call);
        if let Some(name) = self.renames.get(&number) {
            self.interface.clone_from(name);
        }
        self.errors.get(&number).cloned().map_or(Ok(()), Err)
    }
}

impl FeatureKernel for FakeKernel {
    async fn get(&mut self, ifindex: u32) -> Result<Features, KernelError> {
        assert_eq!(ifindex, super::IFINDEX);
        self.called(Call::Get)?;
        let feature = |name: &String| Feature {
            name: name.clone(),
            changeable: self.hw.contains(name),
            wanted: self.wanted.contains(name),
            active: self.active.contains(name),
        };
        Ok(Features {
            interface: self.interface.clone(),
            list: self.names.iter().map(feature).collect(),
        })
    }

    async fn set(&mut self, ifindex: u32, asked: &[(&str, bool)]) -> Result<Changes, KernelError> {
        assert_eq!(ifindex, super::IFINDEX);
        self.called(set(asked))?;
        let unknown = |name: &str| !self.names.iter().any(|known| known == name);
        // "bit name not found", "attempt to change non-ethtool features"
        if asked
            .iter()
            .any(|(name, _)| unknown(name) || self.never_change.contains(*name))
        {
            return Err(KernelError::NotSupported);
        }
        let before = self.active.clone();
        let mut wanted = self.wanted.clone();
        for (name, on) in asked {
            put(&mut wanted, name, *on);
        }
        if wanted != self.wanted {
            self.wanted = wanted.intersection(&self.hw).cloned().collect();
            self.recompute();
        }
        let refused = |(name, on): &&(&str, bool)| self.active.contains(*name) != *on;
        let changed = self.active.symmetric_difference(&before);
        Ok(Changes {
            interface: self.interface.clone(),
            refused: asked
                .iter()
                .filter(refused)
                .map(|(name, _)| (*name).to_owned())
                .collect(),
            changed: changed
                .map(|name| (name.clone(), self.is_on(name)))
                .collect(),
        })
    }

    async fn read(&mut self, ifindex: u32, family: Family) -> Result<Reading, KernelError> {
        assert_eq!(ifindex, super::IFINDEX);
        self.called(Call::Read(family))?;
        let reading = self.families.get(&family).cloned();
        reading.ok_or(KernelError::NotSupported)
    }

    async fn write(
        &mut self,
        ifindex: u32,
        family: Family,
        values: &[(&str, Value)],
    ) -> Result<(), KernelError> {
        assert_eq!(ifindex, super::IFINDEX);
        let owned = values
            .iter()
            .map(|(key, value)| ((*key).to_owned(), *value));
        self.called(Call::Write(family, owned.collect()))?;
        let names = values
            .iter()
            .map(|(key, value)| (Name::new(family, *key), *value));
        let names: Vec<_> = names.collect();
        for (name, value) in &names {
            let refuses = |(refused, no, _): &&(Name, Value, _)| refused == name && no == value;
            if let Some((.., words)) = self.refusing.iter().find(refuses) {
                return Err(KernelError::Refused((*words).to_owned()));
            }
        }
        for (name, value) in &names {
            self.change(name, *value);
        }
        Ok(())
    }
}

fn put(names: &mut Names, name: &str, on: bool) {
    if on {
        names.insert(name.to_owned());
    } else {
        names.remove(name);
    }
}
