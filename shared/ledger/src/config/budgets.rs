//! Reading `[[budget]]`.

use spend_core::calendar::window::WindowKind;
use spend_core::rules::budget::Budget;

use crate::config::overrides;
use crate::config::reader::{Reader, Section};
use crate::config::rule::{read_rule, required_amount};

/// What a budget warns at unless it says otherwise, in percent.
const THRESHOLDS: [u32; 3] = [50, 80, 100];

pub(super) fn read(mut section: Section<'_, '_>, reader: &mut Reader<'_>) -> Option<Budget> {
    let header = section.span.clone();
    let rule = read_rule(&mut section, reader, "budget");
    let amount = required_amount(&mut section, reader, &header, "budget");
    let each = rule.as_ref().and_then(|rule| rule.each.as_ref());
    let (overrides, overrides_file) = overrides::read(&mut section, reader, each);
    let listed = section.position("thresholds");
    let thresholds = read_percents(&mut section, reader, "thresholds").unwrap_or_else(|| THRESHOLDS.to_vec());
    let windows = WindowKind::ALL.map(|window| (window.as_str(), window));
    let window = section.choice(reader, "window", &windows).unwrap_or_default();
    let forecast = read_percents(&mut section, reader, "forecast").unwrap_or_default();
    if let Some(span) = listed.filter(|_| section.is_empty_list("thresholds") && forecast.is_empty()) {
        let cure = "`thresholds` is empty and there is no `forecast`, so the budget would never fire: name percents, such \
                    as [80, 100]";
        reader.invalid(&span, cure);
    }
    if let Some(span) = section.position("forecast").filter(|_| window == WindowKind::Day && !forecast.is_empty()) {
        reader.invalid(
            &span,
            "a day is over before it can be foretold: remove `forecast`, or use the window week or month",
        );
    }
    section.finish(reader, &[]);
    let (rule, amount) = (rule?, amount?);
    Some(Budget { rule, window, amount, thresholds, forecast, overrides, overrides_file })
}

/// Percents above zero, ascending; there may be none.
fn read_percents(section: &mut Section<'_, '_>, reader: &mut Reader<'_>, key: &str) -> Option<Vec<u32>> {
    let values = section.integers(reader, key)?;
    let mut percents = Vec::new();
    for (span, value) in values {
        match u32::try_from(value) {
            Ok(0) | Err(_) => reader.invalid(&span, &format!("the threshold {value} is not a percent above zero")),
            Ok(percent) if percents.contains(&percent) => {
                reader.invalid(&span, &format!("the threshold {percent} stands twice: remove one"));
            }
            Ok(percent) => percents.push(percent),
        }
    }
    percents.sort_unstable();
    Some(percents)
}
