#!/bin/sh
# Builds the packages from the tarball of 'make dist', as a distribution does: with its own Rust, without network.
#   from-tarball.sh TARBALL FOLDER             .dsc and .deb, .src.rpm and .rpm
#   from-tarball.sh --sources TARBALL FOLDER   .dsc and .src.rpm, without building
# What is missing for one kind of package (dpkg-buildpackage, rpmbuild) leaves that out.
set -eu
deb="" rpm=-ta
[ "$1" != --sources ] || { deb="-S -d" rpm=-ts; shift; }
tarball=$(realpath "$1")
rm -rf "$2"
mkdir -p "$2"
cd "$2"
name=$(basename "$tarball" .tar.xz)

if command -v dpkg-buildpackage >/dev/null; then
    cp "$tarball" "unhang_${name#unhang-}.orig.tar.xz"
    tar -xf "$tarball"
    cp -r "$name/packaging/debian" "$name/debian"
    # shellcheck disable=SC2086 # a list of words
    (cd "$name" && dpkg-buildpackage $deb -us -uc)
fi
if command -v rpmbuild >/dev/null; then
    # What the spec file requires are names of rpm's distributions.
    nodeps=
    [ ! -e /etc/debian_version ] || nodeps=--nodeps
    rpmbuild $rpm $nodeps --define "packager unhang developers <unhang@example.org>" \
        --define "_topdir $PWD/rpmbuild" --define "_srcrpmdir $PWD" --define "_rpmdir $PWD" "$tarball"
fi
