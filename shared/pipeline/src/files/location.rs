//! What the key of a manifest or of a data file says.

use chrono::{DateTime, NaiveDateTime, Utc};
use spend_core::calendar::period::BillingPeriod;
use spend_cur::delivery::layout::{self, ExportPath, ObjectKind};
use spend_ledger::state::keys::Statement;

/// What a manifest's key says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManifestLocation {
    pub export: ExportPath,
    pub period: BillingPeriod,
    /// The time in the name of its folder, where the export keeps every delivery.
    pub folder_time: Option<DateTime<Utc>>,
}

impl ManifestLocation {
    /// Reads a manifest's key; `None` if it is another object's.
    pub fn of(key: &str) -> Option<Self> {
        let ObjectKind::Manifest { export, period, folder } = layout::classify_key(key) else { return None };
        Some(Self { export, period, folder_time: folder.as_deref().and_then(folder_time) })
    }
}

/// The time in the name of a delivery's folder, `2026-11-19T05:10:00.123Z-EXECUTION-ID`: the id may have any shape,
/// the time ends with its zone. Tools that copy exports spell its colons as `%3A`; ISO 8601's basic form
/// (`20261119T051000Z`) is read too, because an order by anything else would let an old folder replace a new one.
pub fn folder_time(folder: &str) -> Option<DateTime<Utc>> {
    let time = folder.split_inclusive('Z').next()?;
    let basic = || NaiveDateTime::parse_from_str(time, "%Y%m%dT%H%M%S%.fZ").map(|time| time.and_utc());
    time.replace("%3A", ":").replace("%3a", ":").parse().or_else(|_| basic()).ok()
}

/// What an object of an export is of; `None` of any other object.
pub fn statement(key: &str) -> Option<Statement> {
    match layout::classify_key(key) {
        ObjectKind::Manifest { export, period, .. } | ObjectKind::Chunk { export, period, .. } => {
            Some(Statement { export_id: export.export_id(), period })
        }
        ObjectKind::Ignored { .. } => None,
    }
}

/// How a copy may spell the key of a data file.
pub(crate) fn spellings(key: &str) -> Vec<String> {
    let Some((root, rest)) = key.rfind("/data/").and_then(|at| key.split_at_checked(at)) else { return Vec::new() };
    let plain = rest.replace("%3D", "=").replace("%3d", "=").replace("%3A", ":").replace("%3a", ":");
    let (equals, colons) = (plain.replacen('=', "%3D", 1), plain.replace(':', "%3A"));
    let both = equals.replace(':', "%3A");
    [plain, equals, colons, both].into_iter().map(|spelled| format!("{root}{spelled}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folders_time_is_read_however_it_is_spelled() {
        let time: DateTime<Utc> = "2026-11-19T05:10:00Z".parse().unwrap();
        for folder in ["2026-11-19T05:10:00Z-0a1b", "2026-11-19T05%3A10%3a00.000Z-Z", "20261119T051000Z-0a1b"] {
            assert_eq!(folder_time(folder), Some(time), "{folder}");
        }
        for folder in ["", "0a1b", "2026-11-19", "20261119T0510Z-0a1b", "Z", "%3AZ"] {
            assert_eq!(folder_time(folder), None, "{folder}");
        }
    }
}
