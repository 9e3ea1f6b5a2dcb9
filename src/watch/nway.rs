//! Restarting autonegotiation: `ethtool -r`.
//!
//! ethtool's netlink family has no message for `ETHTOOL_NWAY_RST` (include/uapi/linux/ethtool.h),
//! so this is the old ioctl, and the only unsafe code of the project. On e1000e it
//! re-initialises the adapter (`e1000_nway_reset`), and addresses and routes stay.

#![allow(unsafe_code)]

use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixDatagram;

use nix::libc;

/// include/uapi/linux/sockios.h
const SIOCETHTOOL: libc::c_ulong = 0x8946;
/// include/uapi/linux/ethtool.h
const ETHTOOL_NWAY_RST: u32 = 9;

/// `struct ethtool_value`.
#[repr(C)]
struct EthtoolValue {
    cmd: u32,
    data: u32,
}

nix::ioctl_readwrite_bad!(ethtool_ioctl, SIOCETHTOOL, libc::ifreq);

/// Restarts autonegotiation on the interface of this name. Needs `CAP_NET_ADMIN`.
pub fn restart_autonegotiation(interface: &str) -> io::Result<()> {
    // The request is the network core's, whatever the socket's family.
    let socket = UnixDatagram::unbound()?;
    let mut value = EthtoolValue {
        cmd: ETHTOOL_NWAY_RST,
        data: 0,
    };
    // SAFETY: ifreq is a C struct of integers, pointers and unions of those; zeros are valid.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    // The name's array is longer by one than any name, and so ends with a zero.
    if interface.len() >= request.ifr_name.len() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    for (to, from) in request.ifr_name.iter_mut().zip(interface.bytes()) {
        *to = libc::c_char::from_ne_bytes([from]);
    }
    request.ifr_ifru.ifru_data = (&raw mut value).cast();
    // SAFETY: the kernel reads `request`, and reads and writes no more than an ethtool_value
    // through its pointer for this command; both live until the call returns.
    unsafe { ethtool_ioctl(socket.as_raw_fd(), &raw mut request) }?;
    Ok(())
}
