//! Which kernels turn TSO back on at link-up: e1000e did before commit 67d47b95119a, which is
//! in 6.3 and in the stable releases of the same week.

/// The first with it of each long-lived series.
const FIXED: [(u32, u32, u32); 7] = [
    (4, 14, 314),
    (4, 19, 282),
    (5, 4, 242),
    (5, 10, 179),
    (5, 15, 109),
    (6, 1, 26),
    (6, 2, 13),
];

/// Does the kernel with this release (`uname -r`) and this /proc/version undo them? `None` where
/// the release doesn't say which upstream version it is.
pub fn undoes_offloads(release: &str, proc_version: &str, ubuntu: Option<&str>) -> Option<bool> {
    let debian = proc_version.split_once("Debian ").map(|(_, rest)| rest);
    // "Ubuntu 5.15.0-91.101-generic 5.15.131"
    let ubuntu = ubuntu.and_then(|text| text.trim().rsplit(' ').next());
    let (major, minor, patch) = version(ubuntu.or(debian).unwrap_or(release))?;
    if (major, minor) >= (6, 3) {
        return Some(false);
    }
    // A distribution's own numbering: what it has taken over is not known.
    if ubuntu.or(debian).is_none() && patch == 0 && release.contains('-') {
        return None;
    }
    let mut series = FIXED.iter();
    let fixed = series.find(|(a, b, _)| (*a, *b) == (major, minor));
    Some(fixed.is_none_or(|(.., first)| patch < *first))
}

fn version(text: &str) -> Option<(u32, u32, u32)> {
    let numbers = text
        .split(|c: char| !c.is_ascii_digit() && c != '.')
        .next()?;
    let mut numbers = numbers.split('.').map(|n| n.parse().ok());
    let (major, minor) = (numbers.next()??, numbers.next()??);
    Some((major, minor, numbers.next().flatten().unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::undoes_offloads;

    #[test]
    fn upstream_debian_and_ubuntu() {
        let of = |release, version| undoes_offloads(release, version, None);
        assert_eq!(of("6.12.1", ""), Some(false));
        assert_eq!(of("6.3.0-1-custom", ""), Some(false));
        assert_eq!(of("6.2.12", ""), Some(true));
        assert_eq!(of("6.2.16-20-pve", ""), Some(false));
        assert_eq!(of("6.0.19", ""), Some(true));
        assert_eq!(of("5.14.0-427.el9.x86_64", ""), None);
        let debian =
            "Linux version 6.1.0-28-amd64 (x@y) (gcc) #1 SMP Debian 6.1.119-1 (2024-11-22)";
        assert_eq!(of("6.1.0-28-amd64", debian), Some(false));
        let early = "Linux version 6.1.0-7-amd64 (x@y) (gcc) #1 SMP Debian 6.1.20-2 (2023-04-08)";
        assert_eq!(of("6.1.0-7-amd64", early), Some(true));
        let ubuntu = |words| undoes_offloads("5.15.0-60-generic", "", Some(words));
        assert_eq!(ubuntu("Ubuntu 5.15.0-60.66-generic 5.15.78\n"), Some(true));
        assert_eq!(
            ubuntu("Ubuntu 5.15.0-91.101-generic 5.15.131\n"),
            Some(false)
        );
        assert_eq!(of("nonsense", ""), None);
    }
}
