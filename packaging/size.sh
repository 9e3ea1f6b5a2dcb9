#!/bin/sh
# Fails if a file is larger than it may be. Usage: size.sh FILE BYTES
set -eu
size=$(stat -c %s "$1")
echo "$1: $size bytes of at most $2"
[ "$size" -le "$2" ]
