//! A socket filter (Documentation/networking/filter.rst) by which the kernel keeps link messages
//! about virtual devices from waking the watcher: a host of pods and virtual machines has
//! thousands.
//!
//! A virtual device has a kind (`IFLA_INFO_KIND`: veth, bridge, vlan …) and no parent device.
//! Hardware may have a kind (`IPoIB`, a DSA port), but has a parent, named since Linux 5.14.

use socket2::SockFilter;

// include/uapi/linux/bpf_common.h and filter.h
const LOAD_BYTE: u16 = 0x30;
const LOAD_WORD: u16 = 0x20;
const SET_A: u16 = 0x00;
const SET_X: u16 = 0x01;
const IF_EQUAL: u16 = 0x15;
const RETURN: u16 = 0x06;
/// `SKF_AD_NLATTR`: where the attribute of type X is, from place A on; 0 if nowhere.
const FIND: u32 = 0xffff_f00c;
/// `SKF_AD_NLATTR_NEST`: the same within the attribute at place A.
const FIND_NESTED: u32 = 0xffff_f010;

/// Where the address family is, behind `struct nlmsghdr`.
const FAMILY: u32 = 16;
/// Where the attributes begin, behind `struct ifinfomsg`.
const ATTRIBUTES: u32 = 32;
// include/uapi/linux/if_link.h
const IFLA_LINKINFO: u32 = 18;
const IFLA_INFO_KIND: u32 = 1;
const IFLA_PARENT_DEV_NAME: u32 = 56;

/// Lets link messages about hardware pass.
pub const HARDWARE: [SockFilter; 15] = [
    // A bridge tells of its ports in the same words, with its own address family: of a port that
    // it let go, it says that the link is deleted.
    SockFilter::new(LOAD_BYTE, 0, 0, FAMILY),
    SockFilter::new(IF_EQUAL, 0, 12, 0), // else to the end
    SockFilter::new(SET_X, 0, 0, IFLA_PARENT_DEV_NAME),
    SockFilter::new(SET_A, 0, 0, ATTRIBUTES),
    SockFilter::new(LOAD_WORD, 0, 0, FIND),
    SockFilter::new(IF_EQUAL, 0, 7, 0), // else it passes
    SockFilter::new(SET_X, 0, 0, IFLA_LINKINFO),
    SockFilter::new(SET_A, 0, 0, ATTRIBUTES),
    SockFilter::new(LOAD_WORD, 0, 0, FIND),
    SockFilter::new(IF_EQUAL, 3, 0, 0), // then it passes
    // A port of a bridge or bond has the attribute, but only for what it is a port of.
    SockFilter::new(SET_X, 0, 0, IFLA_INFO_KIND),
    SockFilter::new(LOAD_WORD, 0, 0, FIND_NESTED),
    SockFilter::new(IF_EQUAL, 0, 1, 0), // else to the end
    SockFilter::new(RETURN, 0, 0, u32::MAX),
    SockFilter::new(RETURN, 0, 0, 0),
];

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixDatagram;

    use netlink_packet_core::NetlinkMessage;
    use rtnetlink::packet_route::link::{
        InfoBridgePort, InfoKind, InfoPortData, InfoPortKind, LinkAttribute, LinkInfo, LinkMessage,
    };
    use rtnetlink::packet_route::{AddressFamily, RouteNetlinkMessage};
    use socket2::SockRef;

    use super::*;

    /// Whether messages of such a link, here and gone, pass.
    fn passes(family: AddressFamily, attributes: &[LinkAttribute]) -> bool {
        let (to, from) = UnixDatagram::pair().unwrap();
        SockRef::from(&from).attach_filter(&HARDWARE).unwrap();
        from.set_nonblocking(true).unwrap();
        let [new, gone] =
            [RouteNetlinkMessage::NewLink, RouteNetlinkMessage::DelLink].map(|wrap| {
                let mut link = LinkMessage::default();
                link.header.interface_family = family;
                link.attributes = [&[LinkAttribute::IfName("x".into())], attributes].concat();
                let mut message = NetlinkMessage::from(wrap(link));
                message.finalize();
                let mut bytes = vec![0; message.buffer_len()];
                message.serialize(&mut bytes);
                to.send(&bytes).unwrap();
                let mut received = vec![0; 2 * bytes.len()];
                from.recv(&mut received)
                    .is_ok_and(|length| received[..length] == bytes)
            });
        assert_eq!(new, gone);
        new
    }

    fn kind(kind: InfoKind) -> LinkAttribute {
        LinkAttribute::LinkInfo(vec![LinkInfo::Kind(kind)])
    }

    #[test]
    fn virtual_devices_do_not_wake_the_watcher() {
        for virtual_device in [
            InfoKind::Dummy,
            InfoKind::Veth,
            InfoKind::Bridge,
            InfoKind::Vlan,
            InfoKind::Tun,
        ] {
            let attributes = [LinkAttribute::Mtu(1500), kind(virtual_device)];
            assert!(!passes(AddressFamily::Unspec, &attributes));
        }
    }

    #[test]
    fn hardware_passes_with_or_without_a_parent_a_kind_and_a_bridge() {
        let parent = LinkAttribute::ParentDevName("0000:00:1f.6".into());
        let port = LinkAttribute::LinkInfo(vec![
            LinkInfo::PortKind(InfoPortKind::Bridge),
            LinkInfo::PortData(InfoPortData::BridgePort(vec![InfoBridgePort::Cost(4)])),
        ]);
        for attributes in [
            vec![],
            vec![parent.clone()],
            vec![port.clone()],
            vec![port, parent.clone()],
            vec![kind(InfoKind::Other("ipoib".into())), parent],
        ] {
            assert!(passes(AddressFamily::Unspec, &attributes), "{attributes:?}");
        }
    }

    #[test]
    fn what_a_bridge_says_of_its_port_is_no_news_of_the_nic() {
        assert!(!passes(AddressFamily::Bridge, &[]));
    }
}
