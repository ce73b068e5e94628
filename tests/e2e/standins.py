"""Checks of the stand-ins themselves, by clients that are not ours: what AWS refuses, they refuse.

Without them a run would prove that the functions agree with our idea of AWS, and not that the idea is right.
"""

import datetime
import json

import botocore.exceptions

PARQUET = "data/BILLING_PERIOD=2026-11/2026-11-19T06:00:00.000Z-id/a b+c-00001.snappy.parquet"


def status_of(call, **arguments):
    """The HTTP status that a call is answered with."""
    try:
        return call(**arguments)["ResponseMetadata"]["HTTPStatusCode"]
    except botocore.exceptions.ClientError as error:
        return error.response["ResponseMetadata"]["HTTPStatusCode"]


def error_of(call, **arguments):
    try:
        call(**arguments)
    except botocore.exceptions.ClientError as error:
        return error.response["Error"]["Code"]
    return None


def check(checks, aws):
    s3(checks, aws)
    sns(checks, aws)
    metrics(checks, aws)


def s3(checks, aws):
    s3 = aws.client("s3")
    created = []
    aws.listeners.append(created.append)
    where = {"Bucket": "probe", "Key": PARQUET}
    s3.create_bucket(Bucket="probe")
    first = s3.put_object(**where, Body=b"0123456789", IfNoneMatch="*")["ETag"]
    checks.equal("S3 refuses to create what exists", status_of(s3.put_object, **where, Body=b"x", IfNoneMatch="*"), 412)
    second = s3.put_object(**where, Body=b"abcdefghij", IfMatch=first)["ETag"]
    checks.equal("S3 refuses to replace another version", status_of(s3.put_object, **where, Body=b"x", IfMatch=first), 412)
    gone = {"Bucket": "probe", "Key": "gone"}
    checks.equal("S3 has nothing to replace at first", status_of(s3.put_object, **gone, Body=b"x", IfMatch=first), 404)
    checks.equal("S3 refuses to read another version", status_of(s3.get_object, **where, IfMatch=first), 412)
    checks.equal("S3 refuses to read what is gone", status_of(s3.get_object, **gone, IfMatch=first), 404)
    part = s3.get_object(**where, IfMatch=second, Range="bytes=2-4")
    checks.equal("S3 reads a part of a version", (part["Body"].read(), part["ETag"]), (b"cde", second))
    checks.equal("S3 has the run's time", part["LastModified"], aws.clock.now.replace(microsecond=0))
    keys = [f"page/{index}" for index in range(5)]
    for key in keys:
        s3.put_object(Bucket="probe", Key=key, Body=b"")
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket="probe", Prefix="page/", PaginationConfig={"PageSize": 2})
    checks.equal("S3 lists by pages", [[item["Key"] for item in page["Contents"]] for page in pages], [keys[:2], keys[2:4], keys[4:]])
    checks.equal("what was created is told, by its own key", [found.key for found in created], [PARQUET, PARQUET, *keys])
    aws.listeners.clear()


def sns(checks, aws):
    sns, sqs = aws.client("sns"), aws.client("sqs")
    topic = sns.create_topic(Name="probe")["TopicArn"]
    queue = sqs.create_queue(QueueName="probe")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)

    def publish(subject="A subject", body="A body", kind="test"):
        attributes = {"kind": {"DataType": "String", "StringValue": kind}}
        return status_of(sns.publish, TopicArn=topic, Subject=subject, Message=body, MessageAttributes=attributes)

    checks.equal("SNS refuses two lines as a subject", publish(subject="a\nb"), 400)
    checks.equal("SNS refuses a subject that is not ASCII", publish(subject="caf\u00e9"), 400)
    checks.equal("SNS refuses a subject of 100 characters", publish(subject="x" * 100), 400)
    checks.equal("SNS refuses an empty attribute", publish(kind=""), 400)
    checks.equal("SNS refuses more than 256 KB", publish(body="x" * 262_144), 400)
    checks.equal("SNS takes a message", publish(), 200)
    [message] = sqs.receive_message(QueueUrl=queue)["Messages"]
    body = json.loads(message["Body"])
    checks.equal(
        "its subscriber has it whole",
        (body["Subject"], body["Message"], body["MessageAttributes"]["kind"]["Value"]),
        ("A subject", "A body", "test"),
    )


def metrics(checks, aws):
    client, now = aws.client("cloudwatch"), aws.clock.now
    dimensions = [{"Name": "Currency", "Value": "USD"}]

    def datum(**changes):
        base = {"MetricName": "Spend", "Dimensions": dimensions, "Timestamp": now, "Value": 1.5, "Unit": "None"}
        return {**base, **changes}

    def put(*data, namespace="Probe"):
        return error_of(client.put_metric_data, Namespace=namespace, MetricData=list(data))

    refused = "InvalidParameterValue"
    day = datetime.timedelta(days=1)
    many = [{"Name": f"n{index}", "Value": "v"} for index in range(31)]
    checks.equal("CloudWatch refuses more than 1,000 data", put(*[datum()] * 1001), refused)
    checks.equal("CloudWatch refuses 31 dimensions", put(datum(Dimensions=many)), refused)
    checks.equal("CloudWatch refuses what is not ASCII", put(datum(Dimensions=[{"Name": "a", "Value": "\u00e9"}])), refused)
    checks.equal("CloudWatch refuses blanks", put(datum(Dimensions=[{"Name": "a", "Value": "  "}])), refused)
    checks.equal("CloudWatch refuses a name with a colon in front", put(datum(Dimensions=[{"Name": ":a", "Value": "b"}])), refused)
    checks.equal("CloudWatch refuses what is no number", put(datum(Value=float("nan"))), refused)
    checks.equal("CloudWatch refuses numbers past 2^360", put(datum(Value=2.0**361)), refused)
    checks.equal("CloudWatch refuses what is two weeks old", put(datum(Timestamp=now - 15 * day)), refused)
    checks.equal("CloudWatch refuses what is three hours ahead", put(datum(Timestamp=now + day / 8)), refused)
    checks.equal("CloudWatch keeps its own namespaces", put(datum(), namespace="AWS/Lambda"), refused)
    long = [{"Name": f"n{index}", "Value": "v" * 1024} for index in range(2)]
    checks.equal("CloudWatch refuses more than 1 MB", put(*[datum(Dimensions=long)] * 600), "RequestEntityTooLarge")
    checks.equal("of what was refused nothing is kept", aws.cloudwatch.data, [])
    # Large enough that the client compresses it.
    checks.equal("CloudWatch takes 1,000 data at once", put(*[datum()] * 1000, namespace="Probe"), None)
    put(datum(Timestamp=now - day, Value=-4.0), datum(Timestamp=now - day, Value=1.0))
    metric = {"Namespace": "Probe", "MetricName": "Spend", "Dimensions": dimensions}
    stat = {"Metric": metric, "Period": 86_400, "Stat": "Sum"}
    queries = [{"Id": f"q{index}", "MetricStat": stat} for index in range(45)]
    window = {"StartTime": now - 3 * day, "EndTime": now + day}
    pages = list(client.get_paginator("get_metric_data").paginate(MetricDataQueries=queries, **window))
    answer = pages[-1]["MetricDataResults"][-1]
    checks.equal("CloudWatch answers sums by day, by pages", (len(pages), answer["Values"]), (2, [1500.0, -3.0]))
    aws.cloudwatch.data.clear()
    aws.cloudwatch.calls.clear()
