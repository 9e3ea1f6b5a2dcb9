# about: a generated .link file for a rule: after a reboot only the offloads differ, with this package and without it
# suites: bookworm trixie
# nics: e1000e e1000
# needs: UNHANG_DEB
# limit: 240
# shellcheck shell=sh

# All that a .link file could change, in lines.
state() { # IF
    echo "name $1"
    echo "mac $(cat "/sys/class/net/$1/address") mtu $(cat "/sys/class/net/$1/mtu")"
    ip -o link show dev "$1" | grep -o 'altname [^ \\]*' | sort
    ethtool -k "$1" | sed 1d
}
differs() { diff "$1" "$2" | sed -n 's/^>[[:space:]]*//p' | sed 's/ \[.*//' | sort; }
only_offloads() { # NUMBER: only what the rule wants differs from before
    state "$(nic "$1")" >/run/vm/now
    wanted="generic-receive-offload: off
generic-segmentation-offload: off
tcp-segmentation-offload: off
tx-tcp-segmentation: off
tx-tcp6-segmentation: off"
    [ "$(differs "/root/before-$1" /run/vm/now)" = "$wanted" ] || { diff "/root/before-$1" /run/vm/now; return 1; }
}
all_as_before() { state "$(nic "$1")" | diff "/root/before-$1" -; }
link_file() { udevadm info -q property --property ID_NET_LINK_FILE --value "/sys/class/net/$(nic "$1")"; }
generated=/etc/systemd/network/10-unhang-e1000e-tx-hang.link

settle
case $STAGE in
1)
    for number in 1 2; do state "$(nic $number)" >/root/before-$number; done
    show /root/before-1
    check "installed" install_deb
    check "generated" unhang generate link
    show $generated
    check "check says that nothing is wrong with it" unhang check --link $generated
    # Everything of ours goes, but the file.
    check "purged" apt-get -qq -y purge unhang
    check "the file stays" [ -s $generated ]
    reboot
    ;;
2)
    check_eq "udev took the generated file" $generated "$(link_file 1)"
    check "without unhang: only the offloads differ" only_offloads 1
    check "the neighbour is as it was" all_as_before 2
    check_eq "the neighbour's file is the stock one" 99-default.link "$(basename "$(link_file 2)")"
    late=$(host plug late e1000e bus=rp5)
    wait_for 20 nic_by_mac "$late"
    settle
    check "a hotplugged NIC too" offloads_are "$(nic_by_mac "$late")" off
    check "with a name as ever" matches 'enp*' "$(nic_by_mac "$late")"
    host unplug late
    ethtool -K "$(nic 1)" tso on gso on gro on
    udevadm trigger --settle --action=add "/sys/class/net/$(nic 1)"
    check "somebody switched them on: an add event puts it right" offloads_are "$(nic 1)" off
    check "installed again" install_deb
    check "the file is up to date" unhang check
    check_eq "generated again it is the same" "$(cat $generated)" "$(unhang -q generate link >/dev/null; cat $generated)"
    sed -i '/^gro/d' /usr/lib/unhang/rules.d/10-e1000e.toml
    check "check finds that the rules have changed" matches '*rules have changed*' "$(unhang check)"
    check "status says it too" matches '*out of date*rules have changed*' "$(unhang status | tr '\n' ' ')"
    check "generated anew" unhang generate link
    check "without gro" fails grep -q GenericReceive $generated
    reboot
    ;;
3)
    check_eq "gro is on, as the rules now have it" "tso=off gso=off gro=on" "$(offloads "$(nic 1)")"
    check "the name is still the same" [ -e "/sys/class/net/$(sed -n 's/^name //p' /root/before-1)" ]
    check "the neighbour is as it was" all_as_before 2
    finish
    ;;
esac
