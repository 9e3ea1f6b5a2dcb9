# about: ifupdown2 sets what is generated for it, on the port of a bridge, without this package
# suites: bookworm
# extra: ifupdown2
# needs: UNHANG_DEB
# limit: 240
# shellcheck shell=sh

settle
nic=$(nic 1)
stanza=/etc/network/interfaces.d/unhang-$nic
case $STAGE in
1)
    cat >/etc/network/interfaces <<EOF
auto lo
iface lo inet loopback

iface $nic inet manual

auto vmbr0
iface vmbr0 inet static
	address 192.0.2.2/24
	bridge-ports $nic
	bridge-stp off
	bridge-fd 0

source /etc/network/interfaces.d/*
EOF
    # Debian 13's iproute2 has its tables in /usr, and ifupdown2 wants to write here.
    mkdir -p /etc/iproute2/rt_tables.d
    systemctl enable networking
    check "up" ifreload -a
    check_eq "the port is in the bridge" vmbr0 "$(basename "$(readlink "/sys/class/net/$nic/master")")"
    check "offloads are on" offloads_are "$nic" on
    check "installed" install_deb
    check "generated" unhang generate ifupdown2 "$nic"
    show "$stanza"
    check "purged" apt-get -qq -y purge unhang
    ethtool -K "$nic" tso on gso on gro on
    check "reloaded" ifreload -a
    check "off" offloads_are "$nic" off
    check_eq "for IPv6 too" off "$(feature "$nic" tx-tcp6-segmentation)"
    check "ifquery --check accepts it" ifquery --check "$nic"
    reboot
    ;;
2)
    check "the bridge is up" wait_for 60 [ -e "/sys/class/net/$nic/master" ]
    check "off after a reboot, by ifupdown2 alone" wait_for 10 offloads_are "$nic" off
    check_eq "for IPv6 too" off "$(feature "$nic" tx-tcp6-segmentation)"
    check "ifquery --check accepts it" ifquery --check "$nic"
    finish
    ;;
esac
