//! What all messages of ethtool's generic netlink family have in common: attributes, the header
//! that says which NIC is meant, and bitsets.
//!
//! Numbers and layout are those of `include/uapi/linux/ethtool_netlink.h` and
//! Documentation/networking/ethtool-netlink.rst. Bitsets are sent and asked for in their verbose
//! form, by name: a bit's index differs between kernels.

use netlink_packet_core::{
    DecodeError, Emitable, NLA_HEADER_SIZE, Nla, NlaBuffer, NlasIterator, parse_u32,
};

/// `ETHTOOL_A_*_HEADER`: the first attribute of every message.
pub(crate) const HEADER: u16 = 1;
// ETHTOOL_A_HEADER_*
pub(crate) const HEADER_DEV_INDEX: u16 = 1;
pub(crate) const HEADER_DEV_NAME: u16 = 2;
// ETHTOOL_A_BITSET_*
pub(crate) const BITSET_BITS: u16 = 3;
const BITSET_VALUE: u16 = 4;
// ETHTOOL_A_BITSET_BITS_*
pub(crate) const BITS_BIT: u16 = 1;
// ETHTOOL_A_BITSET_BIT_*
pub(crate) const BIT_NAME: u16 = 2;
pub(crate) const BIT_VALUE: u16 = 3;

/// One listed bit of a bitset in verbose form.
pub(crate) struct Bit<'a> {
    pub name: &'a str,
    /// A list without a mask has no values: to be listed there means to be on.
    pub value: bool,
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
        let name = name.ok_or_else(|| DecodeError::from("a bit without a name"))?;
        Ok(Bit { name, value: on })
    }
}

/// The bits that a bitset lists, in the order of their index.
pub(crate) fn bits(bitset: &[u8]) -> Result<Vec<Bit<'_>>, DecodeError> {
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

/// The NIC that a message is about, and its name now.
pub(crate) fn addressee(header: &[u8]) -> Result<(u32, String), DecodeError> {
    let mut ifindex = 0;
    let mut interface = String::new();
    for attribute in NlasIterator::new(header) {
        let attribute = attribute?;
        match attribute.kind() {
            HEADER_DEV_INDEX => ifindex = parse_u32(attribute.value())?,
            HEADER_DEV_NAME => text(attribute.value())?.clone_into(&mut interface),
            _ => {}
        }
    }
    Ok((ifindex, interface))
}

/// An attribute's value, which is there as long as the message is; `NlaBuffer::value` lends it
/// for less.
pub(crate) fn value(attribute: NlaBuffer<&[u8]>) -> &[u8] {
    let end = usize::from(attribute.length());
    &attribute.into_inner()[NLA_HEADER_SIZE..end]
}

pub(crate) fn text(value: &[u8]) -> Result<&str, DecodeError> {
    let value = value.strip_suffix(b"\0").unwrap_or(value);
    std::str::from_utf8(value).map_err(|error| DecodeError::from(error.to_string()))
}

/// An attribute to be sent.
#[derive(Debug)]
pub(crate) enum Attribute {
    Flag(u16),
    Byte(u16, u8),
    Number(u16, u32),
    Text(u16, String),
    Nested(u16, Vec<Attribute>),
}

impl Nla for Attribute {
    fn value_len(&self) -> usize {
        match self {
            Attribute::Flag(_) => 0,
            Attribute::Byte(..) => 1,
            Attribute::Number(..) => 4,
            Attribute::Text(_, text) => text.len() + 1,
            Attribute::Nested(_, attributes) => attributes.as_slice().buffer_len(),
        }
    }

    fn kind(&self) -> u16 {
        match self {
            Attribute::Flag(kind)
            | Attribute::Byte(kind, _)
            | Attribute::Number(kind, _)
            | Attribute::Text(kind, _)
            | Attribute::Nested(kind, _) => *kind,
        }
    }

    fn emit_value(&self, buffer: &mut [u8]) {
        match self {
            Attribute::Flag(_) => {}
            Attribute::Byte(_, byte) => buffer[0] = *byte,
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

/// Which NIC a request is about (`ETHTOOL_A_*_HEADER`, which is 1 in every family).
pub(crate) fn header(ifindex: u32) -> Attribute {
    Attribute::Nested(HEADER, vec![Attribute::Number(HEADER_DEV_INDEX, ifindex)])
}

/// A bitset that switches these bits and leaves the others as they are.
pub(crate) fn bitset<'a>(kind: u16, bits: impl Iterator<Item = (&'a str, bool)>) -> Attribute {
    let bit = |(name, on): (&str, bool)| {
        let mut bit = vec![Attribute::Text(BIT_NAME, name.to_owned())];
        bit.extend(on.then_some(Attribute::Flag(BIT_VALUE)));
        Attribute::Nested(BITS_BIT, bit)
    };
    let bits = Attribute::Nested(BITSET_BITS, bits.map(bit).collect());
    Attribute::Nested(kind, vec![bits])
}

/// What the kernel adds to an error in words (`NLMSGERR_ATTR_MSG`), if it does. `payload` is what
/// follows the error's number: the request's header, the request unless it is left out, attributes.
#[cfg(feature = "watch")]
pub(crate) fn extended_ack(flags: u16, payload: &[u8]) -> Option<String> {
    const CAPPED: u16 = 0x100; // NLM_F_CAPPED
    const TLVS: u16 = 0x200; // NLM_F_ACK_TLVS
    const HEADER_SIZE: usize = 16;
    const MESSAGE: u16 = 1;
    let request = match flags & CAPPED {
        0 => parse_u32(payload.get(..4)?).ok()? as usize,
        _ => HEADER_SIZE,
    };
    let attributes = payload.get(request.next_multiple_of(4)..)?;
    let mut attributes = NlasIterator::new(attributes).flatten();
    let message = attributes.find(|attribute| attribute.kind() == MESSAGE)?;
    (flags & TLVS != 0).then_some(text(value(message)).ok()?.to_owned())
}

#[cfg(all(test, feature = "watch"))]
mod tests {
    use netlink_packet_core::Emitable;

    use super::*;

    #[test]
    fn an_errors_words_are_found_behind_the_request_or_in_its_place() {
        let words = Attribute::Text(1, "requested ring size exceeds maximum".into());
        // NLMSGERR_ATTR_OFFS comes with it.
        let attributes = [Attribute::Number(2, 40), words];
        let mut tail = vec![0; attributes.as_slice().buffer_len()];
        attributes.as_slice().emit(&mut tail);
        let request = |length: u32| {
            let mut request = vec![0; length as usize];
            request[..4].copy_from_slice(&length.to_ne_bytes());
            request
        };
        let said = Some("requested ring size exceeds maximum".to_owned());
        // NLM_F_ACK_TLVS alone, and with NLM_F_CAPPED.
        let whole = [request(40), tail.clone()].concat();
        assert_eq!(extended_ack(0x200, &whole), said);
        let mut capped = request(16);
        // The length is that of the request, which is left out.
        capped[..4].copy_from_slice(&40_u32.to_ne_bytes());
        let capped = [capped, tail].concat();
        assert_eq!(extended_ack(0x300, &capped), said);
        assert_eq!(extended_ack(0, &whole), None);
        for end in 0..whole.len() {
            assert_eq!(extended_ack(0x200, &whole[..end]), None, "{end}");
        }
    }
}
