# about: what check --link says of the usual wrong .link file is what happens
# suites: bookworm
# nics: e1000e e1000
# needs: UNHANG_DEB
# limit: 200
# shellcheck shell=sh

file=/etc/systemd/network/10-e1000e.link
settle
case $STAGE in
1)
    check_eq "the name before" enp1s0 "$(nic 1)"
    check "installed" install_deb
    printf '[Match]\nDriver=e1000e\n\n[Link]\nTCPSegmentationOffload=no\n' >/root/10-e1000e.link
    said=$(unhang check --link /root/10-e1000e.link)
    check "it fails" fails unhang check --link /root/10-e1000e.link
    check "check foresees the name" matches '*error: at the next boot enp1s0 would be called eth0*' "$said"
    check "and that IPv6 stays as it is" matches '*IPv6 segmentation offload does not change*' "$said"
    cp /root/10-e1000e.link $file
    check "purged" apt-get -qq -y purge unhang
    reboot
    ;;
2)
    check "it is called as the kernel calls it" matches 'eth[0-9]' "$(nic 1)"
    check_eq "off for IPv4" off "$(feature "$(nic 1)" tx-tcp-segmentation)"
    check_eq "on for IPv6" on "$(feature "$(nic 1)" tx-tcp6-segmentation)"
    check "installed" install_deb
    check "check says why it has that name" matches '*has its name from the kernel*would call it enp1s0*' "$(unhang check --link $file)"
    finish
    ;;
esac
