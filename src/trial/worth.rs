//! What is worth trying, in order, with where that is known from; and whether it is void on a
//! NIC, as the kernel says.

use super::Setting;
use crate::features::KernelError;
use crate::nic::Nic;
use crate::plan::{Is, KeyPlan, Now, Plan, State, ValuePlan};
use crate::rules::{Drift, Match, Rule, Wanted, WantedValue, decide};
use crate::settings::{Family, Name, Value};

/// Something that has helped somebody.
pub struct Worth {
    /// As the command takes it.
    pub setting: &'static str,
    pub evidence: &'static str,
    pub cost: &'static str,
}

/// The best evidence first; what costs nothing before what drops the link.
pub const WORTH: [Worth; 6] = [
    Worth {
        setting: "tso=off",
        evidence: "the vendors' word for 82579 and I218; on three I219-LM, with gso and gro off too, 458,000 hang lines in two years became none (counted)",
        cost: "no link drop; the CPU cuts packets itself, a few per cent of one core at 1 Gb/s by owners' estimates",
    },
    Worth {
        setting: "gso=off",
        evidence: "helped several together with tso and gro off (counted), never counted alone",
        cost: "no link drop; some more work for the CPU",
    },
    Worth {
        setting: "gro=off",
        evidence: "helped several together with tso and gso off (counted), never counted alone",
        cost: "no link drop; some more work for the CPU",
    },
    Worth {
        setting: "eee=off",
        evidence: "on one I219-V, with tso, gso and gro off too, 6 days of hangs became 12 without (counted); two more I219 by their owners' word",
        cost: "the link drops for about three seconds, once",
    },
    Worth {
        setting: "tx=off",
        evidence: "on one I217-V, with rx off too, 5 days without, by its owner's word",
        cost: "no link drop; the CPU computes checksums, and tso goes off with it",
    },
    Worth {
        setting: "rx=off",
        evidence: "on one I217-V, with tx off too, 5 days without, by its owner's word",
        cost: "the link drops for about three seconds, once; the CPU computes checksums",
    },
];

impl Setting {
    /// A rule that sets it on any NIC.
    pub fn rule(&self) -> Rule {
        let (mut offload, mut values) = (Vec::new(), Vec::new());
        match self.clone() {
            Setting::Offload(key, on) => offload.push(Wanted {
                key,
                on,
                span: 0..0,
            }),
            Setting::Other(name, value) => values.push(WantedValue {
                name,
                value,
                span: 0..0,
            }),
        }
        Rule {
            name: "trial".into(),
            description: None,
            evidence: None,
            matches: Match::default(),
            offload,
            values,
            drift: Drift::default(),
            recover: None,
            exhausted: None,
            stall: None,
            trial: None,
            span: 0..0,
        }
    }

    /// Why it makes no difference to a NIC of which the kernel says this; `None` if it does.
    pub fn void(&self, nic: &Nic, now: &Now) -> Option<String> {
        let rule = self.rule();
        let plan = Plan::new(&decide([&rule], nic), now);
        let key = plan.keys.iter().find_map(void_key);
        let inactive = Name::new(Family::Eee, "active").of_now(now) == Some(Value::Switch(false));
        let is_eee = matches!(self, Setting::Other(name, Value::Switch(false)) if name.family == Family::Eee);
        let eee =
            (is_eee && inactive).then(|| "the link does not use it: enabled, but inactive".into());
        key.or_else(|| plan.values.iter().find_map(void_value))
            .or(eee)
    }
}

impl Name {
    fn of_now(&self, now: &Now) -> Option<Value> {
        match now.of(self) {
            Is::Value(value) => Some(value),
            _ => None,
        }
    }
}

fn void_key(key: &KeyPlan) -> Option<String> {
    let impossible = |state| state == State::Impossible;
    if key.is_missing() {
        Some("this kernel does not know it".into())
    } else if key.is_right() {
        Some("it is so already".into())
    } else if key.features.iter().all(|feature| impossible(feature.state)) {
        Some("the driver can't change it".into())
    } else {
        None
    }
}

fn void_value(value: &ValuePlan) -> Option<String> {
    match &value.is {
        Is::NoFamily | Is::NoKey => Some("this NIC does not have it".into()),
        Is::Unread(KernelError::NotPermitted) => None,
        Is::Unread(error) => Some(format!("it can't be read: {error}")),
        Is::Value(_) if value.is_right() => Some("it is so already".into()),
        Is::Value(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::{Feature, Features};

    fn now(tso: (bool, bool), eee: Option<(bool, bool)>) -> Now {
        let (changeable, on) = tso;
        let tso = Feature {
            name: "tx-tcp-segmentation".into(),
            changeable,
            wanted: on,
            active: on,
        };
        let reading = eee.map(|(enabled, active)| {
            let switch = |key: &str, on| (key.to_owned(), Value::Switch(on));
            vec![switch("enabled", enabled), switch("active", active)]
        });
        Now {
            features: Features {
                interface: "eno1".into(),
                list: vec![tso],
            },
            families: vec![(Family::Eee, reading.ok_or(KernelError::NotSupported))],
        }
    }

    #[test]
    fn what_makes_no_difference_is_void_and_says_why() {
        let void = |setting: &str, now: &Now| {
            let setting: Setting = setting.parse().unwrap();
            setting.void(&Nic::default(), now).unwrap_or_default()
        };
        let usual = now((true, true), Some((true, true)));
        assert_eq!(void("tso=off", &usual), "");
        assert_eq!(void("eee=off", &usual), "");
        assert_eq!(void("tso=on", &usual), "it is so already");
        assert_eq!(void("rx=on", &usual), "this kernel does not know it");
        let fixed = now((false, true), Some((true, false)));
        assert_eq!(void("tso=off", &fixed), "the driver can't change it");
        assert!(void("eee=off", &fixed).contains("enabled, but inactive"));
        assert_eq!(void("eee=on", &fixed), "it is so already");
        let without = now((true, false), None);
        assert_eq!(void("eee=off", &without), "this NIC does not have it");
    }

    #[test]
    fn every_line_of_the_table_is_a_setting_with_its_evidence() {
        for worth in &WORTH {
            let setting: Setting = worth.setting.parse().unwrap();
            assert_eq!(
                worth.setting,
                format!("{}={}", setting.name(), setting.value())
            );
            let drops = match &setting {
                Setting::Offload(key, _) => key.resets_e1000e(),
                Setting::Other(name, _) => name.drops_link(),
            };
            assert_eq!(
                drops,
                worth.cost.starts_with("the link drops"),
                "{}",
                worth.setting
            );
            assert!(worth.evidence.contains("counted") || worth.evidence.contains("word"));
        }
    }
}
