# about: hooks are told each event once, also when one fails, hangs, floods its output, or the watcher is killed
# suites: trixie
# needs: UNHANG_DEB
# limit: 600
# shellcheck shell=sh

settle
nic=$(nic 1)
hook() { # NAME, its text on stdin
    cat >"/etc/unhang/notify.d/$1"
    chmod +x "/etc/unhang/notify.d/$1"
}
mkdir -p /etc/unhang/notify.d
hook 10-fails <<'END'
#!/bin/sh
echo "$UNHANG_EVENT" >>/run/vm/fails
echo "this went wrong" >&2
exit 3
END
hook 20-floods <<'END'
#!/bin/sh
echo "$UNHANG_EVENT" >>/run/vm/floods
exec yes "many words that nobody needs, again and again and again"
END
hook 30-notes <<'END'
#!/bin/sh
echo "$UNHANG_EVENT $UNHANG_INTERFACE" >>/run/vm/events
cat >>/run/vm/json
END
install_and_watch "$nic"
check "there is traffic" server "$nic"
exposure=$(systemd-analyze security unhang-watch.service --no-pager | sed -n 's/.*Overall exposure level for [^ ]* \([0-9.]*\) .*/\1/p')
metric "exposure of the watcher" "$exposure"
check "it is 1.4 at most" awk "BEGIN { exit !($exposure <= 1.4) }"
check_eq "what looks at the queue is there" active "$(systemctl is-active unhang-notify.path)"
check "it is tried by hand" fails sh -c "timeout 100 unhang notify --test >/dev/null 2>&1"
check_eq "also those after a bad one are called" "test " "$(cat /run/vm/events)"
rm /run/vm/fails /run/vm/floods /run/vm/events /run/vm/json

told_all() { [ "$(cat /run/vm/events 2>/dev/null)" = "$1" ] && systemctl is-active unhang-notify.service | grep -q inactive; }

# --- a wedge, the watcher killed at once when the NIC is back

raise "$nic"
mark
check "wedged" wedge_for_good "$nic"
wait_for 30 back "$nic"
kill -9 "$(watcher)"
release
check "all hooks are told that it is back" wait_for 90 told_all "recovered $nic"
sleep 2
check_eq "the one that fails once" recovered "$(cat /run/vm/fails)"
check_eq "the one that floods once" recovered "$(cat /run/vm/floods)"
check "the JSON says how long it was gone" grep -q '"event":"recovered".*"gone_s":[0-9]' /run/vm/json
say "$(cat /run/vm/json)"
check "the log says what each did" said_times 1 "hook 10-fails for recovered of $nic: failed: exit status: 3"
check "and" said_times 1 "hook 20-floods for recovered of $nic: failed: killed after 30 s"
check "and" said_times 1 "hook 30-notes for recovered of $nic: done"
flood=$(journalctl -q -t unhang-hook -o cat | wc -c)
metric "bytes of the flood that the journal kept" "$flood"
check "the flood is dammed" [ "$flood" -lt 1000000 ]
check "what the failing one said is there" sh -c "journalctl -q -t unhang-hook -o cat | grep -q 'this went wrong'"

# --- the loop guard, while the hooks are busy

rm /etc/unhang/notify.d/10-fails
hook 20-floods <<'END'
#!/bin/sh
exec sleep infinity
END
: >/run/vm/events
wait_for 20 watching
for _ in 1 2 3 4; do
    ethtool -K "$nic" tso on
    sleep 1
done
check "loop guard" wait_for 20 said_times 1 "tso still on (left as is after 3 put-backs"
mkdir -p /etc/unhang/rules.d
printf '[[rule]]\nname = "fixed"\n[rule.match]\ndriver = "e1000e"\n[rule.offload]\ntx-tcp-ecn-segmentation = true\n' >/etc/unhang/rules.d/60-fixed.toml
check "both, in order, though one takes its half minute" wait_for 150 told_all "loop-guard $nic
not-in-force $nic"
rm -r /etc/unhang/rules.d
systemctl kill -s HUP unhang-watch

# --- a NIC that can't be brought back, and whoever calls the hooks is killed

hook 20-floods <<'END'
#!/bin/sh
kill -9 $PPID
END
: >/run/vm/events
another_incident
hold "$nic"
send "$nic" 600 &
check "left alone" wait_for 150 said_times 1 "left alone: three recoveries did not help"
check "the next one is told though whoever calls them was killed" wait_for 90 told_all "exhausted $nic"
sleep 5
check "once" told_all "exhausted $nic"
release
check_eq "nothing waits" "" "$(ls /run/unhang/notify)"
say "$(said)"
finish
