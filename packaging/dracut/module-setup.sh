#!/bin/bash
# Puts the helper, its udev rule and the rules into the initramfs, for machines whose root file
# system is on the network. Off unless the file /etc/unhang/initramfs is there, or dracut is
# called with --add unhang.

check() {
    [[ -e ${dracutsysrootdir-}/etc/unhang/initramfs ]] || return 255
}

depends() {
    echo udev-rules
}

install() {
    local file
    inst_simple /usr/lib/udev/unhang
    inst_rules 85-unhang.rules
    for file in "${dracutsysrootdir-}"{/etc,/usr/local/lib,/usr/lib}/unhang/rules.d/*.toml \
        "${dracutsysrootdir-}"/etc/udev/rules.d/85-unhang*.rules; do
        [[ -e $file ]] || continue
        file=${file#"${dracutsysrootdir-}"}
        if [[ $(readlink -f "${dracutsysrootdir-}$file") == /dev/null ]]; then
            # A mask; dracut would copy the device.
            mkdir -p "${initdir:?}${file%/*}"
            ln -sfn /dev/null "$initdir$file"
        else
            inst_simple "$file"
        fi
    done
}
