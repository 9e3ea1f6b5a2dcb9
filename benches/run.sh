#!/bin/sh
# Measures what 'make build two-exchanges' built. Usage: run.sh [ROUNDS]
set -eu
cd "$(dirname "$0")/.."
target=${CARGO_TARGET_DIR:-target}

export UNHANG_BENCH_HELPER="$target/helper/unhang-helper"
export UNHANG_BENCH_UNHANG="$target/release/unhang"
export UNHANG_BENCH_WATCH="$target/watcher/unhang-watch"
export UNHANG_BENCH_TWO_EXCHANGES="$target/helper/two-exchanges"
# What is measured are other processes, and the bench profile would write where the release is. With Cargo's
# LD_LIBRARY_PATH they would look for their libraries in more directories.
bench() {
    cargo bench --locked --quiet --profile dev --config 'target."cfg(unix)".runner = "env -u LD_LIBRARY_PATH"' --bench "$@"
}
bench speed -- "$@"
bench log_speed
bench status_speed
bench watch_events

# In bytes: what is loaded at every boot, and what stays in memory.
size() { # FILE GOAL
    bytes=$(stat -c %s "$1")
    echo "size of ${1##*/}: $bytes bytes, goal $2: $([ "$bytes" -le "$2" ] && echo met || echo missed)"
}
size "$UNHANG_BENCH_HELPER" 1572864
size "$UNHANG_BENCH_UNHANG" 4194304
