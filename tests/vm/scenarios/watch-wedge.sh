# about: the genuine wedge: brought back with route and address, within limits, and left alone when told to
# suites: bookworm trixie
# limit: 600
# shellcheck shell=sh

settle
nic=$(nic 1)
check "installed" install_deb
up "$nic"
wait_for 20 carrier "$nic"
check "udev has it started" start_watching "$nic" || exit
pid=$(watcher)

# A server: one static address of each kind, one route.
ip addr add 10.0.2.15/24 dev "$nic"
ip route add default via 10.0.2.2 dev "$nic"
ip -6 addr add 2001:db8::5/64 dev "$nic" nodad
traffic() { busybox ping -c 1 -W 1 10.0.2.2; }
check "there is traffic" wait_for 10 traffic
static="$(ip route show default) $(ip -6 addr show dev "$nic" to 2001:db8::5 | grep -c 2001:db8::5)"
raise "$nic"

# first_block: wedges, and notes when the driver says so. begin: until the second block. On a slow machine the
# transmit watchdog may come before that, the driver resets the adapter, and there is no wedge: then once more.
first_block() {
    begin_hangs=$(hangs) begin_resets=$(resets)
    wedge "$nic" && wait_for 30 more_hangs "$begin_hangs" && begin_at=$(now)
}
begin() {
    for begin_try in 1 2 3 4; do
        first_block && wait_for 12 begin_over || return
        more_hangs $((begin_hangs + 1)) && return
        say "the driver reset the adapter, try $begin_try"
        wait_for 20 back
    done
    return 1
}
begin_over() { more_hangs $((begin_hangs + 1)) || more_resets "$begin_resets"; }
no_reset() { [ "$(resets)" = "$begin_resets" ]; }
back() { transmitting "$nic" && carrier "$nic" && traffic; }
counts() { echo "$(counted wedges) wedges $(counted recoveries) recoveries"; }
quiet() { sleep 32; } # so that the next wedge is another incident

# --- one wedge

mark
check "wedged" begin
check "traffic flows again within 15 s of the first block" wait_for 15 back
metric "seconds from the first block to traffic" "$(($(now) - begin_at))e-2"
check_eq "route and address are still there" "$static" "$(ip route show default) $(ip -6 addr show dev "$nic" to 2001:db8::5 | grep -c 2001:db8::5)"
check "the offloads are off" offloads_are "$nic" off
check "one line says it was wedged" wait_for 5 said_times 1 "$nic: wedged after 2 hang blocks (offloads in force), recovery 1: autonegotiation restarted; rule e1000e-tx-hang; .*; event wedge"
check "one says it is back" wait_for 5 said_times 1 "$nic: link up [0-9]*\.[0-9] s after recovery 1; .*; event wedge"
check "there is no other" said_times 2 .
say "$(said)"
check_eq "counted" "1 wedges 1 recoveries" "$(counts)"

# --- with the offloads on, and a journal that does not read

quiet
mark
mkdir -p /etc/unhang/rules.d
printf '[[rule]]\nname = "look-only"\ndrift = "report"\n[rule.match]\ndriver = "e1000e"\n[rule.offload]\ntso = false\n' >/etc/unhang/rules.d/60-look-only.toml
sleep 1
ethtool -K "$nic" tso on
check "drift is only reported" wait_for 5 said_times 1 "tso still on (left as is by drift = \"report\""
systemctl kill --signal=STOP systemd-journald
check "wedged with the offloads on" begin
check "traffic flows again though the journal does not read" wait_for 15 back
systemctl kill --signal=CONT systemd-journald
check "the offloads were put in force" offloads_are "$nic" off
check "before" wait_for 5 said_times 1 "gso gro already off, tso off (was on); .*; event wedge"
check "and the log says that they were not" wait_for 5 said_times 1 "wedged after 2 hang blocks (offloads not in force), recovery 1: autonegotiation restarted"
check_eq "counted" "2 wedges 2 recoveries" "$(counts)"
say "$(said)"

# --- killed in the middle

quiet
mark
check "wedged" first_block
kill -9 "$(watcher)"
check "traffic flows again though the watcher was killed" wait_for 20 back
no_reset || begin
check "one line says it was wedged" wait_for 15 said_times 1 "wedged after [0-9]* hang blocks (offloads in force), recovery 1: autonegotiation restarted"
check "one says it is back" wait_for 5 said_times 1 "link up [0-9]*\.[0-9] s after recovery 1"
pid=$(watcher)
kill -9 "$pid"
check "killed when it is over, it is started again" wait_for 20 another_watcher "$pid"
sleep 2
check_eq "and nothing is done twice" "3 wedges 3 recoveries" "$(counts)"
check "nor said" said_times 2 .

# --- recover = false

quiet
mark
printf '[[rule]]\nname = "hands-off"\nrecover = false\n[rule.match]\ndriver = "e1000e"\n[rule.offload]\ntso = false\n' >/etc/unhang/rules.d/60-look-only.toml
sleep 1
check "wedged" begin
check "it is said once" wait_for 20 said_times 1 "wedged after 2 hang blocks (offloads in force), left alone: recover = false; rule e1000e-tx-hang, hands-off;"
sleep 6
! no_reset || check "and nothing is done" fails transmitting "$nic"
check "nor said" said_times 1 .
check_eq "it is counted as a wedge" "4 wedges 3 recoveries" "$(counts)"
say "$(said)"
rm -r /etc/unhang/rules.d
check "when the rule goes, it is brought back" wait_for 25 back

# --- what the first rung does not cure

quiet
systemctl stop unhang-watch
rm /run/unhang/watch.json
systemctl start unhang-watch
mark
release
hold "$nic"
send "$nic" 600 &
sender=$!
check "first" wait_for 30 said_times 1 "recovery 1: autonegotiation restarted"
check "second" wait_for 40 said_times 1 "recovery 2: autonegotiation restarted"
check "third" wait_for 60 said_times 1 "recovery 3: PCI function reset"
check "then it is left alone" wait_for 60 said_times 1 "left alone: three recoveries did not help"
sleep 10
check "and stays so" said_times 4 "wedged\|left alone"
check_eq "one wedge" "1 wedges 3 recoveries" "$(counts)"
say "$(said)"
release
kill "$sender"
ethtool -r "$nic"
wait_for 20 back
raise "$nic"

# --- too often

for round in 4 5 6; do
    quiet
    check "recovery $round within the hour" begin
    check "brings it back" wait_for 15 back
done
for round in 1 2; do
    quiet
    mark
    check "once more" begin
    check "the hourly limit holds" wait_for 20 said_times 1 "wedged after 2 hang blocks (offloads in force), left alone: six recoveries within an hour are the limit"
    sleep 6
    check "is said once" said_times 1 .
    ethtool -r "$nic"
    check "by hand it comes back" wait_for 20 back
done
check_eq "six recoveries in all" "6 wedges 6 recoveries" "$(counts)"
release
finish
