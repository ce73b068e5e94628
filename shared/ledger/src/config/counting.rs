//! Reading what of `[export]` says which exports and payers count.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use spend_core::calendar::period::BillingPeriod;
use spend_core::text::name;

use crate::config::reader::{Reader, Section};

/// How many columns a name may take.
const NAME: usize = 64;
/// How many names of a list are told.
const NAMED: usize = 5;

/// Which exports and payers count, and from which export a payer's month is counted. By default all do, and a month is
/// counted from the export that claimed it first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counting {
    /// The ids of the exports; none: all.
    exports: Option<BTreeSet<String>>,
    /// The account ids of the payers; none: all.
    payers: Option<BTreeSet<String>>,
    /// The export that a payer's month is counted from, whoever claimed it.
    chosen: BTreeMap<(String, BillingPeriod), String>,
    /// The ids of exports that deliver no more, because others have taken their place.
    retired: BTreeSet<String>,
}

/// `exports a--1 and b--2, all payers`, in words.
impl fmt::Display for Counting {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of = |what: &str, list: &Option<BTreeSet<String>>| match list {
            None => format!("all {what}"),
            Some(list) if list.len() > NAMED => {
                let named: Vec<_> = list.iter().take(NAMED).map(|text| name(text, NAME)).collect();
                format!("{what} {} and {} more", named.join(", "), list.len() - NAMED)
            }
            Some(list) => format!("{what} {}", list.iter().map(|text| name(text, NAME)).collect::<Vec<_>>().join(", ")),
        };
        write!(formatter, "{} of {}", of("exports", &self.exports), of("payers", &self.payers))?;
        let chosen = self.chosen.iter().take(NAMED);
        for ((payer, period), export_id) in chosen {
            write!(formatter, "; {}/{period} from {}", name(payer, NAME), name(export_id, NAME))?;
        }
        if let more @ 1.. = self.chosen.len().saturating_sub(NAMED) {
            write!(formatter, " and {more} more")?;
        }
        if self.retired.is_empty() {
            return Ok(());
        }
        write!(formatter, "; retired {}", of("exports", &Some(self.retired.clone())))
    }
}

impl Counting {
    /// Only these count; an empty list means all.
    pub fn only(exports: &[String], payers: &[String]) -> Self {
        let some = |list: &[String]| (!list.is_empty()).then(|| list.iter().cloned().collect());
        Self { exports: some(exports), payers: some(payers), ..Self::default() }
    }

    /// What counts here and by `bound`, too: the configuration cannot let in what the stack keeps out.
    pub fn within(self, bound: &Self) -> Self {
        let both = |one: Option<BTreeSet<String>>, other: &Option<BTreeSet<String>>| match (one, other) {
            (Some(one), Some(other)) => Some(&one & other),
            (one, other) => one.or_else(|| other.clone()),
        };
        Self {
            exports: both(self.exports, &bound.exports),
            payers: both(self.payers, &bound.payers),
            chosen: self.chosen,
            retired: self.retired,
        }
    }

    /// Whether an export counts.
    pub fn has_export(&self, export_id: &str) -> bool {
        self.exports.as_ref().is_none_or(|exports| exports.contains(export_id))
    }

    /// Whether a payer counts; an empty one is that of rows that do not name theirs.
    pub fn has_payer(&self, payer: &str) -> bool {
        self.payers.as_ref().is_none_or(|payers| payers.contains(payer))
    }

    /// Whether an export is known to deliver no more. Its months stay as they are.
    pub fn is_retired(&self, export_id: &str) -> bool {
        self.retired.contains(export_id)
    }

    /// The export that a payer's month is to be counted from, if somebody has decided.
    pub fn chosen(&self, payer: &str, period: BillingPeriod) -> Option<&str> {
        self.chosen.get(&(payer.to_owned(), period)).map(String::as_str)
    }

    /// Every month that somebody has decided of: the payer, the month, the export.
    pub fn choices(&self) -> impl Iterator<Item = (&str, BillingPeriod, &str)> {
        self.chosen.iter().map(|((payer, period), export_id)| (payer.as_str(), *period, export_id.as_str()))
    }

    /// A text that is equal for two that count the same; empty for one that counts all.
    pub fn fingerprint(&self) -> String {
        if *self == Self::default() {
            return String::new();
        }
        let list = |list: &Option<BTreeSet<String>>| match list {
            None => "all".to_owned(),
            Some(list) => format!("[{}]", list.iter().cloned().collect::<Vec<_>>().join(", ")),
        };
        let chosen = self.choices().map(|(payer, period, export_id)| format!("{payer}/{period}={export_id}"));
        let chosen: Vec<_> = chosen.collect();
        let (exports, payers, claims) = (list(&self.exports), list(&self.payers), chosen.join(", "));
        // Only where there is one: the text is compared with what earlier releases have stored.
        let retired = if self.retired.is_empty() {
            String::new()
        } else {
            format!(" retired={}", list(&Some(self.retired.clone())))
        };
        format!("exports={exports} payers={payers} claims=[{claims}]{retired}")
    }
}

/// Whether it is the id of an AWS account.
fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Reads `count`, `payers`, `claims` and `retired` of `[export]`.
pub(super) fn read(section: &mut Section<'_, '_>, reader: &mut Reader<'_>) -> Counting {
    let cure = ": name at least one, or leave it out";
    let exports = section.some_globs(reader, "count", cure).unwrap_or_default();
    let payers = section.some_globs(reader, "payers", cure).unwrap_or_default();
    let retired = section.some_globs(reader, "retired", cure).unwrap_or_default();
    for (key, named) in [("count", &exports), ("retired", &retired)] {
        if let Some(span) = section.position(key)
            && named.iter().any(|export| export.is_empty() || export.contains(['/', '*']))
        {
            let form = "by their ids, as behind `export=` below facts/ in the ledger: cur--0a1b2c3d";
            reader.invalid(&span, &format!("`{key}` names exports {form}"));
        }
    }
    if let Some(span) = section.position("payers")
        && !payers.iter().all(|payer| is_account(payer))
    {
        reader.invalid(&span, "`payers` names payers by their account ids, of 12 digits");
    }
    let mut counting = Counting { retired: retired.into_iter().collect(), ..Counting::only(&exports, &payers) };
    if let Some(mut claims) = section.section(reader, "claims") {
        for key in claims.keys() {
            let Some((span, export_id)) = claims.text(reader, &key) else { continue };
            let read = key.split_once('/').and_then(|(payer, period)| Some((payer, period.parse().ok()?)));
            match read.filter(|(payer, _)| is_account(payer)) {
                None => reader
                    .invalid(&span, &format!("`{key}` must be a payer and a month, such as \"111122223333/2026-11\"")),
                Some(_) if !counting.has_export(&export_id) => reader.invalid(
                    &span,
                    &format!("`{key}` is to be counted from `{export_id}`, which `count` does not name: add it there"),
                ),
                Some((payer, period)) => {
                    counting.chosen.insert((payer.to_owned(), period), export_id);
                }
            }
        }
    }
    counting
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::settings::Config;

    fn counting(text: &str) -> Result<Counting, String> {
        let config = Config::parse("ledger.toml", &format!("[export]\n{text}"));
        config.map(|config| config.counting).map_err(|error| error.to_string())
    }

    #[test]
    fn everything_counts_unless_something_is_named() {
        let all = counting("").unwrap();
        assert!(all.has_export("cur") && all.has_payer("") && all.fingerprint().is_empty());
        let some = counting("count = [\"cur\"]\npayers = [\"111122223333\"]").unwrap();
        assert!(some.has_export("cur") && !some.has_export("evil"));
        assert!(some.has_payer("111122223333") && !some.has_payer("") && !some.has_payer("222222222222"));
        let claims = counting("claims = { \"111122223333/2026-11\" = \"cur\" }").unwrap();
        assert_eq!(claims.chosen("111122223333", "2026-11".parse().unwrap()), Some("cur"));
        assert_eq!(claims.chosen("111122223333", "2026-12".parse().unwrap()), None);
        assert_ne!(some.fingerprint(), claims.fingerprint());
    }

    #[test]
    fn an_export_that_is_retired_counts_as_before_and_is_written_down_only_where_there_is_one() {
        let retired = counting("retired = [\"old\"]").unwrap();
        assert!(retired.is_retired("old") && retired.has_export("old") && !retired.is_retired("new"));
        assert_eq!(retired.fingerprint(), "exports=all payers=all claims=[] retired=[old]");
        assert_eq!(retired.to_string(), "all exports of all payers; retired exports old");
        let some = counting("count = [\"cur\"]").unwrap();
        assert_eq!(some.fingerprint(), "exports=[cur] payers=all claims=[]");
        assert!(retired.within(&some).is_retired("old"));
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        for (text, said) in [
            ("count = []", "name at least one"),
            ("count = [\"fin/cur\"]", "`count` names exports by their ids"),
            ("retired = [\"fin/cur\"]", "`retired` names exports by their ids"),
            ("payers = [\"1\"]", "12 digits"),
            ("claims = { \"2026-11\" = \"cur\" }", "a payer and a month"),
            ("count = [\"a\"]\nclaims = { \"111122223333/2026-11\" = \"b\" }", "does not name"),
        ] {
            let error = counting(text).unwrap_err();
            assert!(error.contains(said), "{text}: {error}");
        }
    }

    #[test]
    fn the_stack_bounds_what_the_configuration_lets_in() {
        let list = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let bound = Counting::only(&list(&["a", "b"]), &[]);
        let within = Counting::only(&list(&["b", "c"]), &[]).within(&bound);
        assert_eq!(["a", "b", "c"].map(|export| within.has_export(export)), [false, true, false]);
        let within = Counting::default().within(&bound);
        assert_eq!(["a", "b", "c"].map(|export| within.has_export(export)), [true, true, false]);
    }
}
