esc=$(printf "\033]0;title\007")
printf '[[rule]]\nname = "a"\n"\\u001b]0;title\\u0007" = 1\n' > etc/70-key.toml
printf '[[rule]]\nname = %s\n' "$esc" > etc/80-raw.toml
cp etc/70-key.toml "etc/90-$esc.toml"
mkdir "etc/91-$esc.toml"
ln -s "$esc" etc/92-link.toml
cp etc/60-mine.toml "etc/93-$esc.toml"
