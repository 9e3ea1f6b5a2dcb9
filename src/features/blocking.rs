//! Asking the running kernel over a socket of its own, without an event loop.
//!
//! Each call waits inside the kernel, above all for its network configuration lock (rtnl): there
//! nothing can end it, neither a signal nor another thread.

use std::os::fd::{AsRawFd, OwnedFd};
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use netlink_packet_core::{
    Emitable, NLM_F_ACK, NLM_F_REQUEST, NetlinkBuffer, NlasIterator, parse_i32, parse_u16,
};
use netlink_packet_generic::GenlHeader;
use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType, recv, sendto,
    setsockopt, socket, sockopt::ReceiveTimeout,
};
use nix::sys::time::TimeVal;

use super::KernelError;
use super::conversation::{Conversation, Message};

/// How long an answer may take, in seconds; it is there when the request has been sent.
const PATIENCE_S: i64 = 10;
/// Thrice what `FEATURES_GET` takes with the 64 features of Linux 7.2.
const ANSWER_SIZE: usize = 16384;
/// `NLMSG_ERROR`, which an ACK is, too.
const ERROR: u16 = 2;
// include/uapi/linux/genetlink.h
const GENL_ID_CTRL: u16 = 0x10;
const CTRL_CMD_GETFAMILY: u8 = 3;
const CTRL_ATTR_FAMILY_ID: u16 = 1;
const CTRL_ATTR_FAMILY_NAME: u16 = 2;

/// A socket. One serves any number of NICs.
pub struct BlockingConnection {
    socket: OwnedFd,
    family: u16,
    sequence: u32,
    buffer: Vec<u8>,
}

impl BlockingConnection {
    /// Opens a socket and asks for the number that the `ethtool` family has on this kernel.
    pub fn open() -> Result<BlockingConnection, KernelError> {
        let kind = (AddressFamily::Netlink, SockType::Raw);
        let flags = SockFlag::SOCK_CLOEXEC;
        let socket = socket(kind.0, kind.1, flags, SockProtocol::NetlinkGeneric).map_err(failed)?;
        let patience = TimeVal::new(PATIENCE_S, 0);
        setsockopt(&socket, ReceiveTimeout, &patience).map_err(failed)?;
        let mut connection = BlockingConnection {
            socket,
            family: 0,
            sequence: 0,
            buffer: vec![0; ANSWER_SIZE],
        };
        let mut request = [12, CTRL_ATTR_FAMILY_NAME].map(u16::to_ne_bytes).concat();
        request.extend(b"ethtool\0");
        let header = GenlHeader {
            cmd: CTRL_CMD_GETFAMILY,
            version: 2,
        };
        let answer = connection.exchange(GENL_ID_CTRL, header, &request)?;
        let (_, answer) = answer.ok_or_else(KernelError::no_answer)?;
        let mut attributes = NlasIterator::new(answer.as_slice()).flatten();
        let number = attributes.find(|attribute| attribute.kind() == CTRL_ATTR_FAMILY_ID);
        let number = number.and_then(|number| parse_u16(number.value()).ok());
        connection.family = number.ok_or(KernelError::NoEthtoolNetlink)?;
        Ok(connection)
    }

    /// Sends a request and gives the reply that comes before the ACK, if one does: its header and
    /// attributes.
    fn exchange(
        &mut self,
        family: u16,
        header: GenlHeader,
        attributes: &[u8],
    ) -> Result<Option<(GenlHeader, Vec<u8>)>, KernelError> {
        self.sequence += 1;
        let mut request = vec![0; 20];
        request.extend(attributes);
        let length = u32::try_from(request.len()).map_err(KernelError::unreadable)?;
        let mut message = NetlinkBuffer::new(&mut request);
        message.set_length(length);
        message.set_message_type(family);
        message.set_flags(NLM_F_REQUEST | NLM_F_ACK);
        message.set_sequence_number(self.sequence);
        header.emit(message.payload_mut());
        let socket = self.socket.as_raw_fd();
        let kernel = NetlinkAddr::new(0, 0);
        sendto(socket, &request, &kernel, MsgFlags::empty()).map_err(failed)?;
        let mut answer = None;
        loop {
            let length = recv(socket, &mut self.buffer, MsgFlags::empty()).map_err(failed)?;
            let reply = NetlinkBuffer::new_checked(&self.buffer[..length]);
            let reply = reply.map_err(KernelError::unreadable)?;
            let payload = reply.payload();
            if reply.sequence_number() != self.sequence || payload.len() < 4 {
                continue;
            }
            if reply.message_type() == ERROR {
                return match parse_i32(&payload[..4]).map_err(KernelError::unreadable)? {
                    0 => Ok(answer),
                    error => Err(KernelError::from_errno(Errno::from_raw(-error))),
                };
            }
            let header = GenlHeader {
                cmd: payload[0],
                version: payload[1],
            };
            answer = Some((header, payload[4..].to_vec()));
        }
    }

    /// Does work that waits for nothing but this connection, so that it never has to be polled again.
    pub fn run<T>(work: impl Future<Output = T>) -> T {
        let mut context = Context::from_waker(Waker::noop());
        match pin!(work).poll(&mut context) {
            Poll::Ready(done) => done,
            Poll::Pending => unreachable!("it waits for something else"),
        }
    }
}

fn failed(error: Errno) -> KernelError {
    KernelError::Netlink(std::io::Error::from(error).to_string())
}

impl Conversation for BlockingConnection {
    async fn ask<M: Message>(&mut self, request: M) -> Result<Option<M>, KernelError> {
        let header = GenlHeader {
            cmd: request.command(),
            version: request.version(),
        };
        let mut attributes = vec![0; request.buffer_len()];
        request.emit(&mut attributes);
        let answer = self.exchange(self.family, header, &attributes)?;
        let answer = answer.map(|(header, answer)| M::parse_with_param(&answer, header));
        answer.transpose().map_err(KernelError::unreadable)
    }
}
