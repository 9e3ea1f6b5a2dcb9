# about: ten wedges, one that comes back: three recoveries, the last by PCI reset, six within an hour, then it is left alone
# suites: trixie
# limit: 600
# shellcheck shell=sh

settle
nic=$(nic 1)
install_and_watch "$nic"
check "there is traffic" server "$nic"
static=$(static_network "$nic")

# --- what the first rung does not cure

mark
hold "$nic"
send "$nic" 600 &
sender=$!
check "first" wait_for 30 said_times 1 "recovery 1: autonegotiation restarted"
check "second" wait_for 40 said_times 1 "recovery 2: autonegotiation restarted"
check "third" wait_for 60 said_times 1 "recovery 3: PCI function reset"
check "then it is left alone" wait_for 60 said_times 1 "left alone: three recoveries did not help"
sleep 10
check "and stays so" said_times 4 "wedged\|storm\|left alone"
check_eq "one wedge" "1 wedges 3 recoveries" "$(wedges)"
say "$(said)"
release
kill "$sender"
ethtool -r "$nic"
wait_for 20 back "$nic"
check_eq "route and address are still there" "$static" "$(static_network "$nic")"
raise "$nic"

# --- too often

for round in 4 5 6; do
    another_incident
    check "recovery $round within the hour" wedge_for_good "$nic"
    check "brings it back" wait_for 15 back "$nic"
done
for round in 1 2; do
    another_incident
    mark
    check "once more" wedge_for_good "$nic"
    check "the hourly limit holds" wait_for 20 said_times 1 "wedged after 2 hang blocks (offloads in force), left alone: six recoveries within an hour are the limit"
    sleep 6
    check "is said once" said_times 1 .
    ethtool -r "$nic"
    check "by hand it comes back" wait_for 20 back "$nic"
done
check_eq "six recoveries in all" "6 wedges 6 recoveries" "$(wedges)"
# So soon after each other they may count as one incident, or not.
for round in 7 8 9 10; do
    check "wedge $round of ten" wedge_for_good "$nic"
    sleep 1
    check_eq "is left alone too" 6 "$(counted recoveries)"
    ethtool -r "$nic"
    check "by hand it comes back" wait_for 20 back "$nic"
done
release
finish
