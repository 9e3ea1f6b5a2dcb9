#!/bin/sh
# Installs what a part of the Makefile needs, on Debian or what is derived from it. Usage: setup.sh PART…
# Says what it installs, and nothing if all is there. sudo is used only where this isn't root.
set -eu

packages_of() {
    case $1 in
    build) echo "pkg-config libudev-dev gcc libc6-dev" ;;
    deb) echo "dpkg-dev" ;;
    rpm) echo "rpm" ;;
    check) echo "shellcheck" ;;
    package) echo "busybox-static dash fish lintian man-db rpmlint shellcheck zsh" ;;
    test) echo "ethtool iproute2 umockdev udev util-linux strace" ;;
    guest) echo "qemu-system-x86 qemu-utils mmdebstrap e2fsprogs busybox-static cpio lintian" ;;
    bench) echo "ethtool iproute2 udev umockdev util-linux time ripgrep systemd-journal-remote" ;;
    *) echo "setup.sh: unknown part '$1'" >&2 && exit 2 ;;
    esac
}

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

missing=
for part; do
    for package in $(packages_of "$part"); do
        dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed ||
            missing="$missing $package"
    done
done
if [ -n "$missing" ]; then
    echo "setup: installing$missing"
    as_root apt-get update -qq
    # shellcheck disable=SC2086 # a list of words
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
fi

command -v cargo >/dev/null || {
    echo "setup: cargo is missing: install Rust 1.85 or newer, from https://rustup.rs or your distribution" >&2
    exit 1
}
for part; do
    if [ "$part" = deb ] && ! cargo deb --version >/dev/null 2>&1; then
        echo "setup: installing cargo-deb (a few minutes, once)"
        cargo install --quiet --locked cargo-deb@3.8.0
    fi
    if [ "$part" = rpm ] && ! cargo generate-rpm --version >/dev/null 2>&1; then
        echo "setup: installing cargo-generate-rpm (a few minutes, once)"
        cargo install --quiet --locked cargo-generate-rpm@0.21.1
    fi
done

# promtool out of Debian's package, which as a whole would start a server.
promtool() {
    command -v promtool || [ -x target/tools/promtool ] || {
        echo "setup: unpacking promtool"
        mkdir -p target/tools/package
        cd target/tools/package
        apt-get download -qq prometheus && dpkg-deb -x prometheus_*.deb . && mv usr/bin/promtool ..
        cd ../../..
        rm -r target/tools/package
    }
} >/dev/null
for part; do
    if [ "$part" = test ] && ! (cd "$(dirname "$0")/.." && promtool && PATH=$PATH:target/tools command -v promtool >/dev/null); then
        echo "setup: promtool is missing, and the package prometheus can't be downloaded" >&2
        exit 1
    fi
done
