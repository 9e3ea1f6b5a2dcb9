//! Text from elsewhere: names, files, logs, the environment.

use std::borrow::Cow;

/// The text with escapes for what could steer a terminal, end a line, or hide from a reader.
pub fn printable(text: &str) -> Cow<'_, str> {
    if !text.contains(is_unprintable) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if is_unprintable(c) {
            shown.extend(c.escape_default());
        } else {
            shown.push(c);
        }
    }
    Cow::Owned(shown)
}

/// Controls (C0, DEL, C1), and what has no shape of its own: it changes the direction of a text,
/// or separates or joins what is around it.
pub fn is_unprintable(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{fffe}')
}

/// Adds `text` to `out`, broken between words; lines after the first begin with `indent`.
pub fn wrap(out: &mut String, text: &str, width: usize, indent: &str) {
    let lead = text.len() - text.trim_start().len();
    let (mut line, text) = (text[..lead].to_owned(), &text[lead..]);
    let mut empty = true;
    for word in text.split_inclusive(' ') {
        let length = line.chars().count() + word.trim_end().chars().count();
        if length > width && !empty {
            out.push_str(line.trim_end());
            out.push('\n');
            indent.clone_into(&mut line);
        }
        line.push_str(word);
        empty = false;
    }
    out.push_str(line.trim_end());
    out.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_line_is_broken_between_words() {
        let wrapped = |text, width| {
            let mut out = String::new();
            wrap(&mut out, text, width, "    ");
            out
        };
        assert_eq!(wrapped("  one  two", 10), "  one  two\n");
        assert_eq!(wrapped("  one  two three", 10), "  one  two\n    three\n");
        assert_eq!(wrapped("  extraordinary", 10), "  extraordinary\n");
        assert_eq!(
            wrapped("a extraordinary b", 10),
            "a\n    extraordinary\n    b\n"
        );
        assert_eq!(wrapped("", 10), "\n");
    }

    #[test]
    fn what_is_no_plain_text_is_shown_as_an_escape() {
        assert!(matches!(printable("grüße, 世界 ✓"), Cow::Borrowed(_)));
        assert_eq!(printable("a\u{1b}[2J\n\t\u{7f}"), r"a\u{1b}[2J\n\t\u{7f}");
        let unseen = [
            '\u{85}', '\u{9b}', '\u{61c}', '\u{200b}', '\u{200f}', '\u{2028}', '\u{2029}',
            '\u{202a}', '\u{202e}', '\u{2066}', '\u{2069}', '\u{feff}', '\u{fff9}', '\u{fffe}',
        ];
        for c in unseen {
            let shown = printable(&format!("é{c}")).into_owned();
            assert_eq!(shown, format!("é\\u{{{:x}}}", u32::from(c)));
        }
    }
}
