//! Where each stored object of the ledger lies. The catalogue in ARCHITECTURE.md says who writes it and when.

use sha2::{Digest, Sha256};
use spend_core::bill::line::KeptTags;
use spend_core::calendar::period::BillingPeriod;

use crate::state::commit::AppliedDelivery;
use crate::store::{ETag, content_tag};

/// The release of what a reduction keeps of a chunk. A new one reads every chunk of new deliveries again; what was
/// delivered before may be derived from the reductions of the one before.
///
/// Version 2 knows the service codes of knowledge bases.
pub const REDUCER_VERSION: u32 = 2;

/// One billing period of one export: what deliveries are refreshes of.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Statement {
    /// The export's id, see the facts contract: its name, with a hash of its path where it has a prefix.
    pub export_id: String,
    pub period: BillingPeriod,
}

impl Statement {
    /// The reduction of one version of one chunk. Tags that were listed are part of what it keeps, so they are part
    /// of its key.
    pub fn reduction_key(&self, chunk_key: &str, etag: &ETag, kept: &KeptTags) -> String {
        self.reduction_key_of(REDUCER_VERSION, chunk_key, etag, kept)
    }

    /// Where the release before kept it.
    pub fn earlier_reduction_key(&self, chunk_key: &str, etag: &ETag, kept: &KeptTags) -> String {
        self.reduction_key_of(REDUCER_VERSION - 1, chunk_key, etag, kept)
    }

    fn reduction_key_of(&self, version: u32, chunk_key: &str, etag: &ETag, kept: &KeptTags) -> String {
        let mut parts = vec![chunk_key, &etag.0];
        parts.extend(kept.listed().map(AsRef::as_ref));
        let chunk = short_hash(&parts);
        format!("reductions/{}/v{version}/{chunk}.json.zst", self.folder())
    }

    /// The folder of all sealed deliveries.
    pub fn deliveries_prefix(&self) -> String {
        format!("{DELIVERIES_PREFIX}{}/", self.folder())
    }

    /// What a delivery consists of.
    pub fn sealed_key(&self, delivery_id: &str) -> String {
        format!("{}{delivery_id}/sealed.json", self.deliveries_prefix())
    }

    /// That every chunk of a delivery is reduced.
    pub fn ready_key(&self, delivery_id: &str) -> String {
        format!("{}{delivery_id}/ready.json", self.deliveries_prefix())
    }

    /// That the manifest of an execution was there before its files were.
    pub fn seen_manifest_key(&self, execution: &str) -> String {
        format!("{}{execution}/manifest.json", self.deliveries_prefix())
    }

    /// The period's state: the only commit.
    pub fn state_key(&self) -> String {
        format!("{STATE_PREFIX}{}.json.zst", self.folder())
    }

    /// What a commit moved.
    pub fn history_key(&self, commit: &AppliedDelivery) -> String {
        format!("{}.zst", self.earlier_history_key(commit))
    }

    /// Where releases that wrote `history/1` kept it.
    pub fn earlier_history_key(&self, commit: &AppliedDelivery) -> String {
        let AppliedDelivery { sequence, delivery_id, moved, .. } = commit;
        format!("history/{}/{sequence:06}-{delivery_id}-{moved}.json", self.folder())
    }

    /// The facts file, for programs that read Parquet.
    pub fn facts_key(&self) -> String {
        format!("{FACTS_PREFIX}export={}/billing_period={}/facts.parquet", self.export_id, self.period)
    }

    /// The statement whose facts file `key` is, if it is one.
    pub fn from_facts_key(key: &str) -> Option<Self> {
        let (export_id, period) = key
            .strip_prefix(FACTS_PREFIX)?
            .strip_prefix("export=")?
            .strip_suffix("/facts.parquet")?
            .split_once("/billing_period=")?;
        Some(Self { export_id: export_id.to_owned(), period: period.parse().ok()? })
    }

    /// What a namespace was told of the statement's spend.
    pub fn told_key(&self, namespace: &str) -> String {
        format!("{}{}.json.zst", told_prefix(namespace), self.folder())
    }

    /// The statement and the delivery whose ready object `key` is, if it is one.
    pub fn from_ready_key(key: &str) -> Option<(Self, String)> {
        let (folder, delivery_id) =
            key.strip_prefix(DELIVERIES_PREFIX)?.strip_suffix("/ready.json")?.rsplit_once('/')?;
        Some((Self::from_folder(folder)?, delivery_id.to_owned()))
    }

    fn folder(&self) -> String {
        format!("export={}/period={}", self.export_id, self.period)
    }

    /// The statement whose state object `key` is, if it is one.
    pub fn from_state_key(key: &str) -> Option<Self> {
        Self::from_folder(key.strip_prefix(STATE_PREFIX)?.strip_suffix(".json.zst")?)
    }

    fn from_folder(folder: &str) -> Option<Self> {
        let (export, period) = folder.split_once('/')?;
        let export_id = export.strip_prefix("export=")?.to_owned();
        let period = period.strip_prefix("period=")?.parse().ok()?;
        Some(Self { export_id, period })
    }
}

impl std::fmt::Display for Statement {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{} {}", self.export_id, self.period)
    }
}

/// The page of a month.
pub fn page_key(period: BillingPeriod) -> String {
    format!("pages/period={period}.html")
}

/// The numbers of the page of a month.
pub fn page_numbers_key(period: BillingPeriod) -> String {
    format!("pages/period={period}.json")
}

/// A file of the chargeback of a month.
pub fn chargeback_key(period: BillingPeriod, name: &str) -> String {
    format!("chargeback/period={period}/{name}")
}

/// Below it lie metering records of shared gateways, as their owners put them there.
pub const METERING_PREFIX: &str = "metering/";

/// Below it lie the states of all periods.
pub const STATE_PREFIX: &str = "state/";

/// Below it lie the facts files of all periods.
pub const FACTS_PREFIX: &str = "facts/";

/// Below it lie the sealed and the ready deliveries of all periods.
pub const DELIVERIES_PREFIX: &str = "deliveries/";

/// Below it lie the claims of all payers and periods.
pub const CLAIM_PREFIX: &str = "claims/payer=";

/// Which export is counted for a payer and period: the first that claimed it.
pub fn claim_key(payer_account_id: &str, period: BillingPeriod) -> String {
    format!("{CLAIM_PREFIX}{payer_account_id}/period={period}.json")
}

/// The payer and period whose claim `key` is, if it is one.
pub fn claimed(key: &str) -> Option<(&str, BillingPeriod)> {
    let (payer, period) = key.strip_prefix(CLAIM_PREFIX)?.strip_suffix(".json")?.rsplit_once("/period=")?;
    Some((payer, period.parse().ok()?))
}

/// Below it lies what is known of metrics.
pub const METRICS_PREFIX: &str = "metrics/";

/// Which members have a series in which month.
pub const METRIC_SERIES: &str = "metrics/series.json";

/// What the gauges of a namespace show, and of what they were last put.
pub fn gauges_key(namespace: &str) -> String {
    format!("metrics/{}/gauges.json", namespace_folder(namespace))
}

/// When health was last put to a namespace.
pub fn health_key(namespace: &str) -> String {
    format!("metrics/{}/health.json", namespace_folder(namespace))
}

/// Below it lies what a namespace was told of all statements. A namespace may hold what a key may not, so that a hash
/// stands for it.
pub fn told_prefix(namespace: &str) -> String {
    format!("metrics/{}/told/", namespace_folder(namespace))
}

fn namespace_folder(namespace: &str) -> String {
    format!("namespace={}", short_hash(&[namespace]))
}

/// Below it lie the notes for whoever operates this program.
pub const NOTES_PREFIX: &str = "operations/notes/";

pub fn note_key(id: &str) -> String {
    format!("{NOTES_PREFIX}{}.json", short_hash(&[id]))
}

/// Which deliveries of the export's bucket the sweep has nothing left to do for.
pub const SWEPT_DELIVERIES: &str = "sweep/deliveries.json";

/// How far the first sweep of the export's bucket has come.
pub const BACKFILL: &str = "sweep/backfill.json";

/// Which ready deliveries the sweep has seen aggregated.
pub const SWEPT_READY: &str = "sweep/ready.json";

/// The configuration as its owner writes it.
pub const CONFIG: &str = "config/ledger.toml";

/// Which names are replaced by which aliases.
pub const FORGOTTEN: &str = "config/forgotten.json";

/// A file beside it that it names.
pub fn beside_config(name: &str) -> String {
    format!("config/{name}")
}

/// Whether somebody has changed the configuration by writing `key`: itself, or a file beside it. Which of those it names is
/// for whoever adopts it to say.
pub fn is_of_configuration(key: &str) -> bool {
    key.starts_with("config/") && key != CONFIG_IN_FORCE && key != FORGOTTEN
}

/// The configuration that is in force: the last one that was valid.
pub const CONFIG_IN_FORCE: &str = "config/in-force.toml";

/// Whether what lies at `key` is compressed.
pub fn is_compressed(key: &str) -> bool {
    has_extension(key, "zst")
}

pub fn has_extension(key: &str, extension: &str) -> bool {
    key.rsplit_once('.').is_some_and(|(_, found)| found == extension)
}

/// Hexadecimal SHA-256 of `parts`, each preceded by its length so that no two lists of parts look alike.
pub fn hash(parts: &[&str]) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part.len().to_string());
        hasher.update(":");
        hasher.update(part);
    }
    let digest = hasher.finalize();
    content_tag::hex(&digest, digest.len())
}

fn short_hash(parts: &[&str]) -> String {
    hash(parts).chars().take(32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_key_reads_back() {
        let statement = Statement { export_id: "cur--0a1b2c3d".to_owned(), period: "2026-11".parse().unwrap() };
        assert_eq!(Statement::from_state_key(&statement.state_key()), Some(statement));
        assert_eq!(Statement::from_state_key("state/strange"), None);
    }

    #[test]
    fn a_ready_key_reads_back() {
        let statement = Statement { export_id: "cur--0a1b2c3d".to_owned(), period: "2026-11".parse().unwrap() };
        let read = Statement::from_ready_key(&statement.ready_key("1-a"));
        assert_eq!(read, Some((statement.clone(), "1-a".to_owned())));
        for stranger in [statement.sealed_key("1-a").as_str(), "deliveries/ready.json", "deliveries/x/1-a/ready.json"] {
            assert_eq!(Statement::from_ready_key(stranger), None, "{stranger}");
        }
    }

    #[test]
    fn a_facts_key_reads_back() {
        let statement = Statement { export_id: "cur--0a1b2c3d".to_owned(), period: "2026-11".parse().unwrap() };
        assert_eq!(Statement::from_facts_key(&statement.facts_key()), Some(statement));
        assert_eq!(Statement::from_facts_key("facts/export=e/facts.parquet"), None);
    }

    #[test]
    fn a_claim_key_reads_back_with_or_without_a_payer() {
        let period = "2026-11".parse().unwrap();
        for payer in ["111122223333", ""] {
            assert_eq!(claimed(&claim_key(payer, period)), Some((payer, period)));
        }
        assert_eq!(claimed("claims/payer=1.json"), None);
    }

    #[test]
    fn a_reduction_is_another_if_it_keeps_other_tags() {
        let statement = Statement { export_id: "cur".to_owned(), period: "2026-11".parse().unwrap() };
        let key = |listed: &[&str]| {
            statement.reduction_key("a", &ETag("1".to_owned()), &KeptTags::new(listed.iter().copied()))
        };
        assert_eq!(key(&["b", "c"]), key(&["c", "b"]));
        assert_ne!(key(&["b", "c"]), key(&["bc"]));
        assert_ne!(key(&[]), key(&["b"]));
        let plain = short_hash(&["a", "1"]);
        assert!(key(&[]).ends_with(&format!("/{plain}.json.zst")), "without a list the chunk alone names it");
    }

    /// Objects that are there are found by these names.
    #[test]
    fn hashes_in_keys_stay_what_they_are() {
        let whole = "5310a58788781ab25d5ad7c3f85035824b4eb7bdfa394e0ac2186271472b5492";
        assert_eq!(hash(&["a", "bc"]), whole);
        assert_eq!(
            note_key("store.damaged:cur 2026-11:2026-W47"),
            "operations/notes/2de2225bc68c0403cbb9e8c9f2382fbc.json"
        );
        assert_eq!(told_prefix("BedrockLedger"), "metrics/namespace=004a8124a3c137c9be41d546c7239806/told/");
        let statement = Statement { export_id: "cur".to_owned(), period: "2026-11".parse().unwrap() };
        let key = statement.reduction_key("a", &ETag("1".to_owned()), &KeptTags::new(["b"]));
        assert_eq!(key, "reductions/export=cur/period=2026-11/v2/4f85584f47ce5128e0310b6b524b4468.json.zst");
    }

    #[test]
    fn what_an_owner_writes_below_config_is_of_the_configuration_and_what_the_program_writes_there_is_not() {
        for key in [CONFIG, "config/overrides.csv"] {
            assert!(is_of_configuration(key), "{key}");
        }
        for key in [CONFIG_IN_FORCE, FORGOTTEN, "state/ledger.toml", "x/config/ledger.toml"] {
            assert!(!is_of_configuration(key), "{key}");
        }
    }

    #[test]
    fn keys_of_a_statement_and_a_namespace_stay_what_they_are() {
        let statement = Statement { export_id: "cur".to_owned(), period: "2026-11".parse().unwrap() };
        let key = statement.earlier_reduction_key("a", &ETag("1".to_owned()), &KeptTags::new(["b"]));
        assert_eq!(key, "reductions/export=cur/period=2026-11/v1/4f85584f47ce5128e0310b6b524b4468.json.zst");
        assert_eq!(statement.sealed_key("1-a"), "deliveries/export=cur/period=2026-11/1-a/sealed.json");
        let commit = crate::reaction_fixtures::applied("1-a", "2026-11-20T00:00:00Z");
        let commit = AppliedDelivery { sequence: 12, moved: "0f".to_owned(), ..commit };
        assert_eq!(statement.history_key(&commit), "history/export=cur/period=2026-11/000012-1-a-0f.json.zst");
        assert_eq!(beside_config("overrides.csv"), "config/overrides.csv");
        assert_eq!(statement.seen_manifest_key("1-a"), "deliveries/export=cur/period=2026-11/1-a/manifest.json");
        let folder = "metrics/namespace=004a8124a3c137c9be41d546c7239806";
        assert_eq!(gauges_key("BedrockLedger"), format!("{folder}/gauges.json"));
        assert_eq!(health_key("BedrockLedger"), format!("{folder}/health.json"));
    }

    #[test]
    fn a_hash_tells_where_its_parts_end() {
        assert_ne!(hash(&["ab", "c"]), hash(&["a", "bc"]));
    }
}
