"""The stack that infra/template.yaml describes, on the stand-ins: buckets, topics, queues, rules, schedules and functions.

Events go by the template's rules into queues, and from there to the functions, each twice and in no order; what fails is
delivered again as often as its queue says, and is then a dead letter.
"""

import collections
import concurrent.futures
import json
import random

import events
import template
from aws import REGION
from runtime_api import Answer, Program, Sandbox


class Message:
    def __init__(self, message_id, body):
        self.id, self.body, self.receives = message_id, body, 0


class Stack:
    def __init__(self, aws, name, path, binaries, parameters, *, export_bucket, sandboxes, seed):
        self.aws, self.name = aws, name
        self.random = random.Random(seed)
        self.s3, self.sns, self.sqs = aws.client("s3"), aws.client("sns"), aws.client("sqs")
        self.export_bucket = export_bucket
        self.inboxes = {}
        self.template = template.Template(
            path, name, {"ExportBucketName": export_bucket, **parameters}, self.create
        )
        self.functions = self.template.functions()
        self.binaries = binaries
        self.ledger_bucket = self.functions["aggregate"]["variables"]["LEDGER_BUCKET"]
        self.namespace = self.functions["aggregate"]["variables"]["METRICS_NAMESPACE"]
        self.queues = {found["queue"]: collections.deque() for found in self.functions.values() if found["queue"]}
        self.dead_letters = []
        self.answers = []
        self.sequence = 0
        self.rules = list(self.template.rules())
        # In which shapes ingest is told of an object of the export: by default, as the template's rule passes it on.
        self.shapes = [events.object_created]
        self.sandboxes = {name: [] for name in self.functions}
        self.counts = {name: sandboxes.get(name, 1) for name in self.functions}
        self.logs = collections.defaultdict(list)
        aws.listeners.append(self.created)

    # ---- What CloudFormation would create ----

    def create(self, name, kind):
        if kind == "AWS::S3::Bucket":
            return self.bucket(f"{name.lower()}-{self.name}")
        if kind == "AWS::SNS::Topic":
            return self.topic(name)
        return name

    def bucket(self, name):
        make_bucket(self.s3, name)
        self.s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
        return name

    def topic(self, name):
        """A topic, and a queue that subscribes to it."""
        topic = self.sns.create_topic(Name=f"{self.name}-{name}")["TopicArn"]
        url = self.sqs.create_queue(QueueName=f"{self.name}-{name}")["QueueUrl"]
        arn = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        self.sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
        self.inboxes[name.removesuffix("Topic").lower()] = url
        return topic

    # ---- Functions ----

    def restart(self):
        """Starts every function anew, at the time that the clock shows."""
        self.stop()
        for name, found in self.functions.items():
            program = Program(
                name=f"{self.name}-{name}",
                binary=self.binaries[name],
                memory=found["memory"],
                timeout=found["timeout"],
                environment={
                    **found["variables"],
                    "AWS_ACCESS_KEY_ID": f"{self.name}.{name}",
                    "AWS_SECRET_ACCESS_KEY": "secret",
                    "AWS_SESSION_TOKEN": "token",
                    "AWS_ENDPOINT_URL_S3": self.aws.endpoint,
                    "AWS_ENDPOINT_URL_SNS": self.aws.endpoint,
                    "AWS_ENDPOINT_URL_CLOUDWATCH": self.aws.endpoint,
                    "BEDROCK_LEDGER_NOW": self.aws.clock.rfc3339,
                },
            )
            self.sandboxes[name] = [Sandbox(program) for _ in range(self.counts[name])]

    def stop(self):
        for name, sandboxes in self.sandboxes.items():
            for sandbox in sandboxes:
                sandbox.close()
                self.logs[name].extend(sandbox.logs)
            sandboxes.clear()

    def all_logs(self, name):
        return self.logs[name] + [line for sandbox in self.sandboxes[name] for line in sandbox.logs]

    @property
    def deaths(self):
        return sum(answer.kind == "died" for _, answer in self.answers)

    # ---- Events ----

    def created(self, created):
        event = events.object_created(created)
        for pattern, queue in self.rules:
            if template.matches(pattern, event):
                shapes = self.shapes if created.bucket == self.export_bucket else [events.object_created]
                for shape in shapes:
                    for _ in range(2):
                        self.send(queue, shape(created))

    def send(self, queue, body):
        self.sequence += 1
        self.queues[queue].append(Message(f"message-{self.sequence}", body))

    def pump(self):
        """Delivers until all queues are empty. Returns how many messages were delivered."""
        delivered = 0
        with concurrent.futures.ThreadPoolExecutor() as pool:
            while any(self.queues.values()):
                under_way = []
                for name, found in self.functions.items():
                    queue = self.queues.get(found["queue"])
                    if not queue:
                        continue
                    self.random.shuffle(queue)
                    for sandbox in self.sandboxes[name]:
                        batch = [queue.popleft() for _ in range(min(len(queue), found["batch"]))]
                        if batch:
                            under_way.append(pool.submit(self.deliver, name, sandbox, batch))
                            delivered += len(batch)
                for each in under_way:
                    each.result()
        return delivered

    def deliver(self, name, sandbox, batch):
        queue = self.functions[name]["queue"]
        for message in batch:
            message.receives += 1
        records = [events.message(each.id, each.body, queue, each.receives) for each in batch]
        answer = self.note(name, sandbox.invoke({"Records": records}))
        failed = failures(answer, {message.id for message in batch})
        for message in batch:
            if message.id not in failed:
                continue
            if message.receives < self.template.receives(queue):
                self.queues[queue].append(message)
            else:
                self.dead_letters.append((name, message.body, answer))

    def invoke(self, name, event):
        """Invokes a function as a schedule does: what fails is tried twice more."""
        for _ in range(3):
            answer = self.note(name, self.sandboxes[name][0].invoke(event))
            if answer.ok:
                break
        return answer

    def note(self, name, answer):
        self.answers.append((name, answer))
        return answer

    def schedules(self, kind):
        """Invokes what the template schedules with that detail type, all at once, and delivers what follows."""
        with concurrent.futures.ThreadPoolExecutor() as pool:
            under_way = [
                pool.submit(self.invoke, name, json.loads(text))
                for name, found in self.functions.items()
                for text in found["inputs"]
                if json.loads(text)["detail-type"] == kind
            ]
            answers = [each.result() for each in under_way]
        self.pump()
        return answers

    # ---- What came of it ----

    def configure(self, text):
        """What an operator does: uploads a configuration."""
        self.s3.put_object(Bucket=self.ledger_bucket, Key="config/ledger.toml", Body=text.encode())

    def messages(self):
        """What was published since it was last asked, as (topic, subject, body, attributes)."""
        found = []
        for topic, url in self.inboxes.items():
            while received := self.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
                for each in received:
                    body = json.loads(each["Body"])
                    attributes = {name: value["Value"] for name, value in body.get("MessageAttributes", {}).items()}
                    found.append((topic, body.get("Subject"), body["Message"], attributes))
                    self.sqs.delete_message(QueueUrl=url, ReceiptHandle=each["ReceiptHandle"])
        return sorted(found, key=lambda message: (message[0], message[1], message[2]))

    def data(self):
        """What CloudWatch has in the namespace of this stack."""
        return [datum for datum in self.aws.cloudwatch.data if datum[0] == self.namespace]

    def objects(self):
        """Every object of the ledger."""
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.ledger_bucket)
        keys = [each["Key"] for page in pages for each in page.get("Contents", [])]
        return {key: self.s3.get_object(Bucket=self.ledger_bucket, Key=key)["Body"].read() for key in keys}

    def actions(self):
        """What the functions called, by the template's own names: (function, action, resource)."""
        names = {self.ledger_bucket: "LedgerBucket", self.export_bucket: "ExportBucketName"}
        prefix = f"{self.name}."
        for caller, action, resource in self.aws.actions:
            if caller.startswith(prefix):
                for bucket, logical in names.items():
                    resource = resource.replace(f":::{bucket}", f":::{logical}", 1)
                yield caller.removeprefix(prefix), action, resource.replace(f":{self.name}-", ":", 1)


def make_bucket(s3, name):
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})


def failures(answer: Answer, batch):
    """The ids that a batch's answer reports as failed. Source: AWS Lambda Developer Guide, "Success and failure
    conditions": an error, or what names no message of the batch, fails it whole."""
    if not answer.ok:
        return batch
    payload = answer.payload or {}
    failed = payload.get("batchItemFailures") if isinstance(payload, dict) else [None]
    if not failed:
        return set()
    ids = {each.get("itemIdentifier") if isinstance(each, dict) else None for each in failed}
    return ids if ids <= batch else batch
