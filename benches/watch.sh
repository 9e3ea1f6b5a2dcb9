#!/bin/sh
# Measures the watcher of the package UNHANG_DEB in a guest, and writes the table into README.md.
set -eu
cd "$(dirname "$0")/.."
said=target/watch-bench.log
{ UNHANG_VM_SCENARIOS=benches/guest cargo test --locked --quiet --test vm 2>&1 && echo measured; } | tee "$said"
grep -qx measured "$said"
sed -n 's/^metric [^ ]* table //p' "$said" >target/watch-bench.md
awk '
    /<!-- watch:end -->/ { skip = 0 }
    !skip
    /<!-- watch:begin -->/ { skip = 1; while ((getline line <"target/watch-bench.md") > 0) print line }
' README.md >target/README.new
cat target/README.new >README.md
