//! What stands behind a key: a switch, a word, a text, a list, a pattern; and what to write where it
//! is something else.

use toml::Spanned;
use toml::de::{DeString, DeValue};

use super::Parser;
use crate::features::nearest;
use crate::rules::diagnostic::Diagnostic;

impl Parser {
    pub(super) fn boolean(&mut self, value: &Spanned<DeValue<'_>>, key: &str) -> Option<bool> {
        let boolean = value.get_ref().as_bool();
        if boolean.is_none() {
            self.error(
                value.span(),
                format!("'{key}' is neither true nor false"),
                "write false for off, true for on, without quotes",
            );
        }
        boolean
    }

    /// One of a few words, each of which stands for something.
    pub(super) fn word<T: Copy>(
        &mut self,
        value: &Spanned<DeValue<'_>>,
        key: &str,
        words: &[(&str, T)],
        help: &str,
    ) -> Option<T> {
        let text = value.get_ref().as_str();
        let found = words.iter().find(|(word, _)| Some(*word) == text);
        if found.is_none() {
            let words: Vec<_> = words
                .iter()
                .map(|(word, _)| format!("\"{word}\""))
                .collect();
            let message = format!("'{key}' is neither {}", words.join(" nor "));
            self.error(value.span(), message, help);
        }
        found.map(|(_, meant)| *meant)
    }

    /// A string, or a list of strings of which any may hold.
    pub(super) fn list<T>(
        &mut self,
        value: &Spanned<DeValue<'_>>,
        key: &str,
        convert: impl Fn(&str) -> Result<T, String>,
    ) -> Vec<T> {
        let values = elements(value);
        if values.is_empty() {
            self.error(
                value.span(),
                format!("'{key}' is an empty list, so nothing can match"),
                "name one, or drop the line",
            );
        }
        let mut converted = Vec::new();
        for value in values {
            let Some(text) = value.get_ref().as_str() else {
                self.wrong_type(
                    value,
                    key,
                    "a string or a list of strings",
                    "put it in quotes",
                );
                continue;
            };
            match convert(text) {
                Ok(item) => converted.push(item),
                Err(message) => self.errors.push(Diagnostic::error(value.span(), message)),
            }
        }
        converted
    }

    /// Log lines name rules between commas and semicolons, so a name has none.
    pub(super) fn name(&mut self, value: &Spanned<DeValue<'_>>) -> Option<String> {
        let name = self.text(value, "name")?;
        let allowed = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if name.is_empty() || !name.chars().all(allowed) {
            self.error(
                value.span(),
                "a rule's name has letters, digits, '-', '_' and '.' only".into(),
                "use a short word such as e1000e-tx-hang, and description for the rest",
            );
            return None;
        }
        Some(name)
    }

    pub(super) fn text(&mut self, value: &Spanned<DeValue<'_>>, key: &str) -> Option<String> {
        let text = value.get_ref().as_str();
        if text.is_none() {
            self.wrong_type(value, key, "a string", "put it in quotes");
        }
        text.map(str::to_owned)
    }

    pub(super) fn wrong_type(
        &mut self,
        value: &Spanned<DeValue<'_>>,
        key: &str,
        wanted: &str,
        help: &str,
    ) {
        let found = value.get_ref().type_str();
        self.error(
            value.span(),
            format!("'{key}' must be {wanted}, this is of type {found}"),
            help,
        );
    }

    pub(super) fn unknown_key(&mut self, key: &Spanned<DeString<'_>>, place: &str, known: &[&str]) {
        let word = key.get_ref();
        let help = match nearest(word, known.iter().copied()) {
            Some(meant) => format!("did you mean '{meant}'?"),
            None => format!("known here: {}", known.join(", ")),
        };
        self.error(key.span(), format!("{place} has no key '{word}'"), help);
    }
}

/// A list's elements; what is no list stands for a list of itself.
pub(super) fn elements<'v, 'i>(value: &'v Spanned<DeValue<'i>>) -> Vec<&'v Spanned<DeValue<'i>>> {
    match value.get_ref() {
        DeValue::Array(array) => array.iter().collect(),
        _ => vec![value],
    }
}

/// A pattern whose brackets are closed; one that is open fits nothing.
pub(super) fn glob(text: &str) -> Result<String, String> {
    let mut rest = text;
    while let Some(open) = rest.find(['[', '{']) {
        let (bracket, close) = match rest.as_bytes()[open] {
            b'[' => ('[', ']'),
            _ => ('{', '}'),
        };
        let Some(length) = rest[open..].find(close).filter(|length| *length > 1) else {
            return Err(format!(
                "'{text}' has a '{bracket}' without a '{close}' after it"
            ));
        };
        rest = &rest[open + length..];
    }
    non_empty(text)
}

pub(super) fn non_empty(text: &str) -> Result<String, String> {
    if text.is_empty() {
        Err("an empty text matches nothing".into())
    } else {
        Ok(text.to_owned())
    }
}
