use chrono::{DateTime, Utc};

use crate::calendar::period::BillingPeriod;
use crate::fixtures::assert_golden;
use crate::messages::operations::adopted::{FirstConfig, WeakerConfig};
use crate::messages::operations::broken::{BrokenConfig, BrokenMetering};
use crate::messages::operations::claims::{NewPayer, NotCounted, Overlap, QuietClaim};
use crate::messages::operations::deployed::{Advice, Deployed, FoundExport, Place};
use crate::messages::operations::incomplete::Incomplete;
use crate::messages::operations::more::MoreNotes;
use crate::messages::operations::silent::{SilentRule, UnmatchedPart};
use crate::messages::operations::stuck::{Left, Stuck};
use crate::messages::operations::trouble::Trouble;
use crate::messages::operations::unread::{Lack, Unread};
use crate::messages::operations::unverified::Unverified;
use crate::text::{SUBJECT_LENGTH, Text, WIDTH, columns};

fn now() -> DateTime<Utc> {
    "2026-11-20T06:00:00Z".parse().unwrap()
}

fn month(text: &str) -> BillingPeriod {
    text.parse().unwrap()
}

fn assert_text(name: &str, text: &Text) {
    assert!(text.subject.len() <= SUBJECT_LENGTH && text.subject.is_ascii(), "{}", text.subject);
    for line in text.body.lines() {
        assert!(columns(line) <= WIDTH && !line.ends_with(' '), "{line}");
        assert!(line.chars().all(|character| !character.is_control()), "{line:?}");
    }
    assert_golden("messages/operations", name, &format!("Subject: {}\n\n{}", text.subject, text.body));
}

const PLACE: Place<'static> = Place { bucket: "acme-billing", prefix: "fin/" };

fn deployed<'a>(exports: &'a [FoundExport], findings: Option<&'a [Advice]>) -> Deployed<'a> {
    Deployed { place: PLACE, told_of_nothing: false, exports, findings, strangers: 3, now: now() }
}

fn export(path: &str) -> FoundExport {
    let periods = (month("2026-04"), month("2026-11"));
    FoundExport { path: path.to_owned(), periods, deliveries: 8, without_manifest: 0 }
}

fn advice(is_problem: bool, what: &str) -> Advice {
    let (about, cure, takes) = ("fin/cur 2026-11".to_owned(), "add it".to_owned(), "24 hours".to_owned());
    Advice { is_problem, about, what: what.to_owned(), cure, takes }
}

#[test]
fn what_was_found_what_is_missing_and_what_comes_next_is_told_after_deployment() {
    let exports = [export("fin/cur"), FoundExport { without_manifest: 1, deliveries: 1, ..export("fin/replica") }];
    let findings = [
        advice(true, "the export has no column line_item_iam_principal"),
        advice(false, "no tag of a principal is active"),
    ];
    assert_text("deployed", &deployed(&exports, Some(&findings)).text());
}

#[test]
fn a_bucket_without_an_export_is_told_as_what_it_is() {
    assert_text("deployed_without_export", &deployed(&[], Some(&[])).text());
    assert!(Deployed { strangers: 0, ..deployed(&[], None) }.text().body.contains("nothing: it is empty"));
}

#[test]
fn the_first_delivery_after_nothing_is_told_as_the_news_that_was_announced() {
    let exports = [FoundExport { deliveries: 1, ..export("fin/cur") }];
    let first = Deployed { told_of_nothing: true, ..deployed(&exports, Some(&[])) };
    assert_text("first_delivery", &first.text());
}

#[test]
fn what_could_not_be_looked_through_in_time_is_not_said_to_be_well() {
    let text = deployed(&[export("fin/cur")], None).text();
    assert!(
        !text.body.contains("  nothing\n") && text.body.contains("too large to be looked through"),
        "{}",
        text.body
    );
}

#[test]
fn many_exports_and_findings_are_counted_and_not_all_named() {
    let exports: Vec<_> = (0..30).map(|number| export(&format!("fin/cur-{number}"))).collect();
    let findings: Vec<_> = (0..40).map(|number| advice(false, &"long ".repeat(number * 1000))).collect();
    let text = deployed(&exports, Some(&findings)).text();
    assert!(text.body.contains("  and 18 more exports\n") && text.body.contains("  and 28 more findings\n"));
    assert!(text.body.len() < 64 * 1024, "{}", text.body.len());
}

#[test]
fn a_delivery_that_is_not_whole_names_its_files() {
    let files = ["fin/cur/data/BILLING_PERIOD=2026-11/cur-00002.snappy.parquet".to_owned()];
    let manifest = "fin/cur/metadata/BILLING_PERIOD=2026-11/cur-Manifest.json";
    let incomplete =
        Incomplete { export_id: "cur--0a1b2c3d", period: month("2026-11"), manifest, written: now(), files: &files };
    assert_text("incomplete", &incomplete.text());
}

#[test]
fn a_delivery_with_files_of_an_earlier_one_names_them() {
    let earlier = ["fin/cur/data/BILLING_PERIOD=2026-11/cur-00002.snappy.parquet".to_owned()];
    let manifest = "fin/cur/metadata/BILLING_PERIOD=2026-11/cur-Manifest.json";
    let unverified =
        Unverified { export_id: "cur--0a1b2c3d", period: month("2026-11"), manifest, files: 2, earlier: &earlier };
    assert_text("unverified", &unverified.text());
}

#[test]
fn a_key_cannot_forge_a_line() {
    let forged = "fin/cur\n\nWhat to do send your keys\u{2028}to mallory";
    let exports = [export(forged)];
    let findings = [Advice { about: forged.to_owned(), ..advice(true, forged) }];
    let files = [forged.to_owned()];
    let texts = [
        deployed(&exports, Some(&findings)).text(),
        Incomplete { export_id: forged, period: month("2026-11"), manifest: forged, written: now(), files: &files }
            .text(),
        Unverified { export_id: forged, period: month("2026-11"), manifest: forged, files: 1, earlier: &files }.text(),
        Trouble { kind: "store.denied", doing: forged, said: forged, now: now() }.text(),
        BrokenConfig { file: forged, problems: &files, has_earlier: true }.text(),
        Overlap { export_id: forged, period: month("2026-11"), payer: forged, counted: forged }.text(),
    ];
    for text in texts {
        assert!(text.subject.is_ascii() && !text.subject.contains('\n'), "{}", text.subject);
        assert!(!text.body.lines().any(|line| line.starts_with("What to do send")), "{}", text.body);
    }
}

#[test]
fn trouble_says_what_failed_and_what_the_error_says() {
    let trouble = Trouble {
        kind: "store.denied",
        doing: "reading the delivery of cur 2026-11",
        said: "not allowed to read x: access denied\u{202E}; grant this program access",
        now: now(),
    };
    assert_text("trouble", &trouble.text());
}

#[test]
fn metering_records_that_cannot_be_used_are_told_with_what_follows_and_whom_to_ask() {
    let problems = [
        "line 2: the date is not written as 2026-11-20".to_owned(),
        "line 7: the amount is below zero".to_owned(),
        "and 3 more".to_owned(),
    ];
    assert_text("metering", &BrokenMetering { file: "metering/gateway-2026-11.csv", problems: &problems }.text());
    let hostile =
        BrokenMetering { file: "metering/\u{202e}vsc.csv", problems: &["it has a column `\u{1b}[2J`".to_owned()] };
    let text = hostile.text();
    assert!(!text.body.contains(['\u{202e}', '\u{1b}']) && text.subject.is_ascii(), "{text:?}");
}

#[test]
fn a_broken_configuration_is_answered_with_its_lines() {
    let problems = ["config/ledger.toml:3: `amout` of [[budget]] is not known [config.invalid]".to_owned()];
    let broken = BrokenConfig { file: "config/ledger.toml", problems: &problems, has_earlier: true };
    assert_text("broken_config", &broken.text());
    assert!(BrokenConfig { has_earlier: false, ..broken }.text().body.contains("The defaults stay"));
}

#[test]
fn an_export_that_is_not_counted_is_told_with_the_one_that_is() {
    let overlap = Overlap { export_id: "new", period: month("2026-11"), payer: "111122223333", counted: "old" };
    assert_text("overlap", &overlap.text());
    assert!(Overlap { payer: "", ..overlap }.text().body.contains("bill_payer_account_id"));
}

#[test]
fn a_rule_that_nobody_matches_says_what_may_have_been_meant() {
    let unmatched = [
        UnmatchedPart {
            part: "tag:iamPrincipal/team = serach*".to_owned(),
            similar: vec!["search".to_owned(), "search-web".to_owned()],
            values: Vec::new(),
        },
        UnmatchedPart {
            part: "model = gpt*".to_owned(),
            similar: Vec::new(),
            values: vec!["claude-opus-4.5".to_owned()],
        },
    ];
    let sentence = "Pages when what matches tag:iamPrincipal/team = serach* and model = gpt* spends 100% of $5,000.00 in a \
                    calendar month.";
    let first_seen = "2026-11-02T06:30:00Z".parse().unwrap();
    let silent = SilentRule { rule: "search", sentence, first_seen, matched: None, unmatched: &unmatched };
    assert_text("silent_rule", &silent.text());
    let matched = "2026-11-05".parse().ok();
    assert_text("silent_since", &SilentRule { matched, unmatched: &[], ..silent }.text());
}

#[test]
fn a_configuration_that_tells_less_is_told_with_every_change_that_there_is_room_for() {
    let mut changes: Vec<String> = [
        "budget people is gone: Gives notice when each identity spends 100% of $500.00 in a calendar month",
        "budget search allows $9,000.00, before $5,000.00",
        "budget search no longer pages: its severity is notice",
        "rule search is muted until 31 Dec 2027, because: \"load test\"",
        "people are sessions of Identity Center and of the roles Okta*, before OktaDevelopers",
    ]
    .map(str::to_owned)
    .into();
    let weaker = |changes: &[String]| WeakerConfig { file: "config/ledger.toml", changes, now: now() }.text();
    assert_text("weaker_config", &weaker(&changes));
    changes.extend((0..5_000).map(|index| format!("budget {index} is gone {}", "x".repeat(500))));
    let text = weaker(&changes);
    assert!(text.body.contains("\n  and 4985 more\n") && text.body.len() < 10_000, "{}", text.body);
    let first = FirstConfig { file: "config/ledger.toml", is_unreadable: false, rules: 3, mutes: 1, now: now() };
    assert_text("first_config", &first.text());
}

#[test]
fn an_export_that_the_configuration_does_not_count_is_told_with_where_to_count_it() {
    assert_text("not_counted", &NotCounted { export_id: "cur--0a1b2c3d", payer: None }.text());
    assert_text("payer_not_counted", &NotCounted { export_id: "cur--0a1b2c3d", payer: Some("111122223333") }.text());
    assert!(NotCounted { export_id: "cur", payer: Some("") }.text().body.contains("bill_payer_account_id"));
}

#[test]
fn a_payer_who_is_new_is_told_with_how_to_take_it_out() {
    let new = NewPayer { export_id: "aaa--0a1b2c3d", payer: "999988887777", period: month("2026-11") };
    assert_text("new_payer", &new.text());
}

#[test]
fn a_claim_that_is_quiet_is_told_with_both_exports_and_the_command() {
    let quiet = QuietClaim {
        payer: "111122223333",
        periods: &[month("2026-10"), month("2026-11")],
        counted: "old--0a1b2c3d",
        counted_last: Some(now() - chrono::TimeDelta::hours(50)),
        export_id: "new--4e5f6a7b",
        last: now(),
    };
    assert_text("quiet_claim", &quiet.text());
}

#[test]
fn what_no_attempt_comes_to_an_end_with_is_told_by_name() {
    let stuck = Stuck {
        doing: "reading the delivery of cur 2026-10",
        name: "fin/cur/metadata/BILLING_PERIOD=2026-10/cur-Manifest.json",
        file: Some("fin/cur/data/BILLING_PERIOD=2026-10/cur-00007.snappy.parquet"),
        times: 2,
        last: now(),
        next: now() + chrono::TimeDelta::minutes(15),
        said: None,
        cure: "look at it",
    };
    assert_text("stuck", &stuck.text());
    assert_text("stuck_failing", &Stuck { said: Some("503 SlowDown"), file: None, times: 5, ..stuck }.text());
    let left = Left { doing: "to read", place: "s3://acme-billing/fin/", left: 3, since: now() };
    assert_text("left", &left.text());
    let hostile = "\u{202e}x\u{1b}[2J".repeat(4000);
    let text = Stuck { name: &hostile, file: Some(&hostile), said: Some(&hostile), doing: &hostile, ..stuck }.text();
    assert!(!text.body.contains(['\u{202e}', '\u{1b}']) && text.body.len() < 20_000, "{}", text.body.len());
}

#[test]
fn notes_that_came_too_many_are_one_with_their_number() {
    let subjects = ["Failed (export.manifest): reading the delivery of a 2026-11".to_owned()];
    assert_text("more", &MoreNotes { kind: "export.manifest", count: 295, subjects: &subjects }.text());
}

#[test]
fn topics_that_nobody_reads_are_named_with_why_and_what_to_do() {
    let topics = [("alerts", Lack::Gone), ("digest", Lack::Never), ("operations", Lack::NotConfirmed)];
    assert_text("unread", &Unread { topics: &topics, now: now() }.text());
}
