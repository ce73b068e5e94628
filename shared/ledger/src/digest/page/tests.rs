use spend_core::page::SCRIPT;

use super::*;
use crate::reaction_fixtures::{at, book, fact, period};
use crate::state::document::decode;
use crate::store::faulty::{Fault, FaultyStore};
use crate::store::memory::MemoryStore;

const NOW: &str = "2026-11-21T06:00:00Z";

fn two_months() -> Book {
    let spent = |day: &str| fact(day, "12.5", &[("identity", "a"), ("identity_kind", "sso"), ("owner", "search")]);
    let october = period("2026-10", vec![spent("2026-10-05")]);
    book(vec![october, period("2026-11", vec![spent("2026-11-05")])])
}

async fn stored(store: &MemoryStore, key: &str) -> Bytes {
    store.get(key).await.unwrap().unwrap().0
}

#[tokio::test]
async fn the_page_of_each_month_is_written_with_its_numbers_and_replaced_by_the_next() {
    let store = MemoryStore::default();
    let config = Config::default();
    for now in [NOW, "2026-11-22T06:00:00Z"] {
        assert_eq!(write(&store, &config, &two_months(), at(now)).await.unwrap(), 2);
        for period in two_months().months() {
            let made = make(&store, &config, &two_months(), Some(period), at(now)).await.unwrap().unwrap();
            assert_eq!(stored(&store, &page_key(period)).await, made.html);
            let numbers = stored(&store, &page_numbers_key(period)).await;
            assert_eq!(numbers, made.json);
            assert!(numbers.starts_with(b"{\n  \"format\": \"page/2\",\n"), "{numbers:?}");
            let numbers: PageNumbers = decode("page", &numbers).unwrap();
            assert_eq!((numbers.figures.made_at, numbers.pictures[0].daily.len()), (at(now), 1));
        }
    }
    assert_eq!(store.list("").await.unwrap().len(), 4, "nothing else is written");
}

#[tokio::test]
async fn a_crash_at_any_call_of_the_store_is_mended_by_the_next_page() {
    let (config, bare) = (Config::default(), MemoryStore::default());
    let dry = FaultyStore::failing(&bare, []);
    write(&dry, &config, &two_months(), at(NOW)).await.unwrap();
    for call in 1..=dry.calls() {
        for fault in [Fault::Before, Fault::After] {
            let store = MemoryStore::default();
            let crashing = FaultyStore::crashing(&store, call, fault);
            write(&crashing, &config, &two_months(), at(NOW)).await.unwrap_err();
            assert_eq!(write(&store, &config, &two_months(), at(NOW)).await.unwrap(), 2);
            for object in bare.list("").await.unwrap() {
                assert_eq!(stored(&store, &object.key).await, stored(&bare, &object.key).await);
            }
        }
    }
}

#[tokio::test]
async fn a_month_that_the_book_does_not_have_has_no_page() {
    let (store, config) = (MemoryStore::default(), Config::default());
    let other = Some("2026-01".parse().unwrap());
    assert_eq!(make(&store, &config, &two_months(), other, at(NOW)).await.unwrap(), None);
    assert_eq!(make(&store, &config, &Book::default(), None, at(NOW)).await.unwrap(), None);
    assert_eq!(write(&store, &config, &Book::default(), at(NOW)).await.unwrap(), 0);
}

#[tokio::test]
async fn a_model_with_two_prices_a_kind_shows_both() {
    let used = |context: &str, cost: &str| {
        let fields = [("model", "gpt-5.6-terra"), ("token_kind", "input"), ("context", context)];
        let mut fact = fact("2026-11-05", cost, &fields);
        fact.measures.tokens = Some("1000000".parse().unwrap());
        fact
    };
    let book = book(vec![period("2026-11", vec![used("standard", "3"), used("long", "6")])]);
    let made = make(&MemoryStore::default(), &Config::default(), &book, None, at(NOW)).await.unwrap().unwrap();
    assert!(made.html.contains("input, long context"), "{}", made.html);
    let numbers: PageNumbers = decode("page", &made.json).unwrap();
    let prices = numbers.pictures[0].mix.iter().map(|row| {
        let price = row.per_million.map(|price| price.to_string()).unwrap_or_default();
        (row.context.as_deref().unwrap_or_default(), price)
    });
    assert_eq!(prices.collect::<Vec<_>>(), [("long", "6".to_owned()), ("standard", "3".to_owned())]);
}

#[tokio::test]
async fn a_person_is_shown_with_the_roles_and_the_rest_with_what_it_stands_for() {
    let dana = "arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_Dev_0123456789abcdef/dana@example.com";
    let role = "arn:aws:sts::111122223333:assumed-role/app/x";
    let of = |identity: &str, kind: &str, principal: &str| {
        fact("2026-11-05", "5", &[("identity", identity), ("identity_kind", kind), ("principal", principal)])
    };
    let mut november = period(
        "2026-11",
        vec![
            of("dana@example.com", "sso", dana),
            of("role/app@111122223333", "role", role),
            of("(other)", "other", ""),
        ],
    );
    november.folded.identities = 51_200;
    let book = book(vec![november]);
    let made = make(&MemoryStore::default(), &Config::default(), &book, None, at(NOW)).await.unwrap().unwrap();
    let through = ">AWSReservedSSO_Dev_0123456789abcdef@111122223333</td>";
    assert_eq!(made.html.matches(through).count(), 2, "{}", made.html);
    assert!(!made.html.contains(">app@"), "a role says what it is");
    assert!(made.html.contains("Identity (other) stands for 51,200 identities beyond the 50,000 largest"));
}

#[tokio::test]
async fn browsers_are_told_to_run_the_pages_own_script_alone() {
    use sha2::{Digest, Sha256};
    let (store, config) = (MemoryStore::default(), Config::default());
    let html = make(&store, &config, &two_months(), None, at(NOW)).await.unwrap().unwrap().html;
    let hash = base64(&Sha256::digest(SCRIPT));
    assert!(html.contains(&format!("script-src 'sha256-{hash}'")), "the script's hash is {hash}: see page/frame.rs");
    assert_eq!((html.matches("<script").count(), html.matches("</script").count()), (1, 1));
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for part in bytes.chunks(3) {
        let byte = |index: usize| u32::from(*part.get(index).unwrap_or(&0));
        let group = byte(0) << 16 | byte(1) << 8 | byte(2);
        for digit in 0..4 {
            let value = group >> (18 - 6 * digit) & 63;
            text.push(if digit <= part.len() { DIGITS[value as usize] as char } else { '=' });
        }
    }
    text
}
