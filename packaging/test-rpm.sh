#!/bin/sh
# Tests an RPM package: what is in it, its scripts, and a real installation, upgrade and removal
# in a root directory of its own. Needs root. Usage: test-rpm.sh PACKAGE OLD-PACKAGE
set -eu
rpm=$(realpath "$1") old=$(realpath "$2")
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0

check() { # NAME COMMAND…
    name=$1
    shift
    if "$@" >"$work/output" 2>&1; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "failed: $name: $*"
        sed 's/^/    /' "$work/output"
    fi
}
same() { [ "$1" = "$2" ] || { echo "'$1' is not '$2'"; return 1; }; }
gone() { [ ! -e "$1" ]; }
fails() { ! "$@"; }

# --- what is in it

files=$(rpm -qp --qf '[%{FILEMODES:perms} %{FILENAMES}\n]' "$rpm" | sed -n 's/^-[^ ]* //p')
make --no-print-directory install DESTDIR="$work/staged" >/dev/null
rm -r "$work/staged/usr/share/initramfs-tools"
gzip -9n "$work"/staged/usr/share/man/man*/*
staged=$(find "$work/staged" -type f -printf '/%P\n' | sort)
check "it has what 'make install' installs" same "$(echo "$files" | sort)" "$staged"
for program in /usr/bin/unhang /usr/lib/udev/unhang /usr/lib/unhang/unhang-watch; do
    mode=$(rpm -qp --qf '[%{FILENAMES} %{FILEMODES:perms} %{FILEUSERNAME}\n]' "$rpm" | grep "^$program ")
    check "mode of $program" same "$mode" "$program -rwxr-xr-x root"
done
writable=$(rpm -qp --qf '[%{FILEMODES:perms} %{FILEUSERNAME} %{FILENAMES}\n]' "$rpm" | grep -vE '^[-d]rw(x|-)r-(x|-)r-(x|-) root ' || :)
check "nothing else than root's may be written" same "$writable" ""
check "it is for Fedora and openSUSE" sh -c "rpm -qp --requires '$rpm' | grep -Fx '(systemd-udev or udev)'"

# --- its scripts

rpm -qp --scripts "$rpm" >"$work/scripts"
interpreters=$(grep -o 'scriptlet (using .*)' "$work/scripts" | sort -u)
check "scripts are of plain shell" same "$interpreters" "scriptlet (using /bin/sh)"
for script in POSTIN PREUN POSTUN; do
    rpm -qp --qf "%{$script}\n" "$rpm" >"$work/$script"
    check "$script is in it" grep -q 'running()' "$work/$script"
    check "$script has no mistake" shellcheck -s sh "$work/$script"
    check "$script runs in dash" dash -n "$work/$script"
done

# --- into a root directory, which is a chroot to its scripts

root=$work/root
mkdir -p "$root/bin" "$root/etc/unhang/rules.d" "$root/dev"
cp "$(command -v busybox)" "$root/bin/busybox"
for tool in sh stat rm rmdir; do ln -s busybox "$root/bin/$tool"; done
# Debian's rpm before 4.20 asks for this; others don't know it.
force=--force-debian
rpm $force --version >/dev/null 2>&1 || force=
# The plugins say words of their own: that of 4.20 for private mounts, that it has none in a root directory.
into() { rpm $force --noplugins --root "$root" --nodeps "$@"; }

rpmdb --root "$root" --initdb
check "installs" into -i "$old"
check "installs without a word" same "$(cat "$work/output")" ""
for file in $files; do
    [ -e "$root$file" ] || check "$file is there" test -e "$root$file"
done
check "verifies" into -V unhang
echo "# mine" >"$root/etc/unhang/rules.d/60-mine.toml"
check "upgrades" into -U "$rpm"
check "upgrades without a word" same "$(cat "$work/output")" ""
check "it is the new version" same "$(rpm --root "$root" -q --qf '%{VERSION}' unhang)" "$(rpm -qp --qf '%{VERSION}' "$rpm")"
check "the new one verifies" into -V unhang
check "the same again is no harm" into -U --force "$rpm"
check "the owner's file is as it was" same "$(cat "$root/etc/unhang/rules.d/60-mine.toml")" "# mine"
check "removed" into -e unhang
check "removed without a word" same "$(cat "$work/output")" ""
left=$(find "$root" -path "*unhang*" -not -path '*/var/lib/*' -not -path '*/usr/lib/sysimage/*' -printf '/%P\n' | sort)
check "only the owner's file is left" same "$left" "$(printf '/etc/unhang\n/etc/unhang/rules.d\n/etc/unhang/rules.d/60-mine.toml')"
rm "$root/etc/unhang/rules.d/60-mine.toml"
check "installs again" into -i "$rpm"
check "removed again" into -e unhang
check "nothing is left" gone "$root/etc/unhang"

echo "test result: $([ $failed = 0 ] && echo ok || echo FAILED). $passed passed; $failed failed"
[ $failed = 0 ]
