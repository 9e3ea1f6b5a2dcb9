# about: the real driver prints the real hang block, and the NIC is brought back without a reset and with one
# suites: trixie
# append: e1000e.IntMode=1
# shellcheck shell=sh

settle
nic=$(nic 1)
up "$nic"
wait_for 20 carrier "$nic"
check_eq "no hang yet" 0 "$(hangs)"

check "the block is printed" wedge_irq "$nic"
unwedge "$nic"
dmesg | sed -n '/Detected Hardware Unit Hang/,/PCI Status/p' >/run/vm/block
show /run/vm/block
check "with registers" grep -q 'MAC Status *<' /run/vm/block
check "it transmits again" transmitting "$nic"
check "the carrier stayed" carrier "$nic"
check_eq "no reset" 0 "$(resets)"

check "the block is printed again" wedge_irq "$nic"
ethtool -r "$nic"
check "restarting autonegotiation brings it back" wait_for 20 transmitting "$nic"
check "with carrier" wait_for 20 carrier "$nic"
check "and offloads as they were" offloads_are "$nic" on
finish
