# about: a generated .link file for one NIC takes over an admin's file with a drop-in: name, alternative names, MTU, ring
# suites: trixie
# nics: e1000e e1000e
# needs: UNHANG_DEB
# limit: 240
# shellcheck shell=sh

state() { # IF
    echo "name $1 mac $(cat "/sys/class/net/$1/address") mtu $(cat "/sys/class/net/$1/mtu")"
    ip -o link show dev "$1" | grep -o 'altname [^ \\]*' | sort
    ethtool -g "$1" | sed -n '/Current/,$p'
}

settle
mac=$(cat "/sys/class/net/$(nic 1)/address")
case $STAGE in
1)
    cat >/etc/systemd/network/70-lan.link <<EOF
[Match]
PermanentMACAddress=$mac

[Link]
Name=lan0
AlternativeName=cellar
AlternativeNamesPolicy=path
MTUBytes=1400
GenericSegmentationOffload=yes
EOF
    mkdir /etc/systemd/network/70-lan.link.d
    printf '[Link]\nAlternativeName=uplink\nRxBufferSize=1024\nMTUBytes=1300\n' >/etc/systemd/network/70-lan.link.d/more.conf
    reboot
    ;;
2)
    check_eq "the admin's file is in force" lan0 "$(nic 1)"
    state lan0 >/root/before
    show /root/before
    check "the MTU of the drop-in" grep -q 'mtu 1300' /root/before
    check "installed" install_deb
    check "for both NICs it is refused" fails unhang generate link
    run unhang generate link
    check "generated" unhang generate link lan0
    show /etc/systemd/network/09-unhang-lan0.link
    check "purged" apt-get -qq -y purge unhang
    reboot
    ;;
3)
    check_eq "still called lan0" lan0 "$(nic 1)"
    state lan0 >/run/vm/now
    check "nothing but the offloads differs" diff /root/before /run/vm/now
    check "these are off" offloads_are lan0 off
    check_eq "for IPv6 too" off "$(feature lan0 tx-tcp6-segmentation)"
    check "the other e1000e keeps its own" offloads_are "$(nic 2)" on
    finish
    ;;
esac
