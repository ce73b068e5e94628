"""A bill of any size, made from a seed: the rows of a CUR 2.0 export, as an Arrow table.

What is measured depends on how often values repeat, so this follows what was seen of real files and of a study:
131 columns with 5 maps, hourly usage, product codes in runs of some 14 rows, resource ids, Marketplace products with
opaque codes, credits, taxes and discounts, and `iamPrincipal/` tags in `tags`. A row takes some 114 bytes as snappy.

DuckDB draws the numbers of each row by hashing its number with the seed; the texts are then taken from lists by these
numbers. The same seed gives the same rows, whatever the number of files.
"""

import hashlib
import pathlib
import re

import pyarrow as arrow
import pyarrow.compute as compute

SCHEMA = pathlib.Path(__file__).parents[2] / "shared" / "cur" / "src" / "columns" / "schema.rs"
KINDS = {
    "Text": arrow.string(),
    "Number": arrow.float64(),
    "Time": arrow.timestamp("ns"),
    "TextMap": arrow.map_(arrow.string(), arrow.string()),
    "NumberMap": arrow.map_(arrow.string(), arrow.float64()),
}
COLUMNS = {
    name: KINDS[kind] for name, kind in re.findall(r'Column \{ name: "(\w+)", kind: Kind::(\w+) \}', SCHEMA.read_text())
}

PERIOD = "2026-11"
# Usage of whole days up to this one, when the delivery is made.
DAYS = 29
HOURS = DAYS * 24
PAYER = "111122223333"
RUN = 14

REGIONS = [
    ("us-east-1", "USE1", "US East (N. Virginia)"),
    ("us-west-2", "USW2", "US West (Oregon)"),
    ("eu-west-1", "EU", "EU (Ireland)"),
    ("eu-central-1", "EUC1", "EU (Frankfurt)"),
    ("ap-southeast-2", "APS2", "Asia Pacific (Sydney)"),
    ("ap-northeast-1", "APN1", "Asia Pacific (Tokyo)"),
]
INSTANCES = [f"{family}.{size}" for family in ["m7g", "c7g", "r7g", "t4g", "m6i", "c6i"]
             for size in ["medium", "large", "xlarge", "2xlarge", "4xlarge", "8xlarge"]]
# The services that are not Bedrock: code, name, family, unit, ARN of a resource, and what is sold with its operation.
SERVICES = [
    ("AmazonEC2", "Amazon Elastic Compute Cloud", "Compute Instance", "Hrs", "i-0{:016x}",
     [(f"BoxUsage:{instance}", "RunInstances") for instance in INSTANCES]),
    ("AmazonEC2", "Amazon Elastic Compute Cloud", "Storage", "GB-Mo", "vol-0{:016x}",
     [(f"EBS:VolumeUsage.{kind}", f"CreateVolume-{kind}") for kind in ["gp3", "gp2", "io2", "st1", "sc1"]]),
    ("AmazonEC2", "Amazon Elastic Compute Cloud", "Data Transfer", "GB", "eni-0{:016x}",
     [(f"{to}-AWS-{way}-Bytes", f"InterZone-{way}") for to in ["USE2", "EU", "APS1", "APN1"] for way in ["In", "Out"]]),
    ("AmazonS3", "Amazon Simple Storage Service", "Storage", "GB-Mo", "bucket-{:08x}-documents",
     [(f"TimedStorage-{kind}ByteHrs", f"{kind}Storage") for kind in ["", "SIA-", "ZIA-", "GIR-", "INT-FA-"]]),
    ("AmazonS3", "Amazon Simple Storage Service", "API Request", "Requests", "bucket-{:08x}-documents",
     [(f"Requests-Tier{tier}", operation) for tier, operation in
      [(1, "PutObject"), (1, "ListBucket"), (2, "GetObject"), (2, "HeadObject"), (3, "RestoreObject")]]),
    ("AWSLambda", "AWS Lambda", "Serverless", "Lambda-GB-Second", "arn:aws:lambda:us-east-1:444455556666:function:f-{:08x}",
     [("Lambda-GB-Second-ARM", "Invoke"), ("Lambda-GB-Second", "Invoke"), ("Request-ARM", "Invoke")]),
    ("AmazonCloudWatch", "AmazonCloudWatch", "Data Payload", "GB", "arn:aws:logs:us-east-1:444455556666:log-group:/app/{:08x}",
     [("DataProcessing-Bytes", "PutLogEvents"), ("CW:MetricMonitorUsage", "MetricStorage"), ("CW:Requests", "GetMetricData")]),
    ("AmazonRDS", "Amazon Relational Database Service", "Database Instance", "Hrs",
     "arn:aws:rds:us-east-1:444455556666:db:d-{:08x}",
     [(f"InstanceUsage:db.{instance}", "CreateDBInstance:0016") for instance in INSTANCES[:24]]),
    ("AmazonDynamoDB", "Amazon DynamoDB", "Amazon DynamoDB PayPerRequest Throughput", "ReadRequestUnits",
     "arn:aws:dynamodb:us-east-1:444455556666:table/t-{:08x}",
     [("ReadRequestUnits", "PayPerRequestThroughput"), ("WriteRequestUnits", "PayPerRequestThroughput"),
      ("TimedStorage-ByteHrs", "StandardStorage")]),
    ("AWSELB", "Elastic Load Balancing", "Load Balancer-Application", "Hrs",
     "arn:aws:elasticloadbalancing:us-east-1:444455556666:loadbalancer/app/l/{:016x}",
     [("LoadBalancerUsage", "LoadBalancing:Application"), ("LCUUsage", "LoadBalancing:Application")]),
    ("AmazonVPC", "Amazon Virtual Private Cloud", "NAT Gateway", "Hrs",
     "arn:aws:ec2:us-east-1:444455556666:natgateway/nat-0{:016x}",
     [("NatGateway-Hours", "NatGateway"), ("NatGateway-Bytes", "NatGateway"), ("PublicIPv4:InUseAddress", "AllocateAddressVPC")]),
    ("awskms", "AWS Key Management Service", "Encryption Key", "Requests", "arn:aws:kms:us-east-1:444455556666:key/{:016x}",
     [("KMS-Requests", "Decrypt"), ("KMS-Keys", "Unknown")]),
    ("AWSQueueService", "Amazon Simple Queue Service", "API Request", "Requests", "arn:aws:sqs:us-east-1:444455556666:q-{:08x}",
     [("Requests-Tier1", "SendMessage"), ("Requests-Tier1", "ReceiveMessage")]),
    ("AmazonECS", "Amazon Elastic Container Service", "Compute", "hours", "arn:aws:ecs:us-east-1:444455556666:task/c/{:016x}",
     [("Fargate-ARM-vCPU-Hours:perCPU", "FargateTask"), ("Fargate-ARM-GB-Hours", "FargateTask")]),
    # Claude, and not Bedrock.
    ("5tq1z8n3w6y0dk7rc2xm9vbjh", "Claude Platform on AWS", "", "Units", "",
     [("Global-MP:claude_consumption_units-Units", "Usage")]),
    ("a1p8zq4m2x7c9v3n5t6r0kdwj", "Observability Platform Pro", "", "Units", "",
     [("MP:APN1_hosts-Units", "Usage"), ("MP:logs-Units", "Usage")]),
]
# Models: name, provider, product code, name in usage types (None for what Marketplace sells), id, USD per million of
# input, output, cache read and cache written tokens.
MODELS = [
    ("Claude Sonnet 4.6", "Anthropic", "6v7w5mz0q3rkd1p8x2n4c9jth", None, "anthropic.claude-sonnet-4-6", [3.0, 15.0, 0.3, 3.75]),
    ("Claude Haiku 4.5", "Anthropic", "2k8f0dy6t1nq9xw4r5hbz7mvc", None, "anthropic.claude-haiku-4-5-20251001-v1:0",
     [1.0, 5.0, 0.1, 1.25]),
    ("Claude Opus 4.7", "Anthropic", "9c3xj5t7b0zq2w8mk6ypv1d4n", None, "anthropic.claude-opus-4-7", [5.0, 25.0, 0.5, 6.25]),
    ("Nova Lite", "Amazon", "AmazonBedrock", "NovaLite", "amazon.nova-lite-v1:0", [0.06, 0.24, 0.015, 0.015]),
    ("Nova Pro", "Amazon", "AmazonBedrock", "NovaPro", "amazon.nova-pro-v1:0", [0.8, 3.2, 0.2, 0.2]),
    ("gpt-oss-120b", "OpenAI", "AmazonBedrock", "gpt-oss-120b", "openai.gpt-oss-120b-1:0", [0.15, 0.6, 0.07, 0.15]),
    ("Llama 4 Maverick", "Meta", "AmazonBedrock", "Llama4Maverick", "meta.llama4-maverick-17b-instruct-v1:0",
     [0.24, 0.97, 0.1, 0.24]),
    ("DeepSeek V3.1", "DeepSeek", "AmazonBedrock", "DeepSeekV3.1", "deepseek.v3-v1:0", [0.58, 1.68, 0.2, 0.58]),
]
TOKENS = [
    ("Input tokens", "InputTokenCount", "input-tokens"),
    ("Output tokens", "OutputTokenCount", "output-tokens"),
    ("Cache read input tokens", "CacheReadInputTokenCount", "cache-read-input-token-count"),
    ("Cache write input tokens", "CacheWriteInputTokenCount", "cache-write-input-token-count"),
]
TEAMS = ["search", "growth", "fraud", "legal", "platform", "payments", "support", "data", "mobile", "research"]
ENVIRONMENTS = ["production", "staging", "development", "sandbox"]
ACCOUNTS = [f"{int(hashlib.sha256(b'account %d' % number).hexdigest()[:10], 16) % 10**12:012}" for number in range(96)]
RESOURCES = 3_000
TAG_SETS = 12_000


class Lists:
    """What a bill's rows are made of, for so many callers of Bedrock."""

    def __init__(self, callers):
        self.products = []
        self.starts = []
        for service in SERVICES:
            self.starts.append(len(self.products))
            self.products += of_service(service)
        self.starts.append(len(self.products))
        self.bedrock = len(self.products)
        self.products += [of_model(model, kind) for model in MODELS for kind in range(len(TOKENS))]
        self.guardrail = len(self.products)
        self.products.append(guardrail())
        self.callers = [caller(number) for number in range(callers)]
        # Of each service so many resources, and one of each model.
        self.resources = [service[4].format(draw(f"{number} {of}", 2**56)) or None
                          for number, service in enumerate(SERVICES) for of in range(RESOURCES)]
        self.resources += [f"arn:aws:bedrock:us-east-1::foundation-model/{model[4]}" for model in MODELS]
        self.resources.append("arn:aws:bedrock:us-east-1:444455556666:guardrail/q7x2m4k9p1zt")
        self.tags, self.resource_tags, self.cost_categories = zip(*[
            (None, None, None), *map(tags_of_resource, range(TAG_SETS)), *(tags_of_caller(number) for number in range(callers)),
        ], strict=True)


def draw(text, below):
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") % below


def stock_number(text):
    letters = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"
    return "".join(letters[byte % len(letters)] for byte in hashlib.sha256(text.encode()).digest()[:16])


def of_service(service):
    """What a service sells in each region: for each product what its rows have in common."""
    code, name, family, unit, _, sold = service
    is_aws = bool(family)
    for usage_type, operation in sold:
        for region, prefix, location in REGIONS if is_aws else REGIONS[:1]:
            usage = f"{prefix}-{usage_type}" if is_aws else usage_type
            number = stock_number(code + usage)
            rate = (1 + draw(usage, 9_999)) / 10_000 / (1 if unit == "Hrs" else 100)
            yield {
                "rate": rate,
                "bill_billing_entity": "AWS" if is_aws else "AWS Marketplace",
                "line_item_legal_entity": "Amazon Web Services, Inc." if is_aws else "Example Software, Inc.",
                "line_item_line_item_description": f"${rate:.10f} per {unit} of {usage}",
                "line_item_operation": operation,
                "line_item_product_code": code,
                "line_item_unblended_rate": f"{rate:.10f}",
                "line_item_usage_type": usage,
                "pricing_rate_code": f"{number}.JRTCKXETXF.6YS6EN2CT7",
                "pricing_rate_id": f"7{draw(number, 10**10):010}",
                "pricing_unit": unit,
                "product": {"product_name": name, "region": region, "servicename": name},
                "product_location": location,
                "product_operation": operation if is_aws else None,
                "product_product_family": family or None,
                "product_region_code": region,
                "product_servicecode": code if is_aws else None,
                "product_sku": number,
            }


def of_model(model, kind):
    name, provider, code, spelling, _, prices = model
    said, count, dashed = TOKENS[kind]
    is_aws = spelling is not None
    usage = f"USE1-{spelling}-{dashed}" if is_aws else f"USE1-MP:USE1_{count}-Units"
    number = stock_number(code + usage)
    rate = prices[kind] / (1_000 if is_aws else 1)
    product_name = "Amazon Bedrock" if is_aws else f"{name} (Amazon Bedrock Edition)"
    return {
        "rate": rate,
        "bill_billing_entity": "AWS" if is_aws else "AWS Marketplace",
        "line_item_legal_entity": "Amazon Web Services, Inc." if is_aws else "Anthropic, PBC",
        "line_item_line_item_description":
            f"${rate} per 1K tokens, {said} of {name}" if is_aws else f"AWS Marketplace software usage|us-east-1|Million {said}",
        "line_item_operation": "InvokeModelInference",
        "line_item_product_code": code,
        "line_item_unblended_rate": f"{rate:.10f}",
        "line_item_usage_type": usage,
        "pricing_rate_code": f"{number}.JRTCKXETXF.6YS6EN2CT7",
        "pricing_rate_id": f"7{draw(number, 10**10):010}",
        "pricing_unit": "1K tokens" if is_aws else "Units",
        "product": {
            "feature": "On-demand Inference", "inference_type": said, "model": name, "product_name": product_name,
            "provider": provider, "region": "us-east-1", "servicename": product_name,
        },
        "product_location": "US East (N. Virginia)",
        "product_operation": "InvokeModelInference" if is_aws else None,
        "product_product_family": "Amazon Bedrock",
        "product_region_code": "us-east-1",
        "product_servicecode": code if is_aws else None,
        "product_sku": number,
    }


def guardrail():
    """What the bill attributes to nobody."""
    found = of_model(("Guardrails", "Amazon", "AmazonBedrock", "Guardrail", "", [0.15] * 4), 0)
    found |= {
        "line_item_operation": "ApplyGuardrail",
        "line_item_usage_type": "USE1-Guardrail-ContentPolicyUnitsConsumed",
        "pricing_unit": "1K TextUnits",
        "product": {
            "feature": "Guardrails", "product_name": "Amazon Bedrock", "provider": "Amazon", "servicename": "Amazon Bedrock",
        },
    }
    return found


def caller(number):
    """People and services in turn, and some keys: as ARN."""
    account, team = ACCOUNTS[number % len(ACCOUNTS)], TEAMS[number % len(TEAMS)]
    if number % 20 == 19:
        return f"arn:aws:iam::{account}:user/BedrockAPIKey-{number:05}"
    if number % 2:
        return f"arn:aws:sts::{account}:assumed-role/AWSReservedSSO_Developer_3f9a1c7e5b2d8046/{team}.{number:05}@example.com"
    return f"arn:aws:sts::{account}:assumed-role/{team}-service-{number:05}/{team}-service-{number:05}"


def tags_of_resource(number):
    team, environment = TEAMS[number % len(TEAMS)], ENVIRONMENTS[draw(f"environment {number}", len(ENVIRONMENTS))]
    if number % 5 == 0:
        return {"costCategory/Environment": environment}, {}, {"environment": environment}
    name, center = f"{team}-{number:05}", f"CC-{draw(team, 900) + 100}"
    tags = {
        "accountTag/owner": f"{team}-lead", "costCategory/Environment": environment, "resourceTags/Name": name,
        "resourceTags/app": f"app-{number % 600:03}", "resourceTags/cost-center": center, "resourceTags/team": team,
    }
    return tags, {"user_name": name, "user_cost_center": center, "user_team": team}, {"environment": environment}


def tags_of_caller(number):
    team = TEAMS[number % len(TEAMS)]
    tags = {"costCategory/Environment": ENVIRONMENTS[number % 3], "iamPrincipal/cost-center": f"CC-{draw(team, 900) + 100}",
            "iamPrincipal/team": team}
    if number % 20 != 19 and number % 2:
        tags["userAttribute/Department"] = team.capitalize()
    return tags, {}, {"environment": ENVIRONMENTS[number % 3]}


def numbers(connection, first, rows, share, seed, lists):
    """What is drawn of each row, from `first` on."""
    starts = lists.starts
    kinds, models = len(TOKENS), len(MODELS)
    return connection.sql(f"""
        WITH drawn AS (
            SELECT i, i // {RUN} AS run,
                hash(i // {RUN}, {seed}, 'bedrock') % 1000000 < {round(share * 1_000_000)} AS is_bedrock,
                hash(i, {seed}, 'kind') % 10000 AS kind,
                -- The first services and products sell most.
                pow((hash(i // {RUN}, {seed}, 'service') >> 11) / 9007199254740992.0, 1.6) AS of_services,
                floor(of_services * {len(SERVICES)})::INTEGER AS service,
                pow((hash(i, {seed}, 'product') >> 11) / 9007199254740992.0, 1.4) AS of_service,
                hash(i, {seed}, 'caller') % {max(1, len(lists.callers))} AS caller,
                hash(i, {seed}, 'use') AS use,
                (hash(i, {seed}, 'amount') >> 11) / 9007199254740992.0 AS fraction
            FROM range({first}, {first + rows}) t(i)
        ), sold AS (
            SELECT *,
                is_bedrock AND kind < 9700 AS has_caller,
                CASE
                    WHEN NOT is_bedrock
                        THEN {starts}[service + 1] + floor(of_service * ({starts}[service + 2] - {starts}[service + 1]))
                    WHEN kind >= 9700 THEN {lists.guardrail}
                    -- Each caller uses three models of the eight, the last two less.
                    ELSE {lists.bedrock}
                        + (caller * 7 + CASE WHEN use % 100 < 42 THEN 0 WHEN use % 100 < 74 THEN 1 ELSE 3 END) % {models} * {kinds}
                        + (use >> 8) % {kinds}
                END::INTEGER AS product
            FROM drawn
        )
        SELECT
            product,
            CASE WHEN has_caller THEN caller END::INTEGER AS caller,
            -- Usage, and of ten thousand rows some that are none, and more that a savings plan covers.
            CASE WHEN kind < 5 THEN 1 WHEN kind < 15 THEN 2 WHEN kind < 25 THEN 3
                WHEN service = 0 AND NOT is_bedrock AND kind < 1500 THEN 4 ELSE 0 END::INTEGER AS kind,
            is_bedrock AND has_caller AND (use >> 16) % 10 < 4 AS is_streamed,
            (CASE WHEN has_caller THEN caller ELSE hash(i // 2, {seed}, 'account') END % {len(ACCOUNTS)})::INTEGER AS account,
            (hash(i, {seed}, 'hour') % {HOURS})::INTEGER AS hour,
            CASE WHEN is_bedrock THEN {len(SERVICES) * RESOURCES} + least((product - {lists.bedrock}) // {kinds}, {models})
                ELSE service * {RESOURCES} + hash(i // 2, {seed}, 'resource') % {RESOURCES} END::INTEGER AS resource,
            CASE WHEN has_caller THEN 1 + {TAG_SETS} + caller
                WHEN hash(i, {seed}, 'tagged') % 10 = 0 OR is_bedrock THEN 0
                ELSE 1 + hash(i, {seed}, 'tags') % {TAG_SETS} END::INTEGER AS tags,
            -- Hours are mostly whole.
            CASE WHEN is_bedrock THEN round(fraction * fraction * 90, 6)
                WHEN hash(i, {seed}, 'whole') % 100 < 38 THEN 1.0 ELSE round(fraction * 20, 10) END AS amount,
            substr(sha256(concat(i, ' ', {seed})), 1, 34) AS id
        FROM sold
    """).to_arrow_table().combine_chunks()


LINE_TYPES = ["Usage", "Credit", "Tax", "EdpDiscount", "SavingsPlanCoveredUsage"]


def table(connection, first, rows, share, seed, lists):
    """Rows `first` on of a bill that has a share of Bedrock rows, with all columns of CUR 2.0."""
    drawn = numbers(connection, first, rows, share, seed, lists)
    column = {name: drawn[name].combine_chunks() for name in drawn.column_names}

    def texts(values, index):
        """Of a list by index, as a dictionary of the values that there are."""
        return arrow.array(values, arrow.string()).take(index).dictionary_encode()

    def maps(values, index, kind="TextMap"):
        values = [None if value is None else list(value.items()) for value in values]
        return arrow.array(values, KINDS[kind]).take(index)

    kind, product, hour = column["kind"], column["product"], column["hour"]
    is_usage = compute.or_(compute.equal(kind, 0), compute.equal(kind, 4))
    rate = arrow.array([product["rate"] for product in lists.products]).take(product)
    full = compute.round(compute.multiply(column["amount"], rate), 10)
    factor = arrow.array([1.0, -0.5, 0.08, -0.05, 1.0]).take(kind)
    cost = compute.if_else(is_usage, full, compute.round(compute.multiply(full, factor), 10))
    is_aws = compute.equal(texts([product["bill_billing_entity"] for product in lists.products], product).cast("string"), "AWS")
    covered = compute.equal(kind, 4)
    nothing = arrow.scalar(None, arrow.float64())

    hours = [f"2026-11-{number // 24 + 1:02}T{number % 24:02}:00:00" for number in range(HOURS + 1)]
    times = compute.strptime(hours, "%Y-%m-%dT%H:%M:%S", "ns")
    month = compute.strptime(["2026-11-01", "2026-12-01"], "%Y-%m-%d", "ns")
    zero = arrow.array([0] * rows, arrow.int32())

    filled = {}
    for name in COLUMNS.keys() & lists.products[0].keys():
        values = [product[name] for product in lists.products]
        filled[name] = maps(values, product) if name == "product" else texts(values, product)
    # What is no usage has no operation, no description of its own and no resource.
    operations = texts([product["line_item_operation"] for product in lists.products], product).cast("string")
    operations = compute.if_else(column["is_streamed"], "InvokeModelStreamingInference", operations)
    absent = arrow.scalar(None, arrow.string())
    filled["line_item_operation"] = compute.if_else(is_usage, operations, absent).dictionary_encode()
    resources = texts(lists.resources, column["resource"]).cast("string")
    filled["line_item_resource_id"] = compute.if_else(is_usage, resources, absent)
    names = [f"account-{number:02}" for number in range(len(ACCOUNTS))]
    filled |= {
        "bill_bill_type": texts(["Anniversary"], zero),
        "bill_billing_period_start_date": month.take(zero),
        "bill_billing_period_end_date": month.take(compute.add(zero, 1)),
        "bill_invoicing_entity": texts(["Amazon Web Services, Inc."], zero),
        "bill_payer_account_id": texts([PAYER], zero),
        "bill_payer_account_name": texts(["example-payer"], zero),
        "cost_category": maps(lists.cost_categories, column["tags"]),
        "discount": maps([{}, {"edp_discount": 0.05}], is_aws.cast("int32"), "NumberMap"),
        "discount_total_discount": compute.if_else(is_usage, compute.round(compute.multiply(cost, 0.05), 6), nothing),
        "identity_line_item_id": column["id"],
        "identity_time_interval": texts([f"{a}Z/{b}Z" for a, b in zip(hours, hours[1:], strict=False)], hour),
        "line_item_blended_cost": cost,
        "line_item_blended_rate": filled["line_item_unblended_rate"],
        "line_item_currency_code": texts(["USD"], zero),
        "line_item_iam_principal": texts(lists.callers or [""], column["caller"]),
        "line_item_line_item_type": texts(LINE_TYPES, kind),
        "line_item_net_unblended_cost": compute.if_else(is_aws, compute.round(compute.multiply(cost, 0.95), 10), cost),
        "line_item_tax_type": texts([None, None, "USSalesTax", None, None], kind),
        "line_item_unblended_cost": cost,
        "line_item_usage_account_id": texts(ACCOUNTS, column["account"]),
        "line_item_usage_account_name": texts(names, column["account"]),
        "line_item_usage_amount": column["amount"],
        "line_item_usage_start_date": times.take(hour),
        "line_item_usage_end_date": times.take(compute.add(hour, 1)),
        "pricing_currency": texts(["USD"], zero),
        "pricing_public_on_demand_cost": compute.if_else(is_aws, full, 0.0),
        "pricing_term": texts(["OnDemand", None, None, None, "OnDemand"], kind),
        "product_usagetype": filled["line_item_usage_type"],
        "product_location_type": texts(["AWS Region"], zero),
        "product_pricing_unit": filled["pricing_unit"],
        "resource_tags": maps(lists.resource_tags, column["tags"]),
        "savings_plan_savings_plan_a_r_n": texts(
            [f"arn:aws:savingsplans::{PAYER}:savingsplan/3b0f7c1e-5d2a-4f68-9e1b-7a6c8d2f4e90"],
            compute.if_else(covered, 0, arrow.scalar(None, arrow.int32()))),
        "savings_plan_savings_plan_effective_cost":
            compute.if_else(covered, compute.round(compute.multiply(full, 0.72), 10), nothing),
        "tags": maps(lists.tags, column["tags"]),
    }
    return arrow.table({name: filled.get(name, arrow.nulls(rows, kind)) for name, kind in COLUMNS.items()})
