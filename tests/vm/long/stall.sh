# about: packets wait, the NIC transmits nothing and its driver says nothing: said once where a rule asks for it, and nobody looks where none does
# suites: trixie
# nics: none
# extra: testnic.ko
# needs: UNHANG_DEB
# limit: 400
# shellcheck shell=sh

settle
mkdir -p /etc/unhang/notify.d /etc/unhang/rules.d
cat >/etc/unhang/notify.d/30-notes <<'END'
#!/bin/sh
echo "$UNHANG_EVENT $UNHANG_INTERFACE" >>/run/vm/events
END
chmod +x /etc/unhang/notify.d/30-notes
check "the NIC is there" testnic
nic=$(nic 1)
install_and_watch "$nic"
pid=$(watcher)

waits() { tc -s qdisc show dev "$nic" root | grep -q 'backlog [0-9]*b [1-9]'; }
stall() { hang "$nic" silent; send "$nic" 5; wait_for 10 waits; }
goes_on() { hang "$nic" none; wait_for 10 fails waits; }
# The time-out of 10 s, two looks, and more.
LONG=25

# --- without a rule

sleep 5
mark
resets=$(setting "$nic" -S resets)
woken=$(wakeups "$pid")
check "packets wait" stall
sleep $LONG
check "they still do" waits
check_eq "nobody has looked" 0 $(($(wakeups "$pid") - woken))
check_eq "nor said anything" "" "$(said)"
check "it goes on" goes_on

# --- with one

printf '[[rule]]\nname = "stalls"\nstall = "report"\n[rule.match]\ndriver = "e1000e"\n[rule.offload]\ntso = false\n' >/etc/unhang/rules.d/60-stalls.toml
sleep 2
woken=$(wakeups "$pid")
sleep $LONG
looks=$(($(wakeups "$pid") - woken))
metric "wakeups in $LONG s with such a rule" $looks
check "now it looks" [ $looks -gt 0 ]
check_eq "an idle NIC is none" "" "$(said)"
check "packets wait" stall
check "one line says so" wait_for 40 said_times 1 "^$nic: stalled: nothing transmitted for [0-9]* s while [0-9]* packets wait; rule e1000e-tx-hang, stalls; .*; event stall$"
check "the hook hears of it" wait_for 30 grep -qx "stalled $nic" /run/vm/events
sleep $LONG
check "they still wait" waits
check_eq "it was one event" "stalled $nic" "$(cat /run/vm/events)"
check "and one line, beside the hook's" said_times 2 .
check_eq "nothing was done" "$resets 0" "$(setting "$nic" -S resets) $(drops "$nic")"
check "it goes on" goes_on
sleep 6 # a look
check "another one" stall
check "is said, too" wait_for 40 said_times 2 "^$nic: stalled: nothing transmitted for"
check "it goes on" goes_on
say "$(said)"

# --- what is none

mark
cable "$nic" off
send "$nic" 5
sleep $LONG
check "without a cable nothing waits" fails waits
check_eq "and nothing is said" "" "$(said)"
rm /etc/unhang/rules.d/60-stalls.toml
sleep 7
woken=$(wakeups "$pid")
sleep $LONG
check_eq "when the rule goes, so do the looks" 0 $(($(wakeups "$pid") - woken))
finish
