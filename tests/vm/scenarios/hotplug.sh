# about: a NIC is plugged in, named by udev, and taken out again, many times
# suites: bookworm
# limit: 180
# shellcheck shell=sh

settle
start=$(now)
for round in 1 2 3 4 5; do
    mac=$(host plug late e1000e) || break
    wait_for 20 nic_by_mac "$mac"
    wait_for 20 [ -d /sys/class/net/enp2s0 ]
    settle
    check_eq "$round: renamed by udev" enp2s0 "$(nic_by_mac "$mac")"
    check "$round: offloads on" offloads_are enp2s0 on
    check "$round: unplugged" host unplug late
    check "$round: gone" wait_for 20 fails nic_by_mac "$mac"
done
metric cycle-cs $((($(now) - start) / 5))

check "other types too" host plug virtio virtio-net-pci mac=52:54:00:bb:00:01
check "virtio is there" wait_for 20 nic_by_mac 52:54:00:bb:00:01
check "and a second e1000e" host plug sub e1000e mac=52:54:00:bb:00:02 subsys=0x1234 subsys_ven=0x8086
check "it is there" wait_for 20 nic_by_mac 52:54:00:bb:00:02
settle
check_eq "with its subsystem" 0x1234 "$(cat "/sys/class/net/$(nic_by_mac 52:54:00:bb:00:02)/device/subsystem_device")"
check "the host refuses nonsense" fails host plug bad no-such-nic
check "and a name in use" fails host plug sub e1000e
finish
