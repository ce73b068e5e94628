//! Which line items are Amazon Bedrock's: a union of rules, because no single one catches them all.
//!
//! Marketplace-billed models have opaque product codes and often a blank service code; months before July 2026 lack
//! the product family. Each rule is counted, so that a run can say what only one rule caught.

use serde::{Deserialize, Serialize};

use crate::named;

named! {
    /// One way to recognise a Bedrock line item, in the order of [`RuleSet`]'s bits.
    pub enum Rule {
        /// `product_product_family` is `Amazon Bedrock` (on all Bedrock rows since 20 July 2026).
        ProductFamily = "product-family",
        /// `line_item_product_code` starts with `AmazonBedrock` or `AmazonKnowledgeBase`.
        ProductCode = "product-code",
        /// `product_servicecode` starts with one of these.
        ServiceCode = "service-code",
        /// `product_name` or `servicename` of the `product` map contains `Bedrock`.
        ProductName = "product-name",
        /// `line_item_operation` starts with `InvokeModel`.
        Operation = "operation",
        /// `line_item_resource_id` is an ARN of the service `bedrock`.
        Resource = "resource",
        /// `line_item_iam_principal` is filled: the column speaks of Bedrock alone today. What only this rule catches
        /// is reported, because AWS may extend the column.
        Principal = "principal",
    }
}

impl Rule {
    /// Whether `value`, the text of this rule's column, says Bedrock. For [`Rule::ProductName`] it is asked of
    /// `product_name` and `servicename` alike.
    pub fn matches(self, value: &str) -> bool {
        match self {
            Self::ProductFamily => value == "Amazon Bedrock",
            Self::ProductCode | Self::ServiceCode => {
                value.starts_with("AmazonBedrock") || value.starts_with(KNOWLEDGE_BASE)
            }
            Self::ProductName => value.contains("Bedrock"),
            Self::Operation => value.starts_with("InvokeModel"),
            Self::Resource => is_bedrock_arn(value),
            Self::Principal => !value.is_empty(),
        }
    }

    fn bit(self) -> u8 {
        1 << (self as u8)
    }
}

/// The service code of managed knowledge bases, a part of Amazon Bedrock that is not named after it.
pub(crate) const KNOWLEDGE_BASE: &str = "AmazonKnowledgeBase";

/// Whether a resource id is `arn:PARTITION:bedrock:…`.
fn is_bedrock_arn(resource: &str) -> bool {
    let after_partition = resource.strip_prefix("arn:").and_then(|rest| rest.split_once(':'));
    after_partition.is_some_and(|(_, rest)| rest.starts_with("bedrock:"))
}

/// The rules that a line item satisfies; it is Bedrock's if there is one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RuleSet(u8);

impl RuleSet {
    /// Adds `rule` if `value`, the text of its column, says Bedrock.
    pub fn test(&mut self, rule: Rule, value: &str) {
        if rule.matches(value) {
            self.0 |= rule.bit();
        }
    }

    /// Adds `rule`, already tested with [`Rule::matches`].
    pub fn insert(&mut self, rule: Rule) {
        self.0 |= rule.bit();
    }

    pub fn is_bedrock(self) -> bool {
        self.0 != 0
    }

    pub fn contains(self, rule: Rule) -> bool {
        self.0 & rule.bit() != 0
    }

    fn is_only(self, rule: Rule) -> bool {
        self.0 == rule.bit()
    }
}

/// How many line items each rule caught, and how many it alone caught.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleCounts {
    /// Line items per rule, in the order of [`Rule::ALL`].
    pub caught: [u64; Rule::ALL.len()],
    /// Line items that no other rule caught, in the same order. The last is the one to watch: line items with a
    /// principal that nothing else says are Bedrock's.
    pub caught_alone: [u64; Rule::ALL.len()],
}

impl RuleCounts {
    /// Counts one line item.
    pub fn count(&mut self, rules: RuleSet) {
        for ((rule, caught), alone) in Rule::ALL.into_iter().zip(&mut self.caught).zip(&mut self.caught_alone) {
            *caught += u64::from(rules.contains(rule));
            *alone += u64::from(rules.is_only(rule));
        }
    }

    /// Adds what another chunk counted.
    pub fn merge(&mut self, other: &Self) {
        for (sum, term) in self.caught.iter_mut().zip(&other.caught) {
            *sum += term;
        }
        for (sum, term) in self.caught_alone.iter_mut().zip(&other.caught_alone) {
            *sum += term;
        }
    }

    /// Each rule with what it caught and what it alone caught.
    pub fn iter(&self) -> impl Iterator<Item = (Rule, u64, u64)> + '_ {
        Rule::ALL
            .into_iter()
            .zip(self.caught.iter().zip(&self.caught_alone))
            .map(|(rule, (caught, alone))| (rule, *caught, *alone))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_rule_knows_its_lines() {
        for (rule, yes, no) in [
            (Rule::ProductFamily, "Amazon Bedrock", "Amazon Bedrock AgentCore-like"),
            (Rule::ProductCode, "AmazonBedrockAgentCore", "4a524th30q694o538qndh9ucht"),
            (Rule::ProductCode, "AmazonKnowledgeBase", "AmazonKendra"),
            (Rule::ServiceCode, "AmazonBedrockFoundationModels", "AmazonEC2"),
            (Rule::ServiceCode, "AmazonKnowledgeBase", ""),
            (Rule::ProductName, "Claude Sonnet 4.6 (Amazon Bedrock Edition)", "Claude Platform on AWS"),
            (Rule::Operation, "InvokeModelStreamingInference", "Usage"),
            (Rule::Resource, "arn:aws-us-gov:bedrock:us-gov-west-1::foundation-model/x", "arn:aws:s3:::bedrock:x"),
            (Rule::Principal, "anything", ""),
        ] {
            assert!(rule.matches(yes) && !rule.matches(no), "{}", rule.as_str());
        }
    }

    #[test]
    fn counts_say_what_only_one_rule_caught() {
        let mut both = RuleSet::default();
        both.test(Rule::Operation, "InvokeModelInference");
        both.test(Rule::Principal, "arn:aws:iam::111122223333:user/alice");
        let mut alone = RuleSet::default();
        alone.test(Rule::Principal, "arn:aws:iam::111122223333:user/alice");
        alone.test(Rule::Operation, "Usage");
        let mut counts = RuleCounts::default();
        for rules in [both, alone, RuleSet::default()] {
            counts.count(rules);
        }
        let of = |rule| counts.iter().find(|(found, ..)| *found == rule).map(|(_, caught, alone)| (caught, alone));
        assert_eq!(of(Rule::Operation), Some((1, 0)));
        assert_eq!(of(Rule::Principal), Some((2, 1)));
        assert_eq!(of(Rule::Resource), Some((0, 0)));
        assert!(!RuleSet::default().is_bedrock() && alone.is_bedrock());
    }
}
