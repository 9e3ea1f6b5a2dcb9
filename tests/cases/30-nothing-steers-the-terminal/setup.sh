printf '[[rule]]\nname = "a"\n"\\u001b[31m" = 1\n' > etc/70-key.toml
printf '[[rule]]\nname = \033[31m\n' > etc/80-raw.toml
cp etc/70-key.toml "etc/90-$(printf '\033[31m').toml"
mkdir "etc/91-$(printf '\033[31m').toml"
