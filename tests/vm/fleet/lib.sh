# shellcheck shell=sh
# What a script on the host has besides ../lib.sh. GUESTS has NAME and three ports of each, as in ../fleet.rs guest.
ROOT=$(cd "$LIB/../.." && pwd)

port() { # GUEST NUMBER
    echo "$GUESTS" | tr ' ' '\n' | sed -n "s/^$1:/:/p" | cut -d: -f$(($2 + 1))
}
# at GUEST COMMAND…: in the guest, with the words of ../lib.sh; what it would tell the host goes nowhere.
at() {
    at_guest=$1
    shift
    ssh -n -q -p "$(port "$at_guest" 1)" -i "$RUN/key" -o BatchMode=yes -o UserKnownHostsFile="$RUN/known_hosts" \
        -o StrictHostKeyChecking=accept-new -o ControlMaster=auto -o ControlPath="/tmp/fleet-%C" -o ControlPersist=60 \
        root@127.0.0.1 "exec 3>/dev/null; . /run/vm/env; . /run/vm/lib.sh; $*"
}

# What is done at the end, so that guests end too.
# shellcheck disable=SC2016 # later
end='for guest in $GUESTS; do at "${guest%%:*}" touch /run/over; done'
# shellcheck disable=SC2064
trap "$end" EXIT

# The collection, as an owner installs it, and an inventory of all guests.
export LC_ALL=C.UTF-8 ANSIBLE_HOME="$RUN/ansible" ANSIBLE_COLLECTIONS_PATH="$RUN/collections" ANSIBLE_PIPELINING=1 ANSIBLE_NOCOLOR=1 \
    ANSIBLE_LOCALHOST_WARNING=0 ANSIBLE_DEPRECATION_WARNINGS=0 ANSIBLE_HOST_KEY_CHECKING=0 ANSIBLE_TIMEOUT=120 \
    ANSIBLE_SSH_CONTROL_PATH_DIR="$RUN/cp" ANSIBLE_PYTHON_INTERPRETER=/usr/bin/python3 ANSIBLE_FORCE_COLOR=0
install_collection() {
    ansible-galaxy collection install "$ROOT/packaging/ansible" -p "$ANSIBLE_COLLECTIONS_PATH"
}
for guest in $GUESTS; do
    name=${guest%%:*}
    echo "$name ansible_host=127.0.0.1 ansible_port=$(port "$name" 1) ansible_user=root ansible_ssh_private_key_file=$RUN/key"
done >"$RUN/inventory"
cat >"$RUN/site.yml" <<'END'
- hosts: all
  gather_facts: false
  roles: [unhang.fleet.unhang]
- hosts: all
  gather_facts: false
  tasks:
    - ansible.builtin.debug:
        msg: "groups of {{ inventory_hostname }}: {{ group_names | join(' ') }}"
END
# vars: what stands on stdin, as variables for the role.
vars() { cat >"$RUN/vars.yml"; }
# roll_out [OPTION…]: what it printed is in $RUN/rolled.
roll_out() {
    ansible-playbook -i "$RUN/inventory" -e "@$RUN/vars.yml" "$@" "$RUN/site.yml" >"$RUN/rolled" 2>&1
    rolled_status=$?
    sed -n '/^PLAY RECAP/,$p' "$RUN/rolled"
    [ $rolled_status = 0 ] || grep -A30 '^fatal\|^failed' "$RUN/rolled" | head -60
    return $rolled_status
}
# recap GUEST KEY: a number of the last lines, such as changed.
recap() { sed -n "s/^$1 .* *$2=\([0-9]*\).*/\1/p" "$RUN/rolled" | tail -n 1; }
