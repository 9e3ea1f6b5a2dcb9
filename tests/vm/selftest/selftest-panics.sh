# about: a kernel that panics is not taken for a reboot
# suites: bookworm
# fails: the guest crashed
# shellcheck shell=sh
check "this passes" true
echo 1 >/proc/sys/kernel/sysrq
echo c >/proc/sysrq-trigger
sleep infinity
