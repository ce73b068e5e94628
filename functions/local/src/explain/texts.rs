//! What an explained line says in words, the same for people and for programs.

use spend_core::bill::bedrock_line::{Rule, RuleSet};
use spend_core::bill::line::LineField;
use spend_core::facts::fact::FactField;
use spend_core::facts::owner::OwnerBy;
use spend_core::text::counted;
use spend_pipeline::explain::ExplainedRow;

/// The names of the rules that made a row Bedrock's.
pub(super) fn rules(rules: RuleSet) -> String {
    let held: Vec<_> = Rule::ALL.into_iter().filter(|rule| rules.contains(*rule)).map(Rule::as_str).collect();
    held.join(" ")
}

/// What decided the owner, with its value: `tag iamPrincipal/team=search`.
pub(super) fn owner_by(row: &ExplainedRow) -> String {
    match &row.owner_by {
        OwnerBy::Tag(key) => format!("tag {key}={}", row.fact.tag(key)),
        other => other.to_string(),
    }
}

/// How many lines of the bill.
pub(super) fn lines(count: u64) -> String {
    counted(count, "line", "lines")
}

/// What [`texts`] are called.
pub(super) const TEXTS: [&str; 18] = [
    "day",
    "account",
    "principal",
    "identity",
    "category",
    "line_item_type",
    "product_code",
    "usage_type",
    "operation",
    "unit",
    "rules",
    "owner",
    "owner_by",
    "model_as_billed",
    "model",
    "token",
    "tier",
    "context",
];

/// What a line shows besides its numbers, in the order of [`TEXTS`].
pub(super) fn texts(row: &ExplainedRow) -> [String; TEXTS.len()] {
    let line = |field| row.row.key.get(field).to_owned();
    let fact = |field| row.fact.get(field).to_owned();
    [
        row.fact.usage_date.to_string(),
        line(LineField::AccountId),
        line(LineField::Principal),
        fact(FactField::Identity),
        fact(FactField::Category),
        line(LineField::LineItemType),
        line(LineField::ProductCode),
        line(LineField::UsageType),
        line(LineField::Operation),
        line(LineField::PricingUnit),
        rules(row.row.rules),
        fact(FactField::Owner),
        owner_by(row),
        fact(FactField::ModelAsBilled),
        fact(FactField::Model),
        fact(FactField::TokenKind),
        fact(FactField::Tier),
        fact(FactField::Context),
    ]
}
