//! What is wrong or worth knowing in a rule file, and where.

use std::fmt;
use std::ops::{Deref, Range};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Worth knowing; the rule does what it says.
    Note,
    /// The rule will most likely not do what was meant.
    Warning,
    /// The file can't be used and is skipped as a whole.
    Error,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    pub severity: Severity,
    /// What is the matter, without a full stop.
    pub message: String,
    /// The bytes of the file that it is about.
    pub span: Range<usize>,
    /// What to write instead, or what follows from it.
    pub help: Option<String>,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Severity::Note => "note",
            Severity::Warning => "warning",
            Severity::Error => "error",
        })
    }
}

impl Diagnostic {
    pub fn error(span: Range<usize>, message: impl Into<String>) -> Diagnostic {
        Diagnostic {
            severity: Severity::Error,
            message: message.into(),
            span,
            help: None,
        }
    }

    pub fn warning(span: Range<usize>, message: impl Into<String>) -> Diagnostic {
        Diagnostic {
            severity: Severity::Warning,
            ..Diagnostic::error(span, message)
        }
    }

    pub fn note(span: Range<usize>, message: impl Into<String>) -> Diagnostic {
        Diagnostic {
            severity: Severity::Note,
            ..Diagnostic::error(span, message)
        }
    }

    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Diagnostic {
        self.help = Some(help.into());
        self
    }
}

/// More would fill the log, and who sees so many looks at the file anyway.
const MAX_ERRORS: usize = 20;

/// The first errors, and how many more there are.
pub fn first(mut errors: Vec<Diagnostic>) -> Vec<Diagnostic> {
    errors.sort_by_key(|error| error.span.start);
    if errors.len() > MAX_ERRORS {
        let more = errors.split_off(MAX_ERRORS - 1);
        let message = format!("and {} more errors", more.len());
        errors.push(Diagnostic::error(more[0].span.clone(), message));
    }
    errors
}

/// A text, and where its lines begin.
#[derive(Debug, Clone)]
pub struct Source {
    text: String,
    line_starts: Vec<usize>,
}

impl Source {
    /// The line of the byte `offset`, counted from 1.
    pub fn line(&self, offset: usize) -> usize {
        self.line_starts.partition_point(|start| *start <= offset)
    }

    /// Line and column, counted from 1, of the byte `offset`; a column is a character.
    pub fn place(&self, offset: usize) -> (usize, usize) {
        let line = self.line(offset);
        let start = self.line_starts[line - 1];
        let before = self.text.get(start..offset).unwrap_or(&self.text[start..]);
        (line, before.chars().count() + 1)
    }

    /// The bytes of the lines on which `span` is.
    pub fn lines(&self, span: &Range<usize>) -> Range<usize> {
        let start = self.line_starts[self.line(span.start) - 1];
        let end = self.line_starts.get(self.line(span.end));
        start..end.copied().unwrap_or(self.text.len())
    }
}

impl From<String> for Source {
    fn from(text: String) -> Source {
        let ends = text.match_indices('\n').map(|(end, _)| end + 1);
        let line_starts = [0].into_iter().chain(ends).collect();
        Source { text, line_starts }
    }
}

impl Deref for Source {
    type Target = str;

    fn deref(&self) -> &str {
        &self.text
    }
}

#[cfg(test)]
mod tests {
    use super::Source;

    #[test]
    fn places_count_characters_from_one() {
        let text = Source::from("a\nüb\n".to_owned());
        assert_eq!(text.place(0), (1, 1));
        assert_eq!(text.place(2), (2, 1));
        assert_eq!(text.place(4), (2, 2));
        assert_eq!(text.place(999), (3, 1));
        assert_eq!(text.lines(&(0..1)), 0..2);
        assert_eq!(text.lines(&(0..3)), 0..6);
        assert_eq!(text.lines(&(6..6)), 6..6);
    }
}
