"""What a delivery costs at AWS's list prices, worked out from what was measured here. docs/cost-at-scale.md has the result.

Nothing of it ran on AWS: what is assumed stands below, by name.
"""

# List prices of us-east-1, in USD; docs/cost-at-scale.md says where they were looked up, and when.
GB_SECOND = 0.0000133334  # Lambda, arm64
INVOCATION = 0.20 / 1e6
GET = 0.40 / 1e6
PUT = 5.00 / 1e6
QUEUE_REQUEST = 0.40 / 1e6
ATHENA_BYTE = 5.00 / 1e12
ATHENA_LEAST = 10e6

# The memory of `ingest` and `aggregate` in infra/template.yaml, in GB; with it a function has one whole processor.
FUNCTION_GB = 1769 / 1024
# Assumed: a processor of Lambda takes so many times the seconds of the machine that was measured, and S3 gives one function
# so many bytes a second, while it computes nothing.
SLOWER = 1.5
BYTES_A_SECOND = 60e6
# Assumed: what a chunk, or a period, needs besides reading it: configuration, delivery, state; and a message of a queue is
# sent, received and deleted.
OTHER_GETS, PUTS, QUEUE_REQUESTS = 6, 2, 3
# Rows of a bill of which 1 % is Bedrock's, and the facts that its month has: callers grow slower than rows.
BILLS = [(1e6, 7_500), (100e6, 300_000), (1e9, 3_000_000)]


def function(seconds):
    return seconds * FUNCTION_GB * GB_SECOND + INVOCATION + QUEUE_REQUESTS * QUEUE_REQUEST


def delivery(rows, facts, chunk, cpu_a_fact):
    """Dollars of `ingest`, of `aggregate` and of both's requests, for one delivery in chunks of a million rows."""
    chunks = rows / 1e6
    ingest = chunks * function(chunk["cpu"] * SLOWER + chunk["bytes"] / BYTES_A_SECOND)
    aggregate = function(facts * cpu_a_fact * SLOWER)
    # `aggregate` reads a reduction of each chunk.
    requests = chunks * ((chunk["requests"] + OTHER_GETS + 1) * GET + PUTS * PUT) + OTHER_GETS * GET + 5 * PUT
    return ingest, aggregate, requests


def athena(rows, bytes_of_a_chunk):
    """Dollars of one query that scans these columns of the bill."""
    return max(rows / 1e6 * bytes_of_a_chunk, ATHENA_LEAST) * ATHENA_BYTE


def dollars(value):
    return f"{value:.6f}" if value < 0.01 else f"{value:.3f}"


HEAD = ["rows of the bill", "facts", "ingest $", "aggregate $", "requests $", "a delivery $", "90 deliveries a month $",
        "one Athena query $", "every column $"]


def rows(chunk, cpu_a_fact, query_bytes, file_bytes):
    """The table: of a chunk of a million rows with 1 % Bedrock what reading it took (`cpu`, `bytes`, `requests`)."""
    found = []
    for bill, facts in BILLS:
        parts = delivery(bill, facts, chunk, cpu_a_fact)
        whole = sum(parts)
        found.append([f"{bill:,.0f}", f"{facts:,}", *map(dollars, parts), dollars(whole), f"{90 * whole:.2f}",
                      dollars(athena(bill, query_bytes)), dollars(athena(bill, file_bytes))])
    return found
