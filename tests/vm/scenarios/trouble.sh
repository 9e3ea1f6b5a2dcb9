# about: a journal that does not read, a held rtnl lock, no syslog: the NIC is right, and nothing waits for ever
# suites: bookworm
# limit: 300
# shellcheck shell=sh

settle
check "installed" install_deb
systemctl stop unhang-watch
systemctl mask --now unhang-watch >/dev/null 2>&1
settle

# How long udev takes for one NIC, without us and with us while journald does not read.
cycle() {
    cycle_mac=$(host plug late e1000e)
    wait_for 30 nic_by_mac "$cycle_mac"
    cycle_start=$(now)
    udevadm settle --timeout=60
    cycle_took=$(($(now) - cycle_start))
}
gone() { host unplug late && wait_for 20 fails nic_by_mac "$cycle_mac"; }

mv /usr/lib/udev/rules.d/85-unhang.rules /root
udevadm control --reload
cycle
without=$cycle_took
gone
mv /root/85-unhang.rules /usr/lib/udev/rules.d
udevadm control --reload
settle

systemctl kill --signal=STOP systemd-journald
cycle
check "the NIC is right while journald is stopped" offloads_are "$(nic_by_mac "$cycle_mac")" off
check "udev settled in time ($cycle_took against $without hundredths)" [ "$cycle_took" -le $((without + 200)) ]
gone
systemctl kill --signal=CONT systemd-journald
check "what was said then is in the journal" wait_for 20 sh -c "journalctl -q -t unhang -o cat | grep -q 'event add'"

# A full socket: nobody reads, and the queue is full.
systemctl kill --signal=STOP systemd-journald
fill() {
    python3 -c '
import socket
def filler():
    to = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    to.setblocking(False)
    to.connect("/run/systemd/journal/dev-log")
    return to
# A sender has a limit of its own; the queue is full when a new one can send nothing.
sent = 1
senders = []
while sent:
    sent = 0
    senders.append(filler())
    try:
        while True:
            senders[-1].send(b"<14>filler: " + b"x" * 100)
            sent += 1
    except BlockingIOError:
        pass
'
}
check "the syslog socket is full" fill
cycle
check "the NIC is right with a full syslog socket" offloads_are "$(nic_by_mac "$cycle_mac")" off
check "udev settled in time" [ "$cycle_took" -le $((without + 200)) ]
check "the line went to the kernel's log" sh -c "dmesg | grep -q 'unhang\[[0-9]*\]: .*tso gso gro off (were on).*event add'"
gone
systemctl kill --signal=CONT systemd-journald

# Without any syslog socket.
nic=$(nic 1)
ethtool -K "$nic" tso on
mv /dev/log /dev/log.away
check "apply without syslog" unhang apply "$nic"
mv /dev/log.away /dev/log
check "it is told in the kernel's log" sh -c "dmesg | grep -q '$nic: tso off (was on), gso gro already off.*event manual'"

# The self-test of e1000e holds the kernel's network lock for seconds.
ip link set "$nic" up
wait_for 20 carrier "$nic"
ethtool -K "$nic" tso on
ethtool -t "$nic" offline >/run/selftest 2>&1 &
selftest=$!
wait_for 10 sh -c "dmesg | grep -q '$nic: offline testing starting'"
IFINDEX=$(cat "/sys/class/net/$nic/ifindex")
export ACTION=add INTERFACE="$nic" IFINDEX ID_NET_DRIVER=e1000e
before=$(now)
/usr/lib/udev/unhang
status=$?
took=$(($(now) - before))
wait $selftest
say "with the lock held the helper ended with $status after $took hundredths"
check "the helper waited for the lock and then did it" offloads_are "$nic" off
[ "$took" -lt 1000 ] ||
    check "and said that it was late" sh -c "journalctl -q -t unhang -p warning -o cat | grep -q 'answered after .* s only.*rtnl'"
finish
