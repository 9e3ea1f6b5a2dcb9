//! Asking the running kernel over the `ethtool` crate's generic netlink connection, for programs
//! with an event loop.

use futures_util::StreamExt;
use genetlink::{GenetlinkError, GenetlinkHandle};
use netlink_packet_core::{NLM_F_ACK, NLM_F_REQUEST, NetlinkMessage, NetlinkPayload};
use netlink_packet_generic::GenlMessage;
use nix::errno::Errno;
use rtnetlink::sys::AsyncSocket;

use super::KernelError;
use super::conversation::{Conversation, Message};
use super::message::FeaturesMessage;
use crate::settings::wire::extended_ack;

/// A connection to the running kernel. One serves any number of NICs.
pub struct Connection {
    handle: GenetlinkHandle,
}

impl Connection {
    /// Opens a connection; its work is done on the current tokio runtime.
    pub fn open() -> Result<Connection, KernelError> {
        let failed = |error: std::io::Error| KernelError::Netlink(error.to_string());
        let (mut connection, handle, _unsolicited) = ethtool::new_connection().map_err(failed)?;
        let socket = connection.socket_mut().socket_mut();
        socket.set_ext_ack(true).map_err(failed)?;
        tokio::spawn(connection);
        Ok(Connection {
            handle: handle.handle,
        })
    }

    /// The number of the family's multicast group `monitor` (`ETHTOOL_MCGRP_MONITOR_NAME`),
    /// which is told of every change.
    pub async fn monitor_group(&mut self) -> Result<u32, KernelError> {
        let family = self
            .handle
            .resolve_family::<FeaturesMessage>()
            .await
            .map_err(no_family)?;
        let group = family.multicast_groups.get("monitor").copied();
        group
            .ok_or_else(|| KernelError::Netlink("the ethtool family has no group 'monitor'".into()))
    }
}

fn no_family(error: GenetlinkError) -> KernelError {
    match error {
        GenetlinkError::NetlinkError(error)
            if error.raw_os_error() == Some(Errno::ENOENT as i32) =>
        {
            KernelError::NoEthtoolNetlink
        }
        other => KernelError::Netlink(other.to_string()),
    }
}

impl Conversation for Connection {
    async fn ask<M: Message>(&mut self, request: M) -> Result<Option<M>, KernelError> {
        let mut message = NetlinkMessage::from(GenlMessage::from_payload(request));
        // Without ACK, the end of the answer could not be told from its middle.
        message.header.flags = NLM_F_REQUEST | NLM_F_ACK;
        let mut replies = self.handle.request(message).await.map_err(no_family)?;
        let mut answer = None;
        while let Some(reply) = replies.next().await {
            let reply = reply.map_err(KernelError::unreadable)?;
            match reply.payload {
                NetlinkPayload::InnerMessage(message) => answer = Some(message.payload),
                NetlinkPayload::Error(error) => {
                    if let Some(code) = error.code {
                        let words = extended_ack(reply.header.flags, &error.header);
                        return Err(KernelError::with_words(Errno::from_raw(-code.get()), words));
                    }
                }
                _ => {}
            }
        }
        Ok(answer)
    }
}
