//! Lines that notes to operations have in common.

use crate::text::{shorten, without_links, wrap};

/// How many exports, findings, files and problems a message names.
pub(crate) const NAMED: usize = 12;

/// How many columns a path or an export's id may take.
pub(crate) const PATH: usize = 160;

/// How many columns of what an error says are shown.
pub(crate) const SAID: usize = 2000;

/// What happens next and when.
pub(crate) fn next<const N: usize>(steps: [&str; N]) -> Vec<String> {
    let steps = steps.into_iter().flat_map(|step| wrap("  ", step));
    std::iter::once("Next".to_owned()).chain(steps).collect()
}

/// What an error or a finding says, cells and keys of others in it: no link, and not without end.
pub(crate) fn said(text: &str) -> String {
    shorten(&without_links(text), SAID)
}

pub(crate) fn more(count: usize, things: &str) -> Option<String> {
    (count > NAMED).then(|| format!("  and {} more {things}", count - NAMED))
}
