#!/bin/sh
# Runs what the README's "Try it" says, word for word, in a Debian that has nothing: a minimal root of the suite, in it
# what that section has a reader install beforehand, and a clone of the last commit. No service runs in it, its / is no
# mount point, and it has no /dev/kvm. It keeps nothing but what apt and cargo downloaded.
#
#   bare.sh [--user] [--again] SUITE [COMMAND]…
#
# COMMAND: those of the README (make demo, make test) or any other; without one: make demo.
# --user: an ordinary user with sudo instead of root. --again: the commands a second time, with how long they took.
# SUITE is trixie or forky, with Debian's Rust, or bookworm, where the Rust of rustup is this machine's own.
# Needs root (or sudo), mmdebstrap and a Debian mirror (UNHANG_VM_MIRROR replaces http://deb.debian.org).
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
work=$here/target/bare
mirror=${UNHANG_VM_MIRROR:-http://deb.debian.org}

# Its processes and mounts end with namespaces of its own.
if [ "${UNHANG_BARE_INSIDE:-}" != yes ]; then
    "$here/tests/setup.sh" bare
    if [ "$(id -u)" = 0 ]; then sudo=; else sudo="sudo -E env PATH=$PATH"; fi
    # shellcheck disable=SC2086 # a list of words
    exec $sudo env UNHANG_BARE_INSIDE=yes unshare --mount --pid --fork --kill-child --propagation private "$0" "$@"
fi

user=root home=/root rounds=once
while :; do
    case ${1:-} in
    --user) user=reader home=/home/reader ;;
    --again) rounds="once again" ;;
    *) break ;;
    esac
    shift
done
[ $# -ge 1 ] || { echo "usage: bare.sh [--user] [--again] SUITE [COMMAND]…" >&2; exit 2; }
suite=$1
shift
say() { echo "bare $suite: $*"; }
die() { say "$*" >&2; exit 1; }

# The README's words: what is to be installed beforehand, by release, and the commands after that.
section=$(sed -n '/^## Try it/,/^## /p' "$here/README.md")
before=$(echo "$section" | sed -n "/(\`$suite\`)/s/.*\`\(sudo apt install [^\`]*\)\`.*/\1/p")
[ -n "$before" ] || die "the README's section 'Try it' has no line for $suite"
clone=$(echo "$section" | sed -n 's/^    \(git clone .*\)/\1/p')
readme=$(echo "$section" | sed -n 's/^    \(make [a-z]*\).*/\1/p')
[ -n "$clone" ] || die "the README's section 'Try it' has no git clone"
[ "$(echo "$readme" | wc -l)" -ge 2 ] || die "the README's section 'Try it' has no two commands"
[ $# -gt 0 ] || set -- "$(echo "$readme" | head -n 1)"

mkdir -p "$work"
root=$(mktemp -d "$work/$suite.XXXXXX")
kept=$work/kept/$suite
trap tidy EXIT
trap 'exit 1' HUP INT TERM
tidy() {
    sort -r -k2 /proc/self/mounts | while read -r _ place _; do
        case $place in "$root"/*) umount -l "$place" ;; esac
    done
    cp -ln "$root"/var/cache/apt/archives/*.deb "$kept/apt/" 2>/dev/null || :
    rm -rf --one-file-system "$root" "$root.log"
}
start=$(date +%s)
chmod 755 "$root"
mkdir -p "$kept/apt" "$kept/registry"

say "a minimal root (apt's own packages, no more)"
mmdebstrap --quiet --mode=root --variant=minbase --skip=cleanup/apt --aptopt='Acquire::Check-Valid-Until "false"' \
    --setup-hook="mkdir -p \"\$1/var/cache/apt/archives\" && cp -ln $kept/apt/*.deb \"\$1/var/cache/apt/archives/\" 2>/dev/null || :" \
    "$suite" "$root" "$mirror/debian" >"$root.log" 2>&1 || { cat "$root.log"; die "mmdebstrap failed"; }
rm -f "$root/etc/apt/apt.conf.d/99mmdebstrap"
printf 'Acquire::Check-Valid-Until "false";\nAPT::Keep-Downloaded-Packages "true";\n' >"$root/etc/apt/apt.conf.d/bare"
printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
chmod +x "$root/usr/sbin/policy-rc.d"
cp /etc/resolv.conf "$root/etc/resolv.conf"
echo "127.0.0.1 localhost $(hostname)" >"$root/etc/hosts"

mount -t proc proc "$root/proc"
mount -t sysfs sys "$root/sys"
mount -t tmpfs -o mode=755 dev "$root/dev"
for node in null zero full random urandom tty; do
    : >"$root/dev/$node"
    mount --bind "/dev/$node" "$root/dev/$node"
done
mkdir "$root/dev/pts" "$root/dev/shm"
mount -t devpts -o newinstance,ptmxmode=666,mode=620,gid=5 pts "$root/dev/pts"
mount -t tmpfs -o mode=1777 shm "$root/dev/shm"
ln -s pts/ptmx "$root/dev/ptmx"
ln -s /proc/self/fd "$root/dev/fd"
ln -s fd/0 "$root/dev/stdin"
ln -s fd/1 "$root/dev/stdout"
ln -s fd/2 "$root/dev/stderr"

path=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
inside() { # USER COMMAND
    case $1 in
    root) set -- chroot "$root" env -i HOME=/root PATH="$path" TERM=dumb LANG=C.UTF-8 sh -c "$2" ;;
    *) set -- chroot "$root" su -l "$1" -s /bin/sh -c "PATH=$path; $2" ;;
    esac
    "$@" </dev/null
}
shown() { # USER COMMAND
    say "\$ $2"
    inside "$1" "$2" || die "failed: $2"
}

inside root "apt-get -qq update"
case $suite in
bookworm)
    # What rustup.rs gives is not this project's to test: it is this machine's.
    sysroot=$(rustc --print sysroot)
    case $sysroot in /usr | /usr/local) die "the Rust of this machine is not rustup's: $sysroot" ;; esac
    mkdir -p "$root/opt/rust"
    mount --bind -o ro "$sysroot" "$root/opt/rust"
    path=/opt/rust/bin:$path
    ;;
esac
shown root "$(echo "$before" | sed 's/^sudo //; s/apt install/DEBIAN_FRONTEND=noninteractive apt-get -qq -y install/') >/dev/null"
# A network that signs for others needs its certificates here too.
if ls /usr/local/share/ca-certificates/*.crt >/dev/null 2>&1; then
    cp /usr/local/share/ca-certificates/*.crt "$root/usr/local/share/ca-certificates/"
    inside root "update-ca-certificates >/dev/null 2>&1"
fi
if [ $user != root ]; then
    inside root "DEBIAN_FRONTEND=noninteractive apt-get -qq -y install sudo >/dev/null 2>&1 && useradd -m $user &&
        echo '$user ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/$user"
fi
mkdir -p "$root$home/.cargo/registry"
mount --bind "$kept/registry" "$root$home/.cargo/registry"
inside root "chown -R $user: $home/.cargo"

# The last commit, from where the README has it.
git clone --quiet --bare "$here" "$root/srv/unhang.git"
url=${clone#git clone }
inside "$user" "git config --global --add safe.directory '*'; git config --global url./srv/unhang.git.insteadOf '$url'"
say "\$ $clone && cd unhang"
inside "$user" "git clone --quiet $url unhang" || die "failed: $clone"

for round in $rounds; do
    for command; do
        began=$(date +%s)
        shown "$user" "cd unhang && $command"
        say "'$command' took $(($(date +%s) - began)) s$([ "$round" = once ] || echo ", the second time")"
    done
done
# For who asked for packages.
if ls "$root$home"/unhang/target/packages/*.deb >/dev/null 2>&1; then
    mkdir -p "$work/packages/$suite"
    cp "$root$home"/unhang/target/packages/*.deb "$work/packages/$suite/"
    [ ! -e "$root$home/unhang/target/old/unhang.deb" ] || cp "$root$home/unhang/target/old/unhang.deb" "$work/packages/$suite/old.deb"
fi
say "all done $(($(date +%s) - start)) s after there was nothing"
