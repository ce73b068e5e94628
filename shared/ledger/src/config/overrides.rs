//! Reading a budget's overrides: `[[budget.override]]`, and a file of `member,amount` as spreadsheets write it.

use spend_core::facts::dimension::Dimension;
use spend_core::money::decimal::Decimal;
use spend_core::rules::overrides::{BudgetOverride, Overrides};

use crate::config::reader::{Reader, Section};
use crate::config::rule::{amount_of, required_amount};

/// What the columns of the file are called in its header, which may be left out.
const COLUMNS: [&str; 2] = ["member", "amount"];

/// Every override of a budget whose members are `each`, and the name of the file, if one is named.
pub(super) fn read(
    section: &mut Section<'_, '_>,
    reader: &mut Reader<'_>,
    each: Option<&Dimension>,
) -> (Overrides, Option<String>) {
    let has_each = section.position("each").is_some();
    let mut overrides = Overrides::default();
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
        if let Err(problem) = add(&mut overrides, member, amount, each) {
            reader.invalid(&span, &problem);
        }
    }
    let file = read_file(section, reader, each, &mut overrides);
    (overrides, file)
}

fn add(overrides: &mut Overrides, member: String, amount: Decimal, each: Option<&Dimension>) -> Result<(), String> {
    let problem = format!("`{member}` has two overrides: remove one");
    if overrides.add(BudgetOverride { member, amount }, each) { Ok(()) } else { Err(problem) }
}

/// Overrides from a file beside the configuration, or from the text that stands in for it once the configuration is in
/// force.
fn read_file(
    section: &mut Section<'_, '_>,
    reader: &mut Reader<'_>,
    each: Option<&Dimension>,
    overrides: &mut Overrides,
) -> Option<String> {
    if let Some((span, csv)) = section.text(reader, "overrides_csv") {
        for (line, problem) in read_csv(&csv, each, overrides) {
            reader.invalid(&span, &format!("`overrides_csv`, line {line}: {problem}"));
        }
    }
    let (span, file) = section.text(reader, "overrides_file")?;
    if section.position("each").is_none() {
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
    // Most likely an upload that broke. The text that stands in for the file could not be empty either.
    if csv.trim_start_matches('\u{feff}').trim().is_empty() {
        let empty = "this file is empty: where nobody has an override write the header `member,amount` alone, or remove \
                     `overrides_file`";
        reader.invalid_in(&file, 1, empty);
        return None;
    }
    for (line, problem) in read_csv(csv, each, overrides) {
        reader.invalid_in(&file, line, &problem);
    }
    if let Some(entry) = section.entry("overrides_file") {
        reader.stand_in(entry, "overrides_csv", csv);
    }
    Some(file)
}

/// Reads records of `member,amount`. The header may be in any case and order; blank lines, empty rows and lines that begin
/// with `#` are passed over. Returns what is wrong, by line.
fn read_csv(csv: &str, each: Option<&Dimension>, overrides: &mut Overrides) -> Vec<(usize, String)> {
    let csv = csv.trim_start_matches('\u{feff}');
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .comment(Some(b'#'))
        .trim(csv::Trim::All)
        .from_reader(csv.as_bytes());
    let mut problems = Vec::new();
    let (mut is_first, mut is_amount_first) = (true, false);
    for record in reader.records() {
        let record = match record {
            Ok(record) => record,
            Err(error) => {
                problems.push((line(csv, error.position()), format!("this is not CSV: {error}")));
                break;
            }
        };
        let fields: Vec<&str> = record.iter().collect();
        if fields.iter().all(|field| field.is_empty()) {
            continue;
        }
        if std::mem::take(&mut is_first)
            && let Some(amount_first) = header(&fields)
        {
            is_amount_first = amount_first;
            continue;
        }
        let read = own(&fields, is_amount_first);
        let added = read.and_then(|(member, amount)| add(overrides, member, amount, each));
        problems.extend(added.err().map(|problem| (line(csv, record.position()), problem)));
    }
    problems
}

/// If a record is the header: whether the amount stands first.
fn header(fields: &[&str]) -> Option<bool> {
    let is = |names: [&str; 2]| {
        fields.len() == names.len() && fields.iter().zip(names).all(|(field, name)| field.eq_ignore_ascii_case(name))
    };
    let [member, amount] = COLUMNS;
    if is(COLUMNS) { Some(false) } else { is([amount, member]).then_some(true) }
}

/// What one record says.
fn own(fields: &[&str], is_amount_first: bool) -> Result<(String, Decimal), String> {
    let (member, amount) = match fields {
        [amount, member] if is_amount_first => (*member, *amount),
        [member, amount] => (*member, *amount),
        _ => {
            let count = fields.len();
            let fields = if count == 1 { "1 field".to_owned() } else { format!("{count} fields") };
            return Err(format!(
                "this has {fields}, and must have two, `member,amount`, such as dana@example.com,9000.00: separate \
                 them by a comma, and write amounts without separators of thousands"
            ));
        }
    };
    if member.is_empty() {
        return Err("the member is empty".to_owned());
    }
    if member.contains(char::is_control) {
        return Err("the member goes on over the end of the line: close its quotes".to_owned());
    }
    let amount = amount_of(amount).map_err(|problem| {
        let plain: String = amount.chars().filter(|digit| digit.is_ascii_digit() || *digit == '.').collect();
        let is_grouped = amount.contains(',') && plain.parse::<Decimal>().is_ok();
        let cure = if is_grouped { format!(": write {plain}, without separators of thousands") } else { String::new() };
        format!("the amount{problem}{cure}")
    })?;
    Ok((member.to_owned(), amount))
}

/// The line that a record begins on, counted from 1. The library's position is before the lines that it passed over.
fn line(csv: &str, position: Option<&csv::Position>) -> usize {
    let start = position.and_then(|position| usize::try_from(position.byte()).ok()).unwrap_or_default();
    let (before, record) = csv.split_at_checked(start).unwrap_or((csv, ""));
    let passed_over = record.lines().take_while(|line| line.is_empty() || line.starts_with('#')).count();
    before.matches('\n').count() + passed_over + 1
}
