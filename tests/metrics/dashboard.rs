//! The dashboard finds series by what they are of, never by a member's name, and only those that are put.

use std::collections::BTreeSet;

use serde_json::Value;

const DASHBOARD: &str = include_str!("../../infra/dashboard.json");

/// What the template fills in.
const PLACEHOLDERS: [&str; 3] = ["AWS::Region", "Currency", "Namespace"];

/// The metrics, and the dimensions by which the dashboard shows them.
const SHOWN: [&str; 15] = [
    "Budget,Member BudgetUsedPercent",
    "Currency MonthToDateSpend",
    "Account,Currency Spend",
    "Currency,\"Tag:iamPrincipal/team\" Spend",
    "Currency,Export RestatedSpend",
    "Currency,Export SpendOutsideWindow",
    "Currency,Export UnattributedSpend",
    "Currency,Export UntaggedSpend",
    "Currency,Identity Spend",
    "Currency,Model Spend",
    "Export DatumsTooOld",
    "Export DeliveryAgeHours",
    "Export InDoubtDatums",
    "Export SeriesFolded",
    "Export UnknownUsageRows",
];

#[test]
fn the_dashboard_searches_for_what_is_put() {
    let dashboard: Value = serde_json::from_str(DASHBOARD).unwrap();
    let mut shown = BTreeSet::new();
    for widget in dashboard["widgets"].as_array().unwrap().iter().filter(|widget| widget["type"] == "metric") {
        for metric in widget["properties"]["metrics"].as_array().unwrap() {
            let [metric] = &metric.as_array().unwrap()[..] else { panic!("{metric} names a series") };
            let expression = metric["expression"].as_str().unwrap();
            let Some((_, search)) = expression.split_once("SEARCH('{\"${Namespace}\",") else {
                assert_eq!(expression, "100 * nobody / all");
                continue;
            };
            let (dimensions, rest) = search.split_once("} MetricName=\"").unwrap();
            let name = rest.split('"').next().unwrap();
            shown.insert(format!("{dimensions} {name}"));
            // Differences are summed, gauges are not.
            let statistic = if name == "Spend" { "'Sum', 86400" } else { "'Maximum', " };
            assert!(rest.contains(statistic), "{expression}");
        }
    }
    assert_eq!(shown, SHOWN.map(str::to_owned).into());
}

#[test]
fn the_template_knows_what_is_to_be_filled_in() {
    let found: BTreeSet<_> = DASHBOARD.split("${").skip(1).map(|text| text.split('}').next().unwrap()).collect();
    assert_eq!(found, PLACEHOLDERS.into());
}
