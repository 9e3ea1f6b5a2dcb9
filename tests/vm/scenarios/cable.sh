# about: the guest sees the cable go out and in
# suites: trixie
# append: e1000e.IntMode=1
# shellcheck shell=sh

settle
nic=$(nic 1)
up "$nic"
check "carrier at first" wait_for 20 carrier "$nic"
for round in 1 2 3; do
    host link nic0 off
    check "$round: cable out" wait_for 20 no_carrier "$nic"
    host link nic0 on
    check "$round: cable in" wait_for 20 carrier "$nic"
done
check "no such NIC" fails host link nic7 off
finish
