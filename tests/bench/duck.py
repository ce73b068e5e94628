"""The query that is measured beside ours, in DuckDB with one thread and a process of its own.

Usage: duck.py nothing | duck.py columns | duck.py tags FILE... | duck.py plain FILE...

`tags` sums the cost of Bedrock's rows by day, account, principal, usage type and the principal's team; `plain` leaves the
team out, with the column of tags; `columns` names what `tags` reads; `nothing` starts and ends. What comes out stays in
DuckDB: no row becomes an object.
"""

import json
import sys

import duckdb

# What the query reads, whose column chunks are the floor.
COLUMNS = [
    "line_item_iam_principal", "line_item_product_code", "line_item_unblended_cost", "line_item_usage_account_id",
    "line_item_usage_start_date", "line_item_usage_type", "product_servicecode", "tags",
]
# As wide as ours where these columns tell: Marketplace has opaque product codes and no service code.
BEDROCK = """
    line_item_product_code LIKE 'AmazonBedrock%' OR product_servicecode LIKE 'AmazonBedrock%'
    OR line_item_usage_type LIKE '%-MP:%TokenCount%' OR line_item_iam_principal <> ''
"""


def query(files, tags):
    is_csv = files[0].endswith(".gz")
    # Without looking for types first, which takes DuckDB longer.
    source = f"read_csv({files}, all_varchar = true, header = true)" if is_csv else f"read_parquet({files})"
    team = "json_extract_string(tags, '$.\"iamPrincipal/team\"')" if is_csv else "tags['iamPrincipal/team']"
    groups = [
        "line_item_usage_start_date::TIMESTAMP::DATE AS day", "line_item_usage_account_id AS account",
        "line_item_iam_principal AS principal", "line_item_usage_type AS usage_type", *([f"{team} AS team"] if tags else []),
    ]
    return f"""
        CREATE TEMP TABLE found AS
        SELECT {', '.join(groups)}, sum(line_item_unblended_cost::DOUBLE) AS cost, count(*) AS lines
        FROM {source} WHERE {BEDROCK} GROUP BY ALL
    """


def main():
    connection = duckdb.connect()
    connection.execute("SET threads = 1; SET enable_progress_bar = false")
    asked, files = sys.argv[1], sys.argv[2:]
    if asked == "nothing":
        return
    if asked == "columns":
        print(json.dumps({"columns": COLUMNS}))
        return
    connection.execute(query(files, asked == "tags"))
    [(groups, rows, cost)] = connection.execute("SELECT count(*), sum(lines), sum(cost) FROM found").fetchall()
    print(json.dumps({"groups": groups, "bedrock_rows": int(rows or 0), "cost": cost or 0.0}))


if __name__ == "__main__":
    main()
