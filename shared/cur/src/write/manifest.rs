//! Manifests: what AWS writes after all data files of a delivery.

use serde_json::json;
use spend_core::calendar::period::BillingPeriod;

use crate::columns::schema::{self, Kind};

/// A delivery's manifest. AWS documents what it says (all columns, the list of files, the period) but not how; the
/// field names are those on which independent readers of live exports agree.
///
/// `keys` are the keys of the data files in `bucket`, in order. `execution_id` is left out where there is none.
/// A column that CUR 2.0 does not have (renamed by the export's query) is said to be text.
pub fn manifest(
    export_arn: &str,
    export_name: &str,
    execution_id: Option<&str>,
    columns: &[&str],
    bucket: &str,
    keys: &[String],
    period: BillingPeriod,
) -> Vec<u8> {
    let kind_of = |name: &str| schema::column(name).map_or(Kind::Text, |column| column.kind);
    let columns: Vec<_> = columns.iter().map(|name| json!({ "name": name, "type": kind_of(name).as_str() })).collect();
    let files: Vec<_> = keys.iter().map(|key| format!("s3://{bucket}/{key}")).collect();
    let mut manifest = json!({
        "exportArn": export_arn,
        "exportName": export_name,
        "columns": columns,
        "dataFiles": files,
        "billingPeriod": period.to_string(),
    });
    if let (Some(fields), Some(id)) = (manifest.as_object_mut(), execution_id) {
        fields.insert("executionId".to_owned(), id.into());
    }
    format!("{manifest:#}\n").into_bytes()
}
