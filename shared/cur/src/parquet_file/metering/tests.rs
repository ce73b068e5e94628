use std::sync::Arc;

use arrow::array::{ArrayRef, Date32Array, Decimal128Array, Float64Array, Int64Array, StringArray};
use parquet::arrow::ArrowWriter;

use super::*;

fn record(tenant: &str, model: &str, amount: &str) -> MeteringRecord {
    let [gateway, tenant, model] = ["role/gw@1", tenant, model].map(str::to_owned);
    MeteringRecord { date: "2026-11-01".parse().unwrap(), gateway, tenant, model, amount: amount.parse().unwrap() }
}

fn parquet(columns: Vec<(&str, ArrayRef)>) -> Result<Vec<MeteringRecord>, String> {
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    read("m.parquet", &Bytes::from(bytes)).map_err(|error| error.to_string())
}

#[test]
fn parquet_says_the_same_in_whatever_types_show_days_and_numbers() {
    let day = Date32Array::from(vec![20_758]);
    let texts = |text: &str| -> ArrayRef { Arc::new(StringArray::from(vec![text])) };
    let decimal = Decimal128Array::from(vec![150]).with_precision_and_scale(10, 2).unwrap();
    let amounts: [(ArrayRef, &str); 4] = [
        (Arc::new(Int64Array::from(vec![2])), "2"),
        (Arc::new(Float64Array::from(vec![0.1])), "0.1"),
        (Arc::new(decimal), "1.5"),
        (texts("3.25"), "3.25"),
    ];
    for (amount, expected) in amounts {
        for date in [Arc::new(day.clone()) as ArrayRef, texts("2026-11-01")] {
            let model: ArrayRef = Arc::new(StringArray::from(vec![None::<&str>]));
            let columns = vec![
                ("amount", Arc::clone(&amount)),
                ("date", date),
                ("gateway", texts("role/gw@1")),
                ("tenant", texts("search")),
                ("model", model),
            ];
            assert_eq!(parquet(columns), Ok(vec![record("search", "", expected)]));
        }
    }
    let missing = parquet(vec![("date", texts("2026-11-01"))]).unwrap_err();
    assert!(missing.contains("no column `gateway`"), "{missing}");
}

#[test]
fn what_is_no_parquet_and_what_is_wrong_in_it_is_told_with_its_row_and_nothing_is_used() {
    let texts = |texts: [&str; 2]| -> ArrayRef { Arc::new(StringArray::from(texts.to_vec())) };
    let columns = vec![
        ("date", texts(["2026-11-01", "2026-11-31"])),
        ("gateway", texts(["g", "g"])),
        ("tenant", texts(["t", "t"])),
        ("amount", texts(["1", "1"])),
    ];
    let found = parquet(columns).unwrap_err();
    assert_eq!(found, "m.parquet: row 1: the date is not written as 2026-11-20");
    assert!(read("m", &Bytes::from_static(b"PAR1 and nothing else")).unwrap_err().to_string().contains("Parquet"));
}
