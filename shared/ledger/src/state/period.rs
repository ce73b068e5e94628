//! The stored state of a billing period: its facts, and which deliveries it had.

use serde::{Deserialize, Serialize};
use spend_core::bill::line::ScanCounts;
use spend_core::bill::usage;
use spend_core::calendar::period::BillingPeriod;
use spend_core::facts::fact::{FactField, FactTable};
use spend_core::facts::folding::Folded;

use crate::state::columns::{Columns, ColumnsError};
use crate::state::commit::AppliedDelivery;
use crate::state::document::Document;
use crate::state::keys::Statement;
use crate::state::tabular::Tabular;

/// A billing period of an export: the facts of its newest delivery, and which deliveries it had.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeriodState {
    pub export_id: String,
    pub period: BillingPeriod,
    /// The commits, oldest first: the last one is in force. None of their deliveries is ever applied again; the one in
    /// force may be derived again, and then stands here again.
    pub deliveries: Vec<AppliedDelivery>,
    /// What the scan of its chunks found.
    pub counts: ScanCounts,
    /// Usage line items of no known family.
    pub unknown_usage_rows: u64,
    /// How many callers the facts do not keep apart.
    #[serde(default, skip_serializing_if = "Folded::is_empty")]
    pub folded: Folded,
    /// What of the configuration the facts were derived with.
    pub derivation: String,
    /// Stored beside the rest, by column.
    #[serde(skip)]
    pub facts: FactTable,
}

impl Document for PeriodState {
    const FORMAT: &'static str = "period-state";
    const VERSION: u32 = 4;
}

impl Tabular for PeriodState {
    type Field = FactField;
    type Earlier = EarlierState;

    fn table(&self) -> &FactTable {
        &self.facts
    }

    fn with_table(self, facts: FactTable) -> Self {
        Self { facts, ..self }
    }
}

/// What version 3 was, facts and all.
#[derive(Debug, Serialize, Deserialize)]
pub struct EarlierState {
    export_id: String,
    period: BillingPeriod,
    deliveries: Vec<AppliedDelivery>,
    counts: ScanCounts,
    unknown_usage_rows: u64,
    #[serde(default, skip_serializing_if = "Folded::is_empty")]
    folded: Folded,
    derivation: String,
    facts: Columns,
}

impl Document for EarlierState {
    const FORMAT: &'static str = PeriodState::FORMAT;
    const VERSION: u32 = 3;
    // Version 2 had no `folded`: all callers were kept apart. Version 1 had no column `context`.
    const READS_FROM: u32 = 1;

    fn upgraded(mut self, version: u32) -> Self {
        if version == 1 {
            let of = |usage_type: &str| usage::context(usage_type).as_str();
            self.facts.derive(FactField::Context, FactField::UsageType, of);
        }
        self
    }
}

impl TryFrom<EarlierState> for PeriodState {
    type Error = ColumnsError;

    fn try_from(earlier: EarlierState) -> Result<Self, ColumnsError> {
        let EarlierState { export_id, period, deliveries, counts, unknown_usage_rows, folded, derivation, facts } =
            earlier;
        let facts = facts.into_table()?;
        Ok(Self { export_id, period, deliveries, counts, unknown_usage_rows, folded, derivation, facts })
    }
}

impl PeriodState {
    /// Whose state it is.
    pub fn statement(&self) -> Statement {
        Statement { export_id: self.export_id.clone(), period: self.period }
    }

    /// The delivery in force.
    pub fn current(&self) -> Option<&AppliedDelivery> {
        self.deliveries.last()
    }

    /// Whether `delivery_id` was applied, now or earlier.
    pub fn has_applied(&self, delivery_id: &str) -> bool {
        self.deliveries.iter().any(|applied| applied.delivery_id == delivery_id)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use spend_core::bill::line::{LineField, LineTable};

    use super::*;
    use crate::reaction_fixtures::{FactRow, fact, rows};
    use crate::state::reduction::StoredReduction;
    use crate::state::tabular::decode;
    use crate::store::ETag;

    fn facts() -> Vec<FactRow> {
        let of = |region, usage_type, context| {
            fact("2026-11-03", "1", &[("region", region), ("usage_type", usage_type), ("context", context)])
        };
        vec![
            of("eu-west-1", "EU-MP:EU_InputTokenCount-Units", "standard"),
            of("eu-west-1", "EU-MP:EU_InputTokenCount_LCtx-Units", "long"),
            // Where the region comes first, a long context may stand behind a standard one.
            of("us-east-1", "USE1-MP:USE1_cached_input_tokens_long_ctx_standard-Units", "long"),
            of("us-east-1", "USE1-MP:USE1_input_tokens_standard-Units", "standard"),
            of("us-east-1", "USE1-openai.gpt-5.6-terra-mantle-output-tokens-long-ctx-standard", "long"),
        ]
    }

    /// An object of an earlier version: JSON, columns and all, compressed as a whole.
    fn earlier(format: &str, rest: &Value) -> Vec<u8> {
        let json = rest.to_string().replacen('{', &format!("{{\"format\":\"{format}\","), 1);
        zstd::encode_all(json.as_bytes(), 1).unwrap()
    }

    /// The columns of some fields, one value for each row.
    fn columns<T>(all: &[T], fields: &[&str], text: impl Fn(&T, &str) -> String) -> Value {
        let rows = all.len();
        let coded = |values: Vec<Value>| json!({"values": values, "codes": (0..rows).collect::<Vec<_>>()});
        let texts = fields.iter().map(|field| {
            let values = all.iter().map(|row| Value::from(text(row, field))).collect();
            ((*field).to_owned(), coded(values))
        });
        json!({
            "rows": rows,
            "days": coded(vec![Value::from("2026-11-03"); rows]),
            "columns": texts.collect::<serde_json::Map<_, _>>(),
            "tags": coded(vec![json!({}); rows]),
            "usage_amount": vec!["0"; rows],
            "tokens": vec![Value::Null; rows],
            "unblended_cost": vec!["1"; rows],
            "net_unblended_cost": vec!["1"; rows],
            "list_cost": vec![Value::Null; rows],
            "line_items": vec![0; rows],
            "lines_without_net": vec![0; rows],
        })
    }

    /// A state as version 1 wrote it, which had no contexts, or as one that claims another version.
    fn without_contexts(version: u32) -> Vec<u8> {
        let fields: Vec<_> = FactField::ALL.into_iter().filter(|field| *field != FactField::Context).collect();
        let names: Vec<_> = fields.iter().map(|field| field.as_str()).collect();
        let of = |row: &FactRow, name: &str| {
            let field = fields.iter().find(|field| field.as_str() == name).unwrap();
            row.key.get(*field).to_owned()
        };
        let rest = json!({
            "export_id": "finops",
            "period": "2026-11",
            "deliveries": [],
            "counts": ScanCounts::default(),
            "unknown_usage_rows": 0,
            "derivation": "",
            "facts": columns(&facts(), &names, of),
        });
        earlier(&format!("period-state/{version}"), &rest)
    }

    #[test]
    fn a_state_of_version_1_has_the_contexts_that_its_usage_types_say() {
        let read: PeriodState = decode("k", &without_contexts(1)).unwrap();
        assert_eq!(rows(&read.facts), facts());
    }

    #[test]
    fn a_reduction_of_version_1_is_read() {
        let none: [&str; 0] = [];
        let lines = columns(&none, &LineField::ALL.map(LineField::as_str), |_, _| String::new());
        let counts = ScanCounts { rows: 3, ..ScanCounts::default() };
        let rest = json!({"chunk": "c", "etag": "1", "counts": counts, "lines": lines});
        let expected =
            StoredReduction { chunk: "c".to_owned(), etag: ETag("1".to_owned()), counts, lines: LineTable::default() };
        assert_eq!(decode::<StoredReduction>("k", &earlier("reduction/1", &rest)).unwrap(), expected);
    }

    #[test]
    fn a_state_of_version_3_without_contexts_is_damaged() {
        let error = decode::<PeriodState>("k", &without_contexts(3)).unwrap_err();
        assert!(error.to_string().contains("column context is missing"), "{error}");
    }
}
