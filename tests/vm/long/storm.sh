# about: hang, reset by the driver, hang again: a storm takes the ladder, within its limits
# suites: trixie
# needs: UNHANG_DEB
# limit: 300
# shellcheck shell=sh

settle
nic=$(nic 1)
install_and_watch "$nic"
check "there is traffic" server "$nic"
static=$(static_network "$nic")

# One turn: a block, and nothing more until the driver itself resets the adapter.
turn() {
    turn_resets=$(resets)
    wedge_irq "$nic" && wait_for 20 more_resets "$turn_resets" && wait_for 20 back "$nic"
}

mark
check "the first hang is the driver's to mend" turn
check "the second, too" turn
check "nothing is said" said_times 0 .
wedge_irq "$nic"
check "the third is a storm" wait_for 10 said_times 1 "$nic: storm of 3 hangs within [0-9]* s (offloads in force), recovery 1: autonegotiation restarted; rule e1000e-tx-hang; .*; event wedge"
check "traffic flows again" wait_for 15 back "$nic"
check "one line says it is back" wait_for 5 said_times 1 "link up [0-9]*\.[0-9] s after recovery 1"
check "there is no other" said_times 2 .
check_eq "route and address are still there" "$static" "$(static_network "$nic")"
check_eq "counted" "1 wedges 1 recoveries" "$(wedges)"
sleep 7 # the pause after a recovery
wedge_irq "$nic"
check "if it goes on, so does the ladder" wait_for 20 said_times 1 "storm of 4 hangs within [0-9]* s (offloads in force), recovery 2: autonegotiation restarted"
wait_for 20 back "$nic"
say "$(said)"
another_incident
mark
check "half a minute later a hang is the driver's again" turn
check "nothing is said" said_times 0 .
finish
