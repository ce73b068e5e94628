use proptest::prelude::*;

use super::*;

fn csv(text: &str) -> Result<Vec<MeteringRecord>, String> {
    read("m.csv", text.as_bytes()).map_err(|error| error.to_string())
}

fn record(tenant: &str, model: &str, amount: &str) -> MeteringRecord {
    let [gateway, tenant, model] = ["role/gw@1", tenant, model].map(str::to_owned);
    MeteringRecord { date: "2026-11-01".parse().unwrap(), gateway, tenant, model, amount: amount.parse().unwrap() }
}

#[test]
fn columns_stand_in_any_order_and_the_model_may_be_missing() {
    let text =
        "tenant,date,amount,gateway\nsearch,2026-11-01,1.50,role/gw@1\n\"fraud, inc\", 2026-11-01 ,0,role/gw@1\n";
    assert_eq!(csv(text), Ok(vec![record("search", "", "1.5"), record("fraud, inc", "", "0")]));
    let text = "\u{feff}date,gateway,tenant,model,amount\r\n2026-11-01,role/gw@1,search,haiku,2\r\n";
    assert_eq!(csv(text), Ok(vec![record("search", "haiku", "2")]));
    assert_eq!(csv("date,gateway,tenant,amount\n"), Ok(Vec::new()));
}

#[test]
fn everything_that_is_wrong_is_told_with_its_line_and_nothing_is_used() {
    let header = "date,gateway,tenant,amount\n";
    for (rows, error) in [
        ("20261101,g,t,1", "m.csv: line 2: the date is not written as 2026-11-20"),
        ("2026-11-31,g,t,1", "m.csv: line 2: the date is not"),
        ("2026-11-01,,t,1", "m.csv: line 2: the gateway is empty"),
        ("2026-11-01,g, ,1", "m.csv: line 2: the tenant is empty"),
        ("2026-11-01,g,t,-1", "m.csv: line 2: the amount is below zero"),
        ("2026-11-01,g,t,1e3", "m.csv: line 2: the amount is not a plain decimal"),
        ("2026-11-01,g,t,1\n2026-11-01,g,t", "m.csv: it is not CSV in UTF-8"),
    ] {
        let found = csv(&format!("{header}{rows}\n")).unwrap_err();
        assert!(found.starts_with(error), "{found}");
    }
    for (text, error) in [
        ("", "m.csv: it has no column `date`"),
        ("date;gateway;tenant;amount\n", "m.csv: it has a column `date;gateway;tenant;amount`: use date, gateway"),
        ("date,gateway,tenant,amount,modle\n", "m.csv: it has a column `modle`"),
        ("date,date,gateway,tenant,amount\n", "m.csv: it has two columns `date`"),
    ] {
        let found = csv(text).unwrap_err();
        assert!(found.starts_with(error), "{found}");
    }
    let many = csv(&format!("{header}{}", "x,g,t,1\n".repeat(15))).unwrap_err();
    assert!(many.contains("line 11: ") && !many.contains("line 12: ") && many.ends_with("and 5 more"), "{many}");
    let large = read("m.csv", &vec![b' '; spend_core::allocation::metering::table::LARGEST_FILE + 1]).unwrap_err();
    assert_eq!(large.to_string(), "m.csv: it is larger than 64 MiB: write one file a month");
}

proptest! {
    #[test]
    fn no_file_panics(text in "(date,gateway,tenant,amount\n)?(2026-11-01,g,t,1\n|.{0,20}\n|PAR1)*") {
        let _ = csv(&text);
    }
}
