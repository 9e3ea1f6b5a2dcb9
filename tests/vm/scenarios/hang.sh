# about: the real driver prints the real hang block, with and without a reset, and the NIC can be brought back
# suites: all
# append: e1000e.IntMode=1
# shellcheck shell=sh

settle
nic=$(nic 1)
up "$nic"
wait_for 20 carrier "$nic"
check_eq "no hang yet" 0 "$(hangs)"

wedge "$nic"
check "the block comes by itself" wait_for 30 more_hangs 0
unwedge "$nic"
dmesg >/run/vm/dmesg
grep -A 16 'Detected Hardware Unit Hang' /run/vm/dmesg | head -n 17 >/run/vm/block
show /run/vm/block
check "with registers" grep -q 'MAC Status *<' /run/vm/block
check "the carrier stayed" carrier "$nic"

wedge "$nic"
before=$(hangs)
check "and again" wait_for 30 more_hangs "$before"
ethtool -r "$nic"
check "restarting autonegotiation resets it" wait_for 20 carrier "$nic"
check_eq "the transmitter is on" 2 "$(($(poke "$nic" "$TCTL") & 2))"
finish
