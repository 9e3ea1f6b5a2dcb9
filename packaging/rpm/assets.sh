#!/bin/sh
# Prints what cargo-generate-rpm is to put into the package: what 'make install' put into the
# folder, file by file. Usage: assets.sh FOLDER
set -eu
folder=$1

find "$folder" -type f -printf '%P\n' | sort | while read -r file; do
    mode=644 doc=false
    [ ! -x "$folder/$file" ] || mode=755
    case $file in
    usr/share/doc/* | usr/share/man/*) doc=true ;;
    esac
    printf '[[assets]]\nsource = "%s"\ndest = "/%s"\nmode = "%s"\ndoc = %s\n' \
        "$folder/$file" "$file" "$mode" "$doc"
done
