# about: from the first hang block to the first packet answered: 20 wedges that the first rung cures, and some for each further rung
# suites: trixie
# needs: UNHANG_DEB
# limit: 2400
# shellcheck shell=sh

settle
nic=$(nic 1)
install_and_watch "$nic"
check "there is traffic" server "$nic"
# The kernel would put it to sleep and wake it, of which QEMU's NIC takes no notice.
echo bus >"/sys/class/net/$nic/device/reset_method"

cat >/run/vm/answers.py <<'END'
# Asks the gateway five to ten times a second. The kernel's log notes each answer after a second without one.
import socket, time
ping = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
ping.settimeout(0.1)
last = time.monotonic()
while True:
    try:
        ping.sendto(b"\x08\0\xf7\xff\0\0\0\0", ("10.0.2.2", 0))
        if ping.recv(2048)[20] == 0:
            now = time.monotonic()
            if now - last > 1:
                with open("/dev/kmsg", "w") as log:
                    log.write("vm: answered\n")
            last = now
    except OSError:
        pass
    time.sleep(0.1)
END
python3 /run/vm/answers.py &

# Each wedge is the first: the limits of an incident and of an hour begin anew, and nothing that was logged is read again.
forget() {
    systemctl stop unhang-watch
    sed -i 's/.*\("sequence":[0-9]*\).*/{\1}/' /run/unhang/watch.json
    systemctl start unhang-watch
}
# From the first block of this wedge to the answer after its last, by the kernel's log.
hundredths() {
    dmesg | tr -d '[]' | awk '
        /vm: wedge$/ { first = answered = 0 }
        /Detected Hardware Unit Hang/ { answered = 0; if (!first) first = $1 }
        /vm: answered$/ { if (first && !answered) answered = $1 }
        END { if (!answered) exit 1; printf "%d\n", (answered - first) * 100 }'
}
recovered() { said_times 1 "recovery $1: "; }
blocks_again() { blocks_before=$(hangs) && wait_for 30 more_hangs "$blocks_before"; }
# wedge_until RUNG: one that this rung cures. What the driver mends itself is noted as what rung 0 did.
wedge_until() {
    wait_for 30 back "$nic" && forget || return
    mark
    echo "vm: wedge" >/dev/kmsg
    if [ "$1" -gt 1 ]; then
        hold "$nic"
        wait_for 60 recovered $(($1 - 1)) && blocks_again
        release
        raise "$nic"
    else
        raise "$nic"
        poke "$nic" "$TCTL" 0
    fi
    wait_for 60 hundredths
    wedge_took=$(hundredths)
    release
    [ -n "$wedge_took" ] || { say "no answer after a minute"; return; }
    wedge_rung=$(lines "recovery [0-9]*: ")
    echo "$wedge_took" >>"/run/vm/rung-$wedge_rung"
    say "rung $wedge_rung: $wedge_took"
}
wedged_times() { wc -l <"/run/vm/rung-$1"; }
# measure RUNG COUNT
measure() {
    measure_tries=$((2 * $2))
    while [ "$(wedged_times "$1")" -lt "$2" ] && [ $measure_tries -gt 0 ]; do
        wedge_until "$1"
        measure_tries=$((measure_tries - 1))
    done
    check "rung $1: $2 wedges" [ "$(wedged_times "$1")" -ge "$2" ]
    measure_all=$(sort -n "/run/vm/rung-$1")
    median=$(echo "$measure_all" | sed -n "$((($(wedged_times "$1") + 1) / 2))p")
    worst=$(echo "$measure_all" | tail -n 1)
    metric "hundredths of a second from the first block to an answer, rung $1, median and worst of $(wedged_times "$1")" "$median $worst"
}
# For README.md, by benches/watch.sh.
row() {
    seconds=$(echo "$median $worst" | awk '{ printf "%.1f s, at worst %.1f s", $1 / 100, $2 / 100 }')
    metric table "| first hang block until traffic: $1 ($(wedged_times "$rung") wedges) | $seconds |  |  |"
}

for rung in 0 1 2 3; do : >/run/vm/rung-$rung; done
rung=1
measure 1 20
check "8 s in the middle" [ "$median" -le $((800 * PATIENCE)) ]
check "15 s at worst" [ "$worst" -le $((1500 * PATIENCE)) ]
row "autonegotiation restarted"
for rung in 2 3; do
    measure $rung 3
    check "within a minute, in which a watchdog of others would act" [ "$worst" -le $((6000 * PATIENCE)) ]
    case $rung in 2) row "once more" ;; 3) row "PCI function reset" ;; esac
done
metric "wedges that the driver ended itself" "$(wedged_times 0)"
finish
