# about: with MSI-X the hang needs a raised interrupt; left alone it may end in the watchdog's reset
# suites: bookworm
# shellcheck shell=sh

settle
nic=$(nic 1)
up "$nic"
wait_for 20 carrier "$nic"
check "the block is printed" wedge_irq "$nic"
check "left alone, the adapter is reset" wait_for 30 more_resets 0
check "it transmits again" wait_for 20 transmitting "$nic"
check "with carrier" wait_for 20 carrier "$nic"
finish
