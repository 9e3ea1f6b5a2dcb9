# about: installed on a running system, then from the first moment after a reboot
# suites: bookworm trixie
# nics: e1000e e1000
# limit: 240
# shellcheck shell=sh

settle
nic=$(nic 1)
neighbour=$(nic 2)
one_line() { [ "$(journal_lines "$@" -p info | grep -c "^$nic: ")" = 1 ]; }

case $STAGE in
1)
    check "offloads are on before" offloads_are "$nic" on
    neighbour_before=$(ethtool -k "$neighbour")
    check "installed" install_deb
    check "offloads are off at once" offloads_are "$nic" off
    check "TSO over IPv6 too" matches off "$(feature "$nic" tx-tcp6-segmentation)"
    check_eq "the neighbour is as it was" "$neighbour_before" "$(ethtool -k "$neighbour")"
    check "one log line" wait_for 10 one_line
    expected="$nic: tso gso gro off (were on); rule e1000e-tx-hang; e1000e 8086:10d3 82574L; event manual"
    check_eq "it says what was done" "$expected" "$(journal_lines -p info)"
    check "nothing failed" systemctl is-system-running
    reboot
    ;;
2)
    check "offloads are off after boot" offloads_are "$nic" off
    check "the neighbour's are on" matches on "$(feature "$neighbour" gso)"
    check "one log line" wait_for 10 one_line -b
    check_eq "from udev's event" "$nic: tso gso gro off (were on); rule e1000e-tx-hang; e1000e 8086:10d3 82574L; event add" "$(journal_lines -b -p info)"
    check "status says so" matches "*$nic *e1000e *8086:10d3 *82574L *e1000e-tx-hang *tso gso gro off *in force*" "$(unhang status)"
    check "status --check agrees" unhang status --check
    say "$(unhang status)"
    ethtool -K "$nic" rxvlan off
    finish
    ;;
esac
