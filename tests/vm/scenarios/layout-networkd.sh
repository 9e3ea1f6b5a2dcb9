# about: systemd-networkd manages the NIC: the main job, link-up, a wedge
# suites: trixie
# append: e1000e.IntMode=1
# needs: UNHANG_DEB
# limit: 300
# shellcheck shell=sh

settle
nic=$(nic 1)
network=/etc/systemd/network/20-lan.network
# Without carrier networkd takes the addresses away.
taken_away() { [ -z "$(ip -o addr show dev "$nic" scope global)" ]; }
carrier_ups() { cat "/sys/class/net/$nic/carrier_up_count"; }
up_again() { [ "$(carrier_ups)" -gt "$ups" ] && carrier "$nic" && traffic; }
case $STAGE in
1)
    printf '[Match]\nDriver=e1000e\n\n[Network]\nAddress=10.0.2.15/24\nGateway=10.0.2.2\nAddress=2001:db8::5/64\nIPv6AcceptRA=no\n' \
        >$network
    check "networkd runs" systemctl enable --now systemd-networkd
    check "there is traffic" wait_for 60 traffic
    installed_in "$nic"
    reboot
    ;;
2)
    booted_in "$nic"
    link_up_in "$nic" "$nic" taken_away
    wedge_in "$nic" "$nic"
    check "networkd had taken them away" [ -n "$(lost)" ]

    # Unless it is told to wait for so long as a recovery takes.
    sed -i 's/^\[Network\]/&\nIgnoreCarrierLoss=5s/' $network
    systemctl restart systemd-networkd
    check "there is traffic" wait_for 20 traffic
    watch_losses
    ups=$(carrier_ups)
    ethtool -r "$nic"
    check "autonegotiation restarted, as in a recovery" wait_for 20 up_again
    check_eq "with IgnoreCarrierLoss they stay" "" "$(lost)"
    finish
    ;;
esac
