#!/usr/bin/env python3
"""Writes reference.tsv: binomial tails by scipy, which tests/verdict_statistics.rs compares with.

    python3 -m venv v && v/bin/pip install scipy && v/bin/python reference.py > reference.tsv
"""
import scipy
from scipy.stats import binom

print(f"# k n p P(X<=k); scipy {scipy.__version__}, scipy.stats.binom.cdf")
for n in (1, 2, 3, 5, 17, 40, 100, 458, 1000, 20000):
    for k in sorted({0, 1, 2, n // 10, n // 3, n // 2, n - 1}):
        for p in (1e-6, 0.003, 0.05, 3.1 / 15.4, 0.5, 0.9, 0.999):
            if 0 <= k <= n:
                print(f"{k}\t{n}\t{p!r}\t{binom.cdf(k, n, p)!r}".replace("np.float64(", "").replace(")", ""))
