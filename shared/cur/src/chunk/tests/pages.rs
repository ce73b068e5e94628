//! Pages and schemas that claim more than they are end in an error that says so, before anything believes them.

use spend_core::bill::bedrock_line::Rule;
use spend_core::errors::fault::Fault as _;

use super::lies::{
    DELTA_BYTE_ARRAY, DELTA_LENGTH, PLAIN, data_page, delta_claim, dictionary_page, footer_alone, nested_schema,
    varint, with_entries, with_pages,
};
use super::*;
use crate::write::Compression;

/// A column that tells Bedrock rows from others, so that its pages are read first.
const COLUMN: &str = "line_item_product_code";

fn narrow(compression: Compression) -> Vec<u8> {
    let columns = wanted().into_iter().collect();
    file(&bill(), &FileShape { columns, compression, dictionary: false, ..FileShape::default() })
}

/// What is said of a file with these pages in a column, without the file's name and the cure.
fn refused(compression: Compression, pages: &[u8]) -> (&'static str, String) {
    let said = i64::try_from(pages.len()).unwrap();
    let error = reduce(with_pages(&narrow(compression), COLUMN, pages, said)).unwrap_err();
    let text = error.to_string();
    let reason = text.strip_prefix(&format!("{NAME}: row group 0: ")).unwrap();
    let cures = [". No bill needs that, so reading stopped", ": copy the file again, or wait"];
    let reason = cures.into_iter().find_map(|cure| reason.split_once(cure)).unwrap_or_else(|| panic!("{error}")).0;
    let reason = reason.replace(&format!("column {COLUMN}: "), "");
    (error.kind(), reason.strip_prefix("corrupt: ").unwrap_or(&reason).to_owned())
}

fn corrupt(reason: &str) -> (&'static str, String) {
    ("export.corrupt", reason.to_owned())
}

fn bomb(reason: &str) -> (&'static str, String) {
    ("export.bomb", reason.to_owned())
}

/// 40 nulls, as levels alone: what every reader takes.
fn nulls() -> Vec<u8> {
    vec![2, 0, 0, 0, 80, 0]
}

/// Text that snappy turns into itself, and says so.
fn literal(bytes: &[u8]) -> Vec<u8> {
    let mut page = Vec::new();
    varint(&mut page, bytes.len() as u64);
    page.push(u8::try_from((bytes.len() - 1) << 2).unwrap());
    [&page, bytes].concat()
}

#[test]
fn pages_of_our_own_making_are_read_where_they_are_true() {
    let pages = [
        (Compression::None, data_page(6, 40, PLAIN, &nulls())),
        (Compression::Snappy, data_page(6, 40, PLAIN, &literal(&nulls()))),
        (Compression::Gzip, data_page(6, 40, PLAIN, &gzip(nulls()))),
    ];
    for (compression, page) in pages {
        let said = i64::try_from(page.len()).unwrap();
        let counts = reduce(with_pages(&narrow(compression), COLUMN, &page, said)).unwrap().counts;
        assert_eq!(counts.rows, 40, "{compression:?}");
    }
}

#[test]
fn a_page_that_claims_too_much_is_a_bomb() {
    let most = "claims to decompress to 2147483647 bytes, and at most 134217728 are read";
    for compression in [Compression::Snappy, Compression::Gzip, Compression::Zstd] {
        let page = data_page(i32::MAX, 40, PLAIN, &nulls());
        assert_eq!(refused(compression, &page), bomb(&format!("page 0 {most}")), "{compression:?}");
        let dictionary = dictionary_page(i32::MAX, 1, &nulls());
        assert_eq!(refused(compression, &dictionary), bomb(&format!("page 0 {most}")), "{compression:?}");
    }
    let pages = data_page(100 << 20, 0, PLAIN, &nulls()).repeat(11);
    let total = 11 * (100 << 20);
    let error = reduce(with_pages(&narrow(Compression::Zstd), COLUMN, &pages, total)).unwrap_err();
    assert!(error.to_string().contains("its pages are said to hold 0 values, and the footer says 40"), "{error}");
    let pages = [pages, data_page(6, 40, PLAIN, &nulls())].concat();
    let error = reduce(with_pages(&narrow(Compression::Zstd), COLUMN, &pages, total)).unwrap_err();
    assert_eq!(error.kind(), "export.bomb");
    assert!(error.to_string().contains(": row group 0: the columns that are read come to 115"), "{error}");
}

#[test]
fn a_page_that_does_not_come_to_what_it_says_is_damaged() {
    let snappy = |said, body: &[u8]| refused(Compression::Snappy, &data_page(said, 40, PLAIN, body));
    assert_eq!(
        snappy(100 << 20, &literal(&nulls())),
        corrupt("page 0 claims to decompress to 104857600 bytes, and its own beginning says otherwise")
    );
    let mut short = Vec::new();
    varint(&mut short, 100 << 20);
    assert_eq!(snappy(100 << 20, &short), corrupt("page 0 claims to decompress to 104857600 bytes, which 4 cannot"));
    let gzipped = |said, body: &[u8]| refused(Compression::Gzip, &data_page(said, 40, PLAIN, body));
    let zeros = gzip(vec![0; 1 << 20]);
    assert_eq!(gzipped(1000, &zeros), corrupt("page 0 claims to decompress to 1000 bytes, and decompresses to more"));
    let more = corrupt("page 0 claims to decompress to 1048577 bytes, and decompresses to 1048576");
    assert_eq!(gzipped((1 << 20) + 1, &zeros), more);
    let (kind, reason) = gzipped(1 << 20, &zeros[..zeros.len() / 2]);
    assert!(kind == "export.corrupt" && reason.starts_with("page 0 cannot be decompressed: "), "{reason}");
}

#[test]
fn a_header_that_cannot_be_is_damaged() {
    let plain = |pages: &[u8]| refused(Compression::None, pages);
    let good = data_page(6, 40, PLAIN, &nulls());
    let unreadable = corrupt("page 0 has a header that cannot be read");
    assert_eq!(plain(&data_page(-1, 40, PLAIN, &nulls())), unreadable);
    assert_eq!(plain(&data_page(6, -40, PLAIN, &nulls())), unreadable);
    for cut in 1..good.len() - nulls().len() {
        assert_eq!(plain(&good[..cut]), unreadable, "{cut}");
    }
    let rest = corrupt("page 0 claims 6 bytes where 5 are left");
    assert_eq!(plain(&good[..good.len() - 1]), rest);
    assert_eq!(plain(&[&good[..], &[0x15]].concat()), corrupt("page 1 has a header that cannot be read"));
    assert_eq!(plain(&good.repeat(2)), corrupt("its pages are said to hold 80 values, and the footer says 40"));
    let dictionary = dictionary_page(6, i32::MAX, &nulls());
    assert_eq!(plain(&dictionary), corrupt("page 0 claims to be a dictionary of 2147483647 values in 6 bytes"));
    let dictionary = dictionary_page(6, 1, &nulls());
    assert_eq!(plain(&dictionary.repeat(2)), corrupt("page 1 is a second dictionary"));
    // A page of one kind with the header of another, structures without end, and a field twice.
    assert_eq!(plain(&[&[0x15, 4], &good[2..]].concat()), unreadable);
    assert_eq!(plain(&vec![0x9c; 100_000]), unreadable);
    assert_eq!(plain(&[&good[..2], &[0x05, 2, 0], &good[2..]].concat()), unreadable);
}

#[test]
fn a_footer_that_says_less_than_the_pages_is_damaged() {
    let body = gzip(vec![0; 4 << 20]);
    let page = data_page(4 << 20, 40, PLAIN, &body);
    let file = |said| reduce(with_pages(&narrow(Compression::Gzip), COLUMN, &page, said)).map(|_| ());
    let error = file(1 << 20).unwrap_err().to_string();
    assert!(error.contains("its pages are said to come to 4194304 bytes, and the footer says 1048576: "), "{error}");
    assert!(!file(2 << 20).is_err_and(|error| error.to_string().contains("come to")), "some slack is left to writers");
}

#[test]
fn a_schema_that_claims_too_much_is_refused() {
    for (metadata, reason) in [
        (nested_schema(2, i32::MAX), "corrupt: a group of its schema claims 2147483647 children: copy"),
        (nested_schema(2, -1), "corrupt: a group of its schema claims -1 children: copy"),
        (nested_schema(10_000, 1), "its schema is more than 32 groups deep. No bill needs that"),
        (nested_schema(1_000_000, 1), "its schema claims 1000000 elements, and at most 20000 are read. No bill"),
    ] {
        let error = reduce(footer_alone(&metadata)).unwrap_err();
        let kind = if reason.starts_with("corrupt") { "export.corrupt" } else { "export.bomb" };
        assert_eq!(error.kind(), kind);
        assert!(error.to_string().starts_with(&format!("{NAME}: {reason}")), "{error}");
    }
}

/// A page of 40 texts, all of them `text`, each of which shares all of it with the one before.
fn shared_texts(text: &[u8]) -> Vec<u8> {
    let length = i32::try_from(text.len()).unwrap();
    let packed = |first: i32, others: i32| {
        let numbers = [vec![first], vec![others; 38], vec![0; 25]].concat();
        numbers.into_iter().flat_map(|number| number.to_le_bytes().into_iter().take(3)).collect::<Vec<_>>()
    };
    let mut body = vec![2, 0, 0, 0, 80, 1]; // levels: 40 times not null
    for (first, least, steps) in [(0, 0, packed(length, 0)), (length, -length, packed(0, length))] {
        body.extend([0x80, 0x01, 4, 40]); // blocks of 128, in four parts; 40 values
        for number in [first, least] {
            varint(&mut body, u64::from(((number << 1) ^ (number >> 31)).cast_unsigned()));
        }
        body.extend([24, 24, 0, 0]);
        body.extend(steps);
    }
    body.extend(text);
    data_page(i32::try_from(body.len()).unwrap(), 40, DELTA_BYTE_ARRAY, &gzip(body))
}

#[test]
fn texts_that_share_too_much_are_a_bomb() {
    let page = shared_texts(b"AmazonBedrock");
    let counts = reduce(with_pages(&narrow(Compression::Gzip), COLUMN, &page, 1000)).unwrap().counts;
    let caught = counts.rules.iter().find(|(rule, ..)| *rule == Rule::ProductCode).map(|(_, caught, _)| caught);
    assert_eq!((counts.rows, caught), (40, Some(40)));
    // The footer's size is that of the pages, not of the texts.
    let page = shared_texts(&vec![b'x'; 2 << 20]);
    let counts = reduce(with_pages(&narrow(Compression::Gzip), COLUMN, &page, 2 << 20)).map(|found| found.counts.rows);
    assert!(counts.is_err_and(|error| error.kind() == "export.bomb"), "80 MiB of text in a file of a few KB");
    let page = shared_texts(&vec![b'x'; 1 << 20]);
    let error = reduce(with_pages(&narrow(Compression::Gzip), COLUMN, &page, 1 << 20)).unwrap_err();
    assert_eq!(error.kind(), "export.too_long", "40 MiB of text are decoded, and not kept: {error}");
    let most = "page 0 holds texts of 167772160 bytes, and at most 134217728 are read";
    let page = shared_texts(&vec![b'x'; 4 << 20]);
    let error = reduce(with_pages(&narrow(Compression::Gzip), COLUMN, &page, 4 << 20)).unwrap_err();
    assert_eq!(error.kind(), "export.bomb");
    assert!(
        error.to_string().starts_with(&format!("{NAME}: row group 0: column {COLUMN}: {most}. No bill")),
        "{error}"
    );
}

#[test]
fn lengths_that_are_not_there_are_damaged() {
    let unreadable = corrupt("page 0 has lengths that cannot be read");
    for encoding in [DELTA_LENGTH, DELTA_BYTE_ARRAY] {
        for claimed in [41, 1 << 40, u64::MAX] {
            assert_eq!(refused(Compression::None, &delta_claim(encoding, claimed)), unreadable, "{claimed}");
        }
        assert_eq!(refused(Compression::None, &delta_claim(encoding, 40)), unreadable, "all but the first are missing");
    }
}

#[test]
fn maps_with_more_entries_than_rows_can_have_are_a_bomb() {
    let whole = narrow(Compression::None);
    let most = (1 << 20) + 40 * 1024;
    let error = reduce(with_entries(&whole, most + 1)).unwrap_err();
    assert_eq!(error.kind(), "export.bomb");
    let reason = "column product.key_value.key claims 1089537 values in 40 rows, and at most 1089536 are read. No";
    assert!(error.to_string().starts_with(&format!("{NAME}: row group 0: {reason} bill")), "{error}");
    let error = reduce(with_entries(&whole, most)).unwrap_err();
    assert!(error.to_string().contains("values, and the footer says 1089536: "), "{error}");
}
