#!/bin/sh
# Makes the guest that the virtual-machine tests boot: a Debian root with real systemd and udev, its kernel, and a
# small initrd that finds the disk. Nothing of unhang is in it.
#
#   image.sh SUITE OUTDIR        prints the directory that holds root.ext4, vmlinuz and initrd
#
# SUITE is bookworm, bookworm-6.12 (the same root under the newer kernel), trixie or forky.
# UNHANG_VM_EXTRA="ifupdown2 testnic.ko …" adds packages, and modules of module/ for the guest's kernels; such an image
# has a directory of its own.
# UNHANG_VM_MIRROR replaces http://deb.debian.org.
# An image is made once, and again when this script or a module in it changes. UNHANG_VM_REBUILD=1 makes it anew.
set -eu
# An ordinary user's has no mkfs.ext4.
PATH=$PATH:/usr/sbin:/sbin

say() { printf 'image %s: %s\n' "$name" "$*" >&2; }
die() { say "$*"; exit 1; }

[ $# = 2 ] || { echo "usage: image.sh SUITE OUTDIR" >&2; exit 2; }
suite=$1 outdir=$2
extra=${UNHANG_VM_EXTRA:-}
mirror=${UNHANG_VM_MIRROR:-http://deb.debian.org}

# release: the Debian release of the root. meta: kernel packages, each for the suite of the same place in suites.
case $suite in
bookworm | bookworm-6.12) release=bookworm suites="bookworm bookworm-6.12" metas="linux-image-amd64 linux-image-6.12-amd64" ;;
trixie | forky) release=$suite suites=$suite metas=linux-image-amd64 ;;
*) echo "image.sh: no suite $suite; there are: bookworm bookworm-6.12 trixie forky" >&2; exit 2 ;;
esac

suffix=$(printf '%s' "$extra" | tr -s ' ' +)
name=$release${suffix:++$suffix}

here=$(cd "${0%/*}" && pwd)
packages=systemd,systemd-sysv,udev,ethtool,iproute2,kmod,busybox-static,python3-minimal our_modules=
for word in $extra; do
    case $word in
    *.ko) our_modules="$our_modules ${word%.ko}" ;;
    *) packages=$packages,$word ;;
    esac
done

# What is made depends on this text, the mirror, and the packages and modules asked for.
key=$({
    cat "$0"
    for module in $our_modules; do cat "$here/module/$module".*; done
    echo "$mirror $release $extra"
} | sha256sum | cut -d' ' -f1)

mkdir -p "$outdir"
outdir=$(cd "$outdir" && pwd)
result=$outdir/$name/$suite
fresh() { [ -z "${UNHANG_VM_REBUILD:-}" ] && [ "$(cat "$outdir/$name/key" 2>/dev/null)" = "$key" ]; }
if fresh; then echo "$result"; exit; fi

"$here/../setup.sh" --check guest
if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || die "making an image needs root, and there is no sudo; run this once as root: $0 $suite $outdir"
    say "making it needs root: sudo"
    exec sudo env UNHANG_VM_EXTRA="$extra" UNHANG_VM_MIRROR="$mirror" UNHANG_VM_REBUILD="${UNHANG_VM_REBUILD:-}" PATH="$PATH" "$0" "$suite" "$outdir"
fi

# Two tests may want the same image at once: the second waits, then finds it ready.
exec 9>"$outdir/.lock-$name"
flock 9
if fresh; then echo "$result"; exit; fi

start=$(date +%s)
work=$(mktemp -d "$outdir/.making-$name.XXXXXX")
trap 'umount "$build/proc" 2>/dev/null || :; rm -rf --one-file-system "$work"' EXIT
trap 'exit 1' HUP INT TERM
root=$work/root build=$work/build

set -- "deb $mirror/debian $release main"
[ "$release" = forky ] || set -- "$@" "deb $mirror/debian-security $release-security main"

say "installing $packages (about a minute)"
mmdebstrap --quiet --mode=root --variant=minbase --include="$packages" \
    --aptopt='Acquire::Check-Valid-Until "false"' --aptopt='Acquire::Languages "none"' \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/man/*' \
    --skip=cleanup/apt \
    "$release" "$root" "$@" >"$work/log" 2>&1 || { cat "$work/log" >&2; die "mmdebstrap failed"; }

say "fetching $metas"
# shellcheck disable=SC2086 # a list
chroot "$root" apt-get -qq -y --no-install-recommends --download-only install $metas >"$work/log" 2>&1 ||
    { cat "$work/log" >&2; die "cannot download $metas"; }

# Only the modules that a test can meet; their dependencies come along.
modules="e1000 e1000e igb virtio_pci virtio_blk virtio_net virtio_rng ext4 crc32c_generic crc32c-intel
    dummy veth bridge bonding 8021q macvlan tun sch_fq_codel autofs4 ptp pps_core"

# One initrd per kernel: load what the disk needs, mount it, hand over to systemd.
make_initrd() { # VERSION FILE
    ramfs=$work/initrd-$1
    mkdir -p "$ramfs/bin" "$ramfs/dev" "$ramfs/proc" "$ramfs/sys" "$ramfs/new" "$ramfs/modules"
    cp "$(command -v busybox)" "$ramfs/bin/busybox"
    for module in virtio_pci virtio_blk crc32c_generic ext4; do
        modprobe --dirname "$root" --set-version "$1" --show-depends "$module" 2>/dev/null || true
    done | awk '$1 == "insmod" && !seen[$2]++ { print $2 }' >"$work/order"
    while read -r file; do
        cp "$file" "$ramfs/modules/"
        echo "\$busybox insmod /modules/${file##*/}"
    done <"$work/order" >"$ramfs/load"
    cat >"$ramfs/init" <<'END'
#!/bin/busybox sh
busybox=/bin/busybox
fail() { echo "initrd: $*"; $busybox poweroff -f; }
$busybox mount -t devtmpfs dev /dev
# Asked only whether a guest runs here at all.
[ "${1:-}" != probe ] || { echo "it runs"; $busybox poweroff -f; }
. /load
tries=0
until [ -b /dev/vda ]; do
    tries=$((tries + 1))
    [ $tries -lt 100 ] || fail "no /dev/vda after 10 s"
    $busybox sleep 0.1
done
$busybox mount -t ext4 /dev/vda /new || fail "cannot mount /dev/vda"
$busybox mount --move /dev /new/dev
exec $busybox switch_root /new /sbin/init
END
    chmod +x "$ramfs/init"
    (cd "$ramfs" && find . | cpio --quiet -o -H newc | gzip -1) >"$2"
}

# Modules of ours, in a copy of the root with the kernel's headers and compiler: their tools need the root's libc.
build_modules() { # VERSION
    for module in $our_modules; do
        # Its patch is for Linux 6.1.
        case $module:$1 in old-e1000e:6.1.*) ;; old-e1000e:*) continue ;; esac
        say "building $module for $1"
        [ -d "$build" ] || cp -a "$root" "$build"
        # Headers may depend on the kernel itself, which would make an initrd.
        in_build env INITRD=No apt-get -qq -y --no-install-recommends install make patch xz-utils "linux-headers-$1"
        rm -rf "$build/module"
        if [ "$module" = old-e1000e ]; then
            # Debian's source of this kernel.
            # shellcheck disable=SC2016 # for the shell in there
            in_build sh -ec 'cd /tmp
                version=$(dpkg-query -W -f "\${source:Version}" "linux-headers-$1")
                apt-get -qq -o APT::Sandbox::User=root download "linux-source-6.1=$version"
                dpkg-deb --fsys-tarfile linux-source-*.deb | tar -xO --wildcards "*.tar.xz" |
                    tar -xJ --strip-components=6 --one-top-level=/module --wildcards "*/drivers/net/ethernet/intel/e1000e/*"' sh "$1"
            cp "$here/module/old-e1000e.patch" "$build/module/"
            in_build patch -p1 -d /module -i old-e1000e.patch
        else
            mkdir "$build/module"
            cp "$here/module/$module.c" "$build/module/"
            echo "obj-m := $module.o" >"$build/module/Kbuild"
        fi
        # objtool of Linux 7 reads /proc.
        mount -t proc proc "$build/proc"
        in_build make -s -C "/lib/modules/$1/build" M=/module CONFIG_E1000E=m modules
        umount "$build/proc"
        # depmod prefers what is here.
        mkdir -p "$root/usr/lib/modules/$1/updates"
        cp "$build"/module/*.ko "$root/usr/lib/modules/$1/updates/"
    done
}
in_build() { chroot "$build" "$@" >"$work/log" 2>&1 || { cat "$work/log" >&2; die "cannot build$our_modules"; }; }

for meta in $metas; do
    # The meta package leads to the packages of one kernel: linux-image-VERSION, and from forky on
    # linux-binary-VERSION and linux-modules-VERSION.
    version=$(chroot "$root" apt-cache depends --no-recommends --no-suggests "$meta" |
        sed -n 's/.*Depends: linux-image-\([0-9].*\)$/\1/p' | head -n 1)
    [ -n "$version" ] || die "cannot tell the kernel version that $meta stands for"
    version=${version%-unsigned}
    say "kernel $version"
    kernel=$work/kernel-$version
    mkdir "$kernel"
    for deb in "$root"/var/cache/apt/archives/linux-*-"${version}"_*.deb; do dpkg-deb -x "$deb" "$kernel"; done
    [ -d "$kernel/lib" ] || ln -s usr/lib "$kernel/lib"
    vmlinuz=$(find "$kernel" -type f -name 'vmlinuz*' | head -n 1)
    [ -n "$vmlinuz" ] || die "no vmlinuz in the packages of $meta"
    depmod -b "$kernel" "$version"
    for module in $modules; do
        modprobe --dirname "$kernel" --set-version "$version" --show-depends "$module" 2>/dev/null || true
    done | awk '$1 == "insmod" && !seen[$2]++ { print $2 }' | while read -r file; do
        target=$root/usr/lib/modules/${file#*/lib/modules/}
        mkdir -p "${target%/*}"
        cp "$file" "$target"
        # Busybox' insmod reads no compressed ones.
        case $target in
        *.xz) xz -d "$target" ;;
        *.zst) zstd -q -d --rm "$target" ;;
        esac
    done
    cp "$kernel/lib/modules/$version"/modules.builtin* "$kernel/lib/modules/$version/modules.order" "$root/usr/lib/modules/$version/"
    [ -z "$our_modules" ] || build_modules "$version"
    depmod -b "$root" "$version"
    [ -n "$(find "$root/usr/lib/modules/$version" -name 'e1000e.ko')" ] || die "kernel $version has no e1000e.ko"
    make_initrd "$version" "$work/initrd-$meta"
    cp "$vmlinuz" "$work/vmlinuz-$meta"
    rm -rf "$kernel"
done

say "configuring"
# Without a fixed machine ID every boot is a first boot, and no journal is found again.
echo 0123456789abcdef0123456789abcdef >"$root/etc/machine-id"
echo guest >"$root/etc/hostname"
printf '127.0.0.1 localhost guest\n::1 localhost\n' >"$root/etc/hosts"
: >"$root/etc/fstab"
: >"$root/etc/resolv.conf"
rm -f "$root/etc/dpkg/dpkg.cfg.d/99mmdebstrap"
rm -rf "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/*
mkdir -p "$root/var/log/journal" "$root/etc/systemd/journald.conf.d" "$root/var/cache/apt/archives/partial" "$root/var/lib/apt/lists/partial"
printf '[Journal]\nStorage=persistent\nRateLimitBurst=0\nSystemMaxUse=64M\n' >"$root/etc/systemd/journald.conf.d/persistent.conf"

# They cost seconds of every boot and no test needs them.
for unit in getty@tty1.service serial-getty@ttyS0.service serial-getty@ttyS1.service console-getty.service getty-static.service \
    systemd-logind.service systemd-resolved.service systemd-timesyncd.service \
    systemd-pstore.service systemd-binfmt.service systemd-update-utmp.service systemd-update-utmp-runlevel.service \
    e2scrub_reap.service e2scrub_all.timer fstrim.timer dpkg-db-backup.timer apt-daily.timer apt-daily-upgrade.timer \
    systemd-tmpfiles-clean.timer dev-hugepages.mount dev-mqueue.mount sys-kernel-tracing.mount sys-fs-fuse-connections.mount; do
    ln -sf /dev/null "$root/etc/systemd/system/$unit"
done

# Off, as Debian has it; a test may start it.
chroot "$root" systemctl --quiet disable systemd-networkd.service systemd-networkd.socket

# The only thing in the guest that knows of tests: it unpacks the second disk and runs what is there.
cat >"$root/etc/systemd/system/vmtest.service" <<'END'
[Unit]
Description=Run the test on the second disk
ConditionKernelCommandLine=!vmtest.shell
[Service]
Type=exec
ExecStart=/bin/sh -c 'mkdir -p /run/vm && tar -xf /dev/vdb -C /run/vm && sh /run/vm/start || echo "ended $?" >/dev/ttyS1'
StandardOutput=journal+console
StandardError=journal+console
[Install]
WantedBy=multi-user.target
END
# For a person: the same guest with a root shell on the console.
cat >"$root/etc/systemd/system/vmtest-shell.service" <<'END'
[Unit]
Description=Root shell on the console
ConditionKernelCommandLine=vmtest.shell
[Service]
Environment=TERM=linux HOME=/root ENV=/run/vm/shell
WorkingDirectory=/root
ExecStartPre=/bin/sh -c 'mkdir -p /run/vm && tar -xf /dev/vdb -C /run/vm'
ExecStart=/bin/sh -i
ExecStopPost=systemctl --force poweroff
StandardInput=tty-force
TTYPath=/dev/ttyS0
KillMode=process
SendSIGHUP=yes
[Install]
WantedBy=multi-user.target
END
chroot "$root" systemctl --quiet enable vmtest.service vmtest-shell.service

# Everything is as new as it gets: no ldconfig and the like at the first boot.
touch "$root/etc/.updated" "$root/var/.updated"

say "writing the file system"
made=$work/made
mkdir "$made"
truncate -s 2G "$made/root.ext4"
mkfs.ext4 -q -F -L root -J size=8 -E lazy_itable_init=0 -d "$root" "$made/root.ext4"
for each in $suites; do
    meta=${metas%% *} metas=${metas#* }
    mkdir "$made/$each"
    ln -s ../root.ext4 "$made/$each/root.ext4"
    mv "$work/vmlinuz-$meta" "$made/$each/vmlinuz"
    mv "$work/initrd-$meta" "$made/$each/initrd"
done
echo "$key" >"$made/key"
rm -rf "${outdir:?}/$name"
mv "$made" "$outdir/$name"
[ -z "${SUDO_UID:-}" ] || chown -R "$SUDO_UID:${SUDO_GID:-}" "$outdir"
say "ready after $(($(date +%s) - start)) s: $(du -h "$result/root.ext4" -L | cut -f1) root, $(du -h "$result/initrd" | cut -f1) initrd"
echo "$result"
