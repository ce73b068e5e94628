"""The deliveries of a sample export, as AWS would have written them one after the other."""

import dataclasses
import json
import os
import pathlib
import re

import clock

FOLDER = re.compile(r"/(\d{4}-\d\d-\d\dT[^/]*)/")


@dataclasses.dataclass(frozen=True)
class Delivery:
    """One refresh of a billing period: when it was written, and its files in the order in which AWS writes them."""

    at: object
    files: tuple

    def upload(self, s3, clock, bucket):
        """Writes it chunk by chunk, the manifest last, at the time that it has."""
        now, clock.now = clock.now, self.at
        for key, body in self.files:
            s3.put_object(Bucket=bucket, Key=key, Body=body)
        clock.now = now

    def save(self, folder):
        """Writes it into a copy of the bucket on a disk."""
        for key, body in self.files:
            path = folder / key
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(body)
            os.utime(path, (self.at.timestamp(), self.at.timestamp()))


def kept(tree):
    """The deliveries of a sample whose export keeps every delivery, oldest first: each in folders of its own, with a copy
    of its manifest above them."""
    found = {}
    for path in sorted(pathlib.Path(tree).rglob("*")):
        key = path.relative_to(tree).as_posix()
        folder = FOLDER.search(f"/{key}")
        if path.is_file() and folder:
            found.setdefault(folder.group(1), []).append((key, path.read_bytes(), path.stat().st_mtime))
    deliveries = []
    for folder, files in found.items():
        chunks = [(key, body) for key, body, _ in files if not key.endswith("Manifest.json")]
        [manifest] = [(key, body) for key, body, _ in files if key.endswith("Manifest.json")]
        copy = (manifest[0].replace(f"/{folder}/", "/"), manifest[1])
        at = clock.instant(files[0][2])
        deliveries.append(Delivery(at, (*chunks, manifest, copy)))
    return sorted(deliveries, key=lambda delivery: delivery.at)


def overwriting(deliveries, bucket):
    """The same deliveries as an export writes them that overwrites: without folders, into `bucket`."""
    return [Delivery(each.at, tuple(in_place(each.files, bucket))) for each in deliveries]


def in_place(files, bucket):
    for key, body in files:
        plain = FOLDER.sub("/", key)
        if plain == key:
            continue
        if key.endswith("Manifest.json"):
            manifest = json.loads(body)
            urls = [FOLDER.sub("/", url) for url in manifest["dataFiles"]]
            manifest["dataFiles"] = [re.sub("^s3://[^/]*", f"s3://{bucket}", url) for url in urls]
            body = json.dumps(manifest, indent=2).encode()
        yield plain, body
