//! The line by which a generated file is known again, with what it was made from.
//!
//! A file without it is somebody else's and is never overwritten. From it `unhang check` and
//! `unhang status` see that the rules, or the file that was displaced, have changed since.

use std::fmt;

const START: &str = "unhang-generated: ";

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Marker {
    /// The command that made it, after `unhang generate`.
    pub command: String,
    /// Fingerprint of what the rules wanted.
    pub settings: String,
    /// The file that it displaces, and the fingerprint of that one with its drop-ins.
    pub displaced: Option<(String, String)>,
    /// Fingerprint of the text below the marker.
    pub text: String,
    /// The text was changed by hand since. Then it is theirs.
    pub edited: bool,
}

impl Marker {
    /// The marker in a file's text, if it is there: in one of the first lines, as a comment.
    pub fn find(text: &str) -> Option<Marker> {
        let mut rest = text;
        for _ in 0..3 {
            let (line, below) = rest.split_once('\n')?;
            if let Some(fields) = line.trim_start_matches(['#', ' ']).strip_prefix(START) {
                return Marker::parse(fields, below);
            }
            rest = below;
        }
        None
    }

    fn parse(fields: &str, below: &str) -> Option<Marker> {
        let mut fields = fields.split("; ");
        let mut marker = Marker {
            command: fields.next()?.to_owned(),
            settings: String::new(),
            displaced: None,
            text: String::new(),
            edited: false,
        };
        for field in fields {
            match field.split_once(' ')? {
                ("settings", print) => print.clone_into(&mut marker.settings),
                ("text", print) => print.clone_into(&mut marker.text),
                ("displaces", both) => {
                    let (path, print) = both.rsplit_once(' ')?;
                    marker.displaced = Some((path.to_owned(), print.to_owned()));
                }
                // A later version may say more.
                _ => {}
            }
        }
        marker.edited = marker.text != fingerprint(below);
        Some(marker)
    }
}

impl fmt::Display for Marker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Marker {
            command,
            settings,
            displaced,
            text,
            edited: _,
        } = self;
        write!(f, "{START}{command}; settings {settings}")?;
        if let Some((path, print)) = displaced {
            write!(f, "; displaces {path} {print}")?;
        }
        write!(f, "; text {text}")
    }
}

/// A short fingerprint (FNV-1a): to notice a change, not to keep anybody from making one.
pub fn fingerprint(text: &str) -> String {
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("{hash:016x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_marker_is_found_again_and_says_if_the_text_changed() {
        let below = "[Match]\nDriver=e1000e\n";
        let marker = Marker {
            command: "link --rule a".into(),
            settings: fingerprint("tso=off"),
            displaced: Some(("/run/a b.link".into(), fingerprint(""))),
            text: fingerprint(below),
            edited: false,
        };
        let text = format!("# {marker}\n{below}");
        assert_eq!(Marker::find(&text), Some(marker));
        let edited = text.replace("e1000e", "igb");
        assert!(Marker::find(&edited).is_some_and(|marker| marker.edited));
        assert_eq!(Marker::find(below), None);
    }
}
