#!/bin/sh
# Puts all crates of Cargo.lock into FOLDER/vendor and has cargo take them from there. Of those that only other systems
# need nothing but the name is left: no program of theirs, nor megabytes that no Linux ever reads. Usage: vendor.sh FOLDER
set -eu
cd "$1"

cargo vendor --locked --quiet --versioned-dirs vendor >/dev/null
mkdir -p .cargo
cat >.cargo/config.toml <<'END'
[source.crates-io]
replace-with = "vendored"

[source.vendored]
directory = "vendor"
END
for target in x86_64 aarch64; do
    cargo tree --locked --offline --all-features --edges all --target $target-unknown-linux-gnu --prefix none --format '{p}'
done | sed -n 's/^\([^ ]*\) v\([^ ]*\).*/\1-\2/p' | sort -u >needed
for crate in vendor/*; do
    ! grep -qxF "${crate#vendor/}" needed || continue
    find "$crate" -mindepth 1 -maxdepth 1 ! -name Cargo.toml ! -name .cargo-checksum.json -exec rm -r {} +
    mkdir "$crate/src"
    : >"$crate/src/lib.rs"
    # Without build scripts and programs, which are named in it, and without the sums of what is gone.
    sed -i -E 's/"files":\{[^}]*\}/"files":{}/' "$crate/.cargo-checksum.json"
    sed -i -E '/^(build|links) = /d' "$crate/Cargo.toml"
done
rm needed
