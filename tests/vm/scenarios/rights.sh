# about: without netlink, the right to it, /dev/kmsg, /sys, or a disk to write on: a clear line each, nothing half done
# suites: bookworm
# needs: UNHANG_DEB
# limit: 240
# shellcheck shell=sh

settle
nic=$(nic 1)
check "installed" install_deb
systemctl stop unhang-watch
ethtool -K "$nic" tso on
event="ACTION=add INTERFACE=$nic IFINDEX=$(cat "/sys/class/net/$nic/ifindex") ID_NET_DRIVER=e1000e"

# within SETTING COMMAND…: in a sandbox of systemd's. What it prints is in /run/vm/said.
within() {
    {
        printf '[Service]\nType=oneshot\nEnvironment=%s\n%s\n' "$event" "$1"
        printf 'StandardOutput=truncate:/run/vm/said\nStandardError=truncate:/run/vm/said\n'
        shift
        echo "ExecStart=$*"
    } >/run/systemd/system/within.service
    systemctl daemon-reload
    systemctl start within >/dev/null 2>&1
    return "$(systemctl show -P ExecMainStatus within)"
}
line_is() { [ "$(cat /run/vm/said)" = "$1" ] || { cat /run/vm/said; return 1; }; }
ending="rule e1000e-tx-hang; e1000e 8086:10d3 82574L; event"

refused() { # NAME SETTING REASON WATCHER: who cannot do it says why, in one line
    within "$2" /usr/bin/unhang apply
    check_eq "$1: apply fails" 1 $?
    check "$1: and says why" line_is "$nic: not changed: $3; $ending manual"
    mark
    within "$2" /usr/lib/udev/unhang
    check_eq "$1: so does the helper" 1 $?
    check "$1: in the log" wait_for 5 said_times 1 "$nic: not changed: $3; $ending add"
    within "$2" /usr/lib/unhang/unhang-watch
    check_eq "$1: the watcher gives up" 69 $?
    check "$1: and says why" line_is "unhang: $4"
    check_eq "$1: TSO is as it was" on "$(feature "$nic" tso)"
}
no_netlink="netlink: Address family not supported by protocol (os error 97)"
refused "no netlink" "RestrictAddressFamilies=AF_UNIX AF_INET" "$no_netlink" "$no_netlink"
refused "no right to it" CapabilityBoundingSet=CAP_SYS_ADMIN \
    "the kernel does not permit it: this needs root (CAP_NET_ADMIN)" \
    "watching needs root, or the capability CAP_NET_ADMIN"

nics=TemporaryFileSystem=/sys/class/net
check "no NIC in /sys: status" within $nics /usr/bin/unhang status
check "says so" line_is "no NIC"
within $nics /usr/bin/unhang apply "$nic"
check_eq "apply fails" 4 $?
check "and says so" line_is "unhang: there is no interface '$nic'; this machine has no NIC"
within InaccessiblePaths=/sys /usr/bin/unhang apply
check_eq "no /sys: apply fails" 1 $?
check "and says so" line_is "unhang: the network devices can't be listed (is /sys mounted?): No such file or directory (os error 2)"

within ProtectSystem=strict /usr/bin/unhang generate link
check_eq "/etc read-only: nothing is generated" 1 $?
check "and it says why" line_is "unhang: /etc/systemd/network/10-unhang-e1000e-tx-hang.link cannot be written: Read-only file system (os error 30)"
check_eq "nothing is left there" "" "$(ls /etc/systemd/network)"
check "/ and /run read-only: the helper" within ProtectSystem=strict /usr/lib/udev/unhang
check "does its work" offloads_are "$nic" off

mv /dev/kmsg /dev/kmsg.away
check "no /dev/kmsg: the watcher is not started" fails systemctl --quiet start unhang-watch
sleep 3
check_eq "nor tried again and again" failed "$(systemctl is-active unhang-watch)"
mkdir -p /etc/systemd/system/unhang-watch.service.d
printf '[Service]\nStandardInput=null\n' >/etc/systemd/system/unhang-watch.service.d/no-kmsg.conf
systemctl daemon-reload
mark
check "told to do without, it is" systemctl start unhang-watch
check "it says what it cannot do" wait_for 5 said_times 1 "^/dev/kmsg can't be read, so wedged NICs are not noticed"
ethtool -K "$nic" tso on
check "and does the rest" wait_for 10 offloads_are "$nic" off
mv /dev/kmsg.away /dev/kmsg
finish
