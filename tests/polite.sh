#!/bin/sh
# The set-up on a Debian 12 whose qemu-utils is that of backports, which those of the release break: it stays, with what
# goes with it where backports can be had; where not, one sentence says so and nothing is changed.
set -eu
backports="deb ${UNHANG_VM_MIRROR:-http://deb.debian.org}/debian bookworm-backports main"
list=/etc/apt/sources.list.d/backports.list
have="echo '$backports' >$list && apt-get -qq update && apt-get -qq -y install -t bookworm-backports qemu-utils >/dev/null"
state="dpkg-query -W -f '\${Package} \${Version} \${Status}\n'"
exec "$(dirname "$0")/bare.sh" bookworm \
    "$have && $state >/tmp/before && grep -q '^qemu-utils .*bpo' /tmp/before" \
    "rm $list && apt-get -qq update && ! tests/setup.sh build deb guest 2>/tmp/said && cat /tmp/said" \
    "grep -q \"can't install .* nothing was changed.*qemu-utils came from\" /tmp/said && $state | cmp /tmp/before -" \
    "echo '$backports' >$list && tests/setup.sh build deb guest && tests/setup.sh --check build deb guest" \
    "grep '^qemu-utils ' /tmp/before >/tmp/had && $state | grep '^qemu-utils ' | cmp /tmp/had -"
