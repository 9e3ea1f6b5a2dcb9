# about: a guest that does not come up is started again, and given up in the end
# suites: trixie
# append: systemd.unit=poweroff.target
# fails: the guest ended before it was up
# shellcheck shell=sh
check "this is never reached" false
