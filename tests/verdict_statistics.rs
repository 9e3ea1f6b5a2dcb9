//! The numbers behind the verdict, against scipy and worked examples.

use unhang::report::stats::mmpp::Nics;
use unhang::report::stats::{Comparison, Period, at_most, bursts, weigh};

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
    let incidents: Vec<f64> = (0..12).map(f64::from).collect();
    let mut periods = vec![period(Some(0), 12.0, &incidents)];
    for _ in 0..20 {
        periods.push(period(Some(0), 0.0001, &[]));
        periods.push(period(Some(1), 3.0, &[]));
    }
    let all = weigh(&periods);
    assert_eq!(all.len(), 1);
    assert_eq!((all[0].period, all[0].from, all[0].to), (2, 0, 1));
    assert!((all[0].days_after - 60.0).abs() < 1e-9 && all[0].likely_fixed());
}

#[test]
fn calm_and_spell_as_matrices_in_60_digits_have_it() {
    let mut compared = 0;
    let table = include_str!("verdict_statistics/mmpp.tsv");
    for line in table.lines().filter(|l| !l.starts_with('#')) {
        let columns: Vec<&str> = line.split('\t').collect();
        let number = |text: &str| text.parse::<f64>().unwrap();
        let each = columns[0].split(';').map(|nic| {
            let of: Vec<f64> = nic.split(' ').map(number).collect();
            ([1.0 / of[1], 1.0 / of[2]], [of[3], of[4]], of[0])
        });
        let mut nics = Nics::new(each);
        for step in columns[1].split(' ') {
            nics.see(number(step.trim_end_matches('+')), step.ends_with('+'), 1.0);
        }
        let (got, wanted) = (nics.ln_probability(), number(columns[2]));
        let close = (got - wanted).abs() <= 1e-9 * wanted.abs().max(1.0);
        assert!(close, "{}: {got}, {wanted}", columns[0]);
        compared += 1;
    }
    assert_eq!(compared, 90);
}

#[test]
fn thousands_of_bursts_are_weighed_at_once() {
    let incidents: Vec<f64> = (0..20_000).map(|i| f64::from(i) * 0.3).collect();
    let before = period(Some(0), 6000.0, &incidents);
    let start = std::time::Instant::now();
    let e = weigh(&[before, period(Some(1), 30.0, &[])]).remove(0);
    assert_eq!(e.bursts_before, 20_000);
    assert!(e.likely_fixed() && e.careful > 0.0 && e.careful < 1e-9);
    assert!(start.elapsed().as_secs() < 5);
}

#[test]
fn one_bad_spell_proves_nothing_for_long() {
    let spell: Vec<f64> = (0..12).map(|i| 20.0 + f64::from(i) * 0.3).collect();
    let after = |days: f64| {
        let before = period(Some(0), 24.0, &spell);
        weigh(&[before, period(Some(1), days, &[])]).remove(0)
    };
    let e = after(30.0);
    assert!(e.one_spell && !e.likely_fixed());
    assert!(e.plain < 1e-3, "the bare test would be sure: {}", e.plain);
}

#[test]
fn fewer_takes_half_of_them_at_most_and_many() {
    let all: Vec<f64> = (0..60).map(f64::from).collect();
    let every = |days: usize| all.iter().copied().step_by(days).collect::<Vec<f64>>();
    let after = |incidents: &[f64]| {
        let before = period(Some(0), 60.0, &all);
        weigh(&[before, period(Some(1), 60.0, incidents)]).remove(0)
    };
    assert!(!after(&all).fewer() && !after(&every(2)[..]).likely_fixed());
    let e = after(&every(10));
    assert!(
        e.fewer() && !e.likely_fixed() && e.needed.is_none(),
        "{e:?}"
    );
}

#[test]
fn every_further_change_counts_as_one_more_look() {
    let incidents: Vec<f64> = (0..12).map(f64::from).collect();
    let mut periods = vec![period(Some(0), 12.0, &incidents)];
    for configuration in 1..4 {
        periods.push(period(Some(configuration), 12.0, &incidents));
    }
    periods.push(period(Some(4), 2.0, &[]));
    let all = weigh(&periods);
    let looks: Vec<usize> = all.iter().map(|e| e.looks).collect();
    assert_eq!(looks, [1, 2, 3, 4]);
    let alone = weigh(&periods[3..]).remove(0);
    // What came before tells the state only: nearly the same, times four.
    assert!((all[3].careful / alone.careful / 4.0 - 1.0).abs() < 0.2);
    // Going to and fro between two is two.
    let back = [0, 1, 0, 1].map(|c| period(Some(c), 12.0, &incidents));
    let looks: Vec<usize> = weigh(&back).iter().map(|e| e.looks).collect();
    assert_eq!(looks, [1, 2, 2]);
}
