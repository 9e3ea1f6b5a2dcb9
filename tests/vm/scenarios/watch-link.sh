# about: the watcher through link changes and drift: right each time, no needless change, few words
# suites: bookworm trixie
# append: e1000e.IntMode=1
# limit: 300
# shellcheck shell=sh

settle
nic=$(nic 1)
install_and_watch "$nic"
pid=$(watcher)

# --- what it may do

security() { systemd-analyze security "$1" --no-pager | sed -n 's/.*Overall exposure level for [^ ]* \([0-9.]*\) .*/\1/p'; }
ours=$(security unhang-watch.service)
networkd=$(security systemd-networkd.service)
metric "security score" "$ours (systemd-networkd: ${networkd:-masked})"
check "its security score is 1.5 at most" awk "BEGIN { exit !($ours <= 1.5) }"
[ -z "$networkd" ] || check "and better than systemd-networkd's" awk "BEGIN { exit !($ours < $networkd) }"
check_eq "it has one capability, CAP_NET_ADMIN" 0000000000001000 "$(awk '/^CapEff/ { print $2 }' "/proc/$pid/status")"
check "it reads the kernel's log" fails sh -c 'journalctl -q -t unhang -o cat | grep kmsg'

# --- link changes

mark
changes_of() { ethtool --monitor -K "$nic" >/run/vm/changes 2>&1 & monitor=$!; }
before=$(counted last_link_up)
changes_of
for round in 1 2 3; do
    host link nic0 off
    check "$round: cable out" wait_for 20 no_carrier "$nic"
    host link nic0 on
    check "$round: cable in" wait_for 20 carrier "$nic"
    check "$round: right" offloads_are "$nic" off
done
ethtool -s "$nic" speed 100 duplex full autoneg off
check "100 Mb/s" wait_for 20 sh -c "[ \"\$(cat /sys/class/net/$nic/speed)\" = 100 ] && [ \"\$(cat /sys/class/net/$nic/carrier)\" = 1 ]"
check "right at 100 Mb/s" offloads_are "$nic" off
ethtool -s "$nic" autoneg on advertise 0x2f
check "1000 Mb/s" wait_for 20 sh -c "[ \"\$(cat /sys/class/net/$nic/speed)\" = 1000 ] && [ \"\$(cat /sys/class/net/$nic/carrier)\" = 1 ]"
check "right at 1000 Mb/s" offloads_are "$nic" off
ip link set "$nic" down
sleep 0.5
up "$nic"
check "ifup" wait_for 20 carrier "$nic"
check "right after ifup" offloads_are "$nic" off
kill "$monitor"
check_eq "nothing was changed" "" "$(grep segmentation /run/vm/changes)"
check_eq "nothing was said" "" "$(said)"
link_up_noted() { [ "$(counted last_link_up)" != "$before" ]; }
check "the link-up is noted" wait_for 5 link_up_noted

# In a bridge and out again: it is still watched. The bridge's own messages about it are no news of the NIC.
ip link add br0 type bridge
ip link set "$nic" master br0
ip link set "$nic" nomaster
ip link del br0
check_eq "what was noted survives a bridge" 1 "$(grep -c last_link_up /run/unhang/watch.json)"

# --- drift

mark
cat >/run/vm/drift.py <<'END'
# Turns TSO on and tells how many milliseconds it stayed on, as seen over the old ioctl.
import array, fcntl, socket, struct, sys, time
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
def tso(command, value=0):
    data = array.array("B", struct.pack("II", command, value))
    fcntl.ioctl(sock, 0x8946, struct.pack("16sP16x", sys.argv[1].encode(), data.buffer_info()[0]))
    return struct.unpack("II", data.tobytes())[1]
start = time.monotonic()
tso(0x1f, 1)
while tso(0x1e):
    if time.monotonic() - start > 5:
        sys.exit("still on after 5 s")
    time.sleep(0.0005)
print("%.1f" % ((time.monotonic() - start) * 1000))
END
milliseconds=$(python3 /run/vm/drift.py "$nic" 2>&1)
check "drift is put back ($milliseconds)" [ $? = 0 ]
metric "drift restored after ms" "$milliseconds"
check "all of it" wait_for 5 offloads_are "$nic" off
check "one line says so" wait_for 5 said_times 1 .
check "with what it was" said_times 1 "^$nic: tso .*off (was on).*event drift"
say "$(said)"
check "TSO over IPv6 and the rest too" wait_for 5 matches off "$(feature "$nic" tx-tcp6-segmentation)"
check "it is counted" counted_is put_back 1
check "status says so" matches '*watched: link up at *, 1 offload restored*' "$(unhang status)"

# A script that insists. Three put-backs within ten minutes are the limit; one was above.
mark
ticks=$(cpu_ticks "$pid")
round=0
while [ $round -lt 50 ]; do
    ethtool -K "$nic" tso on
    round=$((round + 1))
done
sleep 1
check_eq "the loop guard gave in" on "$(feature "$nic" tso)"
check "a handful of lines" [ "$(lines .)" -le 4 ]
check "one of them names the loop" said_times 1 "tso still on (left as is after 3 put-backs within 10 minutes"
say "$(said)"
metric "CPU for fifty times, in ticks of 10 ms" $(($(cpu_ticks "$pid") - ticks))
ticks=$(cpu_ticks "$pid")
woken=$(wakeups "$pid")
sleep 5
check_eq "then it is idle" "0 0" "$(($(cpu_ticks "$pid") - ticks)) $(($(wakeups "$pid") - woken))"
# The state outlives the process, so that another one does not begin anew.
kill -9 "$pid"
check "killed, it is started again" wait_for 20 another_watcher "$pid"
pid=$(watcher)
mark
host link nic0 off
wait_for 20 no_carrier "$nic"
host link nic0 on
check "a link-up ends that" wait_for 20 offloads_are "$nic" off
check "with one line" wait_for 5 said_times 1 "tso off (was on).*event link-up"
ethtool -K "$nic" tso on
check "and drift is put back again" wait_for 5 offloads_are "$nic" off
ethtool -K "$nic" tso on; sleep 0.3; ethtool -K "$nic" tso on; sleep 0.3; ethtool -K "$nic" tso on; sleep 0.3
check_eq "until the guard stops it" on "$(feature "$nic" tso)"

# --- rules

mark
mkdir -p /etc/unhang/rules.d
cat >/etc/unhang/rules.d/60-mine.toml <<'END'
[[rule]]
name = "mine"
[rule.match]
driver = "e1000e"
[rule.offload]
rxvlan = false
END
check "a new rule file takes effect by itself" wait_for 10 sh -c "ethtool -k $nic | grep -q 'rx-vlan-offload: off'"
check "the guard begins anew" offloads_are "$nic" off
check "with one line" wait_for 5 said_times 1 "tso rxvlan off (were on).*rule e1000e-tx-hang, mine;.*event rules"
say "$(said)"
wait_for 20 carrier "$nic"

mark
echo '[[rule' >/etc/unhang/rules.d/60-mine.toml
check "a broken file is named" wait_for 10 said_times 1 "60-mine.toml:1:"
ethtool -K "$nic" rxvlan on
check "and its good rules are kept" wait_for 10 sh -c "ethtool -k $nic | grep -q 'rx-vlan-offload: off'"
touch /etc/unhang/rules.d/60-mine.toml
systemctl reload unhang-watch
sleep 1
check "it is not named again" said_times 1 "60-mine.toml:1:"
wait_for 20 carrier "$nic"

cat >/run/vm/61.toml <<'END'
[[rule]]
name = "report"
drift = "report"
[rule.match]
driver = "e1000e"
[rule.offload]
tso = false
gso = false
gro = false
END
rm /etc/unhang/rules.d/60-mine.toml
mv /run/vm/61.toml /etc/unhang/rules.d/61-report.toml
sleep 1
mark
ethtool -K "$nic" gro on
check "drift is reported" wait_for 5 said_times 1 "gro still on (left as is by drift = \"report\".*rule report;.*event drift"
check_eq "and left" on "$(feature "$nic" gro)"
for round in 1 2 3 4 5 6 7 8; do
    ethtool -K "$nic" gro off
    ethtool -K "$nic" gro on
done
sleep 1
check "few words for many changes" [ "$(lines .)" -le 4 ]

# A directory that was not there, and a reload by hand.
rm -r /etc/unhang
mkdir -p /run/unhang/rules.d
systemctl reload unhang-watch
check "without the rule it is put back" wait_for 10 offloads_are "$nic" off
printf '[[rule]]\nname = "run"\n[rule.match]\ndriver = "e1000e"\n[rule.offload]\nrxvlan = true\n' >/run/unhang/rules.d/70-run.toml
check "a new directory is seen" wait_for 10 sh -c "ethtool -k $nic | grep -q 'rx-vlan-offload: on'"
check "nothing failed" systemctl is-system-running
check_eq "it is still the same process" "$pid" "$(watcher)"

# --- what the NIC sent

noted() { journalctl --sync; journalctl -q -t unhang -o cat | grep -c "^$nic: [0-9]* bytes sent; rule .*; e1000e .*; event load$"; }
before=$(noted)
check "it was noted at the start and with each change of the rules" [ "$before" -ge 3 ]
sent() { cat "/sys/class/net/$nic/statistics/tx_bytes"; }
from=$(sent)
systemctl stop unhang-watch
check_eq "and at the end" $((before + 1)) "$(noted)"
last=$(journalctl -q -t unhang -o cat | sed -n "s/^$nic: \([0-9]*\) bytes sent.*/\1/p" | tail -n 1)
check "by the kernel's own count" [ "$from" -le "$last" ] && check "then" [ "$last" -le "$(sent)" ]

# --- started by hand

setpriv --reuid 65534 --regid 65534 --clear-groups unhang watch >/run/vm/by-hand 2>&1
check_eq "an ordinary user is told" "69 1" "$? $(wc -l </run/vm/by-hand)"
show /run/vm/by-hand
check "in words" grep -q 'root' /run/vm/by-hand
finish
