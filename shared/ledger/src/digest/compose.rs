//! From a book to the two messages of a digest.

use chrono::{DateTime, Utc};
use spend_core::bill::bedrock_line::Rule;
use spend_core::calendar::data_span::DataSpan;
use spend_core::calendar::window::WindowKind;
use spend_core::digest::Digest;
use spend_core::digest::extent::DigestKind;
use spend_core::digest::figures::{DigestWarnings, Figures};
use spend_core::messages::digest::{self, SHOWBACK_ROWS, TextOptions};
use spend_core::money::decimal::SumOutOfRange;
use spend_core::rules::budget;
use spend_core::rules::finding::Measurement;
use spend_core::rules::rule::{Kind, Severity};

use crate::config::Config;
use crate::digest::due::Due;
use crate::digest::error::DigestError;
use crate::digest::event::DigestEvent;
use crate::digest::state::DigestState;
use crate::digest::{restated, windows};
use crate::outputs::message::MOST_BODY_BYTES;
use crate::outputs::{Attributes, Message, Topic};
use crate::state::book::{Book, BookPeriod};
use crate::store::Store;

/// How many rows of each kind machines are told, unless a message would be too long.
const EVENT_ROWS: usize = 500;

/// The numbers that a digest tells, and a page shows.
pub(super) async fn figures<S: Store>(
    store: &S,
    config: &Config,
    book: &Book,
    state: &DigestState,
    due: &Due,
    now: DateTime<Utc>,
) -> Result<Figures, DigestError> {
    let before = due.period.previous();
    let is_open = !book.status(before).closed;
    // What a month's digest tells was last told by that of the month before.
    let last = if due.kind == DigestKind::Weekly { DigestKind::Weekly } else { DigestKind::Close };
    let restated = restated::since(store, book, state.seen.get(last.as_str())).await?;
    let warnings = DigestWarnings { lost_history: restated.missing, ..warnings(book.of(due.period)) };
    let span = book.span();
    let figures = Digest {
        kind: due.kind,
        period: due.period,
        facts: book.facts_of(due.period),
        known: book.all_facts(),
        open_month: is_open.then_some((before, book.facts_of(before))),
        windows: windows::find(book, due.kind, due.period, now),
        restated: &restated.restated,
        policy: &config.cost,
        contract: &config.tag_contract(),
        budgets: &budgets(config, book, &span, due, now)?,
        splits: &config.splits,
        mutes: &config.mutes_in_force(now).collect::<Vec<_>>(),
        span: &span,
        data: book.status(due.period),
        warnings,
        now,
    }
    .figures()?;
    Ok(figures)
}

/// The messages: for people, and for machines.
pub(super) async fn messages<S: Store>(
    store: &S,
    config: &Config,
    book: &Book,
    state: &DigestState,
    due: &Due,
    now: DateTime<Utc>,
) -> Result<Vec<Message>, DigestError> {
    let figures = figures(store, config, book, state, due, now).await?;
    let text = fitting(SHOWBACK_ROWS, |showback_rows| {
        let link_base = config.digest.link_base.as_deref();
        let text = digest::text(&figures, &TextOptions { link_base, showback_rows });
        let size = text.body.len();
        Ok((text, size))
    })?;
    let event = fitting(EVENT_ROWS, |rows| {
        let body = DigestEvent::new(&due.id, &incident_key(due), &figures, book, rows).body()?;
        let size = body.len();
        Ok((body, size))
    })?;
    let attributes = Attributes {
        kind: "digest",
        rule: due.kind.as_str(),
        severity: Severity::Notice.as_str(),
        alert_id: &due.id,
        incident_key: &incident_key(due),
        ..Attributes::default()
    };
    Ok(attributes.messages(Topic::Digest, text, event).into())
}

/// What is made with `rows` rows, or with as many fewer as make it fit: a message that SNS refuses tells nobody.
fn fitting<T>(rows: usize, make: impl Fn(usize) -> Result<(T, usize), DigestError>) -> Result<T, DigestError> {
    let mut rows = rows;
    loop {
        let (message, size) = make(rows)?;
        if size <= MOST_BODY_BYTES || rows == 0 {
            return Ok(message);
        }
        rows /= 2;
    }
}

/// How much is used of each budget: as of now, or of a month's budgets in the month that is over.
fn budgets(
    config: &Config,
    book: &Book,
    span: &DataSpan,
    due: &Due,
    now: DateTime<Utc>,
) -> Result<Vec<Measurement>, SumOutOfRange> {
    let day = due.period.last_day().min(now.date_naive());
    let is_over = now >= due.period.end();
    let mut used = budget::foretold(&config.rules.budgets, &book.facts(), &config.cost, span, day)?;
    used.retain(|budget| budget.kind() == Kind::Budget && (!is_over || budget.window.kind() == WindowKind::Month));
    // As of rules: where a window is heading that has not begun in the data is not told.
    used.retain(|budget| span.has_begun(budget.window));
    Ok(used)
}

fn incident_key(due: &Due) -> String {
    format!("digest:{}:{}", due.kind, due.period)
}

fn warnings<'a>(periods: impl Iterator<Item = &'a BookPeriod>) -> DigestWarnings {
    let mut warnings = DigestWarnings::default();
    for found in periods {
        if found.counts.lacks_principal_column() {
            warnings.exports_without_principals.insert(found.export_id.clone());
        }
        let by_principal_alone = found.counts.rules.iter().find(|(rule, ..)| *rule == Rule::Principal);
        warnings.rows_by_principal_alone += by_principal_alone.map_or(0, |(_, _, alone)| alone);
        warnings.unknown_usage_rows += found.unknown_usage_rows;
        warnings.folded = warnings.folded.and(found.folded);
        warnings.rows_without_cost += found.counts.rows_without_cost;
        warnings.resource_tags.extend(found.counts.resource_tags.iter().cloned());
    }
    warnings
}
