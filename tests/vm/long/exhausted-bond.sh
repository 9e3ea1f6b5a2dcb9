# about: a NIC that stays dead whatever is done: its link goes down, the bond goes on with the other port, and it comes back
# suites: trixie
# nics: e1000e e1000e
# needs: UNHANG_DEB
# limit: 600
# shellcheck shell=sh

settle
nic=$(nic 1)
other=$(nic 2)
ip link add bond0 type bond mode active-backup
ip link set "$nic" down
ip link set "$other" down
ip link set "$nic" master bond0
ip link set "$other" master bond0
ip link set bond0 up
mkdir -p /etc/unhang/rules.d
printf '[[rule]]\nname = "bond"\nexhausted = "link-down"\n[rule.match]\ndriver = "e1000e"\n[rule.offload]\ntso = false\n' >/etc/unhang/rules.d/60-bond.toml
install_and_watch "$nic"
up "$other"
check "both ports have a carrier" wait_for 20 carrier "$other"
check "explain says what is missing" matches '*link-down does nothing here now: bond0 has no link monitoring: set its miimon*' "$(unhang explain "$nic")"
# A link that comes up is used again, as after each recovery.
ip link set bond0 type bond miimon 100 primary "$nic"
check "and what would be done" matches "*link-down: bond0 goes on with $other*" "$(unhang explain "$nic")"
check "there is traffic" server bond0
active() { cat /sys/class/net/bond0/bonding/active_slave; }
active_is() { [ "$(active)" = "$1" ]; }
echo "$nic" >/sys/class/net/bond0/bonding/active_slave
check "through the first port" active_is "$nic"

# A wedged NIC keeps its carrier: the bond notices only what resets it. Between the first block and the first recovery are
# two seconds, which a busy machine takes to look, so the kernel's log is asked afterwards.
noticed_the_resets_only() {
    dmesg | sed -n '/vm: held/,$p' | awk -v "port=$nic)" '
        /Detected Hardware Unit Hang/ { blocks++ }
        /Reset adapter/ { resets++ }
        index($0, port) && /definitely down/ { noticed = 1; exit }
        END { print blocks + 0, "blocks,", resets + 0, "resets,", noticed + 0, "noticed"; exit !(noticed && (blocks >= 2 || resets)) }'
}

mark
echo "vm: held" >/dev/kmsg
hold "$nic"
before=$(hangs)
send "$nic" 600 &
check "it hangs" wait_for 30 more_hangs "$before"
check "nor do the recoveries help" wait_for 60 said_times 1 "recovery 3: PCI function reset"
check "the bond does not notice the hang, but the resets" noticed_the_resets_only
check "the bond uses it again" wait_for 20 active_is "$nic"
check "nothing helps" wait_for 150 said_times 1 "left alone: three recoveries did not help, exhausted: link down for 60 s so that bond0 goes on with $other"
down_at=$(now)
check "the bond goes on with the other port" wait_for 10 active_is "$other"
check "traffic flows" wait_for 10 traffic
took=$(($(now) - down_at))
metric "hundredths of a second from the end of the ladder to traffic" $took
check "within 2 s" [ $took -le $((200 * PATIENCE)) ]
release
check "after a minute the link comes up again" wait_for 100 said_times 1 "$nic: exhausted: link up again"
check "the port is back" wait_for 20 carrier "$nic"
check "the bond uses it" wait_for 20 active_is "$nic"
check "and it works" wait_for 20 traffic
say "$(said)"
finish
