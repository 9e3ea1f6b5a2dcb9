//! A kernel that is reached by messages of the `ethtool` family, whichever way they are sent.

use std::fmt::Debug;

use netlink_packet_core::{Emitable, ParseableParametrized};
use netlink_packet_generic::{GenlFamily, GenlHeader};

use super::message::FeaturesMessage;
use super::{Changes, FeatureKernel, Features, KernelError};
use crate::settings::message::SettingsMessage;
use crate::settings::{Family, Reading, Value};

/// What can be sent, and read from the answer.
pub trait Message:
    GenlFamily
    + Emitable
    + ParseableParametrized<[u8], GenlHeader>
    + Clone
    + Debug
    + Send
    + Unpin
    + 'static
{
}

impl Message for FeaturesMessage {}
impl Message for SettingsMessage {}

#[allow(async_fn_in_trait)]
pub trait Conversation {
    /// Sends a request and gives the reply that comes before the ACK, if one does.
    async fn ask<M: Message>(&mut self, request: M) -> Result<Option<M>, KernelError>;
}

async fn ask_features(
    kernel: &mut impl Conversation,
    request: FeaturesMessage,
) -> Result<FeaturesMessage, KernelError> {
    let answer = kernel.ask(request).await?;
    answer.ok_or_else(KernelError::no_answer)
}

impl<C: Conversation> FeatureKernel for C {
    async fn get(&mut self, ifindex: u32) -> Result<Features, KernelError> {
        let request = FeaturesMessage::Get { ifindex };
        ask_features(self, request).await?.features()
    }

    async fn set(&mut self, ifindex: u32, wanted: &[(&str, bool)]) -> Result<Changes, KernelError> {
        let request = FeaturesMessage::set(ifindex, wanted);
        ask_features(self, request).await?.changes()
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
