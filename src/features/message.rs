//! The FEATURES messages of ethtool's generic netlink family.
//!
//! Numbers and layout are those of `include/uapi/linux/ethtool_netlink.h` (Linux 5.7 and
//! later) and Documentation/networking/ethtool-netlink.rst.

use netlink_packet_core::{DecodeError, Emitable, NlasIterator, ParseableParametrized};
use netlink_packet_generic::{GenlFamily, GenlHeader};

use super::{Changes, Feature, Features, KernelError};
use crate::settings::wire::{Attribute, Bit, addressee, bits, bitset, header, value};

/// `ETHTOOL_MSG_FEATURES_GET`.
const MSG_FEATURES_GET: u8 = 11;
/// `ETHTOOL_MSG_FEATURES_SET`.
const MSG_FEATURES_SET: u8 = 12;
/// `ETHTOOL_MSG_FEATURES_GET_REPLY`, from the kernel.
const MSG_FEATURES_GET_REPLY: u8 = 11;
/// `ETHTOOL_MSG_FEATURES_SET_REPLY`, from the kernel.
const MSG_FEATURES_SET_REPLY: u8 = 12;
/// `ETHTOOL_MSG_FEATURES_NTF`, from the kernel to the `monitor` group.
const MSG_FEATURES_NTF: u8 = 13;

// ETHTOOL_A_FEATURES_*
const FEATURES_HEADER: u16 = 1;
const FEATURES_HW: u16 = 2;
const FEATURES_WANTED: u16 = 3;
const FEATURES_ACTIVE: u16 = 4;
const FEATURES_NOCHANGE: u16 = 5;
/// What `features_fill_reply` (net/ethtool/features.c) puts into every GET reply.
const GET_REPLY_HAS: [u16; 5] = [
    FEATURES_HEADER,
    FEATURES_HW,
    FEATURES_WANTED,
    FEATURES_ACTIVE,
    FEATURES_NOCHANGE,
];
/// What `features_send_reply` (net/ethtool/features.c) puts into every SET reply.
const SET_REPLY_HAS: [u16; 3] = [FEATURES_HEADER, FEATURES_WANTED, FEATURES_ACTIVE];

/// A FEATURES message, in either direction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FeaturesMessage {
    /// Ask for all features of a NIC.
    Get { ifindex: u32 },
    /// Ask for features to be on or off; those not named stay as they are.
    Set {
        ifindex: u32,
        /// Kernel names, and `true` for on.
        wanted: Vec<(String, bool)>,
    },
    /// The kernel's answer to a GET.
    GetReply(Features),
    /// The kernel's answer to a SET; its ACK follows.
    SetReply(Changes),
    /// Somebody changed features, by netlink, by ioctl, or the core itself. The kernel sends
    /// notifications with compact bitsets, by index: to know what is so now, ask.
    Notification { ifindex: u32, interface: String },
    /// Another message of the family, e.g. from the `monitor` group.
    Other(u8),
}

/// The attributes of these kinds. A reply without one of them is no answer: an absent list is
/// not an empty one.
fn required<const N: usize>(payload: &[u8], kinds: [u16; N]) -> Result<[&[u8]; N], DecodeError> {
    let mut found = [None; N];
    for attribute in NlasIterator::new(payload) {
        let attribute = attribute?;
        if let Some(place) = kinds.iter().position(|kind| *kind == attribute.kind()) {
            found[place] = Some(value(attribute));
        }
    }
    if let Some(place) = found.iter().position(Option::is_none) {
        return Err(format!("FEATURES attribute {} is missing", kinds[place]).into());
    }
    Ok(found.map(Option::unwrap_or_default))
}

/// HW names every feature of the kernel; those that the hardware can switch have a value there,
/// and what is in NOCHANGE can't be changed all the same.
fn features(payload: &[u8]) -> Result<Features, DecodeError> {
    let [header, hw, wanted, active, nochange] = required(payload, GET_REPLY_HAS)?;
    let feature = |bit: Bit<'_>| Feature {
        name: bit.name.to_owned(),
        changeable: bit.value,
        wanted: false,
        active: false,
    };
    let mut list: Vec<Feature> = bits(hw)?.into_iter().map(feature).collect();
    mark(&mut list, wanted, |feature| feature.wanted = true)?;
    mark(&mut list, active, |feature| feature.active = true)?;
    mark(&mut list, nochange, |feature| feature.changeable = false)?;
    let (_, interface) = addressee(header)?;
    Ok(Features { interface, list })
}

/// Marks each feature that the bitset lists.
fn mark(list: &mut [Feature], bitset: &[u8], with: fn(&mut Feature)) -> Result<(), DecodeError> {
    let mut next = 0;
    for bit in bits(bitset)? {
        // Both are in the order of the bits' index, so that it is not far.
        let is = |feature: &Feature| feature.name == bit.name;
        let later = list[next..].iter().position(is).map(|place| next + place);
        if let Some(place) = later.or_else(|| list.iter().position(is)) {
            with(&mut list[place]);
            next = place;
        }
    }
    Ok(())
}

/// WANTED lists what was asked for and is not so, ACTIVE what changed, with its new value.
fn changes(payload: &[u8]) -> Result<Changes, DecodeError> {
    let [header, wanted, active] = required(payload, SET_REPLY_HAS)?;
    let (_, interface) = addressee(header)?;
    let refused = bits(wanted)?.into_iter();
    let changed = bits(active)?.into_iter();
    Ok(Changes {
        interface,
        refused: refused.map(|bit| bit.name.to_owned()).collect(),
        changed: changed
            .map(|bit| (bit.name.to_owned(), bit.value))
            .collect(),
    })
}

impl FeaturesMessage {
    /// A SET of these features.
    pub fn set(ifindex: u32, wanted: &[(&str, bool)]) -> FeaturesMessage {
        let owned = wanted.iter().map(|(name, on)| ((*name).to_owned(), *on));
        FeaturesMessage::Set {
            ifindex,
            wanted: owned.collect(),
        }
    }

    /// The answer to a GET.
    pub fn features(self) -> Result<Features, KernelError> {
        match self {
            FeaturesMessage::GetReply(features) => Ok(features),
            other => Err(other.unexpected()),
        }
    }

    /// The answer to a SET.
    pub fn changes(self) -> Result<Changes, KernelError> {
        match self {
            FeaturesMessage::SetReply(changes) => Ok(changes),
            other => Err(other.unexpected()),
        }
    }

    fn unexpected(&self) -> KernelError {
        KernelError::Netlink(format!("an unexpected answer: {self:?}"))
    }

    /// What is sent. Only requests are: what the kernel says is not for sending.
    fn attributes(&self) -> Vec<Attribute> {
        match self {
            FeaturesMessage::Get { ifindex } => vec![header(*ifindex)],
            FeaturesMessage::Set { ifindex, wanted } => {
                let bits = wanted.iter().map(|(name, on)| (name.as_str(), *on));
                vec![header(*ifindex), bitset(FEATURES_WANTED, bits)]
            }
            FeaturesMessage::GetReply(_)
            | FeaturesMessage::SetReply(_)
            | FeaturesMessage::Notification { .. }
            | FeaturesMessage::Other(_) => Vec::new(),
        }
    }
}

impl GenlFamily for FeaturesMessage {
    /// `ETHTOOL_GENL_NAME`.
    fn family_name() -> &'static str {
        "ethtool"
    }

    /// `ETHTOOL_GENL_VERSION`.
    fn version(&self) -> u8 {
        1
    }

    fn command(&self) -> u8 {
        match self {
            FeaturesMessage::Get { .. } => MSG_FEATURES_GET,
            FeaturesMessage::Set { .. } => MSG_FEATURES_SET,
            FeaturesMessage::GetReply(_) => MSG_FEATURES_GET_REPLY,
            FeaturesMessage::SetReply(_) => MSG_FEATURES_SET_REPLY,
            FeaturesMessage::Notification { .. } => MSG_FEATURES_NTF,
            FeaturesMessage::Other(command) => *command,
        }
    }
}

impl Emitable for FeaturesMessage {
    fn buffer_len(&self) -> usize {
        self.attributes().as_slice().buffer_len()
    }

    fn emit(&self, buffer: &mut [u8]) {
        self.attributes().as_slice().emit(buffer);
    }
}

/// Reads what the kernel sends: its commands have other meanings than ours with the same number.
impl ParseableParametrized<[u8], GenlHeader> for FeaturesMessage {
    fn parse_with_param(payload: &[u8], header: GenlHeader) -> Result<Self, DecodeError> {
        Ok(match header.cmd {
            MSG_FEATURES_GET_REPLY => FeaturesMessage::GetReply(features(payload)?),
            MSG_FEATURES_SET_REPLY => FeaturesMessage::SetReply(changes(payload)?),
            MSG_FEATURES_NTF => {
                let [header] = required(payload, [FEATURES_HEADER])?;
                let (ifindex, interface) = addressee(header)?;
                FeaturesMessage::Notification { ifindex, interface }
            }
            command => FeaturesMessage::Other(command),
        })
    }
}

#[cfg(test)]
mod tests;
