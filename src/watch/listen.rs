//! Listening to a netlink multicast group.
//!
//! Netlink does not queue for ever: when the socket's buffer is full the kernel drops
//! messages and the next read says ENOBUFS once. netlink-proto 0.13, on which rtnetlink and
//! the `ethtool` crate stand, panics then, so the sockets are read here and their crates used
//! for what the messages mean.

use std::io;

use nix::errno::Errno;
use rtnetlink::sys::{AsyncSocket, AsyncSocketExt, SocketAddr, TokioSocket};
use socket2::{SockFilter, SockRef};

/// A socket that is a member of one group.
pub struct Listener(TokioSocket);

#[derive(Debug)]
pub enum Heard {
    /// A datagram: one or more messages.
    Datagram(Vec<u8>),
    /// Messages were lost: whatever is known from them may be out of date.
    Overflow,
}

impl Listener {
    /// Joins `group` of a netlink protocol such as `NETLINK_ROUTE`.
    pub fn join(protocol: isize, group: u32) -> io::Result<Listener> {
        let mut socket = TokioSocket::new(protocol)?;
        socket.socket_mut().bind(&SocketAddr::new(0, 0))?;
        socket.socket_mut().add_membership(group)?;
        Ok(Listener(socket))
    }

    /// Hears from now on only what the filter lets pass.
    pub fn only(self, filter: &[SockFilter]) -> io::Result<Listener> {
        SockRef::from(self.0.socket_ref()).attach_filter(filter)?;
        Ok(self)
    }

    pub async fn next(&self) -> io::Result<Heard> {
        match self.0.recv_from_full().await {
            // Only what the kernel itself (port 0) says counts.
            Ok((datagram, from)) if from.port_number() == 0 => Ok(Heard::Datagram(datagram)),
            Ok(_) => Ok(Heard::Datagram(Vec::new())),
            Err(error) if error.raw_os_error() == Some(Errno::ENOBUFS as i32) => {
                Ok(Heard::Overflow)
            }
            Err(error) => Err(error),
        }
    }
}
