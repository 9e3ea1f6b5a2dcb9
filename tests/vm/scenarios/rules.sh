# about: the admin's rules: overriding, broken, for another driver; and the log when things go wrong
# suites: trixie
# nics: e1000e e1000
# limit: 300
# shellcheck shell=sh

settle
nic=$(nic 1)
neighbour=$(nic 2)
check "installed" install_deb
again() { # brings the NIC back as a new one and waits for it
    device=$(basename "$(readlink -f "/sys/class/net/$(nic 1)/device")")
    echo "$device" >/sys/bus/pci/drivers/e1000e/unbind
    echo "$device" >/sys/bus/pci/drivers/e1000e/bind
    wait_for 20 nic 1
    settle
}
mkdir -p /etc/unhang/rules.d

cat >/etc/unhang/rules.d/60-mine.toml <<'EOF'
[[rule]]
name = "keep-gro"
[rule.match]
driver = "e1000e"
[rule.offload]
gro = true
EOF
again
check_eq "a later rule wins per feature" "tso=off gso=off gro=on" "$(offloads "$nic")"

echo '[[rule' >/etc/unhang/rules.d/50-broken.toml
again
check_eq "a broken file among good ones stops none" "tso=off gso=off gro=on" "$(offloads "$nic")"
check "and is named with its place" wait_for 10 sh -c "journalctl -q -t unhang -p warning -o cat | grep -q '/etc/unhang/rules.d/50-broken.toml:1:'"
check "check says the same" fails unhang check
rm /etc/unhang/rules.d/50-broken.toml

chmod 666 /etc/unhang/rules.d/60-mine.toml
again
check "a world-writable file is refused" wait_for 10 offloads_are "$nic" off
check "with the reason" wait_for 10 sh -c "journalctl -q -t unhang -p warning -o cat | grep -q 'it is world-writable'"
rm /etc/unhang/rules.d/60-mine.toml

ln -s /dev/null /etc/unhang/rules.d/10-e1000e.toml
systemctl stop unhang-watch
again
check_eq "the shipped file is masked" "tso=on gso=on gro=on" "$(offloads "$nic")"
rm /etc/unhang/rules.d/10-e1000e.toml

# Another driver: the line that check prints makes udev call the helper for it.
cat >/etc/unhang/rules.d/70-e1000.toml <<'EOF'
[[rule]]
name = "old-card"
[rule.match]
driver = "e1000"
[rule.offload]
gso = false
EOF
unhang check >/run/vm/checked
sed -n 's/.*\(ACTION==.*\)/\1/p' /run/vm/checked >/etc/udev/rules.d/85-unhang-local.rules
show /etc/udev/rules.d/85-unhang-local.rules
check "check is content now" unhang check
udevadm control --reload
device=$(basename "$(readlink -f "/sys/class/net/$neighbour/device")")
echo "$device" >/sys/bus/pci/drivers/e1000/unbind
echo "$device" >/sys/bus/pci/drivers/e1000/bind
wait_for 20 nic 2
settle
check_eq "the other driver's NIC is handled" off "$(feature "$(nic 2)" gso)"
check "its tso was left alone" matches on "$(feature "$(nic 2)" tso)"
rm /etc/udev/rules.d/85-unhang-local.rules /etc/unhang/rules.d/70-e1000.toml
udevadm control --reload

# An ordinary user may look and not change.
as_nobody() { setpriv --reuid 65534 --regid 65534 --clear-groups "$@"; }
check "status works for everybody" as_nobody unhang status
check "so does explain" as_nobody unhang explain "$nic"
systemctl stop unhang-watch
ethtool -K "$nic" tso on
as_nobody unhang apply "$nic" >/run/said 2>&1
check_eq "apply does not" 1 $?
check "and says why" grep -q 'needs root' /run/said
unhang apply nosuch0 >/run/said 2>&1
check_eq "no such NIC is 4" 4 $?
check "and says which there are" grep -q "$nic" /run/said
check "apply puts it right" unhang apply "$nic"
check "it is right" offloads_are "$nic" off
finish
