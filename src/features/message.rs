//! The FEATURES messages of ethtool's generic netlink family.
//!
//! Numbers and layout are those of `include/uapi/linux/ethtool_netlink.h` (Linux 5.7 and
//! later) and Documentation/networking/ethtool-netlink.rst. Bitsets are sent and asked for
//! in their verbose form, by name: a bit's index differs between kernels.

use netlink_packet_core::{
    DecodeError, Emitable, NLA_HEADER_SIZE, Nla, NlaBuffer, NlasIterator, ParseableParametrized,
};
use netlink_packet_generic::{GenlFamily, GenlHeader};

use super::{Changes, Feature, Features, KernelError};

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

/// One listed bit of a bitset in verbose form.
struct Bit<'a> {
    name: &'a str,
    /// A list without a mask has no values: to be listed there means to be on.
    value: bool,
}

impl<'a> Bit<'a> {
    fn parse(bit: &'a [u8]) -> Result<Bit<'a>, DecodeError> {
        let mut name = None;
        let mut on = false;
        for attribute in NlasIterator::new(bit) {
            let attribute = attribute?;
            match attribute.kind() {
                BIT_NAME => name = Some(text(value(attribute))?),
                BIT_VALUE => on = true,
                _ => {}
            }
        }
        let name = name.ok_or_else(|| DecodeError::from("a feature bit without a name"))?;
        Ok(Bit { name, value: on })
    }
}

/// The bits that a bitset lists, in the order of their index.
fn bits(bitset: &[u8]) -> Result<Vec<Bit<'_>>, DecodeError> {
    let mut bits = Vec::new();
    for attribute in NlasIterator::new(bitset) {
        let attribute = attribute?;
        match attribute.kind() {
            BITSET_BITS => {
                for bit in NlasIterator::new(value(attribute)) {
                    let bit = bit?;
                    if bit.kind() == BITS_BIT {
                        bits.push(Bit::parse(value(bit))?);
                    }
                }
            }
            // Taken for an empty list it would say that everything is off.
            BITSET_VALUE => return Err("a compact bitset, which was not asked for".into()),
            _ => {}
        }
    }
    Ok(bits)
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
    let [_, wanted, active] = required(payload, SET_REPLY_HAS)?;
    let refused = bits(wanted)?.into_iter();
    let changed = bits(active)?.into_iter();
    Ok(Changes {
        refused: refused.map(|bit| bit.name.to_owned()).collect(),
        changed: changed
            .map(|bit| (bit.name.to_owned(), bit.value))
            .collect(),
    })
}

/// The NIC that a message is about, and its name now.
fn addressee(header: &[u8]) -> Result<(u32, String), DecodeError> {
    let mut ifindex = 0;
    let mut interface = String::new();
    for attribute in NlasIterator::new(header) {
        let attribute = attribute?;
        match attribute.kind() {
            HEADER_DEV_INDEX => ifindex = netlink_packet_core::parse_u32(attribute.value())?,
            HEADER_DEV_NAME => text(attribute.value())?.clone_into(&mut interface),
            _ => {}
        }
    }
    Ok((ifindex, interface))
}

/// An attribute's value, which is there as long as the message is; `NlaBuffer::value` lends it
/// for less.
fn value(attribute: NlaBuffer<&[u8]>) -> &[u8] {
    let end = usize::from(attribute.length());
    &attribute.into_inner()[NLA_HEADER_SIZE..end]
}

fn text(value: &[u8]) -> Result<&str, DecodeError> {
    let value = value.strip_suffix(b"\0").unwrap_or(value);
    std::str::from_utf8(value).map_err(|error| DecodeError::from(error.to_string()))
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
