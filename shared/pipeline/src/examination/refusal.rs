//! Files that cannot be read, as findings: each is named, with what it is and how to mend it.

use std::collections::BTreeMap;

use spend_cur::error::CurError;

use crate::examination::finding::{Finding, Remedy, Subject};

const NEXT_DELIVERY: &str = "24 h until the next delivery, which replaces the whole month";

/// One finding for each file; where all files are of one wrong kind, because the export is, one for all of them.
pub(super) fn findings(subject: &Subject, errors: &[(String, CurError)]) -> Vec<Finding> {
    let mut findings: Vec<Finding> = Vec::new();
    let mut of_export: BTreeMap<&'static str, (usize, usize)> = BTreeMap::new();
    for (_, error) in errors {
        let refusal = Refusal::of(error);
        let id = refusal.id();
        if refusal.is_of_export()
            && let Some((_, others)) = of_export.get_mut(id)
        {
            *others += 1;
            continue;
        }
        of_export.insert(id, (findings.len(), 0));
        let finding = subject.problem(id, error.to_string(), refusal.remedy());
        findings.push(Finding { is_of_another_kind: refusal.is_of_another_kind(), ..finding });
    }
    for (position, others) in of_export.into_values().filter(|(_, others)| *others > 0) {
        if let Some(finding) = findings.get_mut(position) {
            finding.what = format!("{}; {others} more files of the delivery are of the same kind", finding.what);
        }
    }
    findings
}

/// Why a file was refused, as far as the cure goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refusal {
    LegacyReport,
    Focus,
    NotAChunk,
    NoHeader,
    MissingColumn,
    WrongType,
    UnsupportedCodec,
    TooLarge,
    Damaged,
    WrongPeriod,
    BadValue,
    Unreadable,
    Manifest,
}

impl Refusal {
    fn of(error: &CurError) -> Self {
        match error {
            CurError::LegacyReport { .. } => Self::LegacyReport,
            CurError::Focus { .. } => Self::Focus,
            CurError::NotAChunk { .. } => Self::NotAChunk,
            CurError::NoHeader { .. } => Self::NoHeader,
            CurError::MissingColumn { .. } => Self::MissingColumn,
            CurError::WrongType { .. } => Self::WrongType,
            CurError::UnsupportedCodec { .. } => Self::UnsupportedCodec,
            CurError::Bomb { .. } | CurError::Oversized { .. } | CurError::TooMuch { .. } => Self::TooLarge,
            CurError::Corrupt { .. } => Self::Damaged,
            CurError::WrongPeriod { .. } => Self::WrongPeriod,
            CurError::BadValue { .. } | CurError::Overlong { .. } => Self::BadValue,
            CurError::Source { .. } => Self::Unreadable,
            CurError::ManifestShape { .. }
            | CurError::ManifestSize { .. }
            | CurError::ManifestFiles { .. }
            | CurError::ManifestScope { .. } => Self::Manifest,
        }
    }

    /// The finding's name.
    fn id(self) -> &'static str {
        match self {
            Self::LegacyReport => "legacy-report",
            Self::Focus => "focus-export",
            Self::NotAChunk => "file-of-another-kind",
            Self::NoHeader => "csv-without-header",
            Self::MissingColumn => "required-columns-missing",
            Self::WrongType => "column-of-wrong-type",
            Self::UnsupportedCodec => "unsupported-codec",
            Self::TooLarge => "file-inflates-too-far",
            Self::Damaged => "file-damaged",
            Self::WrongPeriod => "file-in-wrong-period",
            Self::BadValue => "value-cannot-be-counted",
            Self::Unreadable => "file-unreadable",
            Self::Manifest => "file-refused",
        }
    }

    /// Whether it is of the export rather than of one file.
    fn is_of_export(self) -> bool {
        matches!(
            self,
            Self::LegacyReport
                | Self::Focus
                | Self::NoHeader
                | Self::MissingColumn
                | Self::WrongType
                | Self::UnsupportedCodec
        )
    }

    /// Whether the files are no chunks of a CUR 2.0 export, and never will be.
    fn is_of_another_kind(self) -> bool {
        matches!(self, Self::LegacyReport | Self::Focus | Self::NotAChunk | Self::NoHeader)
    }

    fn remedy(self) -> Remedy<&'static str> {
        let a_part = "a delivery with a file that cannot be read is not published: its month would be incomplete";
        match self {
            Self::LegacyReport => Remedy {
                why: "the legacy report never names the caller of Amazon Bedrock, and has other columns",
                cure: "create a CUR 2.0 export (AWS Data Exports, table COST_AND_USAGE_REPORT) with \
                       INCLUDE_IAM_PRINCIPAL_DATA = TRUE, beside the legacy report",
                takes: "24 h until the first delivery; days before 8 April 2026 never name a caller",
            },
            Self::Focus => Remedy {
                why: "FOCUS has no column for the caller of Amazon Bedrock",
                cure: "create a CUR 2.0 export (AWS Data Exports, table COST_AND_USAGE_REPORT) with \
                       INCLUDE_IAM_PRINCIPAL_DATA = TRUE, beside this one",
                takes: "24 h until the first delivery",
            },
            Self::MissingColumn => Remedy {
                why: "without these columns no cost can be counted, so nothing of this export is counted",
                cure: "add them to the export's query (console: Data Exports, Edit; or UpdateExport)",
                takes: NEXT_DELIVERY,
            },
            Self::WrongType => Remedy {
                why: a_part,
                cure: "select the column in the export's query as it is; or copy the files instead of re-writing them",
                takes: NEXT_DELIVERY,
            },
            Self::UnsupportedCodec => Remedy {
                why: a_part,
                cure: "copy AWS's own files, which are compressed with Snappy, or re-write them with Zstandard or gzip",
                takes: "as long as copying takes",
            },
            Self::NoHeader => Remedy {
                why: "columns are found by their names, and this file has none",
                cure: "copy AWS's own files, which have a header each, instead of parts of them",
                takes: "as long as copying takes",
            },
            Self::WrongPeriod => Remedy {
                why: "a file in another month's folder would count that month's spend twice",
                cure: "copy the export again, keeping its folders",
                takes: "as long as copying takes",
            },
            Self::BadValue => Remedy {
                why: a_part,
                cure: "copy the file again; if the value is in AWS's own file too, report the line item to AWS Support",
                takes: NEXT_DELIVERY,
            },
            Self::NotAChunk | Self::TooLarge | Self::Damaged | Self::Unreadable | Self::Manifest => Remedy {
                why: a_part,
                cure: "copy the file again (aws s3 sync replaces what differs in size or time; aws s3 cp always does), or \
                       wait for the next delivery",
                takes: "as long as copying takes, or 24 h until the next delivery",
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::examination::finding::Severity;

    /// What cannot be made by hand as a file of an export in the tests of the whole command.
    #[test]
    fn what_cannot_be_decoded_inflates_too_far_or_is_not_answered_for_is_named_with_its_cure() {
        let file = || "cur/data/BILLING_PERIOD=2026-11/cur-00001.snappy.parquet".to_owned();
        let codec = CurError::UnsupportedCodec {
            file: file(),
            row_group: 0,
            column: "line_item_usage_type".to_owned(),
            codec: "BROTLI".to_owned(),
        };
        let bomb = CurError::Bomb { file: file(), compressed: 1 << 20, inflated: 1 << 30 };
        let silent = CurError::Source { file: file(), range: 0..8, source: "the disk is gone".into() };
        let subject = Subject { export: Some("cur".to_owned()), period: None };
        for (error, id, parts) in [
            (codec, "unsupported-codec", ["BROTLI", "line_item_usage_type"]),
            (bomb, "file-inflates-too-far", ["1048576", "1073741824"]),
            (silent, "file-unreadable", ["the disk is gone", "bytes 0"]),
        ] {
            let message = error.to_string();
            let findings = findings(&subject, &[(file(), error)]);
            let [finding] = findings.as_slice() else { panic!("{findings:?}") };
            assert_eq!((finding.id, finding.severity), (id, Severity::Problem));
            assert_eq!(finding.what, message);
            assert!(finding.what.contains(&file()), "{}", finding.what);
            for part in parts {
                assert!(finding.what.contains(part), "{part} in {}", finding.what);
            }
            for text in [&finding.why, &finding.cure, &finding.takes] {
                assert!(!text.is_empty(), "{finding:?}");
            }
        }
    }
}
