//! The grammar of a log line.

use proptest::prelude::*;

use unhang::apply::{KeyOutcome, KeyResult, Outcome, ValueOutcome};
use unhang::features::{KernelError, Key};
use unhang::log::{Event, Level, Line, Part, TrialPart, TrialStep, ValuePart};
use unhang::nic::Nic;
use unhang::plan::Is;
use unhang::settings::{Family, Name, Value};

fn words(text: &str) -> Vec<String> {
    text.split(' ').map(str::to_owned).collect()
}

/// `text` means these parts, and these parts are written so.
#[track_caller]
fn is_written(parts: Vec<Part>, text: &str) {
    let line = Line {
        interface: "eno1".into(),
        parts,
        rules: words("e1000e-tx-hang"),
        identity: "e1000e 8086:15bb I219-LM (7)".into(),
        event: "add".into(),
    };
    assert_eq!(line.to_string(), text);
    assert_eq!(Line::parse(text), Some(line));
}

#[test]
fn lines_are_as_the_manual_shows_them() {
    is_written(
        vec![Part::Changed(words("tso gso gro"), false)],
        "eno1: tso gso gro off (were on); rule e1000e-tx-hang; e1000e 8086:15bb I219-LM (7); event add",
    );
    is_written(
        vec![
            Part::Already(words("tso gso"), false),
            Part::Changed(words("gro"), false),
        ],
        "eno1: tso gso already off, gro off (was on); rule e1000e-tx-hang; e1000e 8086:15bb I219-LM (7); event add",
    );
    is_written(
        vec![
            Part::Secured(words("tso"), false),
            Part::Secured(words("rx tx"), true),
        ],
        "eno1: tso stays off (on was requested), rx tx stay on (off was requested); rule e1000e-tx-hang; e1000e 8086:15bb I219-LM (7); event add",
    );
    is_written(
        vec![Part::Still {
            keys: words("tso"),
            on: true,
            reason: "fixed".into(),
            features: words("tx-tcp-segmentation tx-tcp6-segmentation"),
        }],
        "eno1: tso still on (fixed: tx-tcp-segmentation tx-tcp6-segmentation); rule e1000e-tx-hang; e1000e 8086:15bb I219-LM (7); event add",
    );
    is_written(
        vec![
            Part::Unknown(words("ufo tos")),
            Part::Also("tx-tcp-mangleid-segmentation".into(), false),
        ],
        "eno1: ufo tos unknown to this kernel, also tx-tcp-mangleid-segmentation off; rule e1000e-tx-hang; e1000e 8086:15bb I219-LM (7); event add",
    );
}

#[test]
fn hangs_are_as_the_manual_shows_them() {
    is_written(
        vec![
            Part::Wedged {
                blocks: 2,
                in_force: true,
            },
            Part::Recovery(1, "autonegotiation restarted".into()),
        ],
        "eno1: wedged after 2 hang blocks (offloads in force), recovery 1: autonegotiation restarted; rule e1000e-tx-hang; e1000e 8086:15bb I219-LM (7); event add",
    );
    is_written(
        vec![
            Part::Storm {
                hangs: 3,
                seconds: 24,
                in_force: false,
            },
            Part::Recovery(1, "autonegotiation restarted".into()),
        ],
        "eno1: storm of 3 hangs within 24 s (offloads not in force), recovery 1: autonegotiation restarted; rule e1000e-tx-hang; e1000e 8086:15bb I219-LM (7); event add",
    );
    is_written(
        vec![Part::Stalled {
            seconds: 15,
            waiting: 12,
        }],
        "eno1: stalled: nothing transmitted for 15 s while 12 packets wait; rule e1000e-tx-hang; e1000e 8086:15bb I219-LM (7); event add",
    );
    is_written(
        vec![Part::Sent(31_000_000_000)],
        "eno1: 31000000000 bytes sent; rule e1000e-tx-hang; e1000e 8086:15bb I219-LM (7); event add",
    );
    is_written(
        vec![Part::Back {
            tenths: 14,
            recovery: 1,
        }],
        "eno1: link up 1.4 s after recovery 1; rule e1000e-tx-hang; e1000e 8086:15bb I219-LM (7); event add",
    );
}

#[test]
fn settings_and_failures_are_as_the_manual_shows_them() {
    is_written(
        vec![Part::Failed(KernelError::NotPermitted.to_string())],
        "eno1: not changed: the kernel does not permit it: this needs root (CAP_NET_ADMIN); rule e1000e-tx-hang; e1000e 8086:15bb I219-LM (7); event add",
    );
}

#[test]
fn lines_about_other_settings_are_as_the_manual_shows_them() {
    let name = |text: &str| text.parse::<Name>().unwrap();
    is_written(
        vec![
            Part::Value(ValuePart::Changed(
                name("eee"),
                Value::Switch(false),
                Value::Switch(true),
            )),
            Part::Value(ValuePart::Already(name("pause rx"), Value::Switch(true))),
            Part::Value(ValuePart::Changed(
                name("ring rx"),
                Value::Number(512),
                Value::Number(256),
            )),
        ],
        "eno1: eee off (was on), pause rx already on, ring rx 512 (was 256); rule e1000e-tx-hang; e1000e 8086:15bb I219-LM (7); event add",
    );
    is_written(
        vec![
            Part::Value(ValuePart::Still(
                name("coalesce rx-usecs"),
                Value::Number(3),
                "refused: Invalid argument".into(),
            )),
            Part::Value(ValuePart::OffAnyway("eee".into())),
            Part::Value(ValuePart::Unsupported("private-flag disable-k1".into())),
            Part::Value(ValuePart::Unread(
                name("wol magic"),
                "the NIC is gone".into(),
            )),
        ],
        "eno1: coalesce rx-usecs still 3 (refused: Invalid argument), eee off (not supported by this NIC), private-flag disable-k1 not supported by this NIC, wol magic unknown (the NIC is gone); rule e1000e-tx-hang; e1000e 8086:15bb I219-LM (7); event add",
    );
}

#[test]
fn trials_are_as_the_manual_shows_them() {
    let trial = |setting: &str, step| {
        let setting = setting.to_owned();
        Part::Trial(TrialPart { setting, step })
    };
    is_written(
        vec![trial("ring rx 512", TrialStep::Started { tenths: 58 })],
        "eno1: trial ring rx 512 started (5.8 days); rule e1000e-tx-hang; e1000e 8086:15bb I219-LM (7); event add",
    );
    is_written(
        vec![trial("tso on", TrialStep::Control { tenths: 300 })],
        "eno1: trial tso on control (30.0 days); rule e1000e-tx-hang; e1000e 8086:15bb I219-LM (7); event add",
    );
    is_written(
        vec![
            trial("eee off", TrialStep::Refuted),
            Part::Value(ValuePart::Changed(
                "eee".parse().unwrap(),
                Value::Switch(true),
                Value::Switch(false),
            )),
        ],
        "eno1: trial eee off refuted, eee on (was off); rule e1000e-tx-hang; e1000e 8086:15bb I219-LM (7); event add",
    );
    is_written(
        vec![
            trial("tso on", TrialStep::Kept),
            trial("tso on", TrialStep::Stopped),
        ],
        "eno1: trial tso on kept, trial tso on stopped; rule e1000e-tx-hang; e1000e 8086:15bb I219-LM (7); event add",
    );
}

#[test]
fn what_is_no_line_is_not_taken_for_one() {
    for text in [
        "",
        "eno1: tso off",
        "eno1: NIC Link is Up 1000 Mbps Full Duplex, Flow Control: Rx/Tx",
        "rule file skipped: /etc/unhang/rules.d/60-mine.toml:3:1: a rule has no key 'matches'",
        "eno1: tso off (were off); rule a; e1000e; event add",
        "eno1: ; rule a; e1000e; event add",
        "eno1: tso off (were on); e1000e; event add",
        "eno1: tso off (were on); rule a; e1000e; add",
        "tso off (were on); rule a; e1000e; event add",
    ] {
        assert_eq!(Line::parse(text), None, "{text}");
    }
}

fn nic() -> Nic {
    Nic {
        ifindex: 3,
        name: "eno1".into(),
        driver: Some("e1000e".into()),
        pci: "8086:15bb:1028:0869".parse().ok(),
        ..Nic::default()
    }
}

fn outcome(results: &[KeyResult], error: Option<KernelError>) -> Outcome {
    let key = |result: &KeyResult| KeyOutcome {
        key: Key::new("tso"),
        on: false,
        result: result.clone(),
    };
    Outcome {
        nic: nic(),
        rules: words("a"),
        keys: results.iter().map(key).collect(),
        values: Vec::new(),
        unsaved: None,
        side_effects: Vec::new(),
        error,
    }
}

#[test]
fn the_level_says_how_much_it_matters() {
    use KeyResult::{AlreadyRight, Changed, Fixed, Missing, Refused, Secured};
    let features = || words("tx-tcp-segmentation");
    let level = |results: &[KeyResult], error| {
        Line::new(&outcome(results, error), &Event::manual()).map(|(level, _)| level)
    };
    assert_eq!(level(&[AlreadyRight], None), Some(Level::Debug));
    assert_eq!(level(&[AlreadyRight, Changed], None), Some(Level::Info));
    assert_eq!(level(&[Secured], None), Some(Level::Info));
    for bad in [Fixed(features()), Refused(features()), Missing] {
        assert_eq!(level(&[Changed, bad], None), Some(Level::Warning));
    }
    assert_eq!(level(&[], Some(KernelError::Gone)), Some(Level::Debug));
    assert_eq!(
        level(&[], Some(KernelError::NotPermitted)),
        Some(Level::Error)
    );
    let no_rule = Outcome {
        rules: Vec::new(),
        ..outcome(&[], None)
    };
    assert_eq!(Line::new(&no_rule, &Event::manual()), None);
}

#[test]
fn the_level_tells_settings_beside_offloads_that_are_not_as_wanted() {
    let value = |wanted, was, is| ValueOutcome {
        name: Name::new(Family::Ring, "rx"),
        wanted: Value::Number(wanted),
        was,
        is,
        refused: None,
    };
    let said = |value: ValueOutcome| {
        let outcome = Outcome {
            values: vec![value],
            ..outcome(&[], None)
        };
        Line::new(&outcome, &Event::manual()).unwrap().0
    };
    let is = |number| Is::Value(Value::Number(number));
    assert_eq!(said(value(9, is(9), is(9))), Level::Debug);
    assert_eq!(said(value(9, is(8), is(9))), Level::Info);
    assert_eq!(said(value(9, is(8), is(8))), Level::Warning);
    let lacking = value(9, Is::NoFamily, Is::NoFamily);
    assert_eq!(said(lacking.clone()), Level::Warning);
    let off = ValueOutcome {
        wanted: Value::Switch(false),
        ..lacking
    };
    assert_eq!(said(off), Level::Debug);
}

/// An offload key, as far as rules allow them.
fn key() -> impl Strategy<Value = String> {
    "[a-z*][a-z0-9_*?!-]{0,20}".prop_filter("it starts another kind of part", |key| {
        key != "also" && Family::ALL.iter().all(|family| family.word() != key)
    })
}

/// A setting beside the offloads, as far as rules allow them.
fn name() -> impl Strategy<Value = Name> {
    let all = Family::ALL.into_iter();
    let all = all.flat_map(|family| family.settable().map(move |key| Name::new(family, key)));
    prop_oneof![
        prop::sample::select(all.collect::<Vec<_>>()),
        "[A-Za-z0-9_.:+/-]{1,10}( [A-Za-z0-9_.:+/-]{1,10})?"
            .prop_filter("it is another kind of part", |key| !key
                .ends_with(" already")
                && !key.ends_with(" still"))
            .prop_map(|key| Name::new(Family::PrivateFlags, key)),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<bool>().prop_map(Value::Switch),
        any::<u32>().prop_map(Value::Number),
    ]
}

fn value_part() -> impl Strategy<Value = ValuePart> {
    let what = || {
        let families = Family::ALL.map(|family| family.word().to_owned());
        let family = prop::sample::select(families.to_vec());
        prop_oneof![family, name().prop_map(|name| name.to_string())]
    };
    prop_oneof![
        (name(), value(), value()).prop_map(|(name, is, was)| ValuePart::Changed(name, is, was)),
        (name(), value()).prop_map(|(name, is)| ValuePart::Already(name, is)),
        (name(), value(), "refused: [a-zA-Z' :()]{0,40}")
            .prop_map(|(name, is, why)| ValuePart::Still(name, is, why)),
        what().prop_map(ValuePart::OffAnyway),
        what().prop_map(ValuePart::Unsupported),
        (name(), reason_text()).prop_map(|(name, why)| ValuePart::Unread(name, why)),
    ]
}

fn keys() -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec(key(), 1..5)
}

fn feature() -> impl Strategy<Value = String> {
    "[a-z][a-z0-9_-]{0,30}"
}

/// What the watcher says it did, or why it did not.
fn reason_text() -> impl Strategy<Value = String> {
    "[a-z][a-zA-Z0-9:() ]{0,40}"
}

fn part() -> impl Strategy<Value = Part> {
    let reason = prop::sample::select(vec!["fixed", "refused"]);
    let features = prop::collection::vec(feature(), 1..4);
    prop_oneof![
        (keys(), any::<bool>()).prop_map(|(keys, on)| Part::Changed(keys, on)),
        (keys(), any::<bool>()).prop_map(|(keys, on)| Part::Already(keys, on)),
        (keys(), any::<bool>()).prop_map(|(keys, on)| Part::Secured(keys, on)),
        (keys(), any::<bool>(), reason, features).prop_map(|(keys, on, reason, features)| {
            Part::Still {
                keys,
                on,
                reason: reason.into(),
                features,
            }
        }),
        keys().prop_map(Part::Unknown),
        value_part().prop_map(Part::Value),
        (feature(), any::<bool>()).prop_map(|(feature, on)| Part::Also(feature, on)),
        (any::<u32>(), any::<bool>())
            .prop_map(|(blocks, in_force)| Part::Wedged { blocks, in_force }),
        (any::<u32>(), any::<u64>(), any::<bool>()).prop_map(|(hangs, seconds, in_force)| {
            Part::Storm {
                hangs,
                seconds,
                in_force,
            }
        }),
        (any::<u64>(), any::<u32>())
            .prop_map(|(seconds, waiting)| Part::Stalled { seconds, waiting }),
        any::<u64>().prop_map(Part::Sent),
        (any::<u32>(), reason_text()).prop_map(|(number, what)| Part::Recovery(number, what)),
        (0..u64::MAX / 10, any::<u32>())
            .prop_map(|(tenths, recovery)| Part::Back { tenths, recovery }),
        reason_text().prop_map(Part::Left),
        reason_text().prop_map(Part::Exhausted),
    ]
}

fn parts() -> impl Strategy<Value = Vec<Part>> {
    let reason = "[a-zA-Z0-9][a-zA-Z0-9 ,:'()]{0,60}";
    prop_oneof![
        9 => prop::collection::vec(part(), 1..5),
        1 => reason.prop_map(|reason| vec![Part::Failed(reason)]),
    ]
}

prop_compose! {
    fn line()(
        // What dev_valid_name (net/core/dev.c) lets through.
        interface in "[!-.0-9;-~]{1,15}",
        parts in parts(),
        rules in prop::collection::vec("[A-Za-z0-9._-]{1,20}", 1..4),
        identity in "(e1000e|igc|no driver)( 8086:[0-9a-f]{4}( I21[79]-LM( \\([0-9]\\))?)?)?",
        event in "[a-z-]{1,10}",
    ) -> Line {
        Line { interface, parts, rules, identity, event }
    }
}

proptest! {
    #[test]
    fn a_line_is_read_as_it_was_written(line in line()) {
        let text = line.to_string();
        prop_assert_eq!(text.lines().count(), 1);
        prop_assert_eq!(Line::parse(&text), Some(line));
    }

    #[test]
    fn an_error_of_any_text_makes_one_line_that_can_be_read_back(text in "[ -~]{0,80}") {
        let outcome = outcome(&[], Some(KernelError::Refused(text)));
        let (_, line) = Line::new(&outcome, &Event::udev("add")).unwrap();
        let read = Line::parse(&line.to_string()).unwrap();
        prop_assert!(matches!(read.parts[..], [Part::Failed(_)]));
        prop_assert_eq!((read.rules, read.event), (line.rules, line.event));
    }

    #[test]
    fn what_the_system_says_of_a_recovery_can_be_read_back(text in "[ -~]{1,80}") {
        let mut line = Line::parse("eno1: recovery 1: x; rule a; e1000e 8086:15bb; event wedge").unwrap();
        line.parts = vec![Part::Recovery(3, text.clone()), Part::Left(text)];
        let read = Line::parse(&line.to_string()).unwrap();
        prop_assert!(matches!(&read.parts[..], [Part::Recovery(3, _), Part::Left(_)]));
        prop_assert_eq!((read.rules, read.event), (line.rules, line.event));
    }

    #[test]
    fn any_text_is_read_without_panic(text in "\\PC{0,120}") {
        let _ = Line::parse(&text);
    }
}
