#!/bin/sh
# Cargo, Debian and RPM have to name the same version.
set -eu
cd "$(dirname "$0")/.."
cargo=$(sed -n '/^version/s/.*"\(.*\)"/\1/p' Cargo.toml | head -n 1)
debian=$(sed -n '1s/.*(\(.*\)-[^-]*).*/\1/p' packaging/debian/changelog)
rpm=$(sed -n 's/^Version: *//p' packaging/rpm/unhang.spec)
logged=$(sed -n '/^%changelog/{n;s/.* - \(.*\)-[^-]*$/\1/p}' packaging/rpm/unhang.spec)
echo "Cargo.toml $cargo, debian/changelog $debian, unhang.spec $rpm, its changelog $logged"
[ "$cargo" = "$debian" ] && [ "$cargo" = "$rpm" ] && [ "$cargo" = "$logged" ]
