#!/bin/sh
# Makes the root in which tests/generate_consumers.rs runs the programs that read what is generated: nothing of it
# is installed on this machine, where a NetworkManager or an ifupdown2 would take over the network.
#   fetch.sh [SUITE [DIR]]      default: trixie, target/consumers; made once, and again when this script changes
# Needs mmdebstrap, root and a Debian mirror (UNHANG_VM_MIRROR replaces http://deb.debian.org).
set -eu
here=$(cd "$(dirname "$0")/../.." && pwd)
suite=${1:-trixie}
root=${2:-${CARGO_TARGET_DIR:-$here/target}/consumers}/$suite
mirror=${UNHANG_VM_MIRROR:-http://deb.debian.org}
key=$(sha256sum <"$0" | cut -d' ' -f1)
[ "$(cat "$root/key" 2>/dev/null)" != "$key" ] || exit 0
command -v mmdebstrap >/dev/null || { echo "fetch.sh: mmdebstrap is missing; install the package mmdebstrap" >&2; exit 1; }
rm -rf "$root"
mkdir -p "${root%/*}"
echo "consumers: making a root of $suite (about a minute)" >&2
mmdebstrap --quiet --mode=root --variant=minbase --skip=cleanup/apt \
    --include=network-manager,netplan.io,ifupdown2,ethtool,systemd,udev \
    --aptopt='Acquire::Languages "none"' --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
    "$suite" "$root" "deb $mirror/debian $suite main"
# ifupdown and ifupdown2 can't be installed together: this one is unpacked beside it.
chroot "$root" sh -c 'cd /tmp && apt-get -qq -o APT::Sandbox::User=root download ifupdown'
dpkg-deb -x "$root"/tmp/ifupdown_*.deb "$root/opt/ifupdown"
# Made at boot, and where it is missing ifupdown2 says that another instance of it is running.
mkdir -p "$root/run/network"
# So that attributes that no module knows are reported.
sed -i s/addon_syntax_check=0/addon_syntax_check=1/ "$root/etc/network/ifupdown2/ifupdown2.conf"
echo "$key" >"$root/key"
