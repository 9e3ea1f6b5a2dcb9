# about: what the watcher costs and how fast it is, beside a shell loop on `ip monitor` that calls ethtool
# suites: trixie
# extra: networkd-dispatcher
# append: e1000e.IntMode=1
# limit: 900
# shellcheck shell=sh

ROUNDS=${ROUNDS:-20}
settle
nic=$(nic 1)
install_and_watch "$nic"
pid=$(watcher)

cat >/run/vm/stays.py <<'END'
# How many milliseconds TSO stays on: after it was turned on here (drift), or after the link came up (link-up).
import array, fcntl, os, socket, struct, sys, time
what, nic = sys.argv[1:]
ask = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
def tso(command, value=0):
    data = array.array("B", struct.pack("II", command, value))
    fcntl.ioctl(ask, 0x8946, struct.pack("16sP16x", nic.encode(), data.buffer_info()[0]))
    return struct.unpack("II", data.tobytes())[1]
if what == "drift":
    start = time.monotonic()
    tso(0x1f, 1)
else:
    links = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
    links.bind((0, 1))
    print("ready", file=sys.stderr, flush=True)
    while True:
        message = links.recv(65536)
        kind, ifindex, flags = struct.unpack_from("4xH14xiI", message)[0:3]
        if kind == 16 and ifindex == socket.if_nametoindex(nic) and flags & 0x10000:
            break
    start = time.monotonic()
while tso(0x1e):
    if time.monotonic() - start > 5:
        sys.exit("still on after 5 s")
    time.sleep(0.0002)
print("%.1f" % ((time.monotonic() - start) * 1000))
END
cable() { host link nic0 off; wait_for 20 no_carrier "$nic"; host link nic0 on; wait_for 20 carrier "$nic"; sleep 0.3; }
link_ups() { # FILE
    round=0
    while [ $round -lt "$ROUNDS" ]; do
        host link nic0 off
        wait_for 20 no_carrier "$nic"
        ethtool -K "$nic" tso on
        : >/run/vm/listening
        python3 /run/vm/stays.py link-up "$nic" >>"$1" 2>/run/vm/listening &
        wait_for 20 grep -q ready /run/vm/listening
        host link nic0 on
        wait $!
        round=$((round + 1))
    done
}
drifts() { # FILE
    round=0
    while [ $round -lt "$ROUNDS" ]; do
        # A link-up clears the loop guard.
        [ $((round % 3)) -ne 0 ] || cable
        python3 /run/vm/stays.py drift "$nic" >>"$1"
        sleep 0.3
        round=$((round + 1))
    done
}
median() { sort -n "$1" | awk '{ value[NR] = $1 } END { print NR ? value[int((NR + 1) / 2)] : "-" }'; }
cost() { # PID…: sums of wakeups and CPU over 60 s
    cost_before=$(total "$@")
    sleep 60
    echo "$cost_before $(total "$@")" | awk '{ print $3 - $1, ($4 - $2) * 10 }'
}
total() { for each; do echo "$(wakeups "$each") $(cpu_ticks "$each")"; done | awk '{ w += $1; c += $2 } END { print w, c }'; }
memory() { for each; do rss_kib "$each"; done | awk '{ s += $1 } END { print s }'; }

systemctl unmask systemd-networkd.service systemd-networkd.socket >/dev/null 2>&1
systemctl start systemd-networkd
systemctl restart networkd-dispatcher
sleep 5
dispatcher=$(systemctl show -P MainPID networkd-dispatcher)
dispatcher_memory=$(memory "$dispatcher")
our_cost=$(cost "$pid")
our_memory=$(memory "$pid")
systemctl stop networkd-dispatcher systemd-networkd.socket systemd-networkd

drifts /run/vm/our-drift
# With drift only reported, link-up is what puts it right.
mkdir -p /etc/unhang/rules.d
printf '[[rule]]\nname = "report"\ndrift = "report"\n[rule.match]\ndriver = "e1000e"\n[rule.offload]\ntso = false\n' >/etc/unhang/rules.d/60-report.toml
sleep 1
link_ups /run/vm/our-link-up
our_memory_after=$(memory "$pid")
systemctl stop unhang-watch

cat >/run/vm/loop <<'END'
#!/bin/sh
ip monitor link | while read -r line; do
    case $line in
    *"$1"*LOWER_UP*) ethtool -K "$1" tso off gso off gro off ;;
    esac
done
END
setsid sh /run/vm/loop "$nic" >/dev/null 2>&1 &
sleep 2
loop=$(pgrep -f /run/vm/loop 2>/dev/null || for each in /proc/[0-9]*; do
    tr '\0' ' ' <"$each/cmdline" 2>/dev/null | grep -q '^sh /run/vm/loop\|^ip monitor' && echo "${each#/proc/}"
done)
# shellcheck disable=SC2086 # a list
loop_memory=$(memory $loop)
drifts /run/vm/loop-drift
link_ups /run/vm/loop-link-up
# shellcheck disable=SC2086 # a list
kill $loop

check "nothing wakes it in a minute" [ "$our_cost" = "0 0" ]
check "it holds 4 MiB at most" [ "$our_memory_after" -le 4096 ]
# For README.md, by benches/watch.sh.
row() { metric table "| $1 | $2 | $3 | $4 |"; }
row "In a guest, Linux $(uname -r)" "unhang-watch" "shell loop" "networkd-dispatcher"
row --- --: --: --:
row "wakeups in an idle minute" "${our_cost% *}" "" ""
row "CPU in an idle minute" "${our_cost#* } ms" "" ""
row "resident memory, idle" "$our_memory KiB" "$loop_memory KiB" "$dispatcher_memory KiB"
row "resident memory after $((2 * ROUNDS)) events" "$our_memory_after KiB" "" ""
row "link-up until read and right" "$(median /run/vm/our-link-up) ms" "$(median /run/vm/loop-link-up) ms" ""
row "drift until put back" "$(median /run/vm/our-drift) ms" "$(median /run/vm/loop-drift) ms" ""
finish
