# about: the Ansible role over ssh: two hosts from nothing to in force, a second time, where it must fail, a trial, and back to nothing
# suites: bookworm trixie
# extra: openssh-server python3 python3-apt prometheus-node-exporter
# needs: UNHANG_DEB
# limit: 5400
# shellcheck shell=sh disable=SC2016

old=host-1 new=host-2
both="$old $new"
# Files beside what the machine itself writes.
files() {
    at "$1" 'find /etc /usr /opt /root /var/lib /var/cache -xdev ! -path "/var/lib/dpkg*" ! -path "/var/lib/apt*" \
        ! -path "/var/cache/apt*" ! -path "/var/cache/debconf*" ! -path "/var/cache/ldconfig*" ! -path "/root/.ansible*" \
        ! -path "/var/lib/systemd*" ! -path "/var/lib/prometheus/*" ! -name "*.pyc" ! -name __pycache__ | sort'
}
same_files() { files "$1" | diff "$RUN/files.$1" -; }
on_each() { for host in $both; do at "$host" "$@" || { echo "on $host"; return 1; }; done; }
changed_is() { for host in $both; do [ "$(recap "$host" changed)" = "$1" ] || { recap "$host" changed; return 1; }; done; }
said() { grep -q -e "$1" "$RUN/rolled" || { tail -n 30 "$RUN/rolled"; return 1; }; }
# vars, and those of all rounds
rules() {
    vars <<END
unhang_package: $UNHANG_DEB
unhang_metrics: true
unhang_rules: {60-mine: "[[rule]]\nname = 'mine'\nmatch.driver = 'e1000e'\noffload.${1:-rx} = ${2:-true}\n"}
unhang_hooks: {10-note: "#!/bin/sh\necho \$UNHANG_EVENT >>/run/noted\n"}
$3
END
}

step "1. The collection, and two hosts that have nothing"
check "it can be installed" install_collection
for host in $both; do files "$host" >"$RUN/files.$host"; done
rules rx true ""
check "check mode succeeds" roll_out --check --diff
check "it shows what it would write" said "+match.driver = 'e1000e'"
for host in $both; do check "nothing is changed on $host" same_files "$host"; done

step "2. Rolled out"
run roll_out
check "without a failure" [ $? = 0 ]
in_force='offloads_are "$(nic 1)" off'
check "tso, gso, gro are off" on_each "$in_force"
check "unhang says so" on_each unhang status --check
check "the rule is there" on_each 'unhang explain "$(nic 1)" | grep -q 60-mine.toml'
check "the hook is" on_each '[ -x /etc/unhang/notify.d/10-note ] && unhang notify --test && grep -q test /run/noted'
check "metrics are written" on_each wait_for 120 test -s /var/lib/prometheus/node-exporter/unhang.prom
check "hosts are grouped by chip" said "groups of $new: .*unhang_82574L"
check "handlers ran" said "RUNNING HANDLER .*Apply the rules"

step "3. Once more"
check "it succeeds" roll_out
check "nothing is changed" changed_is 0

step "4. A trial over both, and another text of the rule"
trial="unhang_trial: {name: spring, setting: tso=on, days: 30, share: 0.5}"
rules rx true "$trial"
check "it begins" roll_out
arm() { at "$1" "sed -n 's/.*\"arm\": \"\(.*\)\".*/\1/p' /etc/ansible/facts.d/unhang_trial.fact"; }
check_eq "one host gets it and one does not" "control trial" "$(for host in $both; do arm "$host"; done | sort | xargs)"
for host in $both; do
    case $(arm "$host") in
    trial) check "$host: it is running" at "$host" 'unhang status | grep "trial: tso on, day 0.0 of 30.0"' ;;
    *)
        check "$host: it is not" at "$host" '! unhang status | grep trial'
        check "$host: its log says what it is for" at "$host" 'journalctl -t unhang -o cat | grep "trial tso on control (30.0 days); no rule"'
        ;;
    esac
done
check "once more" roll_out
check "nothing is changed" changed_is 0
for host in $both; do at "$host" unhang report --json >"$RUN/$host.json"; done
dpkg-deb -x "$UNHANG_DEB" "$RUN/here"
both_reports() { "$RUN/here/usr/bin/unhang" report "$RUN/$old.json" "$RUN/$new.json"; }
run both_reports
check "the report over both knows the arms" matches "*Trial of tso on by lot: NICs that hung with it, 0 of 1 in*; without it, 0 of 1 in*" "$(both_reports | tr -s '\n ' ' ')"
rules tx true ""
check "without it" roll_out --diff
check "the trial has ended" on_each "$in_force && [ ! -e /etc/ansible/facts.d/unhang_trial.fact ]"
check "the diff has the rule" said "^+offload.tx = true"

step "5. Where it must fail"
rules rxx true ""
check "a rule file with a mistake" fails roll_out
check "in unhang's words" said "60-mine:"
check "with what to write instead" said "did you mean"
check "and is not written" on_each grep -q offload.tx /etc/unhang/rules.d/60-mine.toml
rules tx true ""
at "$old" 'unhang revert'
check "a host whose NIC somebody reverted" fails roll_out
check "in unhang's words, too" said "NOT in force (reverted)"
check_eq "and only that one" "1 0" "$(recap "$old" failed) $(recap "$new" failed)"

step "6. Removed"
rules tx true "unhang_state: absent"
run roll_out
check "without a failure" [ $? = 0 ]
for host in $both; do check "nothing is left on $host" same_files "$host"; done
check "the offloads are on again" on_each "${in_force% off} on"
check "once more" roll_out
check "nothing is changed" changed_is 0
finish
