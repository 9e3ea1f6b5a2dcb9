//! Asking the running kernel over a socket of its own, without an event loop.
//!
//! Each call waits inside the kernel, above all for its network configuration lock (rtnl): there
//! nothing can end it, neither a signal nor another thread.

use std::os::fd::{AsRawFd, OwnedFd};
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use netlink_packet_core::{
    NLM_F_ACK, NLM_F_REQUEST, NetlinkDeserializable, NetlinkMessage, NetlinkPayload,
    NetlinkSerializable,
};
use netlink_packet_generic::GenlMessage;
use netlink_packet_generic::ctrl::nlas::GenlCtrlAttrs;
use netlink_packet_generic::ctrl::{GenlCtrl, GenlCtrlCmd};
use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType, recv, sendto,
    setsockopt, socket, sockopt::ReceiveTimeout,
};
use nix::sys::time::TimeVal;

use super::message::FeaturesMessage;
use super::{Changes, FeatureKernel, Features, KernelError};

/// How long an answer may take, in seconds; it is there when the request has been sent.
const PATIENCE_S: i64 = 10;
/// Four times what `FEATURES_GET` takes with the 64 features of Linux 7.2.
const ANSWER_SIZE: usize = 32768;

/// A socket. One serves any number of NICs.
pub struct BlockingConnection {
    socket: OwnedFd,
    family: u16,
    sequence: u32,
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
        };
        let name = GenlCtrlAttrs::FamilyName("ethtool".into());
        let request = GenlCtrl {
            cmd: GenlCtrlCmd::GetFamily,
            nlas: vec![name],
        };
        let answer = connection.ask(GenlMessage::from_payload(request));
        let answer = answer?.map_err(|error| match error {
            Errno::ENOENT => KernelError::NoEthtoolNetlink,
            other => KernelError::from_errno(other),
        })?;
        let number = |attribute: &GenlCtrlAttrs| match attribute {
            GenlCtrlAttrs::FamilyId(number) => Some(*number),
            _ => None,
        };
        let number = answer.payload.nlas.iter().find_map(number);
        connection.family = number.ok_or(KernelError::NoEthtoolNetlink)?;
        Ok(connection)
    }

    /// Sends a request and gives the reply that comes before the ACK, or the error number that
    /// comes instead.
    fn ask<M>(&mut self, request: M) -> Result<Result<M, Errno>, KernelError>
    where
        M: NetlinkSerializable + NetlinkDeserializable,
        NetlinkPayload<M>: From<M>,
    {
        let mut message = NetlinkMessage::from(request);
        self.sequence += 1;
        message.header.sequence_number = self.sequence;
        message.header.flags = NLM_F_REQUEST | NLM_F_ACK;
        message.finalize();
        let mut bytes = vec![0; message.buffer_len()];
        message.serialize(&mut bytes);
        let socket = self.socket.as_raw_fd();
        let kernel = NetlinkAddr::new(0, 0);
        sendto(socket, &bytes, &kernel, MsgFlags::empty()).map_err(failed)?;
        let mut answer = None;
        let mut buffer = vec![0; ANSWER_SIZE];
        loop {
            let length = recv(socket, &mut buffer, MsgFlags::empty()).map_err(failed)?;
            let reply = NetlinkMessage::<M>::deserialize(&buffer[..length])
                .map_err(|error| KernelError::unreadable(&error))?;
            if reply.header.sequence_number != self.sequence {
                continue;
            }
            match reply.payload {
                NetlinkPayload::InnerMessage(message) => answer = Some(message),
                NetlinkPayload::Error(error) => {
                    return match error.code {
                        Some(code) => Ok(Err(Errno::from_raw(-code.get()))),
                        None => answer.map(Ok).ok_or_else(KernelError::no_answer),
                    };
                }
                _ => {}
            }
        }
    }

    fn ask_features(&mut self, request: FeaturesMessage) -> Result<FeaturesMessage, KernelError> {
        let mut request = GenlMessage::from_payload(request);
        request.set_resolved_family_id(self.family);
        let answer = self.ask(request)?.map_err(KernelError::from_errno)?;
        Ok(answer.payload)
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
    KernelError::Netlink(error.desc().to_owned())
}

impl FeatureKernel for BlockingConnection {
    async fn get(&mut self, ifindex: u32) -> Result<Features, KernelError> {
        self.ask_features(FeaturesMessage::Get { ifindex })?
            .features()
    }

    async fn set(&mut self, ifindex: u32, wanted: &[(&str, bool)]) -> Result<Changes, KernelError> {
        let request = FeaturesMessage::set(ifindex, wanted);
        self.ask_features(request)?.changes()
    }
}
