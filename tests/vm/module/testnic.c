// SPDX-License-Identifier: GPL-2.0
/*
 * A NIC for tests. To udev, to ethtool and in the kernel's log it is an I219-LM of the e1000e driver: a PCI
 * device in a domain of its own, whose driver has that name. It has what no NIC has that QEMU emulates:
 * settings beside the offloads with e1000e's limits, a link that is gone for seconds where e1000e
 * re-initialises the adapter, TSO that does not do what it is told, and hangs on request. It sends nothing.
 *
 * Copyright 2026 the unhang developers
 */
#include <linux/etherdevice.h>
#include <linux/ethtool.h>
#include <linux/linkmode.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/version.h>

#define SLOT PCI_DEVFN(0x19, 0)

static ushort device = 0x15bb;
module_param(device, ushort, 0444);
MODULE_PARM_DESC(device, "PCI device ID");

static char *tso = "free";
module_param(tso, charp, 0444);
MODULE_PARM_DESC(tso, "free; fixed: on for good; refused: a change fails; kept: a change is taken back; stuck: each link-up turns it on behind the kernel's back");

static bool eee = true;
module_param(eee, bool, 0444);
MODULE_PARM_DESC(eee, "whether the chip has EEE");

static uint link_ms = 3000;
module_param(link_ms, uint, 0644);
MODULE_PARM_DESC(link_ms, "so long the link is gone when the adapter is re-initialised");

enum hang { NONE, WEDGED, HELD, SILENT };
static const char *const hangs[] = { "none", "wedged", "held", "silent" };

/* Both counted since the module was loaded, as ethtool -S shows. */
static const char counters[][ETH_GSTRING_LEN] = { "resets", "sets" };
static const char private_flags[][ETH_GSTRING_LEN] = { "s0ix-enabled", "disable-k1" };
#define DISABLE_K1 BIT(1)

struct nic {
	struct net_device *netdev;
	struct delayed_work link_up, block;
	enum hang hang;
	bool cable;
	u64 resets, sets;
	bool eee_enabled, pause_autoneg, rx_pause, tx_pause;
	/* As the driver keeps rx-usecs: up to 4 as they are, else interrupts a second. */
	u32 itr;
	u32 rx_ring, tx_ring, flags, wol;
};

static bool tso_is(const char *word)
{
	return !strcmp(tso, word);
}

/* --- the link */

static const char *flow_control(const struct nic *nic)
{
	if (nic->rx_pause)
		return nic->tx_pause ? "Rx/Tx" : "Rx";
	return nic->tx_pause ? "Tx" : "None";
}

static void link_comes_up(struct work_struct *work)
{
	struct nic *nic = container_of(to_delayed_work(work), struct nic, link_up);

	if (!nic->cable || !netif_running(nic->netdev))
		return;
	/* As e1000e did before Linux 6.3: no word to the core, so that "wanted" stays as it is. */
	if (tso_is("stuck"))
		nic->netdev->features |= NETIF_F_TSO | NETIF_F_TSO6;
	netdev_info(nic->netdev, "NIC Link is Up 1000 Mbps Full Duplex, Flow Control: %s\n", flow_control(nic));
	netif_carrier_on(nic->netdev);
	netif_wake_queue(nic->netdev);
	if (nic->hang != NONE)
		mod_delayed_work(system_wq, &nic->block, 2 * HZ);
}

static void reset(struct nic *nic)
{
	if (!netif_running(nic->netdev))
		return;
	nic->resets++;
	cancel_delayed_work(&nic->block);
	if (nic->hang != HELD)
		nic->hang = NONE;
	netif_carrier_off(nic->netdev);
	mod_delayed_work(system_wq, &nic->link_up, msecs_to_jiffies(link_ms));
}

static int open(struct net_device *netdev)
{
	struct nic *nic = netdev_priv(netdev);

	netif_start_queue(netdev);
	mod_delayed_work(system_wq, &nic->link_up, msecs_to_jiffies(link_ms));
	return 0;
}

static int stop(struct net_device *netdev)
{
	struct nic *nic = netdev_priv(netdev);

	cancel_delayed_work_sync(&nic->link_up);
	cancel_delayed_work_sync(&nic->block);
	if (nic->hang != HELD)
		nic->hang = NONE;
	netif_stop_queue(netdev);
	netif_carrier_off(netdev);
	return 0;
}

/* The cable: the file "carrier" of the interface. */
static int change_carrier(struct net_device *netdev, bool in)
{
	struct nic *nic = netdev_priv(netdev);

	nic->cable = in;
	if (in) {
		mod_delayed_work(system_wq, &nic->link_up, msecs_to_jiffies(link_ms));
	} else {
		cancel_delayed_work(&nic->link_up);
		cancel_delayed_work(&nic->block);
		netdev_info(netdev, "NIC Link is Down\n");
		netif_carrier_off(netdev);
	}
	return 0;
}

static netdev_tx_t transmit(struct sk_buff *skb, struct net_device *netdev)
{
	dev_kfree_skb_any(skb);
	netdev->stats.tx_packets++;
	return NETDEV_TX_OK;
}

/*
 * --- hangs, by the file "hang" of the interface: none, wedged (until a reset), held (whatever is done),
 * silent (until a reset, and without a word)
 */

static void print_block(struct work_struct *work)
{
	struct nic *nic = container_of(to_delayed_work(work), struct nic, block);

	if (nic->hang == NONE || !netif_carrier_ok(nic->netdev))
		return;
	netif_stop_queue(nic->netdev);
	if (nic->hang == SILENT)
		return;
	netdev_err(nic->netdev,
		   "Detected Hardware Unit Hang:\n"
		   "  TDH                  <2f>\n"
		   "  TDT                  <31>\n"
		   "  next_to_use          <31>\n"
		   "  next_to_clean        <2f>\n"
		   "buffer_info[next_to_clean]:\n"
		   "  time_stamp           <%lx>\n"
		   "  next_to_watch        <2f>\n"
		   "  jiffies              <%lx>\n"
		   "  next_to_watch.status <0>\n"
		   "MAC Status             <40080083>\n"
		   "PHY Status             <796d>\n"
		   "PHY 1000BASE-T Status  <7800>\n"
		   "PHY Extended Status    <3000>\n"
		   "PCI Status             <10>\n",
		   jiffies - 2 * HZ, jiffies);
	mod_delayed_work(system_wq, &nic->block, 2 * HZ);
}

static ssize_t hang_show(struct device *dev, struct device_attribute *attribute, char *text)
{
	struct nic *nic = netdev_priv(to_net_dev(dev));

	return sysfs_emit(text, "%s\n", hangs[nic->hang]);
}

static ssize_t hang_store(struct device *dev, struct device_attribute *attribute, const char *text, size_t size)
{
	struct nic *nic = netdev_priv(to_net_dev(dev));
	int hang = sysfs_match_string(hangs, text);

	if (hang < 0)
		return hang;
	nic->hang = hang;
	if (hang == NONE)
		netif_wake_queue(nic->netdev);
	else
		mod_delayed_work(system_wq, &nic->block, 0);
	return size;
}
static DEVICE_ATTR_RW(hang);

static struct attribute *attributes[] = { &dev_attr_hang.attr, NULL };
static const struct attribute_group attribute_group = { .attrs = attributes };

/* --- features */

#define RESETTING (NETIF_F_RXCSUM | NETIF_F_RXHASH | NETIF_F_HW_VLAN_CTAG_RX | NETIF_F_HW_VLAN_CTAG_TX)

static netdev_features_t fix_features(struct net_device *netdev, netdev_features_t features)
{
	if (tso_is("kept"))
		features |= NETIF_F_TSO | NETIF_F_TSO6;
	return features;
}

static int set_features(struct net_device *netdev, netdev_features_t features)
{
	netdev_features_t changed = features ^ netdev->features;

	if (tso_is("refused") && changed & (NETIF_F_TSO | NETIF_F_TSO6))
		return -EIO;
	if (changed & RESETTING)
		reset(netdev_priv(netdev));
	return 0;
}

/* --- settings: the limits are those of e1000e */

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 9, 0)
#define eee_settings ethtool_keee
static void eee_modes(struct ethtool_keee *to, bool advertised)
{
	linkmode_set_bit(ETHTOOL_LINK_MODE_100baseT_Full_BIT, to->supported);
	linkmode_set_bit(ETHTOOL_LINK_MODE_1000baseT_Full_BIT, to->supported);
	linkmode_copy(to->lp_advertised, to->supported);
	if (advertised)
		linkmode_copy(to->advertised, to->supported);
}
#else
#define eee_settings ethtool_eee
static void eee_modes(struct ethtool_eee *to, bool advertised)
{
	to->supported = SUPPORTED_100baseT_Full | SUPPORTED_1000baseT_Full;
	to->lp_advertised = to->supported;
	if (advertised)
		to->advertised = to->supported;
}
#endif

static int get_eee(struct net_device *netdev, struct eee_settings *to)
{
	struct nic *nic = netdev_priv(netdev);

	if (!eee)
		return -EOPNOTSUPP;
	eee_modes(to, nic->eee_enabled);
	to->eee_enabled = nic->eee_enabled;
	to->eee_active = nic->eee_enabled && netif_carrier_ok(netdev);
	to->tx_lpi_enabled = true;
	return 0;
}

static int set_eee(struct net_device *netdev, struct eee_settings *from)
{
	struct nic *nic = netdev_priv(netdev);

	nic->sets++;
	if (!eee)
		return -EOPNOTSUPP;
	if (!from->tx_lpi_enabled || from->tx_lpi_timer)
		return -EINVAL;
	nic->eee_enabled = from->eee_enabled;
	reset(nic);
	return 0;
}

static void get_pause(struct net_device *netdev, struct ethtool_pauseparam *to)
{
	struct nic *nic = netdev_priv(netdev);

	to->autoneg = nic->pause_autoneg;
	to->rx_pause = nic->rx_pause;
	to->tx_pause = nic->tx_pause;
}

/* With autonegotiation the driver asks for both, whatever it was told. */
static int set_pause(struct net_device *netdev, struct ethtool_pauseparam *from)
{
	struct nic *nic = netdev_priv(netdev);

	nic->sets++;
	nic->pause_autoneg = from->autoneg;
	nic->rx_pause = from->autoneg || from->rx_pause;
	nic->tx_pause = from->autoneg || from->tx_pause;
	if (from->autoneg)
		reset(nic);
	return 0;
}

static void get_ring(struct net_device *netdev, struct ethtool_ringparam *to,
		     struct kernel_ethtool_ringparam *more, struct netlink_ext_ack *extack)
{
	struct nic *nic = netdev_priv(netdev);

	to->rx_max_pending = to->tx_max_pending = 4096;
	to->rx_pending = nic->rx_ring;
	to->tx_pending = nic->tx_ring;
}

static u32 ring_size(u32 asked)
{
	return ALIGN(clamp_t(u32, asked, 64, 4096), 8);
}

static int set_ring(struct net_device *netdev, struct ethtool_ringparam *from,
		    struct kernel_ethtool_ringparam *more, struct netlink_ext_ack *extack)
{
	struct nic *nic = netdev_priv(netdev);
	u32 rx = ring_size(from->rx_pending), tx = ring_size(from->tx_pending);

	nic->sets++;
	if (rx == nic->rx_ring && tx == nic->tx_ring)
		return 0;
	nic->rx_ring = rx;
	nic->tx_ring = tx;
	reset(nic);
	return 0;
}

static int get_coalesce(struct net_device *netdev, struct ethtool_coalesce *to,
			struct kernel_ethtool_coalesce *more, struct netlink_ext_ack *extack)
{
	struct nic *nic = netdev_priv(netdev);

	to->rx_coalesce_usecs = nic->itr <= 4 ? nic->itr : 1000000 / nic->itr;
	return 0;
}

static int set_coalesce(struct net_device *netdev, struct ethtool_coalesce *from,
			struct kernel_ethtool_coalesce *more, struct netlink_ext_ack *extack)
{
	struct nic *nic = netdev_priv(netdev);
	u32 usecs = from->rx_coalesce_usecs;

	nic->sets++;
	if (usecs == 2 || (usecs > 4 && usecs < 10) || usecs > 10000)
		return -EINVAL;
	nic->itr = usecs <= 4 ? usecs : (1000000 / usecs) & ~3;
	return 0;
}

static u32 get_private_flags(struct net_device *netdev)
{
	struct nic *nic = netdev_priv(netdev);

	return nic->flags;
}

static int set_private_flags(struct net_device *netdev, u32 flags)
{
	struct nic *nic = netdev_priv(netdev);
	u32 changed = nic->flags ^ flags;

	nic->sets++;
	nic->flags = flags;
	if (changed & DISABLE_K1)
		reset(nic);
	return 0;
}

static void get_wol(struct net_device *netdev, struct ethtool_wolinfo *to)
{
	struct nic *nic = netdev_priv(netdev);

	to->supported = WAKE_PHY | WAKE_UCAST | WAKE_MCAST | WAKE_BCAST | WAKE_MAGIC;
	to->wolopts = nic->wol;
}

static int set_wol(struct net_device *netdev, struct ethtool_wolinfo *from)
{
	struct nic *nic = netdev_priv(netdev);

	nic->sets++;
	nic->wol = from->wolopts;
	return 0;
}

static int get_link_settings(struct net_device *netdev, struct ethtool_link_ksettings *to)
{
	bool up = netif_carrier_ok(netdev);

	to->base.speed = up ? SPEED_1000 : SPEED_UNKNOWN;
	to->base.duplex = up ? DUPLEX_FULL : DUPLEX_UNKNOWN;
	to->base.autoneg = AUTONEG_ENABLE;
	to->base.port = PORT_TP;
	ethtool_link_ksettings_add_link_mode(to, supported, 1000baseT_Full);
	ethtool_link_ksettings_add_link_mode(to, supported, Autoneg);
	ethtool_link_ksettings_add_link_mode(to, supported, TP);
	linkmode_copy(to->link_modes.advertising, to->link_modes.supported);
	return 0;
}

static int restart_autonegotiation(struct net_device *netdev)
{
	if (!netif_running(netdev))
		return -EAGAIN;
	reset(netdev_priv(netdev));
	return 0;
}

static int string_count(struct net_device *netdev, int set)
{
	switch (set) {
	case ETH_SS_STATS: return ARRAY_SIZE(counters);
	case ETH_SS_PRIV_FLAGS: return ARRAY_SIZE(private_flags);
	default: return -EOPNOTSUPP;
	}
}

static void get_strings(struct net_device *netdev, u32 set, u8 *to)
{
	if (set == ETH_SS_STATS)
		memcpy(to, counters, sizeof(counters));
	else if (set == ETH_SS_PRIV_FLAGS)
		memcpy(to, private_flags, sizeof(private_flags));
}

static void get_counters(struct net_device *netdev, struct ethtool_stats *stats, u64 *to)
{
	struct nic *nic = netdev_priv(netdev);

	to[0] = nic->resets;
	to[1] = nic->sets;
}

static const struct ethtool_ops ethtool_ops = {
	.supported_coalesce_params = ETHTOOL_COALESCE_RX_USECS,
	.get_link = ethtool_op_get_link,
	.get_link_ksettings = get_link_settings,
	.nway_reset = restart_autonegotiation,
	.get_eee = get_eee,
	.set_eee = set_eee,
	.get_pauseparam = get_pause,
	.set_pauseparam = set_pause,
	.get_ringparam = get_ring,
	.set_ringparam = set_ring,
	.get_coalesce = get_coalesce,
	.set_coalesce = set_coalesce,
	.get_priv_flags = get_private_flags,
	.set_priv_flags = set_private_flags,
	.get_wol = get_wol,
	.set_wol = set_wol,
	.get_sset_count = string_count,
	.get_strings = get_strings,
	.get_ethtool_stats = get_counters,
};

static const struct net_device_ops netdev_ops = {
	.ndo_open = open,
	.ndo_stop = stop,
	.ndo_start_xmit = transmit,
	.ndo_change_carrier = change_carrier,
	.ndo_fix_features = fix_features,
	.ndo_set_features = set_features,
	.ndo_set_mac_address = eth_mac_addr,
	.ndo_validate_addr = eth_validate_addr,
};

/* --- the driver */

static int probe(struct pci_dev *pci, const struct pci_device_id *id)
{
	static const u8 address[ETH_ALEN] = { 0x52, 0x54, 0x00, 0xaa, 0x00, 0x01 };
	struct net_device *netdev = alloc_etherdev(sizeof(struct nic));
	struct nic *nic;
	int error;

	if (!netdev)
		return -ENOMEM;
	nic = netdev_priv(netdev);
	*nic = (struct nic) {
		.netdev = netdev, .cable = true,
		.eee_enabled = eee, .pause_autoneg = true, .rx_pause = true, .tx_pause = true,
		.rx_ring = 256, .tx_ring = 256, .itr = 3, .flags = BIT(0), .wol = WAKE_MAGIC,
	};
	INIT_DELAYED_WORK(&nic->link_up, link_comes_up);
	INIT_DELAYED_WORK(&nic->block, print_block);
	SET_NETDEV_DEV(netdev, &pci->dev);
	pci_set_drvdata(pci, netdev);
	eth_hw_addr_set(netdev, address);
	netdev->netdev_ops = &netdev_ops;
	netdev->ethtool_ops = &ethtool_ops;
	netdev->sysfs_groups[0] = &attribute_group;
	netdev->features = NETIF_F_SG | NETIF_F_HW_CSUM | NETIF_F_TSO | NETIF_F_TSO6 | RESETTING;
	netdev->hw_features = netdev->features;
	if (tso_is("fixed"))
		netdev->hw_features &= ~(NETIF_F_TSO | NETIF_F_TSO6);
	netif_carrier_off(netdev);
	error = register_netdev(netdev);
	if (error)
		free_netdev(netdev);
	return error;
}

static void remove(struct pci_dev *pci)
{
	struct net_device *netdev = pci_get_drvdata(pci);
	struct nic *nic = netdev_priv(netdev);

	unregister_netdev(netdev);
	cancel_delayed_work_sync(&nic->link_up);
	cancel_delayed_work_sync(&nic->block);
	free_netdev(netdev);
}

static struct pci_device_id ids[] = { { PCI_DEVICE(PCI_VENDOR_ID_INTEL, 0) }, { } };

static struct pci_driver driver = { .name = "e1000e", .id_table = ids, .probe = probe, .remove = remove };

/* --- its bus, on which there is nothing else */

static u8 config[64];

static int read_config(struct pci_bus *bus, unsigned int devfn, int where, int size, u32 *value)
{
	*value = devfn == SLOT ? 0 : ~0;
	if (devfn == SLOT && where + size <= sizeof(config))
		memcpy(value, config + where, size);
	return PCIBIOS_SUCCESSFUL;
}

static int write_config(struct pci_bus *bus, unsigned int devfn, int where, int size, u32 value)
{
	return PCIBIOS_SUCCESSFUL;
}

static struct pci_ops bus_ops = { .read = read_config, .write = write_config };
static struct pci_sysdata sysdata = { .domain = 1, .node = NUMA_NO_NODE };
static struct pci_bus *bus;

static int __init testnic_init(void)
{
	LIST_HEAD(resources);
	int error;

	put_unaligned_le16(PCI_VENDOR_ID_INTEL, config + PCI_VENDOR_ID);
	put_unaligned_le16(device, config + PCI_DEVICE_ID);
	put_unaligned_le16(PCI_CLASS_NETWORK_ETHERNET, config + PCI_CLASS_DEVICE);
	put_unaligned_le16(PCI_VENDOR_ID_INTEL, config + PCI_SUBSYSTEM_VENDOR_ID);
	ids[0].device = device;
	/* First, so that the real e1000e finds the name taken. */
	error = pci_register_driver(&driver);
	if (error)
		return error;
	pci_lock_rescan_remove();
	bus = pci_scan_root_bus(NULL, 0, &bus_ops, &sysdata, &resources);
	if (bus)
		pci_bus_add_devices(bus);
	pci_unlock_rescan_remove();
	if (!bus) {
		pci_unregister_driver(&driver);
		return -ENODEV;
	}
	return 0;
}
module_init(testnic_init);

static void __exit testnic_exit(void)
{
	pci_lock_rescan_remove();
	pci_stop_root_bus(bus);
	pci_remove_root_bus(bus);
	pci_unlock_rescan_remove();
	pci_unregister_driver(&driver);
}
module_exit(testnic_exit);

MODULE_DESCRIPTION("A NIC for tests that looks like one of e1000e");
MODULE_LICENSE("GPL");
