#!/bin/sh
# Runs the tests, one suite after the other, and closes with one line of counts.
# Usage: run.sh check   what needs neither root nor a guest
#        run.sh all     everything
set -u
cd "$(dirname "$0")/.." || exit 1

passed=0
failed=0
log=target/tests.log
mkdir -p target
: >"$log.failed"
: >"$log.again"
broken=

# suite NAME COMMAND…: runs it and adds the counts of its closing lines, which are cargo's.
suite() {
    name=$1
    shift
    echo "== $name: $*"
    { "$@" 2>&1; echo $? >"$log.status"; } | tee "$log.part"
    status=$(cat "$log.status")
    counts=$(sed -n 's/.*test result: [a-zA-Z]*\. \([0-9]*\) passed; \([0-9]*\) failed.*/\1 \2/p' "$log.part" |
        awk '{ p += $1; f += $2 } END { print p + 0, f + 0 }')
    grep -o 'again [^ ]*: passed at the second attempt$' "$log.part" >>"$log.again"
    passed=$((passed + ${counts% *}))
    failed=$((failed + ${counts#* }))
    if [ "$status" -ne 0 ]; then
        broken="$broken $name"
        # Which tests, and what failed in them, is said again at the end.
        grep -E '^(---- .*|failed: .*|.*not (done|up) within .*)$' "$log.part" >>"$log.failed"
        # What stopped before its tests ran is a failure too.
        [ "${counts#* }" -gt 0 ] || failed=$((failed + 1))
    elif [ "$counts" = "0 0" ]; then
        # A check without counts, such as a lint, is one test.
        passed=$((passed + 1))
    fi
}

suite format cargo fmt --check
# A newer clippy has lints that nobody has seen here: what it says is shown, and fails nothing.
linted=95
clippy=$(cargo clippy --version | sed -n 's/^clippy 0\.1\.\([0-9]*\).*/\1/p')
deny="-D warnings"
[ "$clippy" -le $linted ] || deny="-W warnings"
# shellcheck disable=SC2086 # a list of words
lint() { name=$1; shift; suite "$name" cargo clippy --locked --quiet "$@" -- $deny; }
lint lints --all-targets
# Those that are not run by a plain 'cargo test'.
lint lints-guests --test generate_consumers --test vm --test demo --test fleet
lint lints-helper --no-default-features --bin unhang-helper
lint lints-watcher --no-default-features --features watch --bin unhang-watch
suite shell sh -c "git grep -lzE '^(#!/bin/(ba)?sh|# shellcheck shell)' | xargs -0 shellcheck -e SC2119,SC2120"
suite versions packaging/test-versions.sh
suite unit cargo test --locked --quiet --lib
suite pipeline cargo test --locked --quiet --test fake_kernel --test log --test shipped_rules --test udev_event
suite cases cargo test --locked --quiet --test cases --test commands --test generate --test networkd_example
suite evidence cargo test --locked --quiet --test report_cases --test hang_decode --test hang_properties --test verdict_statistics --test verdict_calibration --test fleet_calibration

if [ "$1" = all ]; then
    # What needs root is built as who is here, and run by root.
    host=$(rustc -vV | sed -n 's/^host: //p' | tr 'a-z-' 'A-Z_')
    if [ "$(id -u)" = 0 ]; then sudo="env"; else sudo="sudo -E env PATH=$PATH"; fi
    by_root() { env "CARGO_TARGET_${host}_RUNNER=$sudo" "$@"; }
    suite ansible packaging/test-ansible.sh
    suite calibration cargo test --locked --quiet --profile calibration --test verdict_calibration --test fleet_calibration -- --ignored --skip large
    suite promtool tests/promtool.sh
    suite umockdev cargo test --locked --quiet --test umockdev
    suite netns by_root cargo test --locked --quiet --test netns
    # shellcheck disable=SC2086 # a list of words
    suite consumers-root $sudo tests/consumers/fetch.sh
    suite consumers by_root cargo test --locked --quiet --test generate_consumers
    suite package make --no-print-directory deb old-deb rpm old-rpm dist
    UNHANG_DEB=$(ls "$PWD"/target/packages/unhang_*.deb)
    UNHANG_DEB_OLD=$PWD/target/old/unhang.deb
    export UNHANG_DEB UNHANG_DEB_OLD
    suite helper by_root env UNHANG_HELPER="${CARGO_TARGET_DIR:-$PWD/target}/helper/unhang-helper" cargo test --locked --quiet --test netns -- helper::
    suite sources packaging/from-tarball.sh --sources target/packages/unhang-*.tar.xz target/sources
    suite lintian packaging/lint.sh target/packages/*.changes target/sources/*.changes
    suite rpmlint packaging/lint.sh target/packages/*.rpm target/sources/*.rpm packaging/rpm/unhang.spec
    # shellcheck disable=SC2086 # a list of words
    suite rpm $sudo packaging/test-rpm.sh target/packages/*.rpm target/old/unhang.rpm
    suite manual packaging/test-manual.sh
    suite guests cargo test --locked --quiet --test vm
fi

echo
head -n 40 "$log.failed"
cat "$log.again"
rm -f "$log.part" "$log.status" "$log.failed" "$log.again"
[ -z "$broken" ] || echo "failed:$broken"
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
