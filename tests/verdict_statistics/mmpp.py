#!/usr/bin/env python3
"""Writes mmpp.tsv: what a NIC of two states does, which tests/verdict_statistics.rs compares with.

The probability (density) of a history is multiplied up as matrices, in decimal numbers of 60 digits:
start * E(t1) L E(t2) L ... E(tn) * 1, E(t) = exp((Q - L) t) as the power series of the matrix divided by 2^k, squared k
times; no eigenvalues, no scaling, nothing of the program's. Each column of histories is "days+" (a quiet, then a
burst) or "days" (a quiet). The last lines are sums over two such NICs of different weight.

    python3 mmpp.py >mmpp.tsv
"""
from decimal import Decimal as D, getcontext

getcontext().prec = 60


def product(a, b):
    return [[sum(x * b[k][j] for k, x in enumerate(row)) for j in range(2)] for row in a]


def exponential(m, t):
    k = 0
    while max(abs(x) for row in m for x in row) * t / 2**k > D("0.01"):
        k += 1
    m = [[x * t / 2**k for x in row] for row in m]
    total = term = [[D(1), D(0)], [D(0), D(1)]]
    for i in range(1, 40):
        term = [[x / i for x in row] for row in product(term, m)]
        total = [[x + y for x, y in zip(*rows)] for rows in zip(total, term)]
    for _ in range(k):
        total = product(total, total)
    return total


def probability(nic, history):
    calm, spell, low, high = (D(x) for x in nic)
    row = [[D("0.5"), D("0.5")]]
    m = [[-1 / calm - low, 1 / calm], [1 / spell, -1 / spell - high]]
    for step in history.split():
        row = product(row, exponential(m, D(step.rstrip("+"))))
        if step.endswith("+"):
            row = product(row, [[low, D(0)], [D(0), high]])
    return sum(row[0])


nics = [("4", "0.5", "0", "8"), ("30", "2", "0", "3"), ("256", "8", "0.002", "0.1"), ("60", "3", "0.06", "3"), ("1", "1", "0.7", "0.7")]
histories = [
    "0", "0.001", "1", "20", "300", "5000", "0+", "1+", "3+ 2", "0.5+ 0.5+ 0.5+ 12", "25+ 0.3+ 0.3+ 0.4+ 40+ 0.2+ 90",
    "0+ 0+ 0+", " ".join(["1.3+"] * 40) + " 9", " ".join(["0.26+"] * 600), " ".join(["14+"] * 100) + " 200",
]
print("# weight calm spell rate-in-calm rate-in-spell (joined by ';' where there are two), history, ln probability")
for history in histories:
    for nic in nics:
        print(";".join([" ".join(("1",) + nic)]), history, f"{probability(nic, history).ln():.17g}", sep="\t")
    pair = [("0.3", nics[1]), ("0.7", nics[4])]
    both = sum(D(w) * probability(nic, history) for w, nic in pair)
    print(";".join(" ".join((w,) + nic) for w, nic in pair), history, f"{both.ln():.17g}", sep="\t")
