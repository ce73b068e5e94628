"""Whoever can put objects into the export's bucket, beside an honest export: what they put, as files.

Every attack is an export of its own, made from one row of the honest bill, so that nothing but the attack is wrong with it.
"""

import datetime
import io
import json

import pyarrow as pa
import pyarrow.parquet as pq

# Where the strangers' exports lie: first in every listing, before the honest one.
FOLDER = "aaa"


class Attacker:
    def __init__(self, s3, clock, bucket, honest):
        self.s3, self.clock, self.bucket = s3, clock, bucket
        chunk, manifest = (next(body for key, body in honest.files if key.endswith(end)) for end in (".parquet", ".json"))
        self.row, self.manifest = bedrock_row(chunk), json.loads(manifest)

    def claims(self, period):
        """One row of a cent that names the payer of the honest export, of a period that the honest one will deliver."""
        self.delivers(f"claim-{period}", period, parquet(self.changed(period, line_item_unblended_cost=0.01)))

    def delivers_a_caller_of(self, size, period):
        """A name of a caller that is longer than any that AWS gives, in an object that is gone as soon as it was told of."""
        row = self.changed(period, line_item_iam_principal="arn:aws:iam::111122223333:user/" + "a" * size)
        return self.delivers("long", period, parquet(row))

    def delivers_what_is_no_bill(self, period):
        self.delivers("noise", period, b"PAR1" + b"\xff" * 4096 + b"PAR1")

    def lists(self, count, period):
        """A manifest of more files than any delivery has, none of which is there."""
        data = f"{FOLDER}/many/data/BILLING_PERIOD={period}"
        files = [f"s3://{self.bucket}/{data}/many-{each:05}.snappy.parquet" for each in range(count)]
        self.put(f"{FOLDER}/many/metadata/BILLING_PERIOD={period}/many-Manifest.json", self.listing(period, files))

    def floods(self, count, period):
        """Manifests that cannot be read, each of an export of its own."""
        for each in range(count):
            self.put(f"{FOLDER}/flood{each:03}/metadata/BILLING_PERIOD={period}/flood{each:03}-Manifest.json", b"{")

    def delivers(self, name, period, chunk):
        data = f"{FOLDER}/{name}/data/BILLING_PERIOD={period}/{name}-00001.snappy.parquet"
        self.put(data, chunk)
        manifest = f"{FOLDER}/{name}/metadata/BILLING_PERIOD={period}/{name}-Manifest.json"
        self.put(manifest, self.listing(period, [f"s3://{self.bucket}/{data}"]))
        return data

    def listing(self, period, files):
        execution = f"{len(files)}-{period}-{self.clock.rfc3339}"
        found = {**self.manifest, "billingPeriod": period, "dataFiles": files, "executionId": execution}
        return json.dumps(found).encode()

    def removes(self, key):
        self.s3.delete_object(Bucket=self.bucket, Key=key)

    def put(self, key, body):
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=body)

    def changed(self, period, **values):
        """The row with other values, of the first day of `period`."""
        row, starts = self.row, datetime.datetime.strptime(period, "%Y-%m")
        dates = {
            "bill_billing_period_start_date": starts,
            "line_item_usage_start_date": starts,
            "line_item_usage_end_date": starts + datetime.timedelta(days=1),
        }
        for name, value in (dates | values).items():
            index = row.schema.get_field_index(name)
            field = row.schema.field(index)
            row = row.set_column(index, field, pa.array([value], field.type))
        return row


def bedrock_row(chunk):
    table = pq.read_table(io.BytesIO(chunk))
    codes = table.column("line_item_product_code").to_pylist()
    callers = table.column("line_item_iam_principal").to_pylist()
    index = next(at for at, (code, caller) in enumerate(zip(codes, callers)) if code == "AmazonBedrock" and caller)
    return table.slice(index, 1)


def parquet(table):
    sink = io.BytesIO()
    pq.write_table(table, sink, compression="snappy")
    return sink.getvalue()
