#!/bin/sh
# The alert rules, and what 'unhang metrics' writes, as Prometheus' own tool sees them.
set -eu
cd "$(dirname "$0")/.."
PATH=$PATH:$PWD/target/tools
promtool check rules packaging/prometheus/unhang.rules.yml
(cd packaging/prometheus && promtool test rules unhang.rules.test.yml)
# Each alert has its section in the runbook.
sed -n 's/.*runbook.md#\([a-z]*\).*/\1/p' packaging/prometheus/unhang.rules.yml | while read -r anchor; do
    grep -qix "## $anchor" packaging/prometheus/runbook.md || { echo "runbook.md has no section $anchor"; exit 1; }
done
for case in tests/cases/report/*metrics*; do
    for metrics in "$case/stdout" "$case/out.prom"; do
        [ ! -s "$metrics" ] || promtool check metrics <"$metrics"
    done
done
