//! What the sentences of all kinds of rules share.

use crate::rules::rule::{Rule, Severity};

pub(crate) fn verb(rule: &Rule) -> &'static str {
    match rule.severity {
        Severity::Page => "Pages",
        Severity::Notice => "Gives notice",
    }
}

/// `each identity with tag:iamPrincipal/team = search*`, `all Bedrock spend`.
pub(crate) fn whom(rule: &Rule) -> String {
    let scope = rule.scope();
    match (&rule.each, scope.is_empty()) {
        (None, true) => "all Bedrock spend".to_owned(),
        (None, false) => format!("what matches {scope}"),
        (Some(each), true) => format!("each {each}"),
        (Some(each), false) => format!("each {each} with {scope}"),
    }
}

/// `50%, 80% and 100%`.
pub(crate) fn percents(percents: &[u32]) -> Option<String> {
    let texts: Vec<_> = percents.iter().map(|percent| format!("{percent}%")).collect();
    let (last, others) = texts.split_last()?;
    Some(if others.is_empty() { last.clone() } else { format!("{} and {last}", others.join(", ")) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calendar::window::WindowKind;
    use crate::fixtures::decimal;
    use crate::rules::anomaly::Anomaly;
    use crate::rules::budget::Budget;
    use crate::rules::delta::Delta;
    use crate::rules::finding::{Against, Lack};
    use crate::rules::hygiene::Hygiene;
    use crate::rules::overrides::Overrides;
    use crate::rules::rule_kind::RuleKind as _;

    #[test]
    fn every_rule_is_a_sentence() {
        let rule = Rule { each: Some("identity".parse().unwrap()), severity: Severity::Page, ..Rule::new("x") };
        let all = Rule::new("all");
        let amount = decimal("100");
        let limit = Budget {
            rule: rule.clone(),
            window: WindowKind::Week,
            amount,
            thresholds: vec![80, 100],
            forecast: vec![100],
            overrides: Overrides::default(),
            overrides_file: None,
        };
        let said = limit.sentence();
        let expected = "Pages when each identity spends 80% and 100% of $100.00 in a week from Monday on, and when it is heading past 100%.";
        assert_eq!(said, expected);
        let heading = Budget { thresholds: Vec::new(), ..limit };
        let expected = "Pages when each identity is heading past 100% of $100.00 in a week from Monday on.";
        assert_eq!(heading.sentence(), expected);
        let jump = Delta { rule: all.clone(), against: Against::Weekday, rise_percent: 50, rise_amount: amount };
        let expected = "Gives notice when a settled day of all Bedrock spend has more than 50% and $100.00 more than the \
                        same weekday before.";
        assert_eq!(jump.sentence(), expected);
        let odd = Anomaly { rule, minimum: amount, deviations: 6, runaway: 10, new_above: amount };
        let said = odd.sentence();
        assert!(said.starts_with("Pages when a day of each identity is unusual: 6 deviations above"), "{said}");
        let owned = Hygiene { rule: all, lack: Lack::Principal, percent: 10, amount };
        let expected =
            "Gives notice when 10% and $100.00 of a month's spend of all Bedrock spend is without a principal.";
        assert_eq!(owned.sentence(), expected);
    }
}
