#!/bin/sh
# Runs what a machine's owner relies on in every Debian, with a package that was built in a bare root of it, and writes
# what came of it as a table into README.md, between the lines <!-- matrix --> and <!-- /matrix -->. Takes an hour and a
# half on a small machine.
set -eu
cd "$(dirname "$0")/.."
suites="bookworm bookworm-6.12 trixie forky"
scenarios="main-job appear package watch-link watch-wedge report link-rule"
export UNHANG_VM_EVERYWHERE=1 UNHANG_VM_SCENARIOS="$PWD/target/matrix"
rm -rf "$UNHANG_VM_SCENARIOS"
mkdir -p "$UNHANG_VM_SCENARIOS"
for name in $scenarios; do cp "tests/vm/scenarios/$name.sh" "$UNHANG_VM_SCENARIOS"; done

status=0
: >target/matrix.out
: >target/matrix.err
for release in bookworm trixie forky; do
    rm -rf "target/bare/packages/$release"
    tests/bare.sh "$release" "make deb old-deb"
    UNHANG_DEB=$(ls "$PWD/target/bare/packages/$release"/unhang_*.deb)
    UNHANG_DEB_OLD=$PWD/target/bare/packages/$release/old.deb
    UNHANG_VM_SUITES=$(echo "$suites" | tr ' ' '\n' | grep "^$release" | tr '\n' ' ')
    export UNHANG_DEB UNHANG_DEB_OLD UNHANG_VM_SUITES
    cargo test --locked --quiet --test vm -- "$@" >>target/matrix.out 2>>target/matrix.err || status=$?
done
sed -n '/^test /p' target/matrix.out

table() {
    echo "| scenario | bookworm, 6.1 | bookworm, 6.12 | trixie, 6.12 | forky, 7.2 |"
    echo "|---|---|---|---|---|"
    for name in $scenarios; do
        row="| \`$name\`: $(sed -n 's/^# about: //p' "tests/vm/scenarios/$name.sh" | head -n 1)"
        for suite in $suites; do
            result=$(sed -n "s/^test $suite::$name  *\.\.\. //p" target/matrix.out)
            case $result in
            ok) row="$row | yes" ;;
            FAILED) row="$row | **no**" ;;
            *) row="$row | not run" ;;
            esac
        done
        echo "$row |"
    done
    echo
    echo "Run on $(git log -1 --format=%cs) with commit $(git log -1 --format=%h): $(grep -c '^test .*ok$' target/matrix.out) passed, $(grep -c '^test .*FAILED$' target/matrix.out) failed, $(grep -c 'again .*: passed at' target/matrix.err) passed at the second attempt only."
}
table >target/matrix.md
if grep -qx '<!-- matrix -->' README.md; then
    sed -i -e '/^<!-- matrix -->$/,/^<!-- \/matrix -->$/{//!d}' -e '/^<!-- matrix -->$/r target/matrix.md' README.md
else
    echo "README.md has no line <!-- matrix -->; here is the table:"
    cat target/matrix.md
fi
exit $status
