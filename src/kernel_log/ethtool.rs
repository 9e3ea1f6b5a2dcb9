//! What sudo logs of the commands that it runs, as far as they have ethtool set something:
//! `sudo[812]: admin : TTY=pts/0 ; PWD=/root ; USER=root ; COMMAND=/usr/sbin/ethtool -K eno1 tso on`

/// Those of ethtool's options that set something which stays set.
const SETS: &[&str] = &[
    "-A",
    "--pause",
    "-C",
    "--coalesce",
    "-G",
    "--set-ring",
    "-K",
    "--features",
    "--offload",
    "-L",
    "--set-channels",
    "-s",
    "--change",
    "--set-eee",
    "--set-priv-flags",
];

/// Options with a value that may stand before those.
const WITH_VALUE: &str = "--debug";

/// The interfaces on which the command that `message` tells of sets something.
pub(super) fn interfaces(message: &str) -> impl Iterator<Item = &str> {
    // A command that was refused has the reason where the first of the fields is.
    let ran = message.split_once(" : ").filter(|(_, fields)| {
        let first = fields.split_whitespace().next();
        first.is_some_and(|word| word.contains('='))
    });
    let command = ran.and_then(|(_, fields)| Some(fields.split_once("COMMAND=")?.1));
    let mut words = command
        .unwrap_or_default()
        .split([' ', '\'', '"', '\\', ';', '#', '(', ')'])
        .filter(|word| !word.is_empty());
    std::iter::from_fn(move || {
        loop {
            let program = words.next()?;
            if program.rsplit('/').next() == Some("ethtool") {
                let mut option = words.next()?;
                while !SETS.contains(&option) && option.starts_with("--") {
                    if option == WITH_VALUE {
                        words.next()?;
                    }
                    option = words.next()?;
                }
                if SETS.contains(&option) {
                    let interface = words.next()?;
                    words.next()?; // what is set
                    return Some(interface);
                }
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(command: &str) -> Vec<String> {
        let message = format!("admin : TTY=pts/0 ; PWD=/root ; USER=root ; COMMAND={command}");
        interfaces(&message).map(str::to_owned).collect()
    }

    #[test]
    fn what_sets_something_names_its_interface() {
        for command in [
            "/usr/sbin/ethtool -K eno1 tso on gso on",
            "/sbin/ethtool --offload eno1 tx off",
            "/usr/sbin/ethtool --debug 3 -G eno1 rx 512",
            "/usr/sbin/ethtool --set-eee eno1 eee off",
            "/usr/sbin/ethtool --set-priv-flags eno1 s0ix-enabled off",
            "/usr/sbin/ethtool -s eno1 wol g",
            "/usr/bin/env ethtool -A eno1 rx off",
            "/usr/bin/bash -c 'ethtool -C eno1 rx-usecs 3'",
            r"/usr/bin/sh -c ethtool\ -K\ eno1\ tso\ on",
        ] {
            assert_eq!(read(command), ["eno1"], "{command}");
        }
        let two = "/usr/bin/sh -c ethtool -K eno1 tso off; ethtool -K eno2 tso off";
        assert_eq!(read(two), ["eno1", "eno2"]);
    }

    #[test]
    fn what_only_reads_or_was_refused_names_none() {
        for command in [
            "/usr/sbin/ethtool -k eno1",
            "/usr/sbin/ethtool -S eno1",
            "/usr/sbin/ethtool --show-eee eno1",
            "/usr/sbin/ethtool eno1",
            "/usr/sbin/ethtool -K eno1",
            "/usr/sbin/ethtool -p eno1 5",
            "/usr/bin/apt install ethtool -y",
            "/usr/bin/vi /etc/ethtool",
        ] {
            assert_eq!(read(command), Vec::<String>::new(), "{command}");
        }
        let refused = "eve : command not allowed ; TTY=pts/0 ; PWD=/ ; USER=root ; COMMAND=/usr/sbin/ethtool -K eno1 tso on";
        assert_eq!(interfaces(refused).count(), 0);
        assert_eq!(interfaces("ethtool -K eno1 tso on").count(), 0);
    }
}
