use proptest::prelude::*;

use super::*;

fn decimal(text: &str) -> Decimal {
    text.parse().unwrap()
}

fn date(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

#[test]
fn money_has_two_places_thousands_separators_and_its_currency() {
    for (currency, amount, text) in [
        ("USD", "2431.2", "$2,431.20"),
        ("USD", "0", "$0.00"),
        ("USD", "-1234567.891", "-$1,234,567.89"),
        ("CNY", "2.5", "CNY 2.50"),
        ("CNY", "-2.5", "-CNY 2.50"),
        ("USD", "999.995", "$1,000.00"),
        ("USD", "0.015", "$0.02"),
        ("USD", "0.025", "$0.02"),
        ("", "1", "1.00 (no currency)"),
    ] {
        assert_eq!(money(currency, decimal(amount)), text);
    }
}

#[test]
fn what_is_not_zero_never_looks_like_zero() {
    for (amount, text) in
        [("0.005", "<0.01"), ("0.000000000000000001", "<0.01"), ("-0.004", ">-0.01"), ("0.006", "0.01")]
    {
        assert_eq!(number(decimal(amount)), text);
    }
    assert_eq!(money("USD", decimal("0.001")), "<$0.01");
    assert_eq!(money("CNY", decimal("-0.001")), ">-CNY 0.01");
}

#[test]
fn a_limit_is_never_said_to_be_used_up_before_it_is() {
    for (part, limit, text) in [
        ("2399.999999", "2400", "99%"),
        ("2400", "2400", "100%"),
        ("2431.2", "2400", "101%"),
        ("-1", "2400", "-1%"),
        ("0", "5", "0%"),
    ] {
        assert_eq!(used(decimal(part), decimal(limit)), text);
    }
    let huge = decimal("99999999999999999999");
    assert_eq!(used(huge, huge), "100%");
    assert_eq!(used(decimal("99999999999999999998"), huge), "99%");
}

#[test]
fn a_share_is_all_or_nothing_only_if_it_is() {
    for (part, whole, text) in [
        ("1", "3", "33.3%"),
        ("2", "3", "66.7%"),
        ("99999", "100000", ">99.9%"),
        ("100000", "100000", "100.0%"),
        ("1", "100000", "<0.1%"),
        ("0", "5", "0.0%"),
        ("-1", "8", "-12.5%"),
        ("11", "10", "110.0%"),
        ("1", "0", "-"),
    ] {
        assert_eq!(share(decimal(part), decimal(whole)), text, "{part} of {whole}");
    }
}

#[test]
fn days_and_instants_read_like_a_calendar() {
    assert_eq!(days(date("2026-11-01"), date("2026-11-20")), "1 to 20 Nov");
    assert_eq!(days(date("2026-10-30"), date("2026-11-02")), "30 Oct to 2 Nov");
    assert_eq!(days(date("2026-11-17"), date("2026-11-17")), "17 Nov");
    assert_eq!(instant("2026-11-20T23:00:00Z".parse().unwrap()), "20 Nov 2026 23:00 UTC");
    assert_eq!(month("2026-11".parse().unwrap()), "November 2026");
}

#[test]
fn a_tag_value_cannot_forge_a_line() {
    assert_eq!(clean("team\r\nBudget: fine\u{202E}x"), "team??Budget: fine?x");
    assert_eq!(clean("Zürich 東京"), "Zürich 東京");
    assert_eq!(ascii("Zürich\n東京"), "Z?rich???");
}

#[test]
fn a_text_of_others_does_not_speak_for_us() {
    for (text, limit, expected) in [
        ("search", 40, "search"),
        ("dana@example.com", 40, "dana@example.com"),
        ("role/ai-gateway@444455556666", 40, "role/ai-gateway@444455556666"),
        ("Data Platform", 40, "\"Data Platform\""),
        ("AWS Security. Confirm at https://evil.example", 60, "\"AWS Security. Confirm at https[:]//evil[.]example\""),
        ("AWS Security. Confirm at https://evil.example", 20, "\"AWS Security. C...\""),
        ("say \"yes\"", 40, "\"say 'yes'\""),
        ("=cmd()", 40, "'=cmd()"),
        ("<script>", 40, "[<]script>"),
        ("a\r\nSubject: forged", 40, "\"a??Subject: forged\""),
        ("\u{202E}x\u{200B}\u{1B}[31m", 40, "?x??[31m"),
    ] {
        assert_eq!(name(text, limit), expected);
    }
    assert_eq!(money("USD\nSubject: forged", decimal("1")), "\"USD?Sub...\" 1.00");
    assert_eq!(currency(""), NONE);
    assert_eq!(shown("Data Platform at evil.com"), "Data Platform at evil[.]com");
}

#[test]
fn lines_break_between_words_and_only_then_within() {
    let lines = wrap("Who         ", &format!("{} {}", "a".repeat(70), "b".repeat(70)));
    assert_eq!(lines.len(), 4, "{lines:?}");
    assert_eq!(lines[0], format!("Who         {}", "a".repeat(66)));
    assert_eq!(lines[1], format!("            {}", "a".repeat(4)));
    assert_eq!(wrap("", ""), [""]);
    assert_eq!(shorten("abcdefgh", 6), "abc...");
    assert_eq!(shorten("東京東京", 7), "東京...");
}

#[test]
fn a_name_in_quotes_begins_no_line_of_its_own() {
    let name = name("AWS Security. Confirm. Total: $0.00, all is well", 54);
    let lines = wrap("", &format!("No spend is booked on any day of the month on {name} any more; it moved."));
    assert_eq!(lines, ["No spend is booked on any day of the month on", &format!("{name} any more; it moved.")]);
    assert_eq!(wrap("", "an \"open quote"), ["an \"open quote"]);
}

proptest! {
    #[test]
    fn no_line_is_too_long_and_no_character_is_lost(text in "\\PC{0,300}", first in "[A-Za-z ]{0,14}") {
        let lines = wrap(&first, &text);
        for line in &lines {
            prop_assert!(columns(line) <= WIDTH, "{line}");
        }
        let squeezed = |text: &str| text.chars().filter(|character| *character != ' ').collect::<String>();
        prop_assert_eq!(squeezed(&lines.concat()), squeezed(&format!("{first}{}", clean(&text))));
    }

    #[test]
    fn names_fit_and_are_no_links(text in "(://|www\\.|[.@/ \"<-]|[a-z0-9]{1,4}|.){0,40}", limit in 6_usize..40) {
        let name = name(&text, limit);
        prop_assert!(columns(&name) <= limit && !name.contains(is_unsafe) && !name.contains("://"), "{}", name);
        let whole = without_links(&text).into_owned();
        prop_assert_eq!(without_links(&whole), &*whole);
    }

    #[test]
    fn shortened_text_fits(text in ".{0,100}", limit in 3_usize..40) {
        prop_assert!(columns(&shorten(&text, limit)) <= limit);
    }
}

#[test]
fn wide_characters_take_two_columns_and_marks_do_not_slip_past_a_limit() {
    for (text, expected) in [("a", 1), ("é", 1), ("検", 2), ("한", 2), ("✅", 2), ("⭐", 2), ("😀", 2), ("e\u{301}", 2)]
    {
        assert_eq!(columns(text), expected, "{text}");
    }
    assert_eq!(shorten(&"\u{301}".repeat(100), 10).chars().count(), 10);
}
