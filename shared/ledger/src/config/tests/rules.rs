//! What the sections of rules take.

use super::*;

#[test]
fn a_budget_may_tell_by_its_forecast_alone_or_by_none() {
    let read = |more: &str| {
        let config = parse(&format!("[[budget]]\nname = \"b\"\namount = \"5\"\n{more}"));
        (config.rules.budgets[0].thresholds.clone(), config.rules.budgets[0].forecast.clone())
    };
    assert_eq!(read("thresholds = []\nforecast = [100]"), (vec![], vec![100]));
    assert_eq!(read("forecast = []"), (vec![50, 80, 100], vec![]), "the default, written out");
    assert_eq!(read("window = \"day\"\nforecast = []"), (vec![50, 80, 100], vec![]));
}

#[test]
fn names_that_stand_twice_are_told_of_rules_that_are_wrong_otherwise_too() {
    let text = "[[budget]]\nname = \"b\"\n[[delta]]\nname = \"b\"\nagainst = \"never\"\n[[mute]]\nrule = \"b\"\nuntil = 2026-12-01\nreason = \"r\"";
    let error = Config::parse("ledger.toml", text).unwrap_err();
    let lines: Vec<_> = error.problems().iter().map(|problem| problem.line).collect();
    assert_eq!(lines, [1, 4, 5], "no amount, the name, the time before; the mute names a rule: {error}");
}
