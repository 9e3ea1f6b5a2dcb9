# about: a package with dependencies on libraries of the image installs without a network
# suites: all
# nics: none
# shellcheck shell=sh
mkdir -p /tmp/made/DEBIAN /tmp/made/usr/share/man/man8
echo page >/tmp/made/usr/share/man/man8/made.8
printf '%s\n' "Package: made" "Version: 1" "Architecture: amd64" "Maintainer: nobody <nobody@example.org>" \
    "Depends: libc6, libudev1 (>= 200)" "Description: made for a test" >/tmp/made/DEBIAN/control
check "made" dpkg-deb --build /tmp/made /tmp/made.deb
start=$(now)
check "installed" install_deb /tmp/made.deb
metric install-cs $(($(now) - start))
check_eq "version" 1 "$(dpkg-query -W -f '${Version}' made)"
check "its man page was not left out" [ -f /usr/share/man/man8/made.8 ]
check "purged" apt-get -qq -y purge made
finish
