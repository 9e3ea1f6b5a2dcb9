# shellcheck shell=sh
# A guest of a fleet: lets the host in by ssh, and waits. KEY is whom it lets in.
settle
mkdir -p /root/.ssh
chmod 700 /root/.ssh
echo "$KEY" >/root/.ssh/authorized_keys
host_nic=$(nic_by_mac 52:54:00:bb:00:01)
ip addr add 10.0.3.15/24 dev "$host_nic"
up "$host_nic"
up "$(nic 1)"
check "sshd" wait_for 60 systemctl -q is-active ssh && say up
until [ -e /run/over ]; do sleep 1; done
finish
