chmod 666 etc/60-open.toml
chmod 777 shared
