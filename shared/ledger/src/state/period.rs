//! The stored state of a billing period: its facts, and which deliveries it had.

use serde::{Deserialize, Serialize};
use spend_core::bill::line::ScanCounts;
use spend_core::calendar::period::BillingPeriod;
use spend_core::facts::fact::{FactField, FactTable};
use spend_core::facts::folding::Folded;

use crate::state::columns;
use crate::state::commit::AppliedDelivery;
use crate::state::document::Document;
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
    #[serde(skip_serializing, deserialize_with = "columns::facts")]
    facts: FactTable,
}

impl Document for EarlierState {
    const FORMAT: &'static str = PeriodState::FORMAT;
    const VERSION: u32 = 3;
    // Version 2 had no `folded`: all callers were kept apart. Version 1 had no column `context`.
    const READS_FROM: u32 = 1;
}

impl From<EarlierState> for PeriodState {
    fn from(earlier: EarlierState) -> Self {
        let EarlierState { export_id, period, deliveries, counts, unknown_usage_rows, folded, derivation, facts } =
            earlier;
        Self { export_id, period, deliveries, counts, unknown_usage_rows, folded, derivation, facts }
    }
}

impl PeriodState {
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
    use serde_json::Value;

    use super::*;
    use crate::reaction_fixtures::fact;
    use crate::state::document::{decode, encode};
    use crate::state::reduction::StoredReduction;
    use crate::store::ETag;

    fn state() -> PeriodState {
        let of = |region, usage_type, context| {
            fact("2026-11-03", "1", &[("region", region), ("usage_type", usage_type), ("context", context)])
        };
        let facts = [
            of("eu-west-1", "EU-MP:EU_InputTokenCount-Units", "standard"),
            of("eu-west-1", "EU-MP:EU_InputTokenCount_LCtx-Units", "long"),
            // Where the region comes first, a long context may stand behind a standard one.
            of("us-east-1", "USE1-MP:USE1_cached_input_tokens_long_ctx_standard-Units", "long"),
            of("us-east-1", "USE1-MP:USE1_input_tokens_standard-Units", "standard"),
            of("us-east-1", "USE1-openai.gpt-5.6-terra-mantle-output-tokens-long-ctx-standard", "long"),
        ];
        PeriodState {
            export_id: "finops".to_owned(),
            period: "2026-11".parse().unwrap(),
            deliveries: Vec::new(),
            counts: ScanCounts::default(),
            unknown_usage_rows: 0,
            folded: Folded::default(),
            derivation: String::new(),
            facts: Columns::of_facts(&facts),
        }
    }

    /// The document of `state`, as version 1 wrote it.
    fn version_1(state: &PeriodState) -> String {
        let text = String::from_utf8(encode(state).unwrap().to_vec()).unwrap();
        let mut value: Value = serde_json::from_str(&text.replace("period-state/3", "period-state/1")).unwrap();
        value["facts"]["columns"].as_object_mut().unwrap().remove("context").unwrap();
        // The format stands first.
        let format = value.as_object_mut().unwrap().remove("format").unwrap();
        value.to_string().replacen('{', &format!("{{\"format\":{format},"), 1)
    }

    #[test]
    fn a_state_of_version_1_has_the_contexts_that_its_usage_types_say() {
        let state = state();
        let read: PeriodState = decode("k", version_1(&state).as_bytes()).unwrap();
        assert_eq!(read.facts.into_facts().unwrap(), state.facts.into_facts().unwrap());
    }

    #[test]
    fn a_reduction_of_version_1_is_read() {
        let reduction = StoredReduction {
            chunk: "c".to_owned(),
            etag: ETag("1".to_owned()),
            counts: ScanCounts { rows: 3, ..ScanCounts::default() },
            lines: Columns::default(),
        };
        let text = String::from_utf8(encode(&reduction).unwrap().to_vec()).unwrap();
        assert_eq!(
            decode::<StoredReduction>("k", text.replace("reduction/2", "reduction/1").as_bytes()).unwrap(),
            reduction
        );
    }

    #[test]
    fn a_state_of_this_version_without_contexts_is_damaged() {
        let text = version_1(&state()).replacen("period-state/1", "period-state/3", 1);
        let read: PeriodState = decode("k", text.as_bytes()).unwrap();
        let error = read.facts.into_facts().unwrap_err();
        assert_eq!(error.to_string(), "column context is missing");
    }
}
