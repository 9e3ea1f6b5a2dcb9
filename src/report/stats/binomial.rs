//! The bare test: so few of all bursts in the time after a change, if they came evenly.

/// P(X ≤ k) for X binomial (n, p): summed in log space, so that neither a large n nor a
/// tiny p underflows before it should.
pub fn at_most(k: u64, n: u64, p: f64) -> f64 {
    if k >= n || p <= 0.0 {
        return 1.0;
    }
    if p >= 1.0 {
        return 0.0;
    }
    let (log_p, log_q) = (p.ln(), (-p).ln_1p());
    // log of C(n, i) p^i q^(n-i), from i = 0 on
    let mut term = n as f64 * log_q;
    let mut sum = term;
    for i in 0..k {
        term += ((n - i) as f64).ln() - ((i + 1) as f64).ln() + log_p - log_q;
        let (high, low) = if sum > term { (sum, term) } else { (term, sum) };
        sum = high + (low - high).exp().ln_1p();
    }
    sum.exp().min(1.0)
}
