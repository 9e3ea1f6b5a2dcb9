#!/bin/sh
# The alert rules, and what 'unhang metrics' writes, as Prometheus' own tool sees them.
set -eu
cd "$(dirname "$0")/.."
PATH=$PATH:$PWD/target/tools
promtool check rules packaging/prometheus/unhang.rules.yml
(cd packaging/prometheus && promtool test rules unhang.rules.test.yml)
for case in tests/cases/report/*metrics*; do
    for metrics in "$case/stdout" "$case/out.prom"; do
        [ ! -s "$metrics" ] || promtool check metrics <"$metrics"
    done
done
