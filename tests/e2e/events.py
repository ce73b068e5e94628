"""How AWS tells of an object that was created, on every way that it can come.

Sources: Amazon S3 User Guide, "EventBridge event message structure" and "Event message structure"; AWS Lambda Developer
Guide, "Using Lambda with Amazon SQS".
"""

import hashlib
import json
import urllib.parse
import uuid

REGION = "us-east-1"
ACCOUNT = "111122223333"


def object_created(created):
    """EventBridge's event. Its key is the object's own."""
    found = {"key": created.key, "size": created.size, "etag": created.etag, "sequencer": created.sequencer}
    if created.version_id:
        found["version-id"] = created.version_id
    return {
        "version": "0",
        "id": str(uuid.UUID(int=int(created.sequencer, 16))),
        "detail-type": "Object Created",
        "source": "aws.s3",
        "account": ACCOUNT,
        "time": created.time,
        "region": REGION,
        "resources": [f"arn:aws:s3:::{created.bucket}"],
        "detail": {
            "version": "0",
            "bucket": {"name": created.bucket},
            "object": found,
            "request-id": "N4N7GDK58NMKJ12R",
            "requester": ACCOUNT,
            "source-ip-address": "192.0.2.1",
            "reason": created.reason,
        },
    }


def notification(created):
    """S3's own notification. Its key is encoded as in a form: a blank is `+`, and `=` and `:` are escaped."""
    return {
        "Records": [
            {
                "eventVersion": "2.1",
                "eventSource": "aws:s3",
                "awsRegion": REGION,
                "eventTime": created.time,
                "eventName": {"PutObject": "ObjectCreated:Put"}.get(created.reason, "ObjectCreated:CompleteMultipartUpload"),
                "userIdentity": {"principalId": "AWS:AIDAEXAMPLE"},
                "requestParameters": {"sourceIPAddress": "192.0.2.1"},
                "responseElements": {"x-amz-request-id": "C3D13FE58DE4C810", "x-amz-id-2": "example"},
                "s3": {
                    "s3SchemaVersion": "1.0",
                    "configurationId": "everything",
                    "bucket": {
                        "name": created.bucket,
                        "ownerIdentity": {"principalId": "A3NL1KOZZKExample"},
                        "arn": f"arn:aws:s3:::{created.bucket}",
                    },
                    "object": {
                        "key": urllib.parse.quote_plus(created.key, safe="/-_.*"),
                        "size": created.size,
                        "eTag": created.etag,
                        "sequencer": created.sequencer,
                    },
                },
            }
        ]
    }


def test_event(bucket):
    """What S3 sends when notifications are switched on."""
    return {
        "Service": "Amazon S3",
        "Event": "s3:TestEvent",
        "Time": "2026-11-19T06:00:00.000Z",
        "Bucket": bucket,
        "RequestId": "5582815E1AEA5ADF",
        "HostId": "8cLeGAmw098X5cv4Zkwcmo8vvZa3eH3eKxsPzbB9wrR",
    }


def from_topic(event):
    """An event that SNS passed on to a queue."""
    return {
        "Type": "Notification",
        "MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",
        "TopicArn": f"arn:aws:sns:{REGION}:{ACCOUNT}:deliveries",
        "Subject": "Amazon S3 Notification",
        "Message": json.dumps(event),
        "Timestamp": "2026-11-19T06:00:00.000Z",
        "SignatureVersion": "1",
        "Signature": "EXAMPLE",
        "SigningCertURL": "https://sns.example.com/certificate.pem",
        "UnsubscribeURL": "https://sns.example.com/unsubscribe",
    }


def message(message_id, body, queue, receives):
    """A message as the mapping of a queue, named by its ARN, hands it to a function."""
    text = body if isinstance(body, str) else json.dumps(body)
    return {
        "messageId": message_id,
        "receiptHandle": f"{message_id}-{receives}",
        "body": text,
        "attributes": {
            "ApproximateReceiveCount": str(receives),
            "SentTimestamp": "1763532000000",
            "SenderId": "AIDAEXAMPLE",
            "ApproximateFirstReceiveTimestamp": "1763532000001",
        },
        "messageAttributes": {},
        "md5OfBody": hashlib.md5(text.encode()).hexdigest(),
        "eventSource": "aws:sqs",
        "eventSourceARN": queue,
        "awsRegion": REGION,
    }
