//! Tables of settings beside offloads: `[rule.eee]`, `[rule.ring]` and the others.

use toml::Spanned;
use toml::de::DeValue;

use super::{Parser, in_order};
use crate::rules::WantedValue;
use crate::settings::{Family, Kind, Name, Value};

impl Parser {
    /// A table of one family's settings.
    pub(super) fn values(
        &mut self,
        family: Family,
        value: &Spanned<DeValue<'_>>,
    ) -> Vec<WantedValue> {
        let table = family.table();
        let known: Vec<&str> = family.settable().collect();
        let example = known.first().copied().unwrap_or("disable-k1");
        let line = match family.kind_of(example) {
            Some(Kind::Number) => format!("{example} = 256"),
            _ => format!("{example} = false"),
        };
        let Some(entries) = value.get_ref().as_table() else {
            let help = format!("write [rule.{table}] and below it a line such as {line}");
            self.wrong_type(value, table, "a table", &help);
            return Vec::new();
        };
        if entries.is_empty() {
            let message = format!("[rule.{table}] is empty");
            self.error(value.span(), message, format!("add a line such as {line}"));
        }
        let mut wanted = Vec::new();
        for (key, value) in in_order(entries) {
            // Log lines name keys between commas and brackets, so a key has none.
            let allowed = |c: char| c.is_ascii_alphanumeric() || "-_.:+/ ".contains(c);
            let word = key.get_ref();
            if family.names_any() && (!word.chars().all(allowed) || word.trim() != word.as_ref()) {
                self.error(
                    key.span(),
                    format!("'{word}' is no name of a private flag"),
                    "'ethtool --show-priv-flags NIC' shows those that its driver has",
                );
                continue;
            }
            let Some(kind) = family.kind_of(word) else {
                self.unknown_key(key, &format!("[rule.{table}]"), &known);
                continue;
            };
            let of_kind = match kind {
                Kind::Switch => self.boolean(value, word).map(Value::Switch),
                Kind::Number => self.number(value, word).map(Value::Number),
            };
            wanted.extend(of_kind.map(|value| WantedValue {
                name: Name::new(family, word.as_ref()),
                value,
                span: key.span(),
            }));
        }
        wanted
    }

    fn number(&mut self, value: &Spanned<DeValue<'_>>, key: &str) -> Option<u32> {
        let integer = value.get_ref().as_integer();
        let number = integer.and_then(|i| u32::from_str_radix(i.as_str(), i.radix()).ok());
        if number.is_none() {
            self.error(
                value.span(),
                format!("'{key}' is no number from 0 to {}", u32::MAX),
                "write it in digits, without quotes",
            );
        }
        number
    }
}
