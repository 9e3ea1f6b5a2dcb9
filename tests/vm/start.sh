#!/bin/sh
# Runs in the guest once it has booted, as /run/vm/start: opens the line to the host and runs the scenario.
set -u
cd /run/vm || exit
stty -F /dev/ttyS1 raw -echo
exec 3<>/dev/ttyS1 </dev/null
# shellcheck source=/dev/null
. ./env
echo ready >&3
sh -c '. /run/vm/lib.sh; booted; . /run/vm/scenario.sh'
echo "ended $?" >&3
