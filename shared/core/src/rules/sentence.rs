//! Rules in a sentence each, for people who want to know what they have written.

use crate::calendar::window::WindowKind;
use crate::money::decimal::Decimal;
use crate::rules::anomaly::Anomaly;
use crate::rules::budget::Budget;
use crate::rules::delta::Delta;
use crate::rules::evaluation::Rules;
use crate::rules::finding::Against;
use crate::rules::hygiene::Hygiene;
use crate::rules::rule::{Rule, Severity};
use crate::text::money;

/// Every rule with its sentence, in the order of the file by kind.
pub fn of_all(rules: &Rules) -> Vec<(&Rule, String)> {
    let budgets = rules.budgets.iter().map(|rule| (&rule.rule, budget(rule)));
    let deltas = rules.deltas.iter().map(|rule| (&rule.rule, delta(rule)));
    let anomalies = rules.anomalies.iter().map(|rule| (&rule.rule, anomaly(rule)));
    let hygiene = rules.hygiene.iter().map(|rule| (&rule.rule, hygiene(rule)));
    budgets.chain(deltas).chain(anomalies).chain(hygiene).collect()
}

/// A budget in a sentence.
pub fn budget(budget: &Budget) -> String {
    let rule = &budget.rule;
    let window = match budget.window {
        WindowKind::Month => "a calendar month",
        WindowKind::Week => "a week from Monday on",
        WindowKind::Day => "a day",
    };
    let spends = match percents(&budget.thresholds) {
        Some(percents) => format!("spends {percents}"),
        None => format!("is heading past {}", percents(&budget.forecast).unwrap_or_default()),
    };
    let forecast = match percents(&budget.forecast).filter(|_| !budget.thresholds.is_empty()) {
        Some(percents) => format!(", and when it is heading past {percents}"),
        None => String::new(),
    };
    let overrides = match budget.overrides.len() {
        0 => String::new(),
        1 => "; one member has a limit of its own".to_owned(),
        many => format!("; {many} members have limits of their own"),
    };
    let amount = money(&rule.currency, budget.amount);
    format!("{} when {} {spends} of {amount} in {window}{forecast}{overrides}.", verb(rule), whom(rule))
}

/// A delta in a sentence.
pub fn delta(delta: &Delta) -> String {
    let (what, than) = match delta.against {
        Against::Weekday => ("a settled day", "the same weekday before"),
        Against::Trailing => ("a settled day", "the mean of the seven days before"),
        Against::Month => ("the month to date", "as many days of the month before"),
    };
    let amount = money(&delta.rule.currency, delta.rise_amount);
    let (verb, whom, percent) = (verb(&delta.rule), whom(&delta.rule), delta.rise_percent);
    format!("{verb} when {what} of {whom} has more than {percent}% and {amount} more than {than}.")
}

/// An anomaly in a sentence.
pub fn anomaly(anomaly: &Anomaly) -> String {
    let of = |amount: Decimal| money(&anomaly.rule.currency, amount);
    let (verb, whom) = (verb(&anomaly.rule), whom(&anomaly.rule));
    format!(
        "{verb} when a day of {whom} is unusual: {} deviations above its own four weeks, at least twice the usual and at \
         least {} more. {verb} when a day has more than {} times the usual, and when a new spender has more than {} in \
         its first ten days.",
        anomaly.deviations,
        of(anomaly.minimum),
        anomaly.runaway,
        of(anomaly.new_above)
    )
}

/// A hygiene rule in a sentence.
pub fn hygiene(hygiene: &Hygiene) -> String {
    let amount = money(&hygiene.rule.currency, hygiene.amount);
    let (verb, whom, percent, lack) = (verb(&hygiene.rule), whom(&hygiene.rule), hygiene.percent, &hygiene.lack);
    format!("{verb} when {percent}% and {amount} of a month's spend of {whom} is without {lack}.")
}

fn verb(rule: &Rule) -> &'static str {
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
fn percents(percents: &[u32]) -> Option<String> {
    let texts: Vec<_> = percents.iter().map(|percent| format!("{percent}%")).collect();
    let (last, others) = texts.split_last()?;
    Some(if others.is_empty() { last.clone() } else { format!("{} and {last}", others.join(", ")) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::decimal;
    use crate::rules::finding::Lack;

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
            overrides: crate::rules::overrides::Overrides::default(),
            overrides_file: None,
        };
        let said = budget(&limit);
        let expected = "Pages when each identity spends 80% and 100% of $100.00 in a week from Monday on, and when it is heading past 100%.";
        assert_eq!(said, expected);
        let heading = Budget { thresholds: Vec::new(), ..limit };
        let expected = "Pages when each identity is heading past 100% of $100.00 in a week from Monday on.";
        assert_eq!(budget(&heading), expected);
        let jump = Delta { rule: all.clone(), against: Against::Weekday, rise_percent: 50, rise_amount: amount };
        let expected = "Gives notice when a settled day of all Bedrock spend has more than 50% and $100.00 more than the \
                        same weekday before.";
        assert_eq!(delta(&jump), expected);
        let odd = Anomaly { rule, minimum: amount, deviations: 6, runaway: 10, new_above: amount };
        assert!(
            anomaly(&odd).starts_with("Pages when a day of each identity is unusual: 6 deviations above"),
            "{}",
            anomaly(&odd)
        );
        let owned = Hygiene { rule: all, lack: Lack::Principal, percent: 10, amount };
        let expected =
            "Gives notice when 10% and $100.00 of a month's spend of all Bedrock spend is without a principal.";
        assert_eq!(hygiene(&owned), expected);
    }
}
