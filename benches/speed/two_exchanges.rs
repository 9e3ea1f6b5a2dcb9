//! The least that can be done: one `FEATURES_GET` and one `FEATURES_SET`, bytes made by hand, of the
//! answers no more read than the error number. What `make bench` holds the helper against.
//!
//! Usage: `two-exchanges FAMILY IFINDEX FEATURE…`: the number of the `ethtool` family (which would
//! be an exchange of its own), the NIC, and the features to switch off. Without them it does nothing.

use std::os::fd::{AsRawFd, OwnedFd};

use nix::sys::socket::{
    AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType, recv, sendto, socket,
};

const NLMSG_ERROR: [u8; 2] = [2, 0];
const NESTED: u16 = 1 << 15;

fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
    let length = u16::try_from(4 + value.len()).unwrap();
    let mut bytes = [length.to_ne_bytes(), kind.to_ne_bytes()].concat();
    bytes.extend(value);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

/// Sends a request that asks for an ACK and reads until that, or an error, comes.
fn exchange(socket: &OwnedFd, family: u16, command: u8, attributes: &[u8]) {
    let length = u32::try_from(20 + attributes.len()).unwrap();
    let mut message = length.to_ne_bytes().to_vec();
    message.extend(family.to_ne_bytes());
    message.extend([5, 0]); // NLM_F_REQUEST | NLM_F_ACK
    message.extend([0; 8]);
    message.extend([command, 1, 0, 0]);
    message.extend(attributes);
    let kernel = NetlinkAddr::new(0, 0);
    sendto(socket.as_raw_fd(), &message, &kernel, MsgFlags::empty()).expect("sending");
    let mut answer = [0; 16384];
    loop {
        let length = recv(socket.as_raw_fd(), &mut answer, MsgFlags::empty()).expect("an answer");
        assert!(length >= 20, "a truncated answer");
        if answer[4..6] == NLMSG_ERROR {
            assert_eq!(answer[16..20], [0; 4], "command {command} is refused");
            return;
        }
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.is_empty() {
        return;
    }
    let [family, ifindex, features @ ..] = &arguments[..] else {
        panic!("two-exchanges FAMILY IFINDEX FEATURE…");
    };
    let family = family.parse().unwrap();
    let ifindex: u32 = ifindex.parse().unwrap();
    let socket = socket(
        AddressFamily::Netlink,
        SockType::Raw,
        SockFlag::SOCK_CLOEXEC,
        SockProtocol::NetlinkGeneric,
    )
    .expect("a socket");
    let header = attribute(1 | NESTED, &attribute(1, &ifindex.to_ne_bytes()));
    exchange(&socket, family, 11, &header);
    let bit = |name: &String| attribute(1 | NESTED, &attribute(2, format!("{name}\0").as_bytes()));
    let bits: Vec<u8> = features.iter().flat_map(bit).collect();
    let wanted = attribute(3 | NESTED, &attribute(3 | NESTED, &bits));
    exchange(&socket, family, 12, &[header, wanted].concat());
}
