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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn bytes(attributes: &[Attribute]) -> Vec<u8> {
        let mut bytes = vec![0; attributes.buffer_len()];
        attributes.emit(&mut bytes);
        bytes
    }

    fn parse(cmd: u8, payload: &[u8]) -> Result<SettingsMessage, DecodeError> {
        SettingsMessage::parse_with_param(payload, GenlHeader { cmd, version: 1 })
    }

    /// What the kernel would answer if these were its values: a SET has them in the same places.
    fn reply(family: Family, values: &Reading) -> Vec<u8> {
        let set = SettingsMessage::Set {
            family,
            ifindex: 7,
            values: values.clone(),
        };
        bytes(&set.attributes())
    }

    fn reading() -> impl Strategy<Value = (Family, Reading)> {
        prop::sample::select(Family::ALL.to_vec()).prop_flat_map(|family| {
            let mut keys: Vec<&str> = family.settable().collect();
            if keys.is_empty() {
                keys = vec!["s0ix-enabled", "disable-k1", "with blank"];
            }
            let value = |key: &str| match family.kind_of(key) {
                Some(Kind::Number) => any::<u32>().prop_map(Value::Number).boxed(),
                _ => any::<bool>().prop_map(Value::Switch).boxed(),
            };
            let values: Vec<_> = keys.iter().map(|key| value(key)).collect();
            values.prop_map(move |values| {
                let named = keys.iter().map(|key| (*key).to_owned());
                (family, named.zip(values).collect())
            })
        })
    }

    proptest! {
        #[test]
        fn what_the_kernel_answers_is_what_it_was_told((family, values) in reading()) {
            let command = family.data().reply;
            let mut read = parse(command, &reply(family, &values)).unwrap();
            if let SettingsMessage::Reply(_, reading) = &mut read {
                // The order is that of the attributes' numbers.
                reading.sort_by_key(|(key, _)| values.iter().position(|(k, _)| k == key));
            }
            prop_assert_eq!(read, SettingsMessage::Reply(family, values));
        }

        #[test]
        fn an_answer_cut_short_or_of_anything_never_panics(
            (family, values) in reading(),
            end in 0_usize..400,
            noise in prop::collection::vec(any::<u8>(), 0..200),
            command: u8,
        ) {
            let whole = reply(family, &values);
            let _ = parse(family.data().reply, &whole[..end.min(whole.len())]);
            let _ = parse(command, &noise);
        }
    }

    #[test]
    fn a_request_is_laid_out_as_the_kernel_reads_it() {
        let native = |parts: &[u16]| {
            parts
                .iter()
                .flat_map(|p| p.to_ne_bytes())
                .collect::<Vec<u8>>()
        };
        // ETHTOOL_A_EEE_HEADER (nested) with ETHTOOL_A_HEADER_DEV_INDEX 7
        let mut header = native(&[12, 1 | 0x8000, 8, 1]);
        header.extend(7_u32.to_ne_bytes());
        let off = SettingsMessage::set(Family::Eee, 7, &[("enabled", Value::Switch(false))]);
        let mut eee = native(&[5, 5]);
        eee.extend([0, 0, 0, 0]);
        assert_eq!(bytes(&off.attributes()), [header.clone(), eee].concat());
        assert_eq!(off.command(), 24);
        let rx = SettingsMessage::set(Family::Ring, 7, &[("rx", Value::Number(512))]);
        let mut ring = native(&[8, 6]);
        ring.extend(512_u32.to_ne_bytes());
        assert_eq!(bytes(&rx.attributes()), [header.clone(), ring].concat());
        let get = SettingsMessage::Get {
            family: Family::Wol,
            ifindex: 7,
        };
        assert_eq!((bytes(&get.attributes()), get.command()), (header, 9));
    }

    #[test]
    fn a_notification_says_which_nic_it_is_about_and_other_messages_are_passed_over() {
        for family in Family::ALL {
            let notification = bytes(&[header(7)]);
            let read = parse(family.data().notification, &notification).unwrap();
            assert_eq!(read, SettingsMessage::Notification { ifindex: 7 });
            assert!(parse(family.data().reply, &[]).is_err());
        }
        assert_eq!(parse(4, &[1, 2, 3]).unwrap(), SettingsMessage::Other(4));
    }
}
