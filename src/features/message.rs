//! The FEATURES messages of ethtool's generic netlink family.
//!
//! Numbers and layout are those of `include/uapi/linux/ethtool_netlink.h` (Linux 5.7 and
//! later) and Documentation/networking/ethtool-netlink.rst. Bitsets are sent and asked for
//! in their verbose form, by name: a bit's index differs between kernels.

use netlink_packet_core::{
    DecodeError, Emitable, Nla, NlaBuffer, NlasIterator, ParseableParametrized,
};
use netlink_packet_generic::{GenlFamily, GenlHeader};

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
// ETHTOOL_A_HEADER_*
const HEADER_DEV_INDEX: u16 = 1;
const HEADER_DEV_NAME: u16 = 2;
// ETHTOOL_A_BITSET_*
const BITSET_BITS: u16 = 3;
const BITSET_VALUE: u16 = 4;
// ETHTOOL_A_BITSET_BITS_*
const BITS_BIT: u16 = 1;
// ETHTOOL_A_BITSET_BIT_*
const BIT_NAME: u16 = 2;
const BIT_VALUE: u16 = 3;

/// A FEATURES message, in either direction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FeaturesMessage {
    /// Ask for all features of a NIC.
    Get {
        /// The NIC.
        ifindex: u32,
    },
    /// Ask for features to be on or off; those not named stay as they are.
    Set {
        /// The NIC.
        ifindex: u32,
        /// Kernel names, and `true` for on.
        wanted: Vec<(String, bool)>,
    },
    /// The kernel's answer to a GET.
    GetReply(Reply),
    /// The kernel's answer to a SET; its ACK follows.
    SetReply(Reply),
    /// Somebody changed features, by netlink, by ioctl, or the core itself. The kernel sends
    /// notifications with compact bitsets, by index: to know what is so now, ask.
    Notification {
        /// The NIC.
        ifindex: u32,
        /// Its name now.
        interface: String,
    },
    /// Another message of the family, e.g. from the `monitor` group.
    Other(u8),
}

/// What the kernel says about a NIC's features.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reply {
    /// The NIC.
    pub ifindex: u32,
    /// Its name now.
    pub interface: String,
    /// GET: every feature of this kernel; those that can be switched have a value.
    pub hw: Bitset,
    /// GET: what was asked for. SET: what was asked for and is not so.
    pub wanted: Bitset,
    /// GET: what is on. SET: what changed, with its new value.
    pub active: Bitset,
    /// GET: what can never be changed.
    pub nochange: Bitset,
}

/// A bitset in verbose form. Without a mask, to be listed means to be on.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Bitset {
    /// The bits that are listed.
    pub bits: Vec<Bit>,
}

/// One listed bit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bit {
    /// Name of the feature.
    pub name: String,
    /// Its value; a list without a mask has no values, there this is `false`.
    pub value: bool,
}

impl Bitset {
    /// Whether `name` is listed.
    pub fn has(&self, name: &str) -> bool {
        self.bits.iter().any(|bit| bit.name == name)
    }

    fn parse(bitset: &[u8]) -> Result<Bitset, DecodeError> {
        let mut bits = Vec::new();
        for attribute in NlasIterator::new(bitset) {
            let attribute = attribute?;
            match attribute.kind() {
                BITSET_BITS => {
                    for bit in NlasIterator::new(attribute.value()) {
                        let bit = bit?;
                        if bit.kind() == BITS_BIT {
                            bits.push(Bit::parse(bit.value())?);
                        }
                    }
                }
                // Taken for an empty list it would say that everything is off.
                BITSET_VALUE => return Err("a compact bitset, which was not asked for".into()),
                _ => {}
            }
        }
        Ok(Bitset { bits })
    }
}

impl Bit {
    fn parse(bit: &[u8]) -> Result<Bit, DecodeError> {
        let mut name = None;
        let mut value = false;
        for attribute in NlasIterator::new(bit) {
            let attribute = attribute?;
            match attribute.kind() {
                BIT_NAME => name = Some(text(&attribute)?),
                BIT_VALUE => value = true,
                _ => {}
            }
        }
        let name = name.ok_or_else(|| DecodeError::from("a feature bit without a name"))?;
        Ok(Bit { name, value })
    }
}

impl Reply {
    /// Reads a reply. One without any of the `required` attributes is no answer: an absent
    /// list is not an empty one.
    fn parse(payload: &[u8], required: &[u16]) -> Result<Reply, DecodeError> {
        let mut reply = Reply::default();
        let mut missing = required.to_vec();
        for attribute in NlasIterator::new(payload) {
            let attribute = attribute?;
            let value = attribute.value();
            missing.retain(|kind| *kind != attribute.kind());
            match attribute.kind() {
                FEATURES_HEADER => reply.parse_header(value)?,
                FEATURES_HW => reply.hw = Bitset::parse(value)?,
                FEATURES_WANTED => reply.wanted = Bitset::parse(value)?,
                FEATURES_ACTIVE => reply.active = Bitset::parse(value)?,
                FEATURES_NOCHANGE => reply.nochange = Bitset::parse(value)?,
                _ => {}
            }
        }
        match missing.first() {
            Some(kind) => Err(format!("FEATURES attribute {kind} is missing").into()),
            None => Ok(reply),
        }
    }

    fn parse_header(&mut self, header: &[u8]) -> Result<(), DecodeError> {
        for attribute in NlasIterator::new(header) {
            let attribute = attribute?;
            match attribute.kind() {
                HEADER_DEV_INDEX => {
                    self.ifindex = netlink_packet_core::parse_u32(attribute.value())?;
                }
                HEADER_DEV_NAME => self.interface = text(&attribute)?,
                _ => {}
            }
        }
        Ok(())
    }
}

/// Whom a notification is about.
fn notified(payload: &[u8]) -> Result<(u32, String), DecodeError> {
    for attribute in NlasIterator::new(payload) {
        let attribute = attribute?;
        if attribute.kind() == FEATURES_HEADER {
            let mut reply = Reply::default();
            reply.parse_header(attribute.value())?;
            return Ok((reply.ifindex, reply.interface));
        }
    }
    Err("a notification without a header".into())
}

fn text(attribute: &NlaBuffer<&[u8]>) -> Result<String, DecodeError> {
    netlink_packet_core::parse_string(attribute.value())
}

/// An attribute to be sent.
#[derive(Debug)]
enum Attribute {
    Flag(u16),
    Number(u16, u32),
    Text(u16, String),
    Nested(u16, Vec<Attribute>),
}

impl Nla for Attribute {
    fn value_len(&self) -> usize {
        match self {
            Attribute::Flag(_) => 0,
            Attribute::Number(..) => 4,
            Attribute::Text(_, text) => text.len() + 1,
            Attribute::Nested(_, attributes) => attributes.as_slice().buffer_len(),
        }
    }

    fn kind(&self) -> u16 {
        match self {
            Attribute::Flag(kind)
            | Attribute::Number(kind, _)
            | Attribute::Text(kind, _)
            | Attribute::Nested(kind, _) => *kind,
        }
    }

    fn emit_value(&self, buffer: &mut [u8]) {
        match self {
            Attribute::Flag(_) => {}
            Attribute::Number(_, number) => buffer.copy_from_slice(&number.to_ne_bytes()),
            Attribute::Text(_, text) => {
                buffer[..text.len()].copy_from_slice(text.as_bytes());
                buffer[text.len()] = 0;
            }
            Attribute::Nested(_, attributes) => attributes.as_slice().emit(buffer),
        }
    }

    fn is_nested(&self) -> bool {
        matches!(self, Attribute::Nested(..))
    }
}

impl FeaturesMessage {
    /// What is sent. Only requests are: what the kernel says is not for sending.
    fn attributes(&self) -> Vec<Attribute> {
        let header = |ifindex: &u32| {
            Attribute::Nested(
                FEATURES_HEADER,
                vec![Attribute::Number(HEADER_DEV_INDEX, *ifindex)],
            )
        };
        match self {
            FeaturesMessage::Get { ifindex } => vec![header(ifindex)],
            FeaturesMessage::Set { ifindex, wanted } => {
                let bit = |(name, on): &(String, bool)| {
                    let mut bit = vec![Attribute::Text(BIT_NAME, name.clone())];
                    bit.extend(on.then_some(Attribute::Flag(BIT_VALUE)));
                    Attribute::Nested(BITS_BIT, bit)
                };
                let bits = Attribute::Nested(BITSET_BITS, wanted.iter().map(bit).collect());
                vec![
                    header(ifindex),
                    Attribute::Nested(FEATURES_WANTED, vec![bits]),
                ]
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
            MSG_FEATURES_GET_REPLY => {
                FeaturesMessage::GetReply(Reply::parse(payload, &GET_REPLY_HAS)?)
            }
            MSG_FEATURES_SET_REPLY => {
                FeaturesMessage::SetReply(Reply::parse(payload, &SET_REPLY_HAS)?)
            }
            MSG_FEATURES_NTF => {
                let (ifindex, interface) = notified(payload)?;
                FeaturesMessage::Notification { ifindex, interface }
            }
            command => FeaturesMessage::Other(command),
        })
    }
}

#[cfg(test)]
mod tests;
