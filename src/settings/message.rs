//! The messages of all families: asking, setting, and the kernel's answer and notification.

use netlink_packet_core::{
    DecodeError, Emitable, NlasIterator, ParseableParametrized, parse_u8, parse_u32,
};
use netlink_packet_generic::{GenlFamily, GenlHeader};

use super::families::{Kind, Layout};
use super::wire::{Attribute, HEADER, addressee, bits, bitset, header, value};
use super::{Family, Reading, Value};

/// A message about one family, in either direction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SettingsMessage {
    Get {
        family: Family,
        ifindex: u32,
    },
    /// Ask for these values; what is not named stays as it is. The kernel answers with an ACK.
    Set {
        family: Family,
        ifindex: u32,
        values: Reading,
    },
    Reply(Family, Reading),
    /// Somebody changed something. To know what is so now, ask.
    Notification {
        ifindex: u32,
    },
    /// Another message of ethtool's.
    Other(u8),
}

impl SettingsMessage {
    pub fn set(family: Family, ifindex: u32, values: &[(&str, Value)]) -> SettingsMessage {
        let owned = values
            .iter()
            .map(|(key, value)| ((*key).to_owned(), *value));
        SettingsMessage::Set {
            family,
            ifindex,
            values: owned.collect(),
        }
    }

    /// What is sent. Only requests are.
    fn attributes(&self) -> Vec<Attribute> {
        match self {
            SettingsMessage::Get { ifindex, .. } => vec![header(*ifindex)],
            SettingsMessage::Set {
                family,
                ifindex,
                values,
            } => {
                let mut attributes = vec![header(*ifindex)];
                match &family.data().layout {
                    Layout::Attributes(fields) => {
                        let known = fields.iter().filter_map(|field| {
                            let (_, value) = values.iter().find(|(key, _)| *key == field.key)?;
                            Some((field.attribute, *value))
                        });
                        attributes.extend(known.map(|(attribute, value)| match value {
                            Value::Switch(on) => Attribute::Byte(attribute, on.into()),
                            Value::Number(number) => Attribute::Number(attribute, number),
                        }));
                    }
                    Layout::Bitset(attribute) => {
                        let on = |(key, value)| (key, value == Value::Switch(true));
                        let bits = values.iter().map(|(key, value)| (key.as_str(), *value));
                        attributes.push(bitset(*attribute, bits.map(on)));
                    }
                }
                attributes
            }
            SettingsMessage::Reply(..)
            | SettingsMessage::Notification { .. }
            | SettingsMessage::Other(_) => Vec::new(),
        }
    }
}

/// What a reply says. Of a bitset, what it lists is what the driver has.
fn reading(family: Family, payload: &[u8]) -> Result<Reading, DecodeError> {
    let mut reading = Reading::new();
    let mut complete = false;
    for attribute in NlasIterator::new(payload) {
        let attribute = attribute?;
        let kind = attribute.kind();
        complete |= kind == HEADER;
        match &family.data().layout {
            Layout::Attributes(fields) => {
                if let Some(field) = fields.iter().find(|field| field.attribute == kind) {
                    let value = match field.kind {
                        Kind::Switch => Value::Switch(parse_u8(attribute.value())? != 0),
                        Kind::Number => Value::Number(parse_u32(attribute.value())?),
                    };
                    reading.push((field.key.to_owned(), value));
                }
            }
            Layout::Bitset(bitset) if *bitset == kind => {
                let listed = bits(value(attribute))?.into_iter();
                reading.extend(listed.map(|bit| (bit.name.to_owned(), Value::Switch(bit.value))));
            }
            Layout::Bitset(_) => {}
        }
    }
    if complete {
        Ok(reading)
    } else {
        Err("an answer that does not say which NIC it is about".into())
    }
}

impl GenlFamily for SettingsMessage {
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
            SettingsMessage::Get { family, .. } => family.data().get,
            SettingsMessage::Set { family, .. } => family.data().set,
            SettingsMessage::Reply(family, _) => family.data().reply,
            SettingsMessage::Notification { .. } => 0,
            SettingsMessage::Other(command) => *command,
        }
    }
}

impl Emitable for SettingsMessage {
    fn buffer_len(&self) -> usize {
        self.attributes().as_slice().buffer_len()
    }

    fn emit(&self, buffer: &mut [u8]) {
        self.attributes().as_slice().emit(buffer);
    }
}

/// Reads what the kernel sends: its commands have other meanings than ours with the same number.
impl ParseableParametrized<[u8], GenlHeader> for SettingsMessage {
    fn parse_with_param(payload: &[u8], header: GenlHeader) -> Result<Self, DecodeError> {
        for family in Family::ALL {
            if family.data().reply == header.cmd {
                return Ok(SettingsMessage::Reply(family, reading(family, payload)?));
            }
            if family.data().notification == header.cmd {
                for attribute in NlasIterator::new(payload) {
                    let attribute = attribute?;
                    if attribute.kind() == HEADER {
                        let (ifindex, _) = addressee(value(attribute))?;
                        return Ok(SettingsMessage::Notification { ifindex });
                    }
                }
            }
        }
        Ok(SettingsMessage::Other(header.cmd))
    }
}
