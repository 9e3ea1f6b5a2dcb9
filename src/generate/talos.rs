//! An `EthernetConfig` document for the machine configuration of Talos Linux (1.10 and newer).
//!
//! Talos gives all features of a document to the kernel at once, and a single name that the
//! kernel does not know makes it refuse them all. So only names that every kernel has are in it.

use super::request::Request;
use super::{Format, Generated, Refusal, Topic, cannot_set, names};
use crate::features::in_every_kernel;

pub const FORMAT: Format = Format {
    name: "talos",
    about: "a document for the machine configuration of Talos Linux",
    dir: None,
    mode: 0o644,
    generate,
    sets: |_| false,
};

fn generate(request: &Request<'_>) -> Result<Vec<Generated>, Refusal> {
    let (known, unknown): (Vec<_>, Vec<_>) = request
        .settings
        .features()
        .partition(|(name, _)| in_every_kernel(name));
    if known.is_empty() {
        return Refusal::new(
            "Talos sets all or nothing, and none of these features is in every kernel",
        );
    }
    let unknown: Vec<&str> = unknown.iter().map(|(name, _)| *name).collect();
    let features: Vec<String> = known
        .iter()
        .map(|(name, on)| format!("  {name}: {on}\n"))
        .collect();
    let mut files = Vec::new();
    for name in names(request.named_nics()?) {
        let text = format!(
            "{}\napiVersion: v1alpha1\nkind: EthernetConfig\nname: {name}\nfeatures:\n{}",
            request.heading(),
            features.concat()
        );
        let file_name = format!("unhang-{name}.yaml");
        let mut remarks = vec![
            Topic::Activate.remark(format!("'talosctl patch mc --nodes NODE --patch @{file_name}'; 'talosctl get ethernetstatus {name} -o yaml' shows what is so")),
            Topic::Cannot.remark("work before Talos 1.10, or leave single features out: one that the kernel does not know keeps all of them from being set"),
        ];
        remarks.extend(cannot_set(request, &unknown, "not every kernel has a name"));
        files.push(Generated::new(file_name, text, remarks));
    }
    Ok(files)
}
