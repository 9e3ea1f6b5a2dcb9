//! Asking the running kernel over the `ethtool` crate's generic netlink connection, for programs
//! with an event loop.

use futures_util::StreamExt;
use genetlink::{GenetlinkError, GenetlinkHandle};
use netlink_packet_core::{
    Emitable, NLM_F_ACK, NLM_F_REQUEST, NetlinkMessage, NetlinkPayload, ParseableParametrized,
};
use netlink_packet_generic::{GenlFamily, GenlHeader, GenlMessage};
use nix::errno::Errno;
use rtnetlink::sys::AsyncSocket;

use super::message::FeaturesMessage;
use super::{Changes, FeatureKernel, Features, KernelError};
use crate::settings::message::SettingsMessage;
use crate::settings::wire::extended_ack;
use crate::settings::{Family, Reading, Value};

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

    /// Sends a request and gives the reply that comes before the ACK, if one does.
    async fn ask<M>(&mut self, request: M) -> Result<Option<M>, KernelError>
    where
        M: GenlFamily + Emitable + ParseableParametrized<[u8], GenlHeader>,
        M: Clone + std::fmt::Debug + Send + Unpin + 'static,
    {
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

    async fn ask_features(
        &mut self,
        request: FeaturesMessage,
    ) -> Result<FeaturesMessage, KernelError> {
        let answer = self.ask(request).await?;
        answer.ok_or_else(KernelError::no_answer)
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

impl FeatureKernel for Connection {
    async fn get(&mut self, ifindex: u32) -> Result<Features, KernelError> {
        let request = FeaturesMessage::Get { ifindex };
        self.ask_features(request).await?.features()
    }

    async fn set(&mut self, ifindex: u32, wanted: &[(&str, bool)]) -> Result<Changes, KernelError> {
        let request = FeaturesMessage::set(ifindex, wanted);
        self.ask_features(request).await?.changes()
    }

    async fn read(&mut self, ifindex: u32, family: Family) -> Result<Reading, KernelError> {
        match self.ask(SettingsMessage::Get { family, ifindex }).await? {
            Some(SettingsMessage::Reply(_, reading)) => Ok(reading),
            _ => Err(KernelError::no_answer()),
        }
    }

    async fn write(
        &mut self,
        ifindex: u32,
        family: Family,
        values: &[(&str, Value)],
    ) -> Result<(), KernelError> {
        let request = SettingsMessage::set(family, ifindex, values);
        self.ask(request).await.map(drop)
    }
}
