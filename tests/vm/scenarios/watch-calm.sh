# about: what is none of the watcher's business: other NICs, other texts, a driver that helps itself, a storm of devices
# suites: trixie
# nics: e1000e e1000e e1000
# limit: 400
# accel: tcg
# shellcheck shell=sh

settle
nic=$(nic 1)
other=$(nic 2)
old=$(nic 3)
# Only the first of the two e1000e is covered by a rule.
mkdir -p /etc/unhang/rules.d
ln -s /dev/null /etc/unhang/rules.d/10-e1000e.toml
printf '[[rule]]\nname = "this-one"\n[rule.match]\nmac = "%s"\n[rule.offload]\ntso = false\ngso = false\ngro = false\n' "$(cat "/sys/class/net/$nic/address")" >/etc/unhang/rules.d/60-this-one.toml
check "installed" install_deb
for each in "$nic" "$other" "$old"; do up "$each"; done
wait_for 20 carrier "$nic"
wait_for 20 carrier "$other"
check "udev has it started" start_watching "$nic" || exit
check "the rule is in force" offloads_are "$nic" off
check "for the one only" offloads_are "$other" on
pid=$(watcher)
sleep 2

# --- texts

mark
before=$(cat /run/unhang/watch.json)
address=$(basename "$(readlink -f "/sys/class/net/$nic/device")")
for round in 1 2 3; do
    for priority in '' '<3>' '<0>'; do
        printf '%se1000e %s %s: Detected Hardware Unit Hang:\n  TDH                  <0>\n  TDT                  <1>\n' "$priority" "$address" "$nic" >/dev/kmsg
    done
    logger -p kern.err "e1000e $address $nic: Detected Hardware Unit Hang:" 2>/dev/null
done
sleep 1
check_eq "what a user prints is nothing" "$before" "$(cat /run/unhang/watch.json)"

# --- other NICs, really wedged

raise "$other"
send "$nic" 100 &
check "the other e1000e is wedged, with two blocks and no reset" wedge_for_good "$other"
other_hangs=$(hangs)
check "and more" wait_for 20 more_hangs "$other_hangs"
release
unwedge "$other"
raise "$old"
wedge "$old"
old_hangs() { dmesg | grep -q 'e1000 .*Detected Tx Unit Hang'; }
if wait_for 30 old_hangs; then say "the e1000 printed its own hang"; else say "the e1000 printed nothing"; fi
release
unwedge "$old"
check_eq "nothing was done" "$before" "$(cat /run/unhang/watch.json)"
check_eq "and nothing said" "" "$(said)"

# --- a driver that resets its adapter itself

wedge_irq "$nic"
resets_before=$(resets)
if wait_for 30 more_resets "$resets_before"; then say "the driver reset the adapter"; else say "no reset within 30 s"; unwedge "$nic"; fi
wait_for 20 transmitting "$nic"
wait_for 20 carrier "$nic"
sleep 1
check_eq "no interference" 0 "$(counted recoveries)"
check_eq "and no word" "" "$(said)"

# --- a storm of devices

veths() { # COUNT add|del
    count=0
    while [ $count -lt "$1" ]; do
        case $2 in
        add) echo "link add storm$count type veth peer name peer$count" ;;
        del) echo "link del storm$count" ;;
        esac
        count=$((count + 1))
    done | ip -batch -
}
dummies() { # CYCLES
    count=0
    while [ $count -lt "$1" ]; do
        printf 'link add cycle%s type dummy\nlink set cycle%s up\nlink del cycle%s\n' $count $count $count
        count=$((count + 1))
    done | ip -batch -
}
systemctl stop systemd-udevd systemd-udevd-control.socket systemd-udevd-kernel.socket # minutes under emulation
veths 10 add; veths 10 del
sleep 2
memory=$(anon_kib "$pid")
ticks=$(cpu_ticks "$pid")
for round in 1 2 3; do
    veths 100 add
    ethtool -K "$nic" tso on
    veths 100 del
    check "$round: drift beside 200 devices coming and going is put back" wait_for 20 offloads_are "$nic" off
done
dummies 100
ethtool -K "$nic" gso on
check "and after 100 cycles of dummies" wait_for 20 offloads_are "$nic" off
metric "CPU for the storm, in ticks of 10 ms" $(($(cpu_ticks "$pid") - ticks))
metric "anonymous KiB before and after the storm" "$memory $(anon_kib "$pid")"
check "the memory did not grow" [ "$(anon_kib "$pid")" -le $((memory + 128)) ]

# --- messages lost

mark
# About lo, as those about virtual devices are not sent.
links() { # COUNT
    count=0
    while [ $count -lt "$1" ]; do
        echo "link set lo alias storm$count"
        count=$((count + 1))
    done | ip -batch -
}
dropped() { awk 'NR > 1 { sum += $9 } END { print sum + 0 }' /proc/net/netlink; }
dropped_before=$(dropped)
kill -STOP "$pid"
ethtool -K "$nic" gro on
links 600
kill -CONT "$pid"
check "the kernel dropped messages" [ "$(dropped)" -gt "$dropped_before" ]
metric "messages dropped" $(($(dropped) - dropped_before))
check "what drifted meanwhile is put back" wait_for 20 offloads_are "$nic" off
check "in honest words" wait_for 5 said_times 1 "gro off (was on).*event drift"
say "$(said)"
kill -STOP "$pid"
host link nic0 off
sleep 0.5
host link nic0 on
links 600
kill -CONT "$pid"
sleep 2
check_eq "it is the same process" "$pid" "$(watcher)"
metric "and after messages were lost" "$(anon_kib "$pid")"
check "the memory did not grow" [ "$(anon_kib "$pid")" -le $((memory + 256)) ]
ethtool -K "$nic" gro on
check "and it goes on" wait_for 20 offloads_are "$nic" off

# --- killed while something drifts

for round in 1 2 3; do
    pid=$(watcher)
    kill -9 "$pid"
    ethtool -K "$nic" gso on
    check "$round: killed, it is started again" wait_for 20 another_watcher "$pid"
    check "$round: and nothing is lost" wait_for 20 offloads_are "$nic" off
    sleep 3
done
# The loop guard has room for one more gro, and for no more tso.
systemctl kill --signal=STOP systemd-journald
ethtool -K "$nic" gro on
check "with a journal that does not read it acts" wait_for 5 offloads_are "$nic" off
systemctl kill --signal=CONT systemd-journald
finish
