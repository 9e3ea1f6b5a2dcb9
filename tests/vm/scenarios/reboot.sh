# about: a file and the journal survive a reboot and a crash
# suites: bookworm
# shellcheck shell=sh

case $STAGE in
1)
    check_eq "nothing is there yet" no "$([ -e /root/mark ] && echo yes || echo no)"
    echo first >/root/mark
    logger -t vmtest "before the reboot"
    reboot
    ;;
2)
    check_eq "the file is there" first "$(cat /root/mark)"
    check_eq "the journal of the boot before too" "before the reboot" "$(journalctl -q -b -1 -t vmtest -o cat)"
    echo second >/root/mark
    sync
    crash
    ;;
3)
    check_eq "synced before the crash" second "$(cat /root/mark)"
    check_eq "boots in the journal" 3 "$(journalctl -q --list-boots | grep -c '^ *[-0-9]')"
    finish
    ;;
esac
