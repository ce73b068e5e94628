"""Objects with a table beside their document (shared/ledger/src/state/tabular.rs), as the JSON that earlier versions were."""

import json

import pyarrow

# What a frame begins with that zstd skips (RFC 8878, 3.1.2); its length follows in four bytes.
SKIPPED = b"\x50\x2a\x4d\x18"
# What the rows of each format were called.
ROWS = {"period-state": "facts", "reduction": "lines"}
SUMS = ["usage_amount", "tokens", "unblended_cost", "net_unblended_cost", "list_cost", "line_items", "lines_without_net"]
OPTIONAL = {"tokens", "list_cost"}
COUNTS = {"line_items", "lines_without_net"}


def read(body):
    """The document of an object, with its rows in columns; `None` if it is no object with a table."""
    if body[:4] != SKIPPED:
        return None
    start = 8 + int.from_bytes(body[4:8], "little")
    opening, rest = json.loads(body[8:start]), body[start:]
    head, outline = (json.loads(text) for text in decompressed(rest[: opening["head"]]).splitlines())
    frames = Frames(rest[opening["head"] :])
    rows = outline["rows"]
    columns = {"rows": rows, "days": frames.column(rows, outline["days"])}
    columns["columns"] = {name: frames.column(rows, column) for name, column in outline["columns"].items()}
    columns["tags"] = frames.column(rows, outline["tags"])
    for name in SUMS:
        if name in COUNTS:
            columns[name] = frames.numbers(rows, outline[name])
        elif name in OPTIONAL:
            amounts = frames.amounts(rows, outline[name]["amounts"])
            present = frames.numbers(rows, outline[name]["present"])
            columns[name] = [amount if here else None for amount, here in zip(amounts, present)]
        else:
            columns[name] = frames.amounts(rows, outline[name])
    return {**head, ROWS[head["format"].split("/")[0]]: columns}


def of_rows(rows, names):
    """Rows as columns, each value in the order of first use."""
    columns = {"rows": len(rows), "days": coded([row["day"] for row in rows])}
    columns["columns"] = {name: coded([row.get(name, "") for row in rows]) for name in names}
    columns["tags"] = coded([row.get("tags", {}) for row in rows])
    for name in SUMS:
        columns[name] = [row.get(name, None if name in OPTIONAL else 0 if name in COUNTS else "0") for row in rows]
    return columns


def coded(column):
    values = []
    for value in column:
        if value not in values:
            values.append(value)
    return {"values": values, "codes": [values.index(value) for value in column]}


class Frames:
    """zstd frames, one after the other."""

    def __init__(self, body):
        self.body = body

    def next(self, length):
        frame, self.body = self.body[:length], self.body[length:]
        return decompressed(frame) if length else b""

    def column(self, rows, outline):
        values = json.loads(self.next(outline["values"]) or "[]")
        return {"values": values, "codes": self.numbers(rows, outline["codes"])}

    def numbers(self, rows, outline):
        width = outline["width"]
        body = self.next(outline["bytes"])
        return [int.from_bytes(body[at : at + width], "little") for at in range(0, rows * width, width)] if width else [0] * rows

    def amounts(self, rows, outline):
        width = outline["width"]
        body = self.next(outline["bytes"])
        if not width:
            return ["0"] * rows
        counts = (int.from_bytes(body[at : at + width], "little", signed=True) for at in range(0, rows * width, width))
        return [decimal(count * outline["unit"]) for count in counts]


def decimal(units):
    """A count of 10^-18 as the program writes it."""
    whole, fraction = divmod(abs(units), 10**18)
    text = f"{whole}.{fraction:018}".rstrip("0").rstrip(".")
    return f"-{text}" if units < 0 else text


def decompressed(body):
    return pyarrow.CompressedInputStream(pyarrow.BufferReader(body), "zstd").read()
