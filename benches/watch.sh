#!/bin/sh
# Measures the watcher of the package UNHANG_DEB in a guest, and writes the table into README.md.
set -eu
cd "$(dirname "$0")/.."
said=target/watch-bench.log
{ UNHANG_VM_SCENARIOS=benches/guest cargo test --locked --quiet --test vm 2>&1 && echo measured; } | tee "$said"
grep -qx measured "$said"
sed -n 's/^metric [^ ]* table //p' "$said" >target/watch-bench.md
sed -i -e '/^<!-- watch:begin -->$/,/^<!-- watch:end -->$/{//!d}' \
    -e '/^<!-- watch:begin -->$/r target/watch-bench.md' README.md
