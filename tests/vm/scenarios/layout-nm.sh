# about: NetworkManager manages the NIC: the main job, link-up, a wedge
# suites: trixie
# append: e1000e.IntMode=1
# extra: network-manager
# needs: UNHANG_DEB
# limit: 300
# shellcheck shell=sh

settle
nic=$(nic 1)
# 20 is "unavailable": without carrier for some seconds, NetworkManager takes the addresses away.
unavailable() { nmcli -g GENERAL.STATE device show "$nic" | grep -q '^20 '; }
case $STAGE in
1)
    check "NetworkManager runs" wait_for 30 nmcli -t general status
    check "a profile" nmcli connection add type ethernet ifname "$nic" con-name lan \
        ipv4.method auto ipv4.routes "0.0.0.0/0 10.0.2.2" ipv6.method manual ipv6.addresses 2001:db8::5/64
    check "is up" wait_for 30 nmcli connection up lan
    check "there is traffic" wait_for 60 traffic
    installed_in "$nic"
    reboot
    ;;
2)
    booted_in "$nic"
    link_up_in "$nic" "$nic" unavailable
    wedge_in "$nic" "$nic"
    check_eq "they were there all the time" "" "$(lost)"
    finish
    ;;
esac
