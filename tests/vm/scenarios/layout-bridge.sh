# about: Proxmox's layout, ifupdown2 with the NIC as port of a bridge: the main job, link-up, a wedge
# suites: bookworm
# append: e1000e.IntMode=1
# extra: ifupdown2
# needs: UNHANG_DEB
# limit: 300
# shellcheck shell=sh

settle
nic=$(nic 1)
case $STAGE in
1)
    cat >/etc/network/interfaces <<EOF
auto lo
iface lo inet loopback

iface $nic inet manual

auto vmbr0
iface vmbr0 inet static
	address 10.0.2.15/24
	gateway 10.0.2.2
	bridge-ports $nic
	bridge-stp off
	bridge-fd 0

iface vmbr0 inet6 static
	address 2001:db8::5/64
EOF
    systemctl enable networking
    check "up" ifreload -a
    check "there is traffic" wait_for 60 traffic
    installed_in "$nic"
    reboot
    ;;
2)
    booted_in "$nic"
    check_eq "the NIC is a port" vmbr0 "$(basename "$(readlink "/sys/class/net/$nic/master")")"
    link_up_in "$nic" vmbr0 no_carrier vmbr0
    wedge_in "$nic" vmbr0
    check_eq "they were there all the time" "" "$(lost)"
    check_eq "it is still a port" vmbr0 "$(basename "$(readlink "/sys/class/net/$nic/master")")"
    finish
    ;;
esac
