# about: the package goes, and nothing of it stays
# suites: bookworm
# limit: 200
# shellcheck shell=sh

settle
nic=$(nic 1)
check "installed" install_deb
check "offloads are off" offloads_are "$nic" off
check "removed" apt-get -qq -y remove unhang
check "what runs stays as it is" offloads_are "$nic" off
check "no rule is left" [ ! -e /usr/lib/udev/rules.d/85-unhang.rules ]
check "no watcher is left" fails pidof unhang
late=$(host plug late e1000e)
wait_for 20 nic_by_mac "$late"
settle
check "the next NIC is not touched" offloads_are "$(nic_by_mac "$late")" on
check "and udev has nothing to complain of" fails sh -c "journalctl -q -u systemd-udevd -o cat | grep -i unhang"
check "purged" apt-get -qq -y purge unhang
check "installed again" install_deb
check "offloads are off again" offloads_are "$(nic_by_mac "$late")" off
finish
