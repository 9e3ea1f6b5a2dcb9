//! Asking the running kernel, over the `ethtool` crate's generic netlink connection.

use std::io;

use futures_util::StreamExt;
use genetlink::{GenetlinkError, GenetlinkHandle};
use netlink_packet_core::{NLM_F_ACK, NLM_F_REQUEST, NetlinkMessage, NetlinkPayload};
use netlink_packet_generic::GenlMessage;
use nix::errno::Errno;

use super::message::FeaturesMessage;
use super::{Changes, FeatureKernel, Features, KernelError};
use crate::memory::Memory;
use crate::nic::Nic;

/// A connection to the running kernel. One serves any number of NICs.
pub struct Connection {
    handle: GenetlinkHandle,
}

impl Connection {
    /// Opens a connection; its work is done on the current tokio runtime.
    pub fn open() -> Result<Connection, KernelError> {
        let (connection, handle, _unsolicited) =
            ethtool::new_connection().map_err(|error| KernelError::Netlink(error.to_string()))?;
        tokio::spawn(connection);
        Ok(Connection {
            handle: handle.handle,
        })
    }

    /// The number of the family's multicast group `monitor` (`ETHTOOL_MCGRP_MONITOR_NAME`),
    /// which is told of every change.
    #[cfg(feature = "watch")]
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

    /// Sends a request and gives the reply that comes before the ACK.
    async fn ask(&mut self, request: FeaturesMessage) -> Result<FeaturesMessage, KernelError> {
        let mut message = NetlinkMessage::from(GenlMessage::from_payload(request));
        // Without ACK, the end of the answer could not be told from its middle.
        message.header.flags = NLM_F_REQUEST | NLM_F_ACK;
        let mut replies = self.handle.request(message).await.map_err(no_family)?;
        let mut answer = None;
        while let Some(reply) = replies.next().await {
            let reply = reply.map_err(|error| {
                KernelError::Netlink(format!("an answer that can't be read: {error}"))
            })?;
            match reply.payload {
                NetlinkPayload::InnerMessage(message) => answer = Some(message.payload),
                NetlinkPayload::Error(error) if error.code.is_some() => {
                    return Err(errno(&error.to_io()));
                }
                _ => {}
            }
        }
        answer.ok_or_else(|| KernelError::Netlink("the kernel did not answer".into()))
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

fn errno(error: &io::Error) -> KernelError {
    match error.raw_os_error().map(Errno::from_raw) {
        Some(Errno::ENODEV) => KernelError::Gone,
        Some(Errno::EPERM) => KernelError::NotPermitted,
        Some(Errno::EOPNOTSUPP) => KernelError::NotSupported,
        _ => KernelError::Refused(error.to_string()),
    }
}

impl FeatureKernel for Connection {
    async fn get(&mut self, ifindex: u32) -> Result<Features, KernelError> {
        match self.ask(FeaturesMessage::Get { ifindex }).await? {
            FeaturesMessage::GetReply(features) => Ok(features),
            other => Err(unexpected(&other)),
        }
    }

    async fn set(&mut self, ifindex: u32, wanted: &[(&str, bool)]) -> Result<Changes, KernelError> {
        let wanted = wanted
            .iter()
            .map(|(name, on)| ((*name).to_owned(), *on))
            .collect();
        match self.ask(FeaturesMessage::Set { ifindex, wanted }).await? {
            FeaturesMessage::SetReply(changes) => Ok(changes),
            other => Err(unexpected(&other)),
        }
    }

    fn remember(&mut self, nic: &Nic, before: &[(&str, bool)]) {
        // Without it 'unhang revert' knows less; the NIC is to be right all the same.
        let _ = Memory::default().add(nic, before);
    }
}

fn unexpected(message: &FeaturesMessage) -> KernelError {
    KernelError::Netlink(format!("an unexpected answer: {message:?}"))
}
