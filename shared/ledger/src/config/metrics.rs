//! `[metrics]`: which metrics are published.

use spend_core::money::decimal::Decimal;

use crate::config::reader::{Reader, Section};

/// Which metrics are published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetricsConfig {
    /// The `CloudWatch` namespace.
    pub namespace: String,
    /// How many series a dimension has at most, besides the rest.
    pub top: usize,
    /// How many series a dimension and currency ever has in a month, `(other)` and `(none)` among them: `top` and what
    /// has been among them before. At least `top` and those two.
    pub cap: usize,
    /// What all series may cost in a month, in US dollars; what would cost more is folded.
    pub max_monthly_cost: Decimal,
    /// Tags that are dimensions, as the bill names them.
    pub tags: Vec<String>,
}

impl MetricsConfig {
    /// The cap where none is named: room for as many members again as are at the top.
    pub fn default_cap(top: usize) -> usize {
        top.saturating_mul(2).saturating_add(RESTS)
    }
}

/// The series of a dimension that every dimension may have: `(other)` and `(none)`.
pub const RESTS: usize = 2;

/// What a namespace may be made of.
/// Source: Amazon `CloudWatch` API reference, `PutMetricData`, parameter `Namespace`; `AWS/` is reserved.
const NAMESPACE_CHARACTERS: &[u8] = b".-_/#: ";

/// More series of one dimension than this are nobody's to read, and each costs money.
const MOST_SERIES: usize = 500;

/// Reads `[metrics]`.
pub(super) fn read(mut section: Section<'_, '_>, reader: &mut Reader<'_>, metrics: &mut MetricsConfig) {
    if let Some((span, namespace)) = section.text(reader, "namespace") {
        let is_known = |byte: u8| byte.is_ascii_alphanumeric() || NAMESPACE_CHARACTERS.contains(&byte);
        let is_reserved = namespace.starts_with(':') || namespace.starts_with("AWS/");
        if namespace.len() > 255 || is_reserved || !namespace.bytes().all(is_known) {
            reader.invalid(
                &span,
                "`namespace` must have at most 255 letters, digits or characters of `.-_/#: `, and start with \
                 neither `:` nor `AWS/`",
            );
        }
        metrics.namespace = namespace;
    }
    if let Some((span, top)) = section.integer(reader, "top") {
        match usize::try_from(top) {
            Ok(series) if (1..=MOST_SERIES).contains(&series) => metrics.top = series,
            _ => reader.invalid(&span, &format!("`top` is {top}: use a number from 1 to {MOST_SERIES}")),
        }
    }
    metrics.cap = MetricsConfig::default_cap(metrics.top);
    if let Some((span, cap)) = section.integer(reader, "cap") {
        let (least, most) = (metrics.top + RESTS, MetricsConfig::default_cap(MOST_SERIES));
        match usize::try_from(cap) {
            Ok(series) if (least..=most).contains(&series) => metrics.cap = series,
            _ => reader.invalid(
                &span,
                &format!("`cap` is {cap}: use a number from {least}, which is `top` and two for the rest, to {most}"),
            ),
        }
    }
    if let Some((span, text)) = section.number_text(reader, "max_monthly_cost") {
        match text.parse::<Decimal>() {
            Ok(cost) if !cost.is_negative() => metrics.max_monthly_cost = cost,
            _ => reader.invalid(
                &span,
                &format!("`max_monthly_cost` is `{text}`: use US dollars in quotes, such as \"100.00\""),
            ),
        }
    }
    if let Some(tags) = section.tags(reader, "tags") {
        metrics.tags = tags;
    }
    section.finish(reader, &[]);
}
