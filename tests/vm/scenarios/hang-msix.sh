# about: with MSI-X the hang needs a raised interrupt, and ends in the watchdog's reset
# suites: all
# shellcheck shell=sh

settle
nic=$(nic 1)
up "$nic"
wait_for 20 carrier "$nic"
check "the block is printed" wedge_irq "$nic"
reset_seen() { dmesg | grep -q 'Reset adapter unexpectedly'; }
check "left alone, the adapter is reset" wait_for 30 reset_seen
check "carrier again" wait_for 20 carrier "$nic"
finish
