//! The numbers behind the verdict, against scipy and worked examples.

use unhang::report::stats::{Comparison, Exposure, Period, at_most, bursts, weigh, weigh_two};

#[test]
fn binomial_tail_as_scipy_has_it() {
    let table = include_str!("verdict_statistics/reference.tsv");
    let mut compared = 0;
    for line in table.lines().filter(|l| !l.starts_with('#')) {
        let mut columns = line.split('\t');
        let mut next = || columns.next().expect("four columns");
        let (k, n) = (next().parse().unwrap(), next().parse().unwrap());
        let (p, wanted): (f64, f64) = (next().parse().unwrap(), next().parse().unwrap());
        let got = at_most(k, n, p);
        // Below 1e-300 only the order of magnitude can matter.
        let close = (got - wanted).abs() <= 1e-9 * wanted || wanted < 1e-300 && got < 1e-290;
        assert!(close, "P(X ≤ {k}), n {n}, p {p}: {got:e}, scipy {wanted:e}");
        compared += 1;
    }
    assert!(compared > 300);
}

#[test]
fn the_bare_test_is_the_example_that_everybody_can_check() {
    // 17 independent incidents in 12.3 days, none in 3.1: (12.3 / 15.4)^17, 1 time in 45.7
    let p = at_most(0, 17, 3.1 / 15.4);
    assert!((1.0 / p - 45.6).abs() < 0.2, "{}", 1.0 / p);
}

#[test]
fn bursts_are_cut_after_six_hours_of_quiet_and_after_a_day() {
    assert_eq!(bursts(&[]), Vec::<f64>::new());
    assert_eq!(bursts(&[1.0, 1.1, 1.3, 1.6, 2.0]), [1.0, 1.6, 2.0]);
    let chronic: Vec<f64> = (0..600).map(|i| f64::from(i) * 0.01).collect();
    assert_eq!(bursts(&chronic).len(), 6);
}

#[test]
fn no_exposure_and_no_incidents_prove_nothing() {
    let nothing = weigh_two(&Exposure::default());
    assert_eq!((nothing.careful, nothing.needed), (1.0, None));
    let just_installed = Exposure {
        before: vec![0.5, 2.0, 4.0],
        before_days: 5.0,
        change: 5.0,
        ..Exposure::default()
    };
    let e = weigh_two(&just_installed);
    assert!(e.careful >= 1.0);
    assert!(e.needed.unwrap() > 5.0 && !e.likely_fixed());
}

#[test]
fn the_promised_day_is_the_day() {
    let mut e = Exposure {
        before: vec![0.5, 2.0, 4.0, 4.5, 7.0],
        before_days: 8.0,
        change: 8.0,
        after_days: 1.0,
        ..Exposure::default()
    };
    let needed = weigh_two(&e).needed.unwrap();
    e.after_days += needed - 0.001;
    assert!(!weigh_two(&e).likely_fixed());
    e.after_days += 0.002;
    assert!(weigh_two(&e).likely_fixed());
}

#[test]
fn the_bad_spell_before_the_change_is_not_evidence() {
    // Nothing for 30 days, then three bursts in three days, then the fix.
    let e = Exposure {
        before: vec![30.2, 31.4, 32.6],
        before_days: 33.0,
        change: 33.0,
        after_days: 20.0,
        ..Exposure::default()
    };
    let weighed = weigh_two(&e);
    assert!(weighed.careful > weighed.plain);
    assert!(
        !weighed.likely_fixed(),
        "a quiet of 30 days was nothing new"
    );
}

fn period(configuration: Option<usize>, days: f64, incidents: &[f64]) -> Period {
    Period {
        configuration,
        days,
        incidents: incidents.to_vec(),
    }
}

/// Incidents once a day for `days`, then a change and a quiet.
fn daily(days: u32, quiet: f64) -> Comparison {
    let incidents: Vec<f64> = (0..days).map(f64::from).collect();
    let before = period(Some(0), f64::from(days), &incidents);
    weigh(&[before, period(Some(1), quiet, &[])]).remove(0)
}

#[test]
fn nothing_to_compare_is_no_comparison() {
    assert_eq!(weigh(&[]), []);
    assert_eq!(weigh(&[period(None, 3.0, &[1.0])]), []);
    assert_eq!(weigh(&[period(Some(4), 3.0, &[1.0])]), []);
    // The same on both sides of an unknown time is no change.
    let gap = [
        period(Some(4), 3.0, &[1.0]),
        period(None, 1.0, &[]),
        period(Some(4), 2.0, &[]),
    ];
    assert_eq!(weigh(&gap), []);
}

#[test]
fn without_incidents_or_time_before_there_is_no_verdict() {
    for (days, incidents) in [
        (30.0, &[][..]),
        (0.0, &[0.0, 0.0][..]),
        (f64::NAN, &[f64::NAN][..]),
    ] {
        let before = period(Some(0), days, incidents);
        let e = weigh(&[before, period(Some(1), 500.0, &[])]).remove(0);
        assert_eq!((e.plain, e.careful, e.needed), (1.0, 1.0, None), "{days}");
        assert!(!e.likely_fixed() && !e.fewer());
    }
}

#[test]
fn the_day_on_which_to_ask_again_is_the_day() {
    let e = daily(12, 1.5);
    let needed = e.needed.unwrap();
    assert!(needed > 1.0 && !e.likely_fixed() && e.careful < 1.0);
    assert!(!daily(12, 1.5 + needed - 1e-3).likely_fixed());
    assert!(daily(12, 1.5 + needed + 1e-3).likely_fixed());
}

#[test]
fn boots_without_the_fix_for_seconds_are_no_changes() {
    let mut periods = vec![period(Some(0), 10.0, &[1.0, 3.0, 4.0, 8.0])];
    for _ in 0..20 {
        periods.push(period(Some(0), 0.0001, &[]));
        periods.push(period(Some(1), 3.0, &[]));
    }
    let all = weigh(&periods);
    assert_eq!(all.len(), 1);
    assert_eq!((all[0].period, all[0].from, all[0].to), (2, 0, 1));
    assert!((all[0].days_after - 60.0).abs() < 1e-9 && all[0].likely_fixed());
}
