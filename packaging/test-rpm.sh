#!/bin/sh
# Tests an RPM package: what is in it, its scripts, and a real installation, upgrade and removal
# in a root directory of its own. Needs root. Usage: test-rpm.sh PACKAGE
set -eu
rpm=$(realpath "$1")
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

files=$(rpm -qpl "$rpm")
staged=$(find target/stage/rpm -type f -printf '/%P\n' | sort)
check "it has what 'make install' installs" same "$(echo "$files" | sort)" "$staged"
for program in /usr/bin/unhang /usr/lib/udev/unhang /usr/lib/unhang/unhang-watch; do
    mode=$(rpm -qp --qf '[%{FILENAMES} %{FILEMODES:perms} %{FILEUSERNAME}\n]' "$rpm" | grep "^$program ")
    check "mode of $program" same "$mode" "$program -rwxr-xr-x root"
done
writable=$(rpm -qp --qf '[%{FILEMODES:perms} %{FILEUSERNAME} %{FILENAMES}\n]' "$rpm" | grep -vE '^-rw(x|-)r-(x|-)r-(x|-) root ' || :)
check "nothing else than root's may be written" same "$writable" ""
check "it is for Fedora and openSUSE" sh -c "rpm -qp --requires '$rpm' | grep -Fx '(systemd-udev or udev)'"

# --- its scripts

rpm -qp --scripts "$rpm" >"$work/scripts"
interpreters=$(grep -o 'scriptlet (using .*)' "$work/scripts" | sort -u)
check "scripts are of plain shell" same "$interpreters" "scriptlet (using /bin/sh)"
for script in post preun postun; do
    check "$script is in it" grep -q "^${script}install scriptlet\|^${script%un}uninstall scriptlet" "$work/scripts"
    check "$script has no mistake" shellcheck -s sh "packaging/rpm/$script"
    check "$script runs in dash" dash -n "packaging/rpm/$script"
done

# --- into a root directory, which is a chroot to its scripts

root=$work/root
mkdir -p "$root/bin" "$root/etc/unhang/rules.d" "$root/dev"
cp "$(command -v busybox)" "$root/bin/busybox"
for tool in sh stat rm rmdir; do ln -s busybox "$root/bin/$tool"; done
# Debian's rpm asks for this; another's does not know it.
force=
[ ! -e /etc/debian_version ] || force=--force-debian
into() { rpm $force --root "$root" --nodeps "$@"; }
cargo --quiet generate-rpm --metadata-overwrite target/rpm-assets.toml --set-metadata 'version = "0.0.9"' \
    --output "$work/old.rpm"

rpmdb --root "$root" --initdb
check "installs" into -i "$work/old.rpm"
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

# rpmlint is not in every release.
if command -v rpmlint >/dev/null; then
    check "rpmlint has nothing to say" fails sh -c "rpmlint -c packaging/rpm/rpmlint.toml '$rpm' | grep -E ': [EW]: '"
else
    check "rpmlint is there (apt-get install rpmlint)" false
fi

echo "test result: $([ $failed = 0 ] && echo ok || echo FAILED). $passed passed; $failed failed"
[ $failed = 0 ]
