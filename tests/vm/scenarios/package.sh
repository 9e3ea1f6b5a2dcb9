# about: installed twice, upgraded with an admin's file and a reverted NIC, in a chroot, on a full and on a read-only disk, removed, purged
# suites: trixie
# nics: e1000e e1000e
# needs: UNHANG_DEB UNHANG_DEB_OLD
# limit: 400
# shellcheck shell=sh

settle
one=$(nic 1) two=$(nic 2)
mine=/etc/unhang/rules.d/60-mine.toml
apt_output=/run/apt-output
apt() { DEBIAN_FRONTEND=noninteractive apt-get -qq -y -o Dpkg::Use-Pty=0 "$@" >$apt_output 2>&1; }
watcher() { systemctl show -p MainPID --value unhang-watch; }
is_version() { [ "$(dpkg-query -W -f '${db:Status-Abbrev} ${Version}' unhang)" = "ii  $1" ] || { dpkg-query -W unhang; return 1; }; }
sound() { [ -z "$(dpkg --audit)" ] || { dpkg --audit; return 1; }; }
says() { grep -q "^unhang: $1" $apt_output || { cat $apt_output; return 1; }; }
new=$(dpkg-deb -f "$DEB" Version)
old=$(dpkg-deb -f "$DEB_OLD" Version)

step "install"
check "the older version" apt install "$DEB_OLD"
check "one line says what was found and done" says "2 NICs: $one 82574L: tso gso gro off; $two 82574L: tso gso gro off$"
check "offloads are off" offloads_are "$one" off
check "the watcher runs" systemctl is-active unhang-watch
check "an ordinary user sees the status" setpriv --reuid 65534 --clear-groups unhang status
check "no manual page, completion or unit is missing" sh -c '! dpkg -V unhang | grep -v /usr/share/'

step "initramfs"
ramfs=/run/ramfs
hook() { DESTDIR=$ramfs /usr/share/initramfs-tools/hooks/unhang; }
# What dracut gives its modules, as far as this one needs it.
module() {
    initdir=$ramfs bash -euc 'inst_simple() { command install -D "$1" "$initdir$1"; }
        inst_rules() { inst_simple "/usr/lib/udev/rules.d/$1"; }
        . /usr/lib/dracut/modules.d/30unhang/module-setup.sh
        check && install' 2>&1
}
# It would put right what the helper is to put right here.
systemctl stop unhang-watch
mkdir -p /etc/unhang/rules.d
ln -s /dev/null /etc/unhang/rules.d/50-masked.toml
for maker in hook module; do
    mkdir $ramfs
    $maker
    check_eq "$maker: nothing unless it is switched on" "" "$(ls $ramfs)"
    touch /etc/unhang/initramfs
    check "$maker: once it is" $maker
    check "$maker: the udev rule is there" [ -e $ramfs/usr/lib/udev/rules.d/85-unhang.rules ]
    check "$maker: the rules are there" [ -s $ramfs/usr/lib/unhang/rules.d/10-e1000e.toml ]
    check_eq "$maker: a mask stays a mask" /dev/null "$(readlink $ramfs/etc/unhang/rules.d/50-masked.toml)"
    ethtool -K "$two" tso on
    mkdir $ramfs/sys
    mount -t sysfs sysfs $ramfs/sys
    check "$maker: the helper needs nothing else" env -i "PATH=$PATH" ACTION=add INTERFACE="$two" ID_NET_DRIVER=e1000e \
        IFINDEX="$(cat "/sys/class/net/$two/ifindex")" chroot $ramfs /usr/lib/udev/unhang
    check "$maker: and does its work" offloads_are "$two" off
    umount $ramfs/sys
    rm -r --one-file-system $ramfs /etc/unhang/initramfs
done
rm -r /etc/unhang
systemctl start unhang-watch

step "upgrade"
mkdir -p /etc/unhang/rules.d
cat >$mine <<END
[[rule]]
name = "mine"
match.path = "$(udevadm info -q property --property ID_PATH --value "/sys/class/net/$one")"
offload.gro = true
END
check "reverted" unhang revert "$two"
check "offloads are on again" offloads_are "$two" on
before=$(sha256sum $mine)
pid=$(watcher)
check "upgraded" apt install "$DEB"
check "it is the new version" is_version "$new"
check_eq "the admin's file is as it was" "$before" "$(sha256sum $mine)"
check_eq "and counts" "tso=off gso=off gro=on" "$(offloads "$one")"
check "the reverted NIC stays so" offloads_are "$two" on
check "and that is said" says "2 NICs: .*$two 82574L: skipped: reverted"
check "the watcher is another process" [ "$(watcher)" != "$pid" ]
check "and runs" wait_for 10 systemctl is-active unhang-watch
check "the same version once more" apt install --reinstall "$DEB"
check "the older one again" apt install --allow-downgrades "$DEB_OLD"
rm $mine
check "all offloads are off again" unhang apply
check "on the reverted NIC too" offloads_are "$two" off

step "in a chroot"
# The same root without /run, /proc and /sys.
mkdir -p /mnt/root
mount --bind / /mnt/root
cp "$DEB" /root/unhang.deb
ethtool -K "$one" tso on
systemctl stop unhang-watch
ethtool -K "$one" tso on
check "installed there" sh -c "chroot /mnt/root dpkg -i /root/unhang.deb >$apt_output 2>&1"
check "without a word of unhang's" fails says ""
check "and without touching a NIC" matches on "$(feature "$one" tso)"
check "nothing is started" fails systemctl is-active unhang-watch
check "removed there" sh -c "chroot /mnt/root dpkg -r unhang >$apt_output 2>&1"
check "without a word either" fails says ""
apt install "$DEB_OLD"
check "installed for real" offloads_are "$one" off

step "read-only disk"
mount -o remount,bind,ro /mnt/root
check "dpkg refuses" fails chroot /mnt/root dpkg -i /root/unhang.deb
umount /mnt/root
check "what was there still is" is_version "$old"
check "dpkg is sound" sound

step "full disk"
free=$(df --output=avail -B1 / | tail -n 1)
fallocate -l "$free" /var/filler
dd if=/dev/zero of=/var/filler2 bs=4k >/dev/null 2>&1
check "dpkg fails" fails dpkg -i "$DEB"
run dpkg -i "$DEB"
rm -f /var/filler /var/filler2
check "dpkg is sound" sound
check "the older version works" unhang status --check
check "then it can be installed" apt install "$DEB"
check "and is" is_version "$new"
check "offloads are off" offloads_are "$one" off

step "remove"
check "removed" apt remove unhang
check "it says that the NICs stay as they are" says "NICs stay as they are until the next boot"
check "they do" offloads_are "$one" off
check "the watcher is gone" fails pidof unhang
check "nothing failed" systemctl is-system-running
late=$(host plug late e1000e)
check "a NIC comes" wait_for 20 nic_by_mac "$late"
settle
check "it is not touched" offloads_are "$(nic_by_mac "$late")" on
check "udev has nothing to complain of" fails sh -c "journalctl -q -b -u systemd-udevd -o cat | grep -i unhang"

step "purge"
check "installed again" apt install "$DEB"
check "reverted" unhang revert
check "offloads are as in the beginning" offloads_are "$one" on
touch /etc/unhang/initramfs
check "purged" apt purge unhang
rm -f /root/unhang.deb
trace=$(find / -xdev -name '*unhang*' -not -path '/var/cache/*' -not -path '/var/lib/apt/*' -not -path '/var/lib/systemd/*' -not -path '/proc/*')
check_eq "no trace on the disk" "" "$trace"
check_eq "nor below /run" "" "$(find /run -xdev -path '*unhang*' -not -path '/run/vm/*' -not -path '/run/systemd/*' -not -path '/run/udev/*')"
check "dpkg has forgotten it" fails dpkg-query -W unhang
finish
