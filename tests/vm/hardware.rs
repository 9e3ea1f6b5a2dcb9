//! The guest's NICs and the ports they sit in: as arguments for QEMU at boot, and over QMP while it runs.

use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::qmp::Qmp;
use crate::scenario::{NicSpec, property};

const PORTS: usize = 8;
/// The guest has to let go of a device before it is gone.
const UNPLUG: Duration = Duration::from_secs(30);

#[derive(Default)]
pub struct Hardware {
    /// Who sits in root port rp0, rp1, …
    ports: [Option<String>; PORTS],
    macs: u8,
    /// All NICs on one wire, instead of each on a network of its own that leads nowhere.
    hub: bool,
}

impl Hardware {
    pub fn new(hub: bool) -> Self {
        Hardware {
            hub,
            ..Default::default()
        }
    }

    pub fn boot_arguments(&mut self, nics: &[NicSpec]) -> Result<Vec<String>, String> {
        let mut arguments = Vec::new();
        for port in 0..PORTS {
            let device = format!("pcie-root-port,id=rp{port},chassis={0},slot={0}", port + 1);
            arguments.extend(["-device".to_owned(), device]);
        }
        for (index, nic) in nics.iter().enumerate() {
            let name = format!("nic{index}");
            let device = self.device(&name, nic)?;
            let properties: Vec<String> = device.iter().map(|(k, v)| format!("{k}={v}")).collect();
            let wire = if self.hub {
                format!("hubport,id=net-{name},hubid=0")
            } else {
                format!("user,id=net-{name},restrict=on")
            };
            arguments.extend(["-netdev".to_owned(), wire]);
            arguments.extend([
                "-device".to_owned(),
                format!("{},{}", nic.kind, properties.join(",")),
            ]);
        }
        Ok(arguments)
    }

    /// The properties of a new NIC: its port and MAC are chosen here unless it names them.
    fn device(&mut self, name: &str, nic: &NicSpec) -> Result<Vec<(String, String)>, String> {
        self.macs += 1;
        let bus = match &nic.bus {
            Some(bus) => bus.clone(),
            None => self.free_port()?,
        };
        let mut device = vec![
            ("id".to_owned(), name.to_owned()),
            ("netdev".to_owned(), format!("net-{name}")),
            ("romfile".to_owned(), String::new()),
            (
                "mac".to_owned(),
                format!("52:54:00:aa:00:{:02x}", self.macs),
            ),
            ("bus".to_owned(), bus),
        ];
        device.retain(|(key, _)| nic.properties.iter().all(|(other, _)| other != key));
        device.extend(nic.properties.iter().cloned());
        let bus = value(&device, "bus");
        if let Some(index) = port_index(bus) {
            self.ports[index] = Some(name.to_owned());
        }
        Ok(device)
    }

    fn free_port(&self) -> Result<String, String> {
        let index = self.ports.iter().position(Option::is_none);
        index
            .map(|index| format!("rp{index}"))
            .ok_or_else(|| format!("all {PORTS} ports are taken"))
    }

    /// What the guest asks for with `host …`.
    pub fn request(&mut self, qmp: &mut Qmp, request: &str) -> Result<String, String> {
        let (verb, rest) = request.split_once(' ').unwrap_or((request, ""));
        let words: Vec<&str> = rest.split_whitespace().collect();
        match (verb, words.as_slice()) {
            ("plug", [name, kind, properties @ ..]) => self.plug(qmp, name, kind, properties),
            ("unplug", [name]) => self.unplug(qmp, name),
            ("link", [name, state @ ("on" | "off")]) => {
                let arguments = json!({ "name": name, "up": *state == "on" });
                qmp.execute("set_link", arguments).map(|_| String::new())
            }
            ("qmp", _) => {
                let command = serde_json::from_str(rest).map_err(|e| format!("no JSON: {e}"))?;
                qmp.raw(&command).map(|result| result.to_string())
            }
            _ => Err(format!(
                "not understood: {request:?} (plug NAME TYPE [prop=val…], unplug NAME, link NAME on|off, qmp JSON)"
            )),
        }
    }

    fn plug(
        &mut self,
        qmp: &mut Qmp,
        name: &str,
        kind: &str,
        properties: &[&str],
    ) -> Result<String, String> {
        if self.ports.iter().flatten().any(|occupant| occupant == name) {
            return Err(format!("{name} is plugged in already"));
        }
        let mut nic = NicSpec::parse(kind)?;
        for text in properties {
            nic.properties.push(property(text)?);
        }
        let device = self.device(name, &nic)?;
        let mac = value(&device, "mac").to_owned();
        let wire = format!("net-{name}");
        let wire = if self.hub {
            json!({ "type": "hubport", "id": wire, "hubid": 0 })
        } else {
            json!({ "type": "user", "id": wire, "restrict": true })
        };
        let mut arguments: Map<String, Value> =
            device.into_iter().map(|(k, v)| (k, typed(v))).collect();
        arguments.insert("driver".to_owned(), nic.kind.into());
        let plugged = qmp
            .execute("netdev_add", wire)
            .and_then(|_| qmp.execute("device_add", arguments));
        if let Err(error) = plugged {
            self.release(qmp, name);
            return Err(error);
        }
        Ok(mac)
    }

    fn unplug(&mut self, qmp: &mut Qmp, name: &str) -> Result<String, String> {
        qmp.execute("device_del", json!({ "id": name }))?;
        qmp.event("DEVICE_DELETED", |data| data["device"] == name, UNPLUG)?;
        self.release(qmp, name);
        Ok(String::new())
    }

    fn release(&mut self, qmp: &mut Qmp, name: &str) {
        for port in &mut self.ports {
            port.take_if(|occupant| occupant == name);
        }
        // Not there if it was refused.
        let _ = qmp.execute("netdev_del", json!({ "id": format!("net-{name}") }));
    }
}

/// One more NIC, of another kind, through which the host reaches ports of the guest at 10.0.3.15.
pub fn forwarding(ports: &[(u16, u16)]) -> Vec<String> {
    if ports.is_empty() {
        return Vec::new();
    }
    let mut wire = "user,id=host,restrict=on,net=10.0.3.0/24".to_owned();
    for (host, guest) in ports {
        wire += &format!(",hostfwd=tcp:127.0.0.1:{host}-:{guest}");
    }
    let nic = "virtio-net-pci,netdev=host,mac=52:54:00:bb:00:01,romfile=";
    ["-netdev", &wire, "-device", nic].map(str::to_owned).into()
}

fn value<'a>(device: &'a [(String, String)], key: &str) -> &'a str {
    let found = device.iter().find(|(name, _)| name == key);
    found.map_or("", |(_, value)| value)
}

fn port_index(bus: &str) -> Option<usize> {
    let index = bus.strip_prefix("rp")?.parse().ok()?;
    (index < PORTS).then_some(index)
}

/// QMP wants numbers and booleans as such.
fn typed(text: String) -> Value {
    let number = match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    };
    match (number, text.as_str()) {
        (Some(number), _) => number.into(),
        (None, "true" | "on") => true.into(),
        (None, "false" | "off") => false.into(),
        _ => text.into(),
    }
}
