"""The table of facts in Athena, beside a facts file that was written (FACTS, a pattern of paths that matches one)."""

import glob
import os
import re
import unittest

import duckdb
import pyarrow
import pyarrow.parquet

from stack import EXISTING, Stack

STACK = Stack(EXISTING | {"ExportId": "ID"})
TODAY = "DATE '2026-11-20'"
# What Athena's functions are in DuckDB, as far as the queries use them.
DIALECT = """
    CREATE MACRO date_format(day, format) AS strftime(day, format);
    CREATE MACRO athena_date_add(unit, amount, day) AS CAST(day + amount * INTERVAL 1 DAY AS DATE);
"""


def hive_type(kind):
    if pyarrow.types.is_map(kind):
        return f"map<{hive_type(kind.key_type)},{hive_type(kind.item_type)}>"
    if pyarrow.types.is_decimal(kind):
        return f"decimal({kind.precision},{kind.scale})"
    return {"date32[day]": "date", "string": "string", "double": "double", "int64": "bigint"}[str(kind)]


class FactsTable(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.file = sorted(glob.glob(os.environ["FACTS"], recursive=True))[-1]
        cls.table = STACK.properties("FactsTable")["TableInput"]

    def test_its_columns_are_those_of_the_file(self):
        schema = pyarrow.parquet.read_schema(self.file)
        written = [(field.name, hive_type(field.type)) for field in schema]
        self.assertEqual([(column["Name"], column["Type"]) for column in self.table["StorageDescriptor"]["Columns"]], written)

    def test_its_partitions_are_the_folders_of_the_key(self):
        template = self.table["Parameters"]["storage.location.template"]
        self.assertEqual(template, "s3://ledgerbucket/facts/export=${export}/billing_period=${billing_period}/")
        self.assertEqual([key["Name"] for key in self.table["PartitionKeys"]], ["export", "billing_period"])
        folders = "/".join(self.file.split("/")[-4:])
        self.assertRegex(folders, r"^facts/export=[^/]+/billing_period=\d{4}-\d{2}/facts\.parquet$")

    def queries(self):
        database = duckdb.connect()
        database.execute(DIALECT)
        file = f"read_parquet('{self.file}', hive_partitioning = false)"
        database.execute(f"CREATE TABLE facts AS SELECT *, 'ID' AS export, '2026-11' AS billing_period FROM {file}")
        for query in STACK.of_type("AWS::Athena::NamedQuery").values():
            text = query["QueryString"].replace("current_date", TODAY)
            yield query["Name"], database.execute(re.sub(r"\bdate_add\(", "athena_date_add(", text)).fetchall(), database

    def test_every_saved_query_answers_and_chargeback_is_the_bill(self):
        names = set()
        for name, rows, database in self.queries():
            names.add(name)
            self.assertTrue(rows, name)
            if name == "Chargeback by team":
                bill = database.execute("SELECT sum(unblended_cost) FROM facts").fetchone()[0]
                self.assertEqual(sum(row[-1] for row in rows), bill)
        self.assertEqual(names, {"Chargeback by team", "Top principals", "Unattributed", "What moved"})


if __name__ == "__main__":
    unittest.main()
