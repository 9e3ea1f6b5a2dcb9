//! What wakes the watcher: each source is a task that turns what it hears into a [`Signal`].

use std::io;

use genetlink::message::{RawGenlMessage, map_from_rawgenlmsg};
use netlink_packet_core::{DecodeError, NetlinkBuffer, NetlinkMessage, NetlinkPayload};
use rtnetlink::packet_route::RouteNetlinkMessage;
use rtnetlink::packet_route::link::{LinkAttribute, LinkFlags, LinkMessage};
use tokio::sync::mpsc::Sender;

use super::kmsg::{self, Record};
use super::listen::{Heard, Listener};
use crate::features::message::FeaturesMessage;
use crate::settings::message::SettingsMessage;

#[derive(Debug)]
pub enum Signal {
    /// A link appeared or changed.
    Link(LinkState),
    Gone(u32),
    /// Settings of this link changed.
    Changed(u32),
    /// The kernel said something about a NIC's hangs, and did so just now or before the
    /// watcher came.
    Kernel {
        record: Record,
        now: bool,
    },
    /// The kernel said something else, a day or more after the last such signal.
    Day,
    /// Messages were lost: everything is to be read again.
    Overflow,
    /// The rules are to be reloaded.
    Rules,
    /// The service is stopped.
    Stop,
    /// A source ended, which none should.
    Broken(&'static str, io::Error),
}

/// A link, as `RTM_NEWLINK` describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkState {
    pub ifindex: u32,
    pub name: Option<String>,
    /// Whether it has a carrier (`IFF_LOWER_UP`).
    pub carrier: bool,
    /// How often the carrier came up (`IFLA_CARRIER_UP_COUNT`): tells a link-up of which the
    /// messages were folded into one.
    pub carrier_ups: Option<u32>,
}

impl From<LinkMessage> for LinkState {
    fn from(message: LinkMessage) -> LinkState {
        let attribute =
            |find: fn(&LinkAttribute) -> bool| message.attributes.iter().find(|a| find(a));
        LinkState {
            ifindex: message.header.index,
            name: match attribute(|a| matches!(a, LinkAttribute::IfName(_))) {
                Some(LinkAttribute::IfName(name)) => Some(name.clone()),
                _ => None,
            },
            carrier: message.header.flags.contains(LinkFlags::LowerUp),
            carrier_ups: match attribute(|a| matches!(a, LinkAttribute::CarrierUpCount(_))) {
                Some(LinkAttribute::CarrierUpCount(count)) => Some(*count),
                _ => None,
            },
        }
    }
}

/// Tells what `read` makes of a group's messages, until the watcher ends.
pub async fn listen(
    listener: Listener,
    source: &'static str,
    read: fn(&[u8]) -> Result<Option<Signal>, DecodeError>,
    to: Sender<Signal>,
) {
    loop {
        let signals = match listener.next().await {
            // A message that can't be read is none of those that are waited for.
            Ok(Heard::Datagram(datagram)) => messages(&datagram)
                .filter_map(|message| read(message).ok().flatten())
                .collect(),
            Ok(Heard::Overflow) => vec![Signal::Overflow],
            Err(error) => vec![Signal::Broken(source, error)],
        };
        for signal in signals {
            let broken = matches!(signal, Signal::Broken(..));
            if to.send(signal).await.is_err() || broken {
                return;
            }
        }
    }
}

/// A message of the group `RTNLGRP_LINK`.
pub fn link(message: &[u8]) -> Result<Option<Signal>, DecodeError> {
    let message = NetlinkMessage::<RouteNetlinkMessage>::deserialize(message)?;
    Ok(match message.payload {
        NetlinkPayload::InnerMessage(RouteNetlinkMessage::NewLink(link)) => {
            Some(Signal::Link(link.into()))
        }
        NetlinkPayload::InnerMessage(RouteNetlinkMessage::DelLink(link)) => {
            Some(Signal::Gone(link.header.index))
        }
        _ => None,
    })
}

/// A message of ethtool's group `monitor`.
pub fn changed(message: &[u8]) -> Result<Option<Signal>, DecodeError> {
    let message = NetlinkMessage::<RawGenlMessage>::deserialize(message)?;
    let features = map_from_rawgenlmsg::<FeaturesMessage>(message.clone())?;
    if let NetlinkPayload::InnerMessage(message) = features.payload {
        if let FeaturesMessage::Notification { ifindex, .. } = message.payload {
            return Ok(Some(Signal::Changed(ifindex)));
        }
    }
    let settings = map_from_rawgenlmsg::<SettingsMessage>(message)?;
    Ok(match settings.payload {
        NetlinkPayload::InnerMessage(message) => match message.payload {
            SettingsMessage::Notification { ifindex } => Some(Signal::Changed(ifindex)),
            _ => None,
        },
        _ => None,
    })
}

/// Tells what the kernel says of hangs, until the watcher ends.
pub async fn kernel(mut reader: kmsg::Kmsg, to: Sender<Signal>) {
    loop {
        let (signal, broken) = match reader.next().await {
            Ok((Some(record), now)) => (Signal::Kernel { record, now }, false),
            Ok((None, _)) => (Signal::Day, false),
            Err(error) => (Signal::Broken("/dev/kmsg", error), true),
        };
        if to.send(signal).await.is_err() || broken {
            return;
        }
    }
}

/// The messages of a datagram.
fn messages(datagram: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = datagram;
    std::iter::from_fn(move || {
        let length = NetlinkBuffer::new_checked(&rest).ok()?.length() as usize;
        let (message, after) = rest.split_at_checked(length)?;
        // Messages begin at multiples of four (NLMSG_ALIGNTO).
        rest = after
            .get(length.next_multiple_of(4) - length..)
            .unwrap_or_default();
        Some(message)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(wrap: fn(LinkMessage) -> RouteNetlinkMessage) -> Vec<u8> {
        let mut link = LinkMessage::default();
        link.header.index = 2;
        link.header.flags = LinkFlags::LowerUp;
        link.attributes = vec![
            LinkAttribute::IfName("eno1".into()),
            LinkAttribute::CarrierUpCount(3),
        ];
        let mut message = NetlinkMessage::from(wrap(link));
        message.finalize();
        let mut bytes = vec![0; message.buffer_len()];
        message.serialize(&mut bytes);
        bytes
    }

    #[test]
    fn links_come_and_go() {
        let new = message(RouteNetlinkMessage::NewLink);
        let expected = LinkState {
            ifindex: 2,
            name: Some("eno1".into()),
            carrier: true,
            carrier_ups: Some(3),
        };
        assert!(matches!(link(&new), Ok(Some(Signal::Link(link))) if link == expected));
        let gone = message(RouteNetlinkMessage::DelLink);
        assert!(matches!(link(&gone), Ok(Some(Signal::Gone(2)))));
    }

    #[test]
    fn a_datagram_may_hold_several_messages_or_half_of_one() {
        let one = message(RouteNetlinkMessage::NewLink);
        let two = [one.clone(), one.clone()].concat();
        assert_eq!(messages(&two).count(), 2);
        for end in 0..two.len() {
            assert_eq!(messages(&two[..end]).count(), end / one.len());
        }
    }
}
