mkdir etc/60-folder.toml
mkfifo etc/70-pipe.toml
ln -s /dev/zero etc/80-device.toml
