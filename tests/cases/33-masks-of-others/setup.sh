chmod 777 open
chmod 666 etc/30-file.toml
