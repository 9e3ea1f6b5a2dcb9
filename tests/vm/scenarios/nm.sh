# about: NetworkManager sets what is generated for it, without this package
# suites: trixie
# extra: network-manager
# needs: UNHANG_DEB
# limit: 240
# shellcheck shell=sh

six() { echo "$(offloads "$1") tso6=$(feature "$1" tx-tcp6-segmentation)"; }
all_off="tso=off gso=off gro=off tso6=off"

settle
nic=$(nic 1)
case $STAGE in
1)
    check "installed" install_deb
    unhang generate networkmanager "$nic" >/root/part 2>/root/said
    show /root/part
    check "purged" apt-get -qq -y purge unhang
    # The helper has set them; NetworkManager shall do it by itself.
    ethtool -K "$nic" tso on gso on gro on
    check "NetworkManager runs" wait_for 30 nmcli -t general status
    check "a profile" nmcli connection add type ethernet ifname "$nic" con-name lan ipv4.method disabled ipv6.method link-local
    check "is up" wait_for 30 nmcli connection up lan
    check_eq "offloads are on" "tso=on gso=on gro=on tso6=on" "$(six "$nic")"
    # The command of the generated file, as it stands there.
    sed -n 's/^#  *\(nmcli connection modify .*\)/\1/p' /root/part >/root/command
    check "the command" sh -eu /root/command
    check "reapplied or up again" sh -c "nmcli device reapply $nic || nmcli connection up lan"
    check_eq "offloads are off after reapply" "$all_off" "$(six "$nic")" || {
        nmcli connection up lan
        check_eq "offloads are off after the next activation" "$all_off" "$(six "$nic")"
    }
    run nmcli -f ethtool connection show lan
    nmcli connection down lan
    sleep 1
    say "after deactivation: $(six "$nic")"
    check_eq "deactivated: on again, as is said" "tso=on gso=on gro=on tso6=on" "$(six "$nic")"
    reboot
    ;;
2)
    check "off after a reboot, by NetworkManager alone" wait_for 60 offloads_are "$nic" off
    check_eq "for IPv6 too" "$all_off" "$(six "$nic")"
    # The section in a profile file, put together by hand.
    nmcli connection delete lan
    ethtool -K "$nic" tso on gso on gro on
    {
        printf '[connection]\nid=byhand\ntype=ethernet\ninterface-name=%s\n\n[ipv4]\nmethod=disabled\n\n[ipv6]\nmethod=link-local\n\n' "$nic"
        cat /root/part
    } >/etc/NetworkManager/system-connections/byhand.nmconnection
    chmod 600 /etc/NetworkManager/system-connections/byhand.nmconnection
    check "the section in a file" nmcli connection load /etc/NetworkManager/system-connections/byhand.nmconnection
    check "is up" wait_for 30 nmcli connection up byhand
    check_eq "sets them too" "$all_off" "$(six "$nic")"
    finish
    ;;
esac
