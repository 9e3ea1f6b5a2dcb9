#!/bin/sh
# Makes the roots in which tests/generate_consumers/ runs the programs that read what is generated: nothing of them
# is installed on this machine, where a NetworkManager or an ifupdown2 would take over the network.
#   fetch.sh [SUITE]…      default: trixie, and forky, of which only udev is needed, for the newer keys of .link files
# A root is made once, in target/consumers, and again when this script changes.
# Needs mmdebstrap, root and a Debian mirror (UNHANG_VM_MIRROR replaces http://deb.debian.org).
set -eu
here=$(cd "$(dirname "$0")/../.." && pwd)
mirror=${UNHANG_VM_MIRROR:-http://deb.debian.org}
key=$(sha256sum <"$0" | cut -d' ' -f1)
command -v mmdebstrap >/dev/null || { echo "fetch.sh: mmdebstrap is missing; install the package mmdebstrap" >&2; exit 1; }

make_root() { # SUITE
    root=${CARGO_TARGET_DIR:-$here/target}/consumers/$1
    [ "$(cat "$root/key" 2>/dev/null)" != "$key" ] || return 0
    packages=network-manager,netplan.io,ifupdown2,ethtool,systemd,udev
    [ "$1" != forky ] || packages=systemd,udev
    rm -rf "$root"
    mkdir -p "${root%/*}"
    echo "consumers: making a root of $1 (about a minute)" >&2
    mmdebstrap --quiet --mode=root --variant=minbase --skip=cleanup/apt --include=$packages \
        --aptopt='Acquire::Check-Valid-Until "false"' \
        --aptopt='Acquire::Languages "none"' --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
        "$1" "$root" "deb $mirror/debian $1 main"
    [ "$1" = forky ] || both_ifupdowns
    echo "$key" >"$root/key"
}

both_ifupdowns() {
    # ifupdown and ifupdown2 can't be installed together: this one is unpacked beside it.
    chroot "$root" sh -c 'cd /tmp && apt-get -qq -o APT::Sandbox::User=root download ifupdown'
    dpkg-deb -x "$root"/tmp/ifupdown_*.deb "$root/opt/ifupdown"
    # Made at boot, and where it is missing ifupdown2 says that another instance of it is running.
    mkdir -p "$root/run/network"
    # So that attributes that no module knows are reported.
    sed -i s/addon_syntax_check=0/addon_syntax_check=1/ "$root/etc/network/ifupdown2/ifupdown2.conf"
}

[ $# -gt 0 ] || set -- trixie forky
for suite; do make_root "$suite"; done
