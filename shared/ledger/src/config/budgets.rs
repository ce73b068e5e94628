//! Reading `[[budget]]`.

use spend_core::budget::{Budget, BudgetOverride};
use spend_core::window::WindowKind;

use super::reader::{Reader, Section};
use super::rules::{amount_of, read_rule, required_amount};

/// What a budget warns at unless it says otherwise, in percent.
const THRESHOLDS: [u32; 3] = [50, 80, 100];

pub(super) fn read(mut section: Section<'_, '_>, reader: &mut Reader<'_>) -> Option<Budget> {
    let header = section.span.clone();
    let rule = read_rule(&mut section, reader, "budget");
    let amount = required_amount(&mut section, reader, &header, "budget");
    let has_each = section.position("each").is_some();
    let mut overrides = read_overrides(&mut section, reader, has_each);
    let overrides_file = read_overrides_file(&mut section, reader, has_each, &mut overrides);
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

fn read_overrides(section: &mut Section<'_, '_>, reader: &mut Reader<'_>, has_each: bool) -> Vec<BudgetOverride> {
    let mut overrides: Vec<BudgetOverride> = Vec::new();
    for mut table in section.sections(reader, "override") {
        let header = table.span.clone();
        if !has_each {
            reader.invalid(&header, "an override needs members: give the budget an `each`, or remove the override");
        }
        let member = table.text(reader, "member");
        if member.is_none() && table.position("member").is_none() {
            reader.invalid(&header, "this override has no member: add member = \"…\", the exact name");
        }
        let amount = required_amount(&mut table, reader, &header, "override");
        table.finish(reader, &[]);
        let (Some((span, member)), Some(amount)) = (member, amount) else { continue };
        if overrides.iter().any(|earlier| earlier.member == member) {
            reader.invalid(&span, &format!("`{member}` has two overrides: remove one"));
        }
        overrides.push(BudgetOverride { member, amount });
    }
    overrides
}

/// Overrides from a file beside the configuration, or from the text that stands in for it once the configuration is in
/// force. The file's name, if one is named.
fn read_overrides_file(
    section: &mut Section<'_, '_>,
    reader: &mut Reader<'_>,
    has_each: bool,
    overrides: &mut Vec<BudgetOverride>,
) -> Option<String> {
    if let Some((span, csv)) = section.text(reader, "overrides_csv") {
        for (line, problem) in read_csv(&csv, overrides) {
            reader.invalid(&span, &format!("`overrides_csv`, line {line}: {problem}"));
        }
    }
    let (span, file) = section.text(reader, "overrides_file")?;
    if !has_each {
        reader.invalid(&span, "overrides need members: give the budget an `each`, or remove `overrides_file`");
    }
    if file.contains(['/', '\\']) || file.starts_with('.') {
        reader.invalid(&span, "`overrides_file` must be the name of a file beside the configuration, without a folder");
        return None;
    }
    let Some(csv) = reader.file(&file) else {
        reader.invalid(&span, &format!("the file `{file}` is not there: put it beside the configuration"));
        return None;
    };
    for (line, problem) in read_csv(csv, overrides) {
        reader.invalid_in(&file, line, &problem);
    }
    if let Some(entry) = section.entry("overrides_file") {
        reader.stand_in(entry, "overrides_csv", csv);
    }
    Some(file)
}

/// Reads lines of `member,amount`; a header, blank lines and lines that begin with `#` are passed over. What is wrong,
/// by line.
fn read_csv(csv: &str, overrides: &mut Vec<BudgetOverride>) -> Vec<(usize, String)> {
    let mut problems = Vec::new();
    for (number, line) in (1..).zip(csv.trim_start_matches('\u{feff}').lines()) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') || (number == 1 && line == "member,amount") {
            continue;
        }
        let Some((member, amount)) = line.rsplit_once(',') else {
            problems.push((number, "this is not `member,amount`, such as dana@example.com,9000.00".to_owned()));
            continue;
        };
        let member = member.trim();
        let quoted = member.strip_prefix('"').and_then(|member| member.strip_suffix('"'));
        let member = quoted.map_or_else(|| member.to_owned(), |member| member.replace("\"\"", "\""));
        match amount_of(amount.trim().trim_matches('"')) {
            Err(problem) => problems.push((number, format!("the amount{problem}"))),
            Ok(_) if member.is_empty() => problems.push((number, "the member is empty".to_owned())),
            Ok(_) if overrides.iter().any(|earlier| earlier.member == member) => {
                problems.push((number, format!("`{member}` has two overrides: remove one")));
            }
            Ok(amount) => overrides.push(BudgetOverride { member, amount }),
        }
    }
    problems
}
