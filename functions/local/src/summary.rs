//! What a run says of a delivery: how much was read, what each rule caught, and what is not as it should be.

use spend_core::errors::fault::Fault as _;
use std::io::{self, Write};

use spend_core::bill::bedrock_line::Rule;
use spend_core::messages::unusual::Unusual;
use spend_core::money::currencies::largest_first;
use spend_core::text;
use spend_ledger::metrics::Published;
use spend_ledger::state::period::PeriodState;
use spend_pipeline::period::aggregated::Aggregated;

/// Writes a few lines about the state that is in force after `outcome`.
pub(crate) fn write(
    state: &PeriodState,
    outcome: &Aggregated,
    fingerprint: &str,
    notes: &mut impl Write,
) -> io::Result<()> {
    if matches!(outcome, Aggregated::Applied { .. }) {
        let counts = &state.counts;
        writeln!(notes, "  {} rows read, {} of Amazon Bedrock", counts.rows, counts.bedrock_rows)?;
        let alone = counts.rules.iter().filter(|(_, _, alone)| *alone > 0);
        let alone: Vec<_> = alone.map(|(rule, _, alone)| format!("{} {alone}", rule.as_str())).collect();
        let alone = if alone.is_empty() { "none".to_owned() } else { alone.join(", ") };
        writeln!(notes, "  rows that only one rule knew as Bedrock's: {alone}")?;
        warn(state, notes)?;
    }
    if state.derivation != fingerprint {
        let period = state.period;
        writeln!(
            notes,
            "  note: {period} was derived with another configuration of identities, owners or models; \
             the next delivery uses the new one, and bedrock-ledger rebuild derives it again"
        )?;
    }
    Ok(())
}

/// Writes what must not pass in silence.
pub(crate) fn write_unusual(state: &PeriodState, unusual: &[Unusual], notes: &mut impl Write) -> io::Result<()> {
    for found in unusual {
        // That the column is missing is said anyway, with its cure.
        if !matches!(found, Unusual::CallersGone { column_is_gone: true, .. }) {
            writeln!(notes, "  WARNING: {}: {found}; {}", state.period, found.cure())?;
        }
    }
    Ok(())
}

/// Writes what was published as metrics, and what was not; nothing where nothing was to be done.
pub(crate) fn write_metrics(published: &Published, notes: &mut impl Write) -> io::Result<()> {
    let Published { spend, gauges, health, waiting, in_doubt, settled, outside_window, cost, withheld, .. } = published;
    for set_back in &published.set_back {
        writeln!(notes, "note: {set_back}: metrics follow what is committed now")?;
    }
    if let Some(cost) = cost {
        writeln!(notes, "metrics: {spend} differences of Spend and {} gauges put; {cost}", gauges + health)?;
        let outside = largest_first(outside_window).into_iter().filter(|(_, amount)| !amount.is_zero());
        let outside: Vec<_> = outside.map(|(currency, amount)| text::money(currency, amount)).collect();
        if !outside.is_empty() {
            writeln!(
                notes,
                "  note: {} of spend is on days outside the two weeks that CloudWatch takes data for, and not in the \
                 metric Spend; the ledger and its reports have it",
                outside.join(", ")
            )?;
        }
    }
    if *settled > 0 {
        writeln!(notes, "  {settled} metric data that were in doubt were read back: their fate is known now")?;
    }
    if *in_doubt > 0 {
        writeln!(
            notes,
            "  note: of {in_doubt} metric data it is not known whether they were taken; they are read back once nothing \
             was put to their series and day for 72 hours"
        )?;
    }
    if *waiting > 0 {
        writeln!(notes, "  note: {waiting} metric data are planned and not put yet; the next run puts them")?;
    }
    if published.refused > 0 {
        writeln!(notes, "  WARNING: {} metric data were refused; the next run tries them again", published.refused)?;
    }
    if let Some(withheld) = withheld {
        writeln!(notes, "  WARNING: {withheld}")?;
    }
    for failure in published.failures.iter().skip(1) {
        writeln!(notes, "error: failed to put the metrics: {failure} ({})", failure.kind())?;
    }
    Ok(())
}

fn warn(state: &PeriodState, notes: &mut impl Write) -> io::Result<()> {
    let counts = &state.counts;
    if counts.lacks_principal_column() {
        writeln!(
            notes,
            "  WARNING: this export has no column line_item_iam_principal: nobody can be named. Turn on the caller \
             identity option (INCLUDE_IAM_PRINCIPAL_DATA) and select the column; earlier days stay unattributed"
        )?;
    }
    let principal_alone = counts.rules.iter().find(|(rule, ..)| *rule == Rule::Principal);
    if let Some((_, _, alone)) = principal_alone.filter(|(_, _, alone)| *alone > 0) {
        writeln!(notes, "  note: {alone} rows have a principal and nothing else that says Bedrock; they are counted")?;
    }
    if state.unknown_usage_rows > 0 {
        let unknown = state.unknown_usage_rows;
        writeln!(notes, "  note: {unknown} usage rows are of no usage type known here; they are counted as other")?;
    }
    if counts.rows_without_cost > 0 {
        writeln!(
            notes,
            "  note: {} Bedrock rows have no unblended cost; they count as zero",
            counts.rows_without_cost
        )?;
    }
    let missing = counts.missing_columns.iter().filter(|column| *column != spend_core::bill::line::PRINCIPAL_COLUMN);
    let missing: Vec<_> = missing.map(String::as_str).collect();
    if !missing.is_empty() {
        writeln!(notes, "  note: columns that the export does not have: {}", missing.join(", "))?;
    }
    Ok(())
}
