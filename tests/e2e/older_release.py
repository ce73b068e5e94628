"""A ledger as an older release would have written it: each object in the oldest version that this release still reads.

An upgrade leaves such objects to the new functions, and half an upgrade leaves both kinds. Of each version that has a
predecessor in fixtures/formats, `BEFORE` says how the predecessor said the same; a version without an entry fails the
run, and so does an object that has a field which its version's fixture does not have.
"""

import json
import pathlib

import pyarrow
import tabular

FIXTURES = pathlib.Path(__file__).resolve().parents[1] / "fixtures" / "formats"
# Sent, not stored.
EVENTS = "-event"


def without(*fields):
    """The predecessor lacked these fields, each named by its path."""

    def before(document):
        for field in fields:
            *above, name = field.split(".")
            place = document
            for part in above:
                place = place[part]
            place.pop(name, None)
        return document

    return before


def sealed(delivery):
    """A delivery that was sealed again has an id that the first version did not know: it stays as it is."""
    if delivery["delivery_id"] != delivery.pop("execution", delivery["delivery_id"]):
        return None
    return without("earlier", "replaces")(delivery)


def ready(document):
    document["delivery"] = sealed(document["delivery"])
    return document if document["delivery"] else None


def pictures(page):
    """Contexts were not told apart: where a page has long ones, the first version had other numbers."""
    return None if '"context": "long"' in json.dumps(page) else page


def alerts(state):
    """Each crossing for itself, by its key. See shared/ledger/src/alert/stored.rs and ids.rs."""
    names, crossings = state.pop("names"), {}
    for common, rows in state.pop("crossings"):
        for member, owner, spent, rise, count in rows:
            crossing = {**common, "count": count, "spent": spent, "rise": rise}
            crossing |= {"member": None if member is None else names[member]}
            crossing |= {"owner": None if owner is None else names[owner]}
            key = crossing_key(crossing)
            if isinstance(common["told"], dict):
                (how, alert_id), = common["told"].items()
                crossing["told"] = {how: alert_id or f"{key}:{count}"}
            crossings[key] = {name: value for name, value in crossing.items() if value is not None}
    state["crossings"] = crossings
    return without("horizon", "origin", "incidents")(state)


def told(metrics):
    """What lies elsewhere was not known: it stays as it is."""
    return None if '"elsewhere"' in json.dumps(metrics) else metrics


def moved(entry):
    """Each row said whether its day had settled by the month's own data, which nothing reads any more."""
    rows = [{**row, "restated": True} if entry["kind"] == "delivery" else row for row in entry["moved"]]
    return {**entry, "moved": rows}


def crossing_key(crossing):
    plain = lambda text: "".join(
        each if each.isascii() and (each.isalnum() or each in "-._~@/+()*=,") else "".join(f"%{byte:02x}" for byte in each.encode())
        for each in text
    )
    member = crossing["member"]
    member = "-" if member is None else "%2D" if member == "-" else plain(member)
    window, kind, level = crossing["window"]["start"], crossing["kind"], plain(crossing["level"])
    return f"{plain(crossing['rule'])}:{member}:{plain(crossing['currency'])}:{window}:{kind}:{level}:{crossing['amount']}"


BEFORE = {
    "alert-state/2": alerts,
    "history/2": moved,
    "metric-series/2": without("from"),
    "operations-state/2": without("kinds"),
    "page/2": pictures,
    # The rows were in the document; `tabular` has put them there.
    "period-state/4": without(),
    "period-state/3": without("folded"),
    "period-state/2": without("counts.resource_tags", "facts.columns.context"),
    "put-gauges/2": without("from", "putting_since"),
    "put-health/2": without("from", "told"),
    "ready-delivery/2": ready,
    "reduction/3": without(),
    "reduction/2": without("counts.resource_tags"),
    "sealed-delivery/2": sealed,
    "swept/3": without("trials", "looks", "left"),
    "swept/2": without("ready", "waiting"),
    "swept-ready/3": without("counting", "contested", "trials", "left"),
    "swept-ready/2": without("states"),
    "told-metrics/3": told,
    "told-metrics/2": without("from"),
}

# What was not compressed, and lay at a key that says so.
PLAIN = {"history/1"}


def missing():
    """Versions that have a predecessor, and no entry."""
    versions = [folder.name.rpartition("-") for folder in FIXTURES.iterdir() if folder.is_dir()]
    names = {f"{name}/{version}" for name, _, version in versions if not name.endswith(EVENTS)}
    follow = {each for each in names if predecessor(each) in names}
    return sorted(follow - set(BEFORE))


def predecessor(name):
    kind, version = name.split("/")
    return f"{kind}/{int(version) - 1}"


def oldest(name):
    while name in BEFORE:
        name = predecessor(name)
    return name


def as_older_release(key, body):
    """The bytes of an object as an older release would have written them, in which version, and at which key; `None` for
    what is the same in each release, or is no document."""
    table = tabular.read(body)
    is_compressed = table is not None or body.startswith(b"\x28\xb5\x2f\xfd")
    try:
        document = table or json.loads(decompressed(body) if is_compressed else body)
        name = document.pop("format")
    except (ValueError, KeyError, TypeError):
        return None
    older = None
    while name in BEFORE and (document := BEFORE[name](document)) is not None:
        name = predecessor(name)
        older = json.dumps({"format": name, **document}).encode()
        unknown = set(document) - known(name)
        assert not unknown, f"{name} has no {unknown}: see its fixture"
    if older is None:
        return None
    if name in PLAIN:
        return name, key.removesuffix(".zst"), older
    return name, key, compressed(older) if is_compressed else older


def differences():
    """Fixtures of the oldest versions that are not what `BEFORE` makes of what this release reads them as."""
    found = []
    for name in sorted(set(map(oldest, BEFORE))):
        kind = name.split("/")[0]
        newest = max((each for each in BEFORE if each.startswith(f"{kind}/")), key=lambda each: int(each.split("/")[1]))
        for read in sorted((FIXTURES / name.replace("/", "-")).glob("*.read.json")):
            stored = read.with_name(read.name.replace(".read.json", ".json"))
            body = stored.read_bytes() if stored.exists() else decompressed(stored.with_suffix(".json.zst").read_bytes())
            document = json.loads(read.read_text())
            if set(document) == {"head", "rows"}:
                rows = tabular.ROWS[kind]
                document = {**document["head"], rows: tabular.of_rows(document["rows"], columns(kind, rows))}
            made = as_older_release("", json.dumps({"format": newest, **document}).encode())
            if made is None or without_keys(json.loads(made[2])) != without_keys(json.loads(body)):
                found.append(f"{name}: {read.name}")
    return found


def columns(kind, rows):
    """The columns of the newest version of which they were JSON."""
    newest = max(FIXTURES.glob(f"{kind}-*/whole.json.zst"), key=lambda path: (not is_tabular(path), path))
    return json.loads(decompressed(newest.read_bytes()))[rows]["columns"]


def is_tabular(path):
    return tabular.read(path.read_bytes()) is not None


def without_keys(document):
    """The keys of crossings are made up in the fixture; a state of a ledger has those that follow from their content."""
    crossings = document.get("crossings", {})
    return {**document, "crossings": sorted(json.dumps(each, sort_keys=True) for each in crossings.values())} if crossings else document


def known(version):
    """The fields that the fixture of a version has."""
    folder = FIXTURES / version.replace("/", "-")
    found = {}
    for path in [*folder.glob("*.json"), *folder.glob("*.json.zst")]:
        if not path.name.endswith(".read.json"):
            body = path.read_bytes()
            found |= tabular.read(body) or json.loads(decompressed(body) if path.suffix == ".zst" else body)
    return set(found)


def decompressed(body):
    return pyarrow.CompressedInputStream(pyarrow.BufferReader(body), "zstd").read()


def compressed(text):
    sink = pyarrow.BufferOutputStream()
    with pyarrow.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(text)
    return sink.getvalue().to_pybytes()
