#!/bin/sh
# Installs what parts of the Makefile need, on Debian or what is derived from it: says before what and roughly how long
# it takes, removes and downgrades nothing, and looks afterwards whether all is there. Says nothing if nothing is missing.
#
#   setup.sh PART…           the parts are those of needs.txt
#   setup.sh --check PART…   looks only
set -eu
here=$(cd "$(dirname "$0")" && pwd)
# An ordinary user's has no mkfs.ext4.
tools=$here/../target/tools
PATH=$PATH:/usr/sbin:/sbin:$tools

install=yes
[ "${1:-}" != --check ] || { install=; shift; }
for part; do
    grep -q "^$part " "$here/needs.txt" || { echo "setup.sh: unknown part '$part'; see $here/needs.txt" >&2; exit 2; }
done

say() { echo "setup: $*" >&2; }
die() { say "$*"; exit 1; }
as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }
# A list in one line.
words() { tr '\n' ' ' | sed 's/ *$//'; }

# The lines "PACKAGE PROGRAM…" of the parts asked for.
needs() {
    for part; do sed -n "s/^$part  *//p" "$here/needs.txt"; done | sort -u
}
found() {
    case $1 in
    /*) [ -e "$1" ] ;;
    *) command -v "$1" >/dev/null ;;
    esac
}
# "PROGRAM PACKAGE" for all that is not there.
missing() {
    needs "$@" | while read -r package programs; do
        for program in $programs; do found "$program" || echo "$program $package"; done
    done
}
lacking_named() { echo "$lacking" | sed 's/\(.*\) \(.*\)/\1 (package \2)/' | words; }
installed() { dpkg-query -W -f '${db:Status-Status}\n' "$1" 2>/dev/null | grep -qx installed; }

# Rust is what each reader chooses.
command -v cargo >/dev/null ||
    die "cargo is missing: install Rust 1.85 or newer, of your distribution (apt-get install cargo) or from https://rustup.rs"
# Components of rustup's Rust are not Debian's.
debians_rust() { dpkg-query -S "$(command -v cargo)" >/dev/null 2>&1; }

# A C library that rustup has, and Debian's Rust has not. Nothing needs it: the Makefile looks whether it is there.
add_musl() {
    musl=$(rustc -vV | sed -n '/^host: .*-linux-gnu/{ s/^host: //; s/-gnu/-musl/p }')
    [ -n "$musl" ] && ! rustup target list --installed | grep -qx "$musl" || return 0
    say "rustup target add $musl, with which the helper is small and fast"
    timeout 300 rustup target add "$musl" 2>/dev/null || say "that failed, and is not needed: going on without it"
}
case "$install $* " in
yes*" build "*) ! command -v rustup >/dev/null || debians_rust || add_musl ;;
esac

lacking=$(missing "$@")
[ -n "$lacking" ] || exit 0
if ! debians_rust && echo "$lacking" | grep -q '^cargo-'; then
    die "cargo-clippy or cargo-fmt is missing: rustup component add clippy rustfmt"
fi
[ -n "$install" ] || die "missing: $(lacking_named); 'make' installs it, or tests/setup.sh $*"
command -v apt-get >/dev/null ||
    die "missing: $(echo "$lacking" | sed 's/ .*//' | words). This is no Debian: install them with the package manager"

# All names of these parts that are packages here or are to be: so apt can't take one away for another.
wanted=$(echo "$lacking" | sed 's/.* //; /^unpack:/d' | sort -u)
unpacked=$(echo "$lacking" | sed -n 's/.* unpack://p' | sort -u)
names=$({ echo "$wanted"; needs "$@" | while read -r package _; do ! installed "$package" || echo "$package"; done; } | sort -u)

say "needed for '$*' and not here: $(echo "$lacking" | sed 's/.* //; s/^unpack://' | sort -u | words)"
[ "$(id -u)" = 0 ] || command -v sudo >/dev/null || die "installing them needs root, and there is no sudo: run this once as root: $here/setup.sh $*"
say "apt-get update"
as_root apt-get -qq update || say "apt-get update failed; going on with the lists that are here"

apt() { LC_ALL=C apt-get --no-install-recommends --no-remove --no-upgrade "$@"; }
# shellcheck disable=SC2086 # lists of words
simulate() { apt -s $1 install $names 2>/dev/null; }
# The other releases from which packages of these parts have come, such as backports: what goes with them is there too.
releases() {
    for name in $names; do
        ! installed "$name" ||
            LC_ALL=C apt-cache policy "$name" | sed -n '/^ \*\*\*/,/^     [^ ]/s|^  *[0-9]* [a-z]*:[^ ]* \([^/ ]*\)/.*|-t=\1|p'
    done | sort -u
}
# What to do about packages of these parts that are newer than any release that apt knows.
sourceless() {
    # shellcheck disable=SC2086 # a list of words
    lost=$(LC_ALL=C apt-cache policy $names | awk '
        /^[^ ]/ { name = $1; sub(":$", "", name) }
        $1 == "Installed:" { installed = $2 }
        $1 == "Candidate:" { newest = $2 == installed && $2 != "(none)" }
        /^ \*\*\*/ { getline; if (newest && /dpkg\/status$/) print name }' | words)
    [ -z "$lost" ] || echo " Add the release that $lost came from to the sources of apt: it is not among them."
}
if [ -n "$wanted" ]; then
    plan=
    for release in "" $(releases); do
        ! plan=$(simulate "$release") || break
        plan=
    done
    [ -n "$plan" ] ||
        die "apt can't install $(echo "$wanted" | words) without removing or downgrading what is installed, so nothing was changed.$(sourceless) See: apt-get -s install $(echo "$names" | words)"

    count=$(echo "$plan" | grep -c '^Inst ' || true)
    # shellcheck disable=SC2086 # lists of words
    bytes=$(apt -qq --print-uris $release install $names | awk '{ sum += $3 } END { printf "%d", sum }')
    # By 10 MB a second from the mirror, and a sixth of a second a package.
    seconds=$((bytes / 10000000 + count / 6 + 5))
    say "installing $count packages, $((bytes / 1000000)) MB to download: about $(((seconds + 59) / 60)) min"
    log=$(mktemp)
    # shellcheck disable=SC2086 # lists of words
    as_root env DEBIAN_FRONTEND=noninteractive LC_ALL=C \
        apt-get -qq -y --no-install-recommends --no-remove --no-upgrade $release install $names >"$log" 2>&1 ||
        { cat "$log" >&2; die "apt-get failed, see above"; }
    rm "$log"
    mkdir -p "$here/../target"
    echo "$plan" | awk '/^Inst / && $3 !~ /^\[/ { print $2 }' >>"$here/../target/installed"
fi
# Of these one program is wanted, and the package as a whole may start a server.
for packages in $unpacked; do
    say "unpacking $packages into target/tools"
    mkdir -p "$tools/package"
    for package in $(echo "$packages" | tr '|' ' '); do
        ! (cd "$tools/package" && apt-get download -qq -o APT::Sandbox::User=root "$package" 2>/dev/null) || break
    done
    dpkg-deb -x "$tools/package"/*.deb "$tools/package" || die "none of the packages $packages can be downloaded"
    find "$tools/package/usr/bin" -type f -exec mv -t "$tools" {} +
    rm -r "$tools/package"
done

lacking=$(missing "$@")
[ -z "$lacking" ] || die "still missing after the installation: $(lacking_named)"
