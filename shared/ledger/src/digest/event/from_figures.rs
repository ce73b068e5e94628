//! The event of a digest's figures.

use std::collections::BTreeMap;

use spend_core::allocation::tag_contract::TagFinding;
use spend_core::digest::decision::{self, Decision};
use spend_core::digest::figures::{CurrencyFigures, DigestWarnings, Figures};
use spend_core::digest::left_out::LeftOut;
use spend_core::digest::restated::RestatedPeriod;
use spend_core::forecast::Outlook;
use spend_core::money::decimal::Decimal;
use spend_core::reporting::report::Row;
use spend_core::reporting::variance::Variance;
use spend_core::reporting::variance::terms::Term;
use spend_core::reporting::variance::windows::Span;
use spend_core::rules::finding::Measurement;

use super::{
    AmountEvent, BudgetUseEvent, CallerEvent, ChangeEvent, CurrencyEvent, DecisionEvent, DigestEvent, ForecastEvent,
    LargeDayEvent, LeftOutEvent, Listed, MoveEvent, MuteEvent, NamelessEvent, NewCallerEvent, OpenMonthEvent,
    ProvisionalEvent, RestatedEvent, SharedEvent, ShowbackEvent, SpanEvent, TagFindingEvent, UntaggedEvent,
    VarianceEvent, WarningsEvent,
};
use crate::outputs::data_event::DataEvent;
use crate::state::book::Book;
use crate::state::document::{DocumentError, encode_ascii};

/// The first rows of a list, as something else.
fn listed<'a, T: 'a, U>(rows: impl IntoIterator<Item = &'a T>, most: usize, event: impl Fn(&T) -> U) -> Listed<U> {
    let mut rows = rows.into_iter();
    let first: Vec<_> = rows.by_ref().take(most).map(event).collect();
    Listed { rows: first, omitted: rows.count() }
}

impl DigestEvent {
    /// The event with at most `rows` rows in each list.
    pub(in crate::digest) fn new(
        alert_id: &str,
        incident_key: &str,
        figures: &Figures,
        book: &Book,
        rows: usize,
    ) -> Self {
        let count = figures.policy.count.iter().map(|category| category.as_str().to_owned());
        Self {
            kind: "digest".to_owned(),
            digest: figures.kind.to_string(),
            alert_id: alert_id.to_owned(),
            incident_key: incident_key.to_owned(),
            made_at: figures.now,
            period: figures.period,
            extent: figures.extent.as_str().to_owned(),
            basis: figures.policy.basis.as_str().to_owned(),
            count: count.collect(),
            earlier: figures.windows.map(|windows| SpanEvent::from(windows.earlier)),
            later: figures.windows.map(|windows| SpanEvent::from(windows.later)),
            open_month: figures
                .open_month
                .as_ref()
                .map(|open| OpenMonthEvent { period: open.period, spend: open.spend.clone() }),
            currencies: figures.currencies.iter().map(|found| CurrencyEvent::new(found, rows)).collect(),
            budgets: listed(&figures.budgets, rows, BudgetUseEvent::of),
            decisions: listed(&figures.decisions, rows, DecisionEvent::of),
            mutes: listed(&figures.mutes, rows, |mute| MuteEvent {
                rule: mute.rule.clone(),
                member: mute.member.clone(),
                until: mute.until,
                reason: mute.reason.clone(),
            }),
            shared: listed(&figures.shared, rows, |found| SharedEvent {
                identity: found.identity.clone(),
                spend: found.spend.clone(),
                signs: found.signs.iter().map(ToString::to_string).collect(),
                cure: found.cure().to_owned(),
            }),
            tag_findings: listed(&figures.tag_findings, rows, |finding| TagFindingEvent::of(finding, rows)),
            warnings: WarningsEvent::of(&figures.warnings),
            data: DataEvent::new(&figures.data, book, figures.period.into()),
        }
    }

    /// The event as the body of a message, in ASCII.
    pub(in crate::digest) fn body(&self) -> Result<String, DocumentError> {
        encode_ascii(self)
    }
}

impl From<Span> for SpanEvent {
    fn from(span: Span) -> Self {
        Self { start: span.first, end: span.last.succ_opt().unwrap_or(span.last) }
    }
}

impl CurrencyEvent {
    fn new(found: &CurrencyFigures, rows: usize) -> Self {
        let totals = &found.totals;
        let categories = totals.categories.iter().map(|(category, sum)| (category.as_str().to_owned(), *sum));
        let provisional = totals.provisional.keys();
        let provisional = provisional.clone().next().zip(provisional.last()).map(|(first, last)| ProvisionalEvent {
            days: SpanEvent::from(Span { first: *first, last: *last }),
            spend: totals.provisional_spend(),
        });
        Self {
            currency: totals.currency.clone(),
            spend: totals.spend,
            usage: totals.usage,
            attributed: totals.attributed,
            categories: categories.collect(),
            bill: totals.bill,
            unblended_bill: totals.unblended,
            provisional,
            forecast: match found.outlook {
                Outlook::Forecast(forecast) => Some(ForecastEvent {
                    expected: forecast.expected,
                    low: forecast.low,
                    high: forecast.high,
                    settled_days: forecast.settled_days,
                }),
                Outlook::TooEarly { .. } | Outlook::Over => None,
            },
            budget: found.budget.as_ref().map(BudgetUseEvent::of),
            callers: listed(&found.callers, rows, |caller| CallerEvent {
                identity: caller.identity.clone(),
                spend: caller.spend,
                change: caller.change,
            }),
            showback: found.showback.iter().map(|(tag, values)| ShowbackEvent::of(tag, values, rows)).collect(),
            models: listed(&found.models, rows, AmountEvent::of),
            change: found.change.as_ref().map(|change| ChangeEvent {
                before: change.total.before,
                after: change.total.after,
                terms: terms(&change.total.terms),
                owners: listed(&change.owners, rows, VarianceEvent::of),
            }),
            left_out: found.left_out.as_ref().map(|left_out| LeftOutEvent::of(left_out, rows)),
            new_callers: listed(&found.new_callers, rows, |caller| NewCallerEvent {
                identity: caller.identity.clone(),
                owner: caller.owner.clone(),
                first_day: caller.first_day,
                spend: caller.spend,
            }),
            nameless: listed(&found.nameless, rows, |nameless| NamelessEvent {
                reason: nameless.reason.to_string(),
                spend: nameless.spend,
                accounts: listed(&nameless.accounts, rows, |(name, spend)| AmountEvent {
                    name: name.clone(),
                    spend: *spend,
                }),
            }),
            untagged: listed(&found.untagged, rows, |untagged| UntaggedEvent {
                identity: untagged.identity.clone(),
                spend: untagged.spend,
                tags: untagged.tags.iter().cloned().collect(),
                ask: untagged.ask.clone(),
            }),
            restated: found.restated.iter().map(|restated| RestatedEvent::of(restated, rows)).collect(),
        }
    }
}

impl LeftOutEvent {
    fn of(left_out: &LeftOut, rows: usize) -> Self {
        Self {
            days: SpanEvent::from(Span { first: left_out.first, last: left_out.last }),
            spend: left_out.spend,
            callers: listed(&left_out.callers, rows, |found| LargeDayEvent {
                identity: found.identity.clone(),
                day: found.day,
                spend: found.spend,
                compared: found.compared,
            }),
        }
    }
}

impl ShowbackEvent {
    fn of(tag: &str, values: &[Row], rows: usize) -> Self {
        Self { tag: tag.to_owned(), values: listed(values, rows, AmountEvent::of) }
    }
}

impl AmountEvent {
    fn of(row: &Row) -> Self {
        Self { name: row.keys.first().cloned().unwrap_or_default(), spend: row.cost }
    }
}

impl VarianceEvent {
    fn of(variance: &Variance) -> Self {
        let Variance { group, before, after, .. } = variance;
        Self { owner: group.clone(), before: *before, after: *after, terms: terms(&variance.terms) }
    }
}

fn terms(terms: &BTreeMap<Term, Decimal>) -> BTreeMap<String, Decimal> {
    terms.iter().map(|(term, amount)| (term.as_str().to_owned(), *amount)).collect()
}

impl RestatedEvent {
    fn of(restated: &RestatedPeriod, rows: usize) -> Self {
        Self {
            period: restated.period,
            after_close: restated.after_close,
            amount: restated.amount,
            moves: listed(&restated.moves, rows, |(day, identity, amount)| MoveEvent {
                day: *day,
                identity: identity.clone(),
                amount: *amount,
            }),
        }
    }
}

impl BudgetUseEvent {
    fn of(measured: &Measurement) -> Self {
        Self {
            rule: measured.rule.clone(),
            member: measured.member.clone(),
            owner: measured.owner.clone(),
            currency: measured.currency.clone(),
            spent: measured.spent,
            amount: measured.amount,
            expected: decision::heading(measured),
        }
    }
}

impl DecisionEvent {
    fn of(decision: &Decision) -> Self {
        let event = Self { decision: decision.as_str().to_owned(), ..Self::default() };
        let money = |currency: &String, amount: &Decimal| (Some(currency.clone()), Some(*amount));
        match decision {
            Decision::PostDifference { period, currency, amount } | Decision::Accrue { period, currency, amount } => {
                let (currency, amount) = money(currency, amount);
                Self { period: Some(*period), currency, amount, ..event }
            }
            Decision::BudgetOver(budget) | Decision::BudgetHeading(budget) => {
                let (currency, amount) = money(&budget.currency, &budget.spent);
                let member = budget.member.as_deref().map_or_else(String::new, |member| format!(": {member}"));
                Self { subject: Some(format!("{}{member}", budget.rule)), currency, amount, ..event }
            }
            Decision::NameCallers { export_id } => Self { subject: Some(export_id.clone()), ..event },
            Decision::AssignUnattributed { currency, amount } => {
                let (currency, amount) = money(currency, amount);
                Self { currency, amount, ..event }
            }
            Decision::AskForTags { currency, callers, amount } => {
                let (currency, amount) = money(currency, amount);
                Self { currency, amount, count: Some(*callers), ..event }
            }
            Decision::OwnShared { callers: count } | Decision::MendTags { findings: count } => {
                Self { count: Some(*count), ..event }
            }
            Decision::CheckDelivery => event,
        }
    }
}

impl TagFindingEvent {
    fn of(finding: &TagFinding, rows: usize) -> Self {
        let values = match finding {
            TagFinding::NearDuplicates { values, .. } => {
                values.iter().take(rows).map(|(value, _)| value.clone()).collect()
            }
            TagFinding::OutOfContract { value, .. } => vec![value.clone()],
            TagFinding::SpeltOtherwise { others, .. } => others.iter().take(rows).map(|(key, _)| key.clone()).collect(),
            TagFinding::Untagged { .. } | TagFinding::TooManyValues { .. } | TagFinding::NotActive { .. } => Vec::new(),
        };
        Self { finding: finding.id().to_owned(), tag: finding.key().to_owned(), values, cure: finding.cure() }
    }
}

impl WarningsEvent {
    fn of(warnings: &DigestWarnings) -> Self {
        Self {
            exports_without_principals: warnings.exports_without_principals.iter().cloned().collect(),
            unknown_usage_rows: warnings.unknown_usage_rows,
            rows_without_cost: warnings.rows_without_cost,
            rows_by_principal_alone: warnings.rows_by_principal_alone,
            lost_history: warnings.lost_history,
        }
    }
}
