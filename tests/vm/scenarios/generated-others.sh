# about: the generated udev rule, the systemd unit and netplan's file do what they say, without this package
# suites: trixie
# nics: e1000e e1000
# extra: netplan.io
# needs: UNHANG_DEB
# limit: 300
# shellcheck shell=sh

alone() { # NAME: off on the first NIC, the neighbour as it was
    check "$1: off" wait_for 10 offloads_are "$(nic 1)" off
    check_eq "$1: for IPv6 too" off "$(feature "$(nic 1)" tx-tcp6-segmentation)"
    check_eq "$1: the name" enp1s0 "$(nic 1)"
    check "$1: the neighbour keeps its own" offloads_are "$(nic 2)" on
}

settle
case $STAGE in
1)
    check "installed" install_deb
    mkdir -p /root/made
    check "generated: udev" unhang generate udev -o /root/made
    check "generated: unit" unhang generate systemd-unit enp1s0 -o /root/made
    mkdir -p /etc/netplan
    printf 'network:\n  version: 2\n  ethernets:\n    enp1s0:\n      link-local: []\n' >/root/01-theirs.yaml
    install -m 600 /root/01-theirs.yaml /etc/netplan/
    netplan generate
    check "generated: netplan" unhang generate netplan enp1s0 -o /root/made
    rm /etc/netplan/01-theirs.yaml
    check "purged" apt-get -qq -y purge unhang
    if udevadm verify --help >/dev/null 2>&1; then
        check "udevadm finds nothing wrong" udevadm verify /root/made/85-unhang-ethtool-e1000e-tx-hang.rules
    fi
    cp /root/made/*.rules /etc/udev/rules.d/
    reboot
    ;;
2)
    alone "udev rule"
    late=$(host plug late e1000e bus=rp5)
    wait_for 20 nic_by_mac "$late"
    settle
    check "udev rule: a hotplugged NIC too" wait_for 10 offloads_are "$(nic_by_mac "$late")" off
    host unplug late
    rm /etc/udev/rules.d/85-unhang*
    cp /root/made/*.service /etc/systemd/system/
    check "unit: enabled" systemctl enable unhang-nic-enp1s0.service
    reboot
    ;;
3)
    alone unit
    check "unit: it succeeded" systemctl is-active unhang-nic-enp1s0.service
    systemctl disable unhang-nic-enp1s0.service
    rm /etc/systemd/system/unhang-nic-enp1s0.service
    install -m 600 /root/01-theirs.yaml /root/made/*.yaml /etc/netplan/
    chmod 600 /etc/netplan/*
    check "netplan takes it" netplan generate
    run cat /run/systemd/network/10-netplan-enp1s0.link
    reboot
    ;;
4)
    alone netplan
    say "alternative names: $(ip -o link show dev enp1s0 | grep -o 'altname [^ \\]*' | tr '\n' ' ')"
    finish
    ;;
esac
