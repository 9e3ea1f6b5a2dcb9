//! The numbers behind the verdict, against scipy and worked examples.

use unhang::report::stats::{Exposure, at_most, bursts, weigh_two as weigh};

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
    let nothing = weigh(&Exposure::default());
    assert_eq!((nothing.careful, nothing.needed), (1.0, None));
    let just_installed = Exposure {
        before: vec![0.5, 2.0, 4.0],
        before_days: 5.0,
        change: 5.0,
        ..Exposure::default()
    };
    let e = weigh(&just_installed);
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
    let needed = weigh(&e).needed.unwrap();
    e.after_days += needed - 0.001;
    assert!(!weigh(&e).likely_fixed());
    e.after_days += 0.002;
    assert!(weigh(&e).likely_fixed());
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
    let weighed = weigh(&e);
    assert!(weighed.careful > weighed.plain);
    assert!(
        !weighed.likely_fixed(),
        "a quiet of 30 days was nothing new"
    );
}
