#!/bin/sh
# Measures the watcher of the package UNHANG_DEB in guests, and writes the table into README.md.
set -eu
cd "$(dirname "$0")/.."
said=target/watch-bench.log
measure() { UNHANG_VM_SCENARIOS=$1 cargo test --locked --quiet --test vm -- "$2" 2>&1; }
{ measure benches/guest watch && measure tests/vm/long time-to-traffic && echo measured; } | tee "$said"
grep -qx measured "$said"
sed -n 's/^metric [^ ]* table //p' "$said" >target/watch-bench.md
sed -i -e '/^<!-- watch:begin -->$/,/^<!-- watch:end -->$/{//!d}' \
    -e '/^<!-- watch:begin -->$/r target/watch-bench.md' README.md
