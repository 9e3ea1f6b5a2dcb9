# about: two NICs on one wire reach each other; one sits beside the ports, one in a port
# suites: bookworm
# nics: e1000e@pcie.0 e1000e,subsys=0x4321
# net: hub
# shellcheck shell=sh

settle
one=$(nic 1) two=$(nic 2)
check_eq "the second one's subsystem" 0x4321 "$(cat "/sys/class/net/$two/device/subsystem_device")"
ip netns add far
ip link set "$two" netns far
ip addr add 10.1.1.1/24 dev "$one"
ip -n far addr add 10.1.1.2/24 dev "$two"
up "$one"
ip -n far link set "$two" up
check "they reach each other" wait_for 20 busybox ping -c 1 -W 1 10.1.1.2
mac=$(host plug third e1000e)
check "a third one joins" wait_for 20 nic_by_mac "$mac"
settle
third=$(nic_by_mac "$mac")
ip link set "$third" netns far
ip -n far addr flush dev "$two"
ip -n far addr add 10.1.1.3/24 dev "$third"
ip -n far link set "$third" up
check "and is reached" wait_for 20 busybox ping -c 1 -W 1 10.1.1.3
finish
