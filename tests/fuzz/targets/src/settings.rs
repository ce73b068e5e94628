//! What the ledger's owner writes: the configuration, overrides and metering files.

use std::collections::BTreeMap;

use spend_core::rules::evaluation::Rules;
use spend_ledger::chargeback::metering_csv;
use spend_ledger::config::Config;

use crate::text;

/// A configuration: it is read, or every problem names its line; what is put in force reads the same.
pub fn configuration(input: &[u8]) {
    let text = text(input);
    let files: BTreeMap<_, _> = Config::files(text).into_iter().map(|file| (file, "alice,10\n".to_owned())).collect();
    adopt(text, &files);
}

/// A file of overrides, of a budget that has members.
pub fn overrides(input: &[u8]) {
    let configuration =
        "[[budget]]\nname = \"b\"\namount = 10\ncurrency = \"USD\"\neach = \"identity\"\noverrides_file = \"o.csv\"\n";
    adopt(configuration, &BTreeMap::from([("o.csv".to_owned(), text(input).to_owned())]));
}

fn adopt(text: &str, files: &BTreeMap<String, String>) {
    match Config::adopt("ledger.toml", text, files) {
        Ok((config, in_force)) => match Config::parse("in-force.toml", &in_force) {
            Ok(again) => {
                assert_eq!(
                    again.derivation_fingerprint(),
                    config.derivation_fingerprint(),
                    "what is in force derives otherwise"
                );
                assert_eq!(
                    again.metrics_fingerprint(),
                    config.metrics_fingerprint(),
                    "what is in force measures otherwise"
                );
                assert_eq!(shown(&again.rules, files), shown(&config.rules, files), "what is in force has other rules");
            }
            Err(error) => panic!("what is put in force is refused: {error}\n{in_force}"),
        },
        Err(error) => {
            assert!(!error.problems().is_empty(), "it is refused without a problem");
            for problem in error.problems() {
                assert!(!problem.message.is_empty(), "a problem says nothing");
                let of = problem.file.as_ref().and_then(|file| files.get(file)).map_or(text, String::as_str);
                let lines = of.lines().count().max(1);
                assert!(problem.line <= lines, "line {} of {lines}", problem.line);
            }
        }
    }
}

/// Rules but for the names of files, whose contents stand in for them once they are in force.
fn shown(rules: &Rules, files: &BTreeMap<String, String>) -> String {
    let named = files.keys().map(|file| format!("overrides_file: {:?}", Some(file)));
    named.fold(format!("{rules:?}"), |shown, named| shown.replace(&named, "overrides_file: None"))
}

/// Records of a gateway: all of them, or none.
pub fn metering(input: &[u8]) {
    let read = metering_csv::read("metering/2026-11.csv", input);
    let again = metering_csv::read("metering/2026-11.csv", input);
    match (read, again) {
        (Ok(records), Ok(again)) => assert_eq!(records, again, "the same file is read in two ways"),
        (Err(error), Err(_)) => assert!(error.to_string().contains("metering/2026-11.csv"), "{error}: of which file?"),
        _ => panic!("the same file is read and refused"),
    }
}
