"""Keys of every object in the catalogue of stored state (ARCHITECTURE.md), and who writes them."""

STATEMENT = "export=cur--0a1b2c3d/period=2026-11"
DELIVERY = "1f0a6f6c-0d0c-4d53-8b1c-3a2f0f7b9c11"

READY = f"deliveries/{STATEMENT}/{DELIVERY}/ready.json"
CONFIGURATION = "config/ledger.toml"
OVERRIDES = "config/people.csv"
STATE = f"state/{STATEMENT}.json.zst"
NOTE = "operations/notes/9f86d081884c7d659a2feaa0c55ad015.json"

CHARGEBACK = ("showback.csv", "chargeback.csv", "unit_costs.csv", "tiers.csv", "cache.csv", "about.json")

# What only a person writes is nobody's output.
BY_PEOPLE = [CONFIGURATION, OVERRIDES, "config/forgotten.json", "metering/gateway.csv"]

WRITTEN_BY = {
    "ingest": [
        f"reductions/{STATEMENT}/v2/9f86d081884c7d659a2feaa0c55ad015.json.zst",
        f"deliveries/{STATEMENT}/{DELIVERY}/sealed.json",
        READY,
        "sweep/backfill.json",
        "sweep/deliveries.json",
        NOTE,
    ],
    "aggregate": [
        "claims/payer=111122223333/period=2026-11.json",
        f"history/{STATEMENT}/000001-{DELIVERY}-9f86d081884c7d65.json.zst",
        STATE,
        "facts/export=cur--0a1b2c3d/billing_period=2026-11/facts.parquet",
        "metrics/series.json",
        "metrics/namespace=9f86d081884c7d659a2feaa0c55ad015/gauges.json",
        "metrics/namespace=9f86d081884c7d659a2feaa0c55ad015/health.json",
        f"metrics/namespace=9f86d081884c7d659a2feaa0c55ad015/told/{STATEMENT}.json.zst",
        "config/in-force.toml",
        "sweep/ready.json",
        NOTE,
    ],
    "alert": ["alerts/state.json", "operations/state.json", NOTE],
    "digest": [
        "digests/state.json",
        "pages/period=2026-11.html",
        "pages/period=2026-11.json",
        *(f"chargeback/period=2026-11/{name}" for name in CHARGEBACK),
        NOTE,
    ],
}

# A note of alert's own is sent by alert. That is no circle: each is written once, and sending it writes none.
OWN_INPUT = {"alert": [NOTE]}

DRIVEN_BY = {"aggregate": {READY, CONFIGURATION, OVERRIDES}, "alert": {STATE, NOTE}}

# Below the prefix of an export, as AWS and tools that copy write them.
EXPORT_KEYS = [
    "cur/data/BILLING_PERIOD=2026-11/cur-00001.snappy.parquet",
    "cur/metadata/BILLING_PERIOD=2026-11/cur-Manifest.json",
    "cur/data/BILLING_PERIOD=2026-11/2026-11-20T05:12:44.611Z-1f0a6f6c/cur-00001.csv.gz",
    "cur/metadata/BILLING_PERIOD%3D2026-11/cur-Manifest.json",
]
