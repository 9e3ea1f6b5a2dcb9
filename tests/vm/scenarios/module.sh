# about: the test NIC is an e1000e NIC to udev, to ethtool and in the kernel's log, with what no emulated NIC has
# suites: all
# nics: none
# extra: testnic.ko
# shellcheck shell=sh

check "it is there" testnic
nic=$(nic 1)
property() { udevadm info -q property --property "$1" --value "/sys/class/net/$nic"; }
check_eq "driver, for udev" e1000e "$(property ID_NET_DRIVER)"
check_eq "and in /sys" e1000e "$(driver "$nic")"
check_eq "PCI ID" "0x8086 0x15bb" "$(property ID_VENDOR_ID) $(property ID_MODEL_ID)"
check_eq "place" pci-0001:00:19.0 "$(property ID_PATH)"
check_eq "udev named it" enP1p0s25 "$nic"
check "the offloads are on" offloads_are "$nic" on

up "$nic"
check "the link comes up" wait_for 20 carrier "$nic"
check_eq "it did once" 1 "$(cat "/sys/class/net/$nic/carrier_changes")"
dmesg | grep 'NIC Link is Up' >/run/vm/up
check "the kernel's log says so" grep -q "e1000e 0001:00:19.0 $nic: NIC Link is Up 1000 Mbps Full Duplex, Flow Control: Rx/Tx" /run/vm/up

# --- settings: OPTION KEY before after, and what ethtool is called with

gone=0
back() { carrier "$nic" && drops_are "$nic" "$gone"; }
# changes FAMILY link|no-link OPTION KEY BEFORE AFTER ETHTOOL-ARGUMENTS…: twice, of which the driver sees once.
changes() {
    changes_name=$1 changes_link=$2 changes_option=$3 changes_key=$4 changes_after=$6
    check_eq "$1: before" "$5" "$(setting "$nic" "$3" "$4")"
    shift 6
    sets=$(setting "$nic" -S sets)
    check "$changes_name: changed" ethtool "$@"
    if [ "$changes_link" = link ]; then
        gone=$((gone + 1))
        check "$changes_name: the link goes" no_carrier "$nic"
        check "$changes_name: and comes" wait_for 20 back
    else
        check "$changes_name: the link stays" back
    fi
    check_eq "$changes_name: after" "$changes_after" "$(setting "$nic" "$changes_option" "$changes_key")"
    ethtool "$@" >/dev/null 2>&1
    check "$changes_name: again, the link stays" back
    check_eq "$changes_name: the driver heard of it once" $((sets + 1)) "$(setting "$nic" -S sets)"
}
changes eee link --show-eee "EEE status" "enabled - active" disabled --set-eee "$nic" eee off
changes "pause by hand" no-link -a Autonegotiate on off -A "$nic" autoneg off
changes pause no-link -a RX on off -A "$nic" rx off
changes ring link -g RX 256 1024 -G "$nic" rx 1024
changes coalesce no-link -c rx-usecs 3 10 -C "$nic" rx-usecs 10
changes s0ix-enabled no-link --show-priv-flags s0ix-enabled on off --set-priv-flags "$nic" s0ix-enabled off
changes disable-k1 link --show-priv-flags disable-k1 off on --set-priv-flags "$nic" disable-k1 on
changes wol no-link "" Wake-on g d -s "$nic" wol d

ethtool -C "$nic" rx-usecs 3000
check_eq "coalesce is rounded" 3012 "$(setting "$nic" -c rx-usecs)"
check "coalesce has no 5" fails ethtool -C "$nic" rx-usecs 5
check "nor anything for sending" fails ethtool -C "$nic" tx-usecs 10
check_eq "it is as it was" 3012 "$(setting "$nic" -c rx-usecs)"
check "the ring has an upper limit" fails ethtool -G "$nic" rx 8192
ethtool -G "$nic" tx 100
gone=$((gone + 1))
check "a ring's size" wait_for 20 back
check_eq "is a multiple of 8" 104 "$(setting "$nic" -g TX)"
ethtool -K "$nic" rxhash off
gone=$((gone + 1))
check "rx-hashing takes the link too" wait_for 20 back
ethtool -A "$nic" autoneg on
gone=$((gone + 1))
check "negotiated pause takes it" wait_for 20 back
for round in 1 2; do
    ethtool -A "$nic" rx off
    gone=$((gone + 1))
    check "each time that something else is asked for, $round" wait_for 20 back
    check_eq "and nothing comes of it" on "$(setting "$nic" -a RX)"
done
cable "$nic" off
check "cable out" no_carrier "$nic"
cable "$nic" on
gone=$((gone + 1))
check "cable in" wait_for 20 back
started=$(now)
ethtool -r "$nic"
gone=$((gone + 1))
check "restarting autonegotiation" wait_for 20 back
check "takes seconds" [ $(($(now) - started)) -ge 290 ]

# --- hangs

blocks() { dmesg | grep -c "e1000e 0001:00:19.0 $nic: Detected Hardware Unit Hang:"; }
more_blocks() { [ "$(blocks)" -gt "$1" ]; }
check_eq "no hang yet" 0 "$(blocks)"
hang "$nic" wedged
check "a block, and another" wait_for 20 more_blocks 1
dmesg | sed -n '/Detected Hardware Unit Hang/,/PCI Status/p' | head -n 15 >/run/vm/block
show /run/vm/block
check_eq "of fifteen lines" 15 "$(wc -l </run/vm/block)"
check "the link stays" back
ethtool -r "$nic"
gone=$((gone + 1))
check "restarting autonegotiation" wait_for 20 back
check_eq "ends it" none "$(cat "/sys/class/net/$nic/hang")"
hang "$nic" held
ethtool -r "$nic"
gone=$((gone + 1))
wait_for 20 back
before=$(blocks)
check "but not if held" wait_for 20 more_blocks "$before"
hang "$nic" none
before=$(blocks)
sleep 3
check_eq "until released" "$before" "$(blocks)"

# --- TSO that does not do what it is told

tso() { ethtool -k "$nic" | sed -n 's/.*tx-tcp-segmentation: //p'; }
testnic tso=fixed
check_eq "fixed" "on [fixed]" "$(tso)"
testnic tso=refused
ethtool -K "$nic" tso off
check_eq "refused" "on [requested off]" "$(tso)"
testnic tso=kept
ethtool -K "$nic" tso off
check_eq "taken back" "on [requested off]" "$(tso)"
testnic tso=stuck
ethtool -K "$nic" tso off
check_eq "off" off "$(tso)"
up "$nic"
wait_for 20 carrier "$nic"
check_eq "stuck from link-up on" "on [requested off]" "$(tso)"
check "asking again" ethtool -K "$nic" tso off
check_eq "repairs nothing" "on [requested off]" "$(tso)"
ethtool -K "$nic" tso on
ethtool -K "$nic" tso off
check_eq "on and off does" off "$(tso)"

testnic eee=0
check "without EEE" fails ethtool --show-eee "$nic"
check "it goes" rmmod testnic
check_eq "without a trace" 0 "$(dmesg | grep -c -e 'WARNING:' -e 'BUG:' -e 'Call Trace')"
finish
