# shellcheck shell=sh
# What a scenario can use in the guest. Everything here is said to the host in lines on descriptor 3, the second
# serial port (message.rs is the other end). README.md lists the words.
set -u
# What it writes down; of a script on the host, elsewhere.
RUN=${RUN:-/run/vm}

newline='
'
tell() { # one line, whatever it is given
    case $* in
    *"$newline"*) printf '%s\n' "$(printf %s "$*" | tr '\n' ' ')" >&3 ;;
    *) printf '%s\n' "$*" >&3 ;;
    esac
}
# What stands on stdin, as the output that belongs to the last message.
tell_output() { awk '{ print "| " $0 }' >&3; }
tell_output_live() {
    while IFS= read -r output_line || [ -n "$output_line" ]; do printf '| %s\n' "$output_line" >&3; done
}

# --- results

# check NAME COMMAND…: passes if the command succeeds. What it printed is shown if not.
check() {
    check_name=$1
    shift
    if "$@" >"$RUN/output" 2>&1; then
        tell "pass $check_name"
    else
        check_status=$?
        tell "fail $check_name"
        { echo "status $check_status: $*"; cat "$RUN/output"; } | tell_output
        return 1
    fi
}

check_eq() { # NAME EXPECTED ACTUAL
    check_expected=$2 check_actual=$3
    check "$1" same
}
same() {
    [ "$check_expected" = "$check_actual" ] || { echo "expected: $check_expected"; echo "actual:   $check_actual"; return 1; }
}

# fails COMMAND…: for `check NAME fails COMMAND…`.
fails() { ! "$@"; }

# matches PATTERN TEXT: a shell pattern, for `check NAME matches '*applied*' "$line"`.
matches() {
    # shellcheck disable=SC2254 # a pattern it is
    case $2 in
    $1) ;;
    *) echo "$2"; return 1 ;;
    esac
}

say() { tell "say $*"; }
step() { tell "step $*"; }
metric() { tell "metric $1 $2"; }

# show FILE
show() {
    tell "show $1"
    tell_output <"$1"
}

# run COMMAND…: shows the command and, as it comes, its output.
run() {
    tell "show # $*"
    { "$@" 2>&1; echo $? >"$RUN/run-status"; } | tell_output_live
    return "$(cat "$RUN/run-status")"
}

# The last word of every scenario.
finish() { tell "done"; }

# --- time

# Hundredths of a second since boot.
now() {
    read -r now_uptime _ </proc/uptime
    echo "${now_uptime%.*}${now_uptime#*.}"
}

# wait_for SECONDS COMMAND…: tries until the command succeeds, or fails when the time is up.
wait_for() {
    wait_until=$(($(now) + $1 * 100 * PATIENCE))
    shift
    until "$@" >/dev/null 2>&1; do
        [ "$(now)" -lt "$wait_until" ] || { echo "waited in vain for: $*"; return 1; }
        sleep 0.1
    done
}

settle() { udevadm settle --timeout=$((60 * PATIENCE)); }

# Every start job is over. A scenario begins after this.
booted() { wait_for 60 boot_over || say "the guest is still booting after 60 s"; }
boot_over() { case $(systemctl is-system-running) in initializing | starting) return 1 ;; esac }

# --- the host

# host plug NAME TYPE [prop=val…] | unplug NAME | link NAME on|off | qmp JSON: prints the answer (plug: the MAC).
host() {
    tell "host $*"
    read -r host_answer <&3
    case $host_answer in
    ok*) host_answer=${host_answer#ok}; [ -z "${host_answer# }" ] || echo "${host_answer# }" ;;
    *) say "host $*: $host_answer"; return 1 ;;
    esac
}

# Boots the guest again; the scenario then starts from its beginning with the next STAGE.
reboot() {
    tell rebooting
    read -r host_answer <&3
    systemctl reboot
    exec sleep infinity
}

# The same without warning: nothing is synced, no service stopped.
crash() {
    tell rebooting
    read -r host_answer <&3
    echo 1 >/proc/sys/kernel/sysrq
    echo b >/proc/sysrq-trigger
    exec sleep infinity
}

# --- NICs

nic_by_mac() {
    for nic_path in /sys/class/net/*; do
        [ "$(cat "$nic_path/address")" = "$1" ] && { echo "${nic_path##*/}"; return; }
    done
    return 1
}

# The NIC that was there first, second …: nic 1.
nic() { nic_by_mac "$(printf '52:54:00:aa:00:%02x' "$1")"; }

driver() { basename "$(readlink "/sys/class/net/$1/device/driver")"; }
up() { ip link set "$1" up; }
carrier() { [ "$(cat "/sys/class/net/$1/carrier" 2>/dev/null)" = 1 ]; }
no_carrier() { [ "$(cat "/sys/class/net/$1/carrier" 2>/dev/null)" = 0 ]; }

# feature IF NAME: on or off; NAME as ethtool -k prints it, or tso gso gro sg tx rx lro.
feature() {
    case $2 in
    tso) feature_name=tcp-segmentation-offload ;;
    gso) feature_name=generic-segmentation-offload ;;
    gro) feature_name=generic-receive-offload ;;
    lro) feature_name=large-receive-offload ;;
    sg) feature_name=scatter-gather ;;
    tx) feature_name=tx-checksumming ;;
    rx) feature_name=rx-checksumming ;;
    *) feature_name=$2 ;;
    esac
    ethtool -k "$1" | awk -v name="$feature_name:" '$1 == name { print $2; found = 1 } END { exit !found }'
}
offloads() { echo "tso=$(feature "$1" tso) gso=$(feature "$1" gso) gro=$(feature "$1" gro)"; }
offloads_are() { # IF STATE
    [ "$(offloads "$1")" = "tso=$2 gso=$2 gro=$2" ] || { offloads "$1"; return 1; }
}

# --- the NIC of module/testnic.c, which `nics: none` leaves the MAC of nic 1

# testnic [PARAMETER=VALUE…]: the NIC, anew, with these.
testnic() {
    rmmod testnic 2>/dev/null
    modprobe testnic "$@" && settle
}
# setting IF OPTION KEY: what ethtool shows with this option ("" for none), such as setting "$nic" -g RX.
setting() {
    ethtool ${2:+"$2"} "$1" | awk -F: -v key="$3" '
        function trim(text) { gsub(/^[ \t]+|[ \t]+$/, "", text); return text }
        trim($1) == key { value = trim($2) }
        END { print value; exit value == "" }'
}
setting_is() { [ "$(setting "$1" "$2" "$3")" = "$4" ] || { setting "$1" "$2" "$3"; return 1; }; } # IF OPTION KEY VALUE
# How often the link went, since the NIC is there: it comes up once first.
drops() { echo $(($(cat "/sys/class/net/$1/carrier_changes") / 2)); }
drops_are() { [ "$(drops "$1")" = "$2" ] || { drops "$1"; return 1; }; } # IF COUNT
cable() { case $2 in on) echo 1 ;; off) echo 0 ;; esac >"/sys/class/net/$1/carrier"; } # IF on|off
hang() { echo "$2" >"/sys/class/net/$1/hang"; } # IF none|wedged|held|silent

# --- the product

# install_deb [FILE]
install_deb() { DEBIAN_FRONTEND=noninteractive apt-get -qq -y install "${1:-$DEB}"; }
journal_lines() { journalctl -q -t unhang -o cat "$@"; }

# --- the genuine hang (needs iomem=relaxed, which every guest has)

# poke IF OFFSET [VALUE]: reads or writes a register of the NIC.
poke() {
    read -r poke_base _ <"/sys/class/net/$1/device/resource"
    busybox devmem $((poke_base + $2)) 32 ${3:+"$3"}
}
TCTL=0x400 TDT=0x3818 ICS=0xC8

# send IF COUNT: frames that nobody answers, five a second. Needs no address.
send() {
    python3 -c '
import socket, sys, time
nic = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
nic.bind((sys.argv[1], 0))
for _ in range(int(sys.argv[2])):
    nic.send(b"\xff" * 6 + b"\x52\x54\0\0\0\0" + b"\x88\xb5" + bytes(46))
    time.sleep(0.2)
' "$1" "$2"
}

# Hang blocks in the kernel log of this boot.
hangs() { dmesg | grep -c 'Detected Hardware Unit Hang' || :; }
more_hangs() { [ "$(hangs)" -gt "$1" ]; }
resets() { dmesg | grep -c 'Reset adapter unexpectedly' || :; }
more_resets() { [ "$(resets)" -gt "$1" ]; }

transmitting() { [ $(($(poke "$1" $TCTL) & 2)) = 2 ]; }

# wedge IF: stops the transmitter and gives it something to send. With e1000e.IntMode=1 blocks come by themselves,
# but on some kernels the transmit watchdog comes first: wedge_irq is the one that always gives a block.
wedge() {
    wait_for 20 transmitting "$1" || return
    wedge_tctl=$(poke "$1" $TCTL)
    poke "$1" $TCTL 0
    send "$1" 20 &
}

# unwedge IF: the ring moves on. Within two seconds of the block there is no reset.
unwedge() {
    poke "$1" $TCTL "$wedge_tctl"
    poke "$1" $TDT "$(poke "$1" $TDT)"
}

# wedge_irq IF: wedges, and raises the transmit interrupt until the block is printed: 3 to 5 s, in every interrupt mode.
wedge_irq() {
    wedge_before=$(hangs)
    wedge "$1" && wait_for 30 wedge_raise "$1"
}
wedge_raise() {
    poke "$1" $ICS 0x00400001
    sleep 0.1
    more_hangs "$wedge_before"
}

# --- the watcher

# What was logged from here on.
mark() { mark_lines=$(told | wc -l); }
told() { journalctl --sync; journalctl -q -t unhang -o cat -p info; }
# Counted, as --after-cursor of systemd 252 leaves out the first line that matches.
said() { told | tail -n +$((mark_lines + 1)); }
lines() { said | grep -c -e "${1:-}"; } # PATTERN
said_times() { [ "$(lines "$2")" = "$1" ] || { said; return 1; }; } # COUNT PATTERN

# udev asks for it, as it does when the NIC appears.
start_watching() { udevadm trigger --action=add "/sys/class/net/$1" && wait_for 20 watching; }
# The package on a NIC that is up, and its watcher.
install_and_watch() {
    check "installed" install_deb
    up "$1"
    wait_for 20 carrier "$1"
    check "udev has it started" start_watching "$1" || exit
}
watching() { [ "$(systemctl is-active unhang-watch)" = active ]; }
watcher() { systemctl show -P MainPID unhang-watch; }
another_watcher() { watching && [ "$(watcher)" != "$1" ]; }
# A number from its state file: last_link_up put_back wedges recoveries
counted() { grep -o "\"$1\":[0-9][0-9]*" /run/unhang/watch.json | cut -d: -f2 | tail -n 1; }
counted_is() { [ "$(counted "$1")" = "$2" ] || { cat /run/unhang/watch.json; return 1; }; }
cpu_ticks() { awk '{ print $14 + $15 }' "/proc/$1/stat"; }
wakeups() { awk '/^voluntary_ctxt_switches/ { print $2 }' "/proc/$1/status"; }
rss_kib() { awk '/^VmRSS/ { print $2 }' "/proc/$1/status"; }
# What it has allocated. VmRSS counts the pages of its file too, which come and go as the kernel likes.
anon_kib() { awk '/^RssAnon/ { print $2 }' "/proc/$1/status"; }

# raise IF: from now on the transmit interrupt comes four times a second, so that the driver looks at its ring as
# it does on a busy NIC, in every interrupt mode. hold IF: moreover the transmitter is off, whatever is done to the
# NIC. release: no more of either.
raise() { hold_until_released "$1" "" & hold_pid=$!; }
hold() { hold_until_released "$1" off & hold_pid=$!; }
release() { kill "$hold_pid" 2>/dev/null; wait "$hold_pid" 2>/dev/null; hold_pid=; }
hold_until_released() {
    while sleep 0.25; do
        [ -z "$2" ] || poke "$1" $TCTL 0
        poke "$1" $ICS 0x00400001
    done 2>/dev/null
}

# server IF: a server's network, one static address of each kind and one route, and traffic() on it, with what QEMU has
# behind the NIC. static_network IF: what must outlive a recovery.
server() {
    ip addr add 10.0.2.15/24 dev "$1"
    ip route add default via 10.0.2.2 dev "$1"
    ip -6 addr add 2001:db8::5/64 dev "$1" nodad
    wait_for 10 traffic
}
traffic() { busybox ping -c 1 -W 1 10.0.2.2; }
static_network() { echo "$(ip route show default) $(ip -6 addr show dev "$1" to 2001:db8::5 | grep -c 2001:db8::5)"; }
back() { transmitting "$1" && carrier "$1" && traffic; }

# first_block IF: wedges, and notes when the driver says so in $wedged_at. wedge_for_good IF: until the second block. On
# a slow machine the transmit watchdog may come before that, the driver resets the adapter, and it was no wedge: then
# once more. Both need raise or hold.
first_block() {
    wedged_hangs=$(hangs) wedged_resets=$(resets)
    # shellcheck disable=SC2034 # for the scenario
    wedge "$1" && wait_for 30 more_hangs "$wedged_hangs" && wedged_at=$(now)
}
wedge_for_good() {
    for wedged_try in 1 2 3 4; do
        first_block "$1" && wait_for 12 wedged_or_reset || return
        more_hangs $((wedged_hangs + 1)) && return
        say "the driver reset the adapter, try $wedged_try"
        wait_for 20 back "$1"
    done
    return 1
}
wedged_or_reset() { more_hangs $((wedged_hangs + 1)) || more_resets "$wedged_resets"; }
no_reset() { [ "$(resets)" = "$wedged_resets" ]; }
# So long after the last block a wedge counts as a new one.
another_incident() {
    last_block=$(dmesg | sed -n 's/^\[ *\([0-9]*\)\..*Detected Hardware Unit Hang.*/\1/p' | tail -n 1)
    wait_for 40 quiet_until $(((last_block + 32) * 100))
}
quiet_until() { [ "$(now)" -ge "$1" ]; }
wedges() { echo "$(counted wedges) wedges $(counted recoveries) recoveries"; }

# --- whoever manages the network

# installed_in NIC: what is seen at once. booted_in NIC: and after a boot. Both say it in one line.
layout_line() { echo "$1: tso gso gro off (were on); rule e1000e-tx-hang; e1000e 8086:10d3 82574L; event $2"; }
installed_in() {
    check "offloads are on before" offloads_are "$1" on
    check "installed" install_deb
    check "offloads are off" offloads_are "$1" off
    check_eq "one line says so" "$(layout_line "$1" manual)" "$(told)"
}
booted_in() {
    check "offloads are off after boot" offloads_are "$1" off
    check_eq "one line says so" "$(layout_line "$1" add)" "$(journal_lines -b -p info)"
    check "it is watched" wait_for 20 watching
    check "there is traffic" wait_for 60 traffic
}

# network_of IF: its addresses and routes.
network_of() {
    ip -o addr show dev "$1" scope global | awk '{ print $3, $4 }'
    ip -4 route show dev "$1"
    ip -6 route show dev "$1" | grep '^default\|^2001'
}
network_is() { [ "$(network_of "$1")" = "$2" ] || { network_of "$1"; return 1; }; }
# link_up_in NIC IF NOTICED…: the cable is out until NOTICED succeeds, and in again. IF has the address.
link_up_in() {
    layout_nic=$1 layout_top=$2
    shift 2
    layout_network=$(network_of "$layout_top")
    say "$layout_network"
    mark
    host link nic0 off
    check "cable out" wait_for 20 no_carrier "$layout_nic"
    check "which is noticed" wait_for 30 "$@"
    host link nic0 on
    check "cable in" wait_for 20 carrier "$layout_nic"
    check "the offloads are right" offloads_are "$layout_nic" off
    check "addresses and routes are there" wait_for 30 network_is "$layout_top" "$layout_network"
    check "there is traffic" wait_for 20 traffic
    check_eq "nothing was changed or said" "" "$(said)"
}

# watch_losses, then lost: which addresses and routes were taken away meanwhile.
watch_losses() {
    ip monitor address route >/run/vm/monitored 2>&1 &
    losses_watcher=$!
}
lost() {
    kill "$losses_watcher"
    grep '^Deleted' /run/vm/monitored | grep -e default -e '10\.0\.2\.15/' -e 2001:db8::5
}

# wedge_in NIC IF: a genuine wedge. Then lost.
wedge_in() {
    layout_network=$(network_of "$2")
    mark
    raise "$1"
    watch_losses
    check "wedged" wedge_for_good "$1"
    check "the watcher brings it back" wait_for 20 back "$1"
    metric "hundredths of a second from the first block to traffic" $(($(now) - wedged_at))
    release
    check "addresses and routes are there" wait_for 20 network_is "$2" "$layout_network"
    check "the offloads are off" offloads_are "$1" off
    check "one line says it was wedged" wait_for 5 said_times 1 "$1: wedged after 2 hang blocks (offloads in force), recovery 1: autonegotiation restarted"
    check "one says it is back" wait_for 5 said_times 1 "$1: link up [0-9]*\.[0-9] s after recovery 1"
    check "there is no other" said_times 2 .
}
