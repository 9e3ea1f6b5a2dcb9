fill() { head -c "$1" /dev/zero | tr '\0' '#'; }
fill 1048577 > etc/60-large.toml
size=$(wc -c < just-right/60-large.toml)
fill $((1048576 - size)) >> just-right/60-large.toml
