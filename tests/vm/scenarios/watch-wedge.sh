# about: the genuine wedge: brought back with route and address, within limits, and left alone when told to
# suites: trixie
# limit: 600
# shellcheck shell=sh

settle
nic=$(nic 1)
install_and_watch "$nic"
pid=$(watcher)

check "there is traffic" server "$nic"
static=$(static_network "$nic")
raise "$nic"

# --- one wedge

mark
check "wedged" wedge_for_good "$nic"
check "traffic flows again" wait_for 15 back "$nic"
# shellcheck disable=SC2154 # first_block sets it
took=$(($(now) - wedged_at))
metric "hundredths of a second from the first block to traffic" $took
check "within 15 s of the first block" [ $took -le $((1500 * PATIENCE)) ]
check_eq "route and address are still there" "$static" "$(static_network "$nic")"
check "the offloads are off" offloads_are "$nic" off
check "one line says it was wedged" wait_for 5 said_times 1 "$nic: wedged after 2 hang blocks (offloads in force), recovery 1: autonegotiation restarted; rule e1000e-tx-hang; .*; event wedge"
check "one says it is back" wait_for 5 said_times 1 "$nic: link up [0-9]*\.[0-9] s after recovery 1; .*; event wedge"
check "there is no other" said_times 2 .
say "$(said)"
check_eq "counted" "1 wedges 1 recoveries" "$(wedges)"
check "status says so" matches '*watched: link up at *, 1 wedge, 1 recovery tried*' "$(unhang status)"
# shellcheck disable=SC2154 # wedge_for_good sets it: each try before was an incident of its own
check_eq "one incident" "$wedged_try" "$(unhang status --json | sed -n 's/^ *"incidents": \([0-9]*\).*/\1/p')"

# --- with the offloads on, and a journal that does not read

another_incident
mark
mkdir -p /etc/unhang/rules.d
printf '[[rule]]\nname = "look-only"\ndrift = "report"\n[rule.match]\ndriver = "e1000e"\n[rule.offload]\ntso = false\n' >/etc/unhang/rules.d/60-look-only.toml
sleep 1
ethtool -K "$nic" tso on
check "drift is only reported" wait_for 5 said_times 1 "tso still on (left as is by drift = \"report\""
systemctl kill --signal=STOP systemd-journald
check "wedged with the offloads on" wedge_for_good "$nic"
check "traffic flows again though the journal does not read" wait_for 15 back "$nic"
systemctl kill --signal=CONT systemd-journald
check "the offloads were put in force" offloads_are "$nic" off
check "before" wait_for 5 said_times 1 "gso gro already off, tso off (was on); .*; event wedge"
check "and the log says that they were not" wait_for 5 said_times 1 "wedged after 2 hang blocks (offloads not in force), recovery 1: autonegotiation restarted"
check_eq "counted" "2 wedges 2 recoveries" "$(wedges)"
say "$(said)"

# --- killed in the middle

another_incident
mark
check "wedged" first_block "$nic"
kill -9 "$(watcher)"
check "traffic flows again though the watcher was killed" wait_for 20 back "$nic"
no_reset || wedge_for_good "$nic"
check "one line says it was wedged" wait_for 15 said_times 1 "wedged after [0-9]* hang blocks (offloads in force), recovery 1: autonegotiation restarted"
check "one says it is back" wait_for 5 said_times 1 "link up [0-9]*\.[0-9] s after recovery 1"
pid=$(watcher)
kill -9 "$pid"
check "killed when it is over, it is started again" wait_for 20 another_watcher "$pid"
sleep 2
check_eq "and nothing is done twice" "3 wedges 3 recoveries" "$(wedges)"
check "nor said" said_times 2 .

# --- recover = false

another_incident
mark
printf '[[rule]]\nname = "hands-off"\nrecover = false\n[rule.match]\ndriver = "e1000e"\n[rule.offload]\ntso = false\n' >/etc/unhang/rules.d/60-look-only.toml
sleep 1
check "wedged" wedge_for_good "$nic"
check "it is said once" wait_for 20 said_times 1 "wedged after 2 hang blocks (offloads in force), left alone: recover = false; rule e1000e-tx-hang, hands-off;"
sleep 6
! no_reset || check "and nothing is done" fails transmitting "$nic"
check "nor said" said_times 1 .
check_eq "it is counted as a wedge" "4 wedges 3 recoveries" "$(wedges)"
say "$(said)"
rm -r /etc/unhang/rules.d
check "when the rule goes, it is brought back" wait_for 25 back "$nic"
release
finish
