#!/bin/sh
# The Ansible collection without a host: what its linters say, whether it can be installed, and how it allots hosts to
# a trial. With hosts: make test-fleet.
set -eu
cd "$(dirname "$0")/.."
work=$PWD/target/ansible
rm -rf "$work"
mkdir -p "$work"
export LC_ALL=C.UTF-8 ANSIBLE_HOME="$work/home" ANSIBLE_COLLECTIONS_PATH="$work/collections" ANSIBLE_NOCOLOR=1 NO_COLOR=1 ANSIBLE_FORKS=2

# Debian's own: with another Python in front its modules are not found.
PATH=/usr/bin:$PATH
# ansible-lint wants newer versions in requires_ansible than Debian 12 has.
(cd packaging/ansible && yamllint --strict . &&
    ansible-lint --offline --profile production -x 'meta-runtime[unsupported-version]')
yamllint --strict -c packaging/ansible/.yamllint tests/ansible
ansible-galaxy collection install ./packaging/ansible -p "$ANSIBLE_COLLECTIONS_PATH" >"$work/log" || { cat "$work/log"; exit 1; }

# Hosts 1 to 40: 20, 11 and 9 of three chips. Each has the arm, if any, that a file has for it.
inventory() {
    for number in $(seq 40); do
        case $number in ?|1?|20) chip=82574L ;; 2?|30|31) chip="I219-LM (7)" ;; *) chip=I217-V ;; esac
        arm=$(sed -n "s/^allotted host$number \([a-z]*\) .*/\1/p" "$1")
        echo "host$number unhang_nics='[{\"chip\": \"$chip\"}]' record='{${arm:+\"arm\": \"$arm\"}}'"
    done
}
# allot HOSTS TRIAL SHARE RECORDS: "allotted HOST ARM of CHIP" for each.
allot() {
    inventory "$4" >"$work/hosts"
    ansible-playbook -i "$work/hosts" -e "{\"chosen\": \"$1\", \"trial\": \"$2\", \"share\": $3}" \
        tests/ansible/allot.yml >"$work/log" 2>&1 || { cat "$work/log" >&2; exit 1; }
    sed -n 's/.*"msg": "\(allotted .*\)".*/\1/p' "$work/log" | sort
}
# counts CHIP FILE: hosts with this chip that get the trial.
counts() { grep -c " trial of $1" "$2" || :; }
passed=0
holds() { # NAME TEST…
    name=$1
    shift
    if test "$@"; then passed=$((passed + 1)); else echo "failed: $name: $*" >&2; exit 1; fi
}

allot all spring 0.5 /dev/null >"$work/spring"
holds "every host has an arm" "$(wc -l <"$work/spring")" = 40
holds "half of each chip" "$(counts 82574L "$work/spring")" = 10
holds "half of an odd number, one way or the other" "$(counts I219 "$work/spring")" -ge 5 -a "$(counts I219 "$work/spring")" -le 6
holds "and of the third chip" "$(counts I217 "$work/spring")" -ge 4 -a "$(counts I217 "$work/spring")" -le 5
allot all autumn 0.5 /dev/null >"$work/autumn"
holds "another trial is another half" "$(cat "$work/spring")" != "$(cat "$work/autumn")"
allot all spring 0.25 /dev/null >"$work/quarter"
holds "a quarter" "$(counts 82574L "$work/quarter")" = 5
allot 'all:!host1*:!host31' spring 0.5 /dev/null >"$work/some"
allot all spring 0.5 "$work/some" >"$work/more"
holds "who has an arm keeps it" "$(comm -23 "$work/some" "$work/more")" = ""
holds "and whoever comes later evens it out" "$(counts 82574L "$work/more")" = 10
allot host40 spring 1 /dev/null >"$work/alone"
holds "a single host with the whole share" "$(counts I217 "$work/alone")" = 1
echo "test result: ok. $passed passed; 0 failed"
