//! A NIC as the port of a bond: whether the bond would go on without it.

use std::fs;
use std::path::Path;

/// The bond that goes on with another port if the link of this one goes down, and that port; or why
/// taking it down would do nothing. `net` is /sys/class/net.
pub fn other_port(net: &Path, interface: &str) -> Result<(String, String), String> {
    let read = |path: &Path| fs::read_to_string(path).unwrap_or_default();
    let master = fs::read_link(net.join(interface).join("master")).ok();
    let bond = master
        .as_deref()
        .and_then(Path::file_name)
        .map(|name| name.to_string_lossy().into_owned())
        .filter(|bond| net.join(bond).join("bonding").is_dir())
        .ok_or("it is no port of a bond")?;
    let bonding = net.join(&bond).join("bonding");
    // Documentation/networking/bonding.rst: without either, a port that fails is never noticed.
    let monitors = |file: &str| !matches!(read(&bonding.join(file)).trim(), "" | "0");
    if !monitors("miimon") && !monitors("arp_interval") {
        return Err(format!("{bond} has no link monitoring: set its miimon"));
    }
    let ports = read(&bonding.join("slaves"));
    let carrier = |port: &&str| read(&net.join(port).join("carrier")).trim() == "1";
    let other = ports
        .split_whitespace()
        .filter(|port| *port != interface)
        .find(carrier);
    match other {
        Some(other) => Ok((bond, other.to_owned())),
        None => Err(format!("no other port of {bond} has a carrier")),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_bond_goes_on_if_it_looks_at_its_links_and_another_has_a_carrier() {
        let dir = tempfile::tempdir().unwrap();
        let net = dir.path();
        let write = |path: &str, text: &str| {
            let path = net.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        let why = || other_port(net, "eno1").unwrap_err();
        write("eno1/carrier", "1\n");
        assert_eq!(why(), "it is no port of a bond");
        write("br0/bridge/stp_state", "0\n");
        symlink("../br0", net.join("eno1/master")).unwrap();
        assert_eq!(why(), "it is no port of a bond");
        fs::remove_file(net.join("eno1/master")).unwrap();
        symlink("../bond0", net.join("eno1/master")).unwrap();
        write("bond0/bonding/miimon", "0\n");
        write("bond0/bonding/arp_interval", "0\n");
        write("bond0/bonding/slaves", "eno1 eno2\n");
        assert_eq!(why(), "bond0 has no link monitoring: set its miimon");
        write("bond0/bonding/miimon", "100\n");
        write("eno2/carrier", "0\n");
        assert_eq!(why(), "no other port of bond0 has a carrier");
        write("eno2/carrier", "1\n");
        let other = Ok(("bond0".into(), "eno2".into()));
        assert_eq!(other_port(net, "eno1"), other);
        write("bond0/bonding/miimon", "0\n");
        write("bond0/bonding/arp_interval", "1000\n");
        assert_eq!(other_port(net, "eno1"), other);
    }
}
