//! What the kernel would make of a message.

use super::*;

pub fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
    let length = u16::try_from(4 + value.len()).unwrap();
    let mut bytes = [length.to_ne_bytes(), kind.to_ne_bytes()].concat();
    bytes.extend(value);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

fn bit(index: u32, name: &str, value: bool) -> Vec<u8> {
    let index = attribute(1, &index.to_ne_bytes());
    let name = attribute(BIT_NAME, format!("{name}\0").as_bytes());
    let value = if value {
        attribute(BIT_VALUE, &[])
    } else {
        Vec::new()
    };
    attribute(BITS_BIT, &[index, name, value].concat())
}

/// A bitset of these bits, each with its index, name and value; without a mask the bits that
/// are listed are those that are on.
pub fn bitset<'a>(bits: impl IntoIterator<Item = (u32, &'a str, bool)>, nomask: bool) -> Vec<u8> {
    let nomask = if nomask {
        attribute(1, &[])
    } else {
        Vec::new()
    };
    let size = attribute(2, &64_u32.to_ne_bytes());
    let listed = bits.into_iter();
    let listed: Vec<u8> = listed
        .flat_map(|(index, name, on)| bit(index, name, on))
        .collect();
    [nomask, size, attribute(BITSET_BITS, &listed)].concat()
}

pub fn header(ifindex: u32, interface: &str) -> Vec<u8> {
    let index = attribute(HEADER_DEV_INDEX, &ifindex.to_ne_bytes());
    let name = attribute(HEADER_DEV_NAME, format!("{interface}\0").as_bytes());
    attribute(FEATURES_HEADER, &[index, name].concat())
}

pub fn get_reply(features: &Features) -> Vec<u8> {
    let numbered = || (0..).zip(&features.list);
    let hw = numbered().map(|(index, f)| (index, f.name.as_str(), f.changeable));
    let those = |which: fn(&Feature) -> bool| {
        let those = numbered().filter(move |(_, f)| which(f));
        bitset(
            those.map(|(index, f)| (index, f.name.as_str(), false)),
            true,
        )
    };
    [
        header(3, &features.interface),
        attribute(FEATURES_HW, &bitset(hw, false)),
        attribute(FEATURES_WANTED, &those(|f| f.wanted)),
        attribute(FEATURES_ACTIVE, &those(|f| f.active)),
        attribute(FEATURES_NOCHANGE, &those(|f| !f.changeable)),
    ]
    .concat()
}

/// Ifindex and wanted bits of a request.
pub fn read_request(payload: &[u8]) -> (u32, Vec<(String, bool)>) {
    let mut ifindex = 0;
    let mut wanted = Vec::new();
    for attribute in attributes(payload) {
        let inner = attributes(&attribute.1);
        match attribute.0 {
            FEATURES_HEADER => {
                assert_eq!(inner[0].0, HEADER_DEV_INDEX);
                assert_eq!(inner.len(), 1, "ifindex only: a name may have changed");
                ifindex = u32::from_ne_bytes(inner[0].1[..].try_into().unwrap());
            }
            FEATURES_WANTED => {
                assert_eq!(
                    inner.len(),
                    1,
                    "with NOMASK all others would be switched off"
                );
                assert_eq!(inner[0].0, BITSET_BITS);
                for (kind, bit) in attributes(&inner[0].1) {
                    assert_eq!(kind, BITS_BIT);
                    let parts = attributes(&bit);
                    let name = &parts.iter().find(|p| p.0 == BIT_NAME).unwrap().1;
                    let name = name.strip_suffix(b"\0").expect("NUL at the end");
                    let on = parts.iter().any(|part| part.0 == BIT_VALUE);
                    wanted.push((String::from_utf8(name.to_vec()).unwrap(), on));
                }
            }
            other => panic!("attribute {other} in a request"),
        }
    }
    (ifindex, wanted)
}

fn attributes(bytes: &[u8]) -> Vec<(u16, Vec<u8>)> {
    NlasIterator::new(bytes)
        .map(|attribute| attribute.unwrap())
        .map(|attribute| (attribute.kind(), attribute.value().to_vec()))
        .collect()
}
