//! The syntax of systemd's configuration files: sections, `key=value`, comments, and lines that
//! go on after a backslash. What can't be read is skipped with a problem, as systemd does.

/// A configuration file, or one with its drop-ins appended.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ini {
    /// Sections in the order in which they stand; a name may come again.
    pub sections: Vec<Section>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// Its name, without brackets.
    pub name: String,
    pub entries: Vec<Entry>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub key: String,
    /// The value; empty for a reset.
    pub value: String,
    /// Its line, counted from 1.
    pub line: usize,
}

/// A line that systemd skips.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The line, counted from 1.
    pub line: usize,
    pub message: &'static str,
}

impl Ini {
    pub fn parse(text: &str) -> (Ini, Vec<Problem>) {
        let mut ini = Ini::default();
        let mut problems = Vec::new();
        for (line, content) in logical_lines(text.trim_start_matches('\u{feff}')) {
            let mut problem = |message| problems.push(Problem { line, message });
            if let Some(heading) = content.strip_prefix('[') {
                match heading.strip_suffix(']') {
                    Some(name) => ini.sections.push(Section {
                        name: name.to_owned(),
                        entries: Vec::new(),
                    }),
                    None => problem("a section's name has no closing bracket"),
                }
            } else if let Some((key, value)) = content.split_once('=') {
                let entry = Entry {
                    key: key.trim().to_owned(),
                    value: value.trim().to_owned(),
                    line,
                };
                match ini.sections.last_mut() {
                    Some(section) => section.entries.push(entry),
                    None => problem("it stands before the first section"),
                }
            } else {
                problem("it has no '='");
            }
        }
        (ini, problems)
    }

    pub fn append(&mut self, mut other: Ini) {
        self.sections.append(&mut other.sections);
    }

    /// All assignments in sections of this name, in order.
    pub fn entries<'i>(&'i self, section: &'i str) -> impl Iterator<Item = &'i Entry> {
        let of_that_name = self.sections.iter().filter(move |s| s.name == section);
        of_that_name.flat_map(|section| &section.entries)
    }

    /// The last value of a key; `None` if it is not set, or reset.
    pub fn last<'i>(&'i self, section: &'i str, key: &str) -> Option<&'i str> {
        let entries = self.entries(section).filter(|entry| entry.key == key);
        let value = entries.last()?.value.as_str();
        (!value.is_empty()).then_some(value)
    }

    /// The values of a key that is a list: those since the last reset.
    pub fn list<'i>(&'i self, section: &'i str, key: &str) -> Vec<&'i str> {
        let mut values = Vec::new();
        for entry in self.entries(section).filter(|entry| entry.key == key) {
            if entry.value.is_empty() {
                values.clear();
            } else {
                values.push(entry.value.as_str());
            }
        }
        values
    }
}

/// Lines put together where a backslash says so, each with the number of its first; without
/// comments and empty lines. Comments between the parts of a line don't end it.
fn logical_lines(text: &str) -> Vec<(usize, String)> {
    let mut lines = Vec::new();
    let mut unfinished: Option<(usize, String)> = None;
    for (index, line) in text.lines().enumerate() {
        let line = line.trim_start();
        if line.starts_with(['#', ';']) {
            continue;
        }
        let (first, mut joined) = unfinished.take().unwrap_or((index + 1, String::new()));
        let backslashes = line.len() - line.trim_end_matches('\\').len();
        if backslashes % 2 == 1 {
            joined += &line[..line.len() - 1];
            joined.push(' ');
            unfinished = Some((first, joined));
            continue;
        }
        joined += line;
        lines.push((first, joined.trim().to_owned()));
    }
    lines.extend(unfinished.map(|(first, joined)| (first, joined.trim().to_owned())));
    lines.retain(|(_, line)| !line.is_empty());
    lines
}

/// The words of a value, quotes removed. A backslash takes the next character as it is.
pub fn words(value: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut characters = value.chars();
    while let Some(c) = characters.next() {
        match (c, quote) {
            ('\\', _) => word.get_or_insert_default().extend(characters.next()),
            (c, Some(open)) if c == open => quote = None,
            ('"' | '\'', None) if word.is_none() => {
                quote = Some(c);
                word = Some(String::new());
            }
            (c, None) if c.is_whitespace() => words.extend(word.take()),
            (c, _) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn continued_lines_comments_and_resets() {
        let (ini, problems) = Ini::parse(
            "; a comment\n[Link]\n NamePolicy = keep \\\n# in between\n   kernel\nAlternativeName=a\n\
             AlternativeName=\nAlternativeName=b\n[Link]\nAlternativeName=c\nMTUBytes=\n",
        );
        assert_eq!(problems, []);
        assert_eq!(ini.last("Link", "NamePolicy"), Some("keep  kernel"));
        assert_eq!(ini.list("Link", "AlternativeName"), ["b", "c"]);
        assert_eq!(ini.last("Link", "MTUBytes"), None);
    }

    #[test]
    fn lines_that_systemd_skips() {
        let (ini, problems) = Ini::parse("Name=x\n[Match\n[Match]\nDriver\n");
        let lines: Vec<usize> = problems.iter().map(|problem| problem.line).collect();
        assert_eq!(lines, [1, 2, 4]);
        assert_eq!(ini.entries("Match").count(), 0);
    }

    #[test]
    fn quoted_words() {
        assert_eq!(
            words(r#"A=1 "B=x y" 'C=z' D=\"q\""#),
            ["A=1", "B=x y", "C=z", "D=\"q\""]
        );
    }
}
