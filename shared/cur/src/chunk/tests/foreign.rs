//! Files that are something else, and what is said of them.

use spend_core::errors::class::Class;
use spend_core::errors::fault::Fault as _;

use super::*;

fn refused(bytes: impl Into<Bytes>) -> (String, &'static str) {
    let bytes = bytes.into();
    let error = reduce(bytes.clone()).unwrap_err();
    assert_eq!(error.class(), Class::Operator);
    let described = block_on(describe(NAME, Memory::new(bytes))).map(drop);
    assert_eq!(described.unwrap_err().to_string(), error.to_string(), "whoever describes it hears the same");
    let message = error.to_string().strip_prefix(&format!("{NAME}: ")).unwrap().to_owned();
    (message, error.kind())
}

const UNKNOWN: &str = "this is neither Parquet nor gzip nor anything else that is known: it may have been encrypted by \
                       a client or a tool before it was uploaded; copy the file as it lies in the export's bucket, \
                       decrypted";
const ENCRYPTED: &str = "this is Parquet with an encrypted footer, which no export writes: remove whatever encrypts the \
                         files, and copy them as they lie in the export's bucket";
const ZIPPED: &str =
    "this is a ZIP archive: unpack it, or create the export with the format Parquet, or text with GZIP";
const PAGE: &str = "this is an HTML or XML page, so an error message was saved in place of the file: copy the file \
                    again, and check that whoever copies it may read the export's bucket";
const JSON: &str =
    "this is JSON, so a manifest or an error message was saved in place of the file: copy the file again";
const TEXT: &str = "this is text that is not compressed, so a tool unpacked it on the way: copy the .csv.gz file as it \
                    lies in the export's bucket, or compress this one with gzip";
const CUT_OFF: &str = "corrupt: it begins as Parquet and ends without a footer, so it was cut off: copy the file again, \
                       or wait for the next delivery to replace it";
const EMPTY: &str =
    "the file is empty, without even a header: copy it again, or wait for the next delivery to replace it";
const WRAPPED: &str = "this was compressed once more with gzip, so a tool packed it on the way: decompress it once, or \
                       copy the file as it lies in the export's bucket";

#[test]
fn what_is_no_chunk_is_said_to_be_what_it_is() {
    let noise: Vec<u8> = (0..100_000_u32).map(|index| index.wrapping_mul(2_654_435_761).to_be_bytes()[1]).collect();
    let plain = gunzip(&text(&bill(), &FileShape::default())).into_bytes();
    let cut_in_a_letter = [vec![b'x'; 511], "é".repeat(100).into_bytes()].concat();
    for (bytes, message, kind) in [
        (&b""[..], EMPTY, "export.empty_file"),
        (b"PA", CUT_OFF, "export.corrupt"),
        (b"PAR1", CUT_OFF, "export.corrupt"),
        (b"PAR1\0\0\0\0PARE", ENCRYPTED, "export.encrypted"),
        (b"PARE\0\0\0\0PARE", ENCRYPTED, "export.encrypted"),
        (b"PK\x03\x04\x14\0\0\0\x08\0", ZIPPED, "export.zip"),
        (b"PK\x05\x06\0\0\0\0\0\0", ZIPPED, "export.zip"),
        (b"<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code></Error>", PAGE, "export.error_page"),
        (b"\xef\xbb\xbf \n<!doctype html>", PAGE, "export.error_page"),
        (b"{\"message\": \"Forbidden\"}", JSON, "export.error_page"),
        (&plain, TEXT, "export.uncompressed"),
        (&cut_in_a_letter, TEXT, "export.uncompressed"),
        (&noise, UNKNOWN, "export.unknown_format"),
        (b"text with a \x01", UNKNOWN, "export.unknown_format"),
        (&gzip(gzip(&plain)), WRAPPED, "export.compressed_twice"),
        (&gzip(file(&bill(), &FileShape::default())), WRAPPED, "export.compressed_twice"),
    ] {
        assert_eq!(refused(bytes.to_vec()), (message.to_owned(), kind));
    }
}

#[test]
fn the_name_of_a_file_says_nothing() {
    let rows = bill();
    let shape = FileShape::default();
    assert_eq!(reduce(text(&rows, &shape)).unwrap(), reduce(file(&rows, &shape)).unwrap());
}

#[test]
fn text_without_a_header_says_how_it_begins() {
    let whole = gunzip(&text(&bill(), &FileShape::default().without(&["bill_billing_entity"])));
    let (_, rows) = whole.split_once('\n').unwrap();
    let cure = "copy the file as it lies in the export's bucket, and if it was split put the header before each part";
    assert_eq!(
        refused(gzip(rows)),
        (
            format!(
                "its first line is no header of CUR 2.0 (it begins with \"Anniversary,,2026-11-01T00:00:00.000Z,,,\"): \
                 {cure}"
            ),
            "export.no_header"
        )
    );
    assert_eq!(refused(gzip("<html><body>denied</body></html>")).1, "export.no_header");
}

#[test]
fn other_tables_are_named_with_what_to_create_instead() {
    let legacy =
        "identity/LineItemId,identity/TimeInterval,bill/InvoiceId,lineItem/UnblendedCost,product/ProductName\n";
    let cure = "create a CUR 2.0 export with IAM principal data (INCLUDE_IAM_PRINCIPAL_DATA)";
    let said = format!(
        "this is a legacy Cost and Usage Report (it has the column bill/InvoiceId), which never names the caller: {cure}"
    );
    assert_eq!(refused(gzip(legacy)), (said, "export.legacy_report"));
    let focus =
        "AvailabilityZone,BilledCost,BillingAccountId,ChargePeriodStart,EffectiveCost,x_ServiceCode\n,1.0,,,,\n";
    let said = format!(
        "this is a FOCUS export (it has the column BilledCost), which never names the caller: {cure} beside it"
    );
    assert_eq!(refused(gzip(focus)), (said, "export.focus"));
}

/// The columns that every legacy report has in Parquet; those of a text have the same names there.
const LEGACY: &str = "identity_line_item_id,identity_time_interval,bill_invoice_id,bill_billing_entity,\
                      bill_payer_account_id,line_item_usage_account_id,line_item_line_item_type,\
                      line_item_product_code,line_item_usage_start_date,line_item_currency_code,\
                      line_item_unblended_cost,line_item_line_item_description,product_product_name,\
                      product_region_code,resource_tags_user_team,cost_category_env";

#[test]
fn an_export_that_lays_everything_flat_is_not_called_legacy() {
    assert_eq!(refused(gzip(LEGACY)).1, "export.legacy_report");
    for only_in_cur_2 in
        ["line_item_iam_principal", "bill_payer_account_name", "line_item_usage_account_name", "tags", "discount"]
    {
        assert!(reduce(gzip(format!("{LEGACY},{only_in_cur_2}\n"))).is_ok(), "{only_in_cur_2}");
    }
    // A legacy report cannot be trimmed.
    for trimmed in ["identity_time_interval,", "bill_invoice_id,", "line_item_line_item_description,"] {
        assert!(reduce(gzip(LEGACY.replace(trimmed, ""))).is_ok(), "{trimmed}");
    }
}
