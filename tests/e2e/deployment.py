"""A stack of infra/template.yaml, on the stand-ins: buckets, topics, queues, rules, schedules and functions.

Events go by the template's rules into queues, and from there to the functions, each twice and in no order; what fails is
delivered again as often as its queue says, and is then a dead letter.
"""

import collections
import concurrent.futures
import json
import pathlib
import random
import sys

import events
from runtime_api import Answer, Program, Sandbox

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "template"))
from event_pattern import matches
from stack import Stack


class Named(Stack):
    """The template as one of several stacks: what it creates bears the stack's name."""

    def __init__(self, name, parameters):
        self.stack = name
        super().__init__(parameters, name=name)

    def name(self, key):
        kind = self.template["Resources"][key]["Type"]
        return f"{key.lower()}-{self.stack}" if kind == "AWS::S3::Bucket" else f"{self.stack}-{key}"

    def arn(self, key):
        found = super().arn(key)
        return found if found.endswith(self.name(key)) else found.removesuffix(key) + self.name(key)

    def functions(self):
        """What Lambda is told of each function, by the name of its program."""
        found = {}
        for key, properties in self.of_type("AWS::Lambda::Function").items():
            ref = self.value({"Ref": key})
            mappings = [
                mapping
                for mapping in self.of_type("AWS::Lambda::EventSourceMapping").values()
                if mapping["FunctionName"] == ref
            ]
            schedules = self.of_type("AWS::Scheduler::Schedule").values()
            targets = [each["Target"] for each in schedules if each["Target"]["Arn"] == self.arn(key)]
            found[key.lower()] = Function(properties, mappings, targets)
        return found

    def rules(self):
        """Pairs of an event pattern and the ARN of the queue that it feeds."""
        for rule in self.of_type("AWS::Events::Rule").values():
            for target in rule["Targets"]:
                if ":sqs:" in target["Arn"]:
                    yield rule["EventPattern"], target["Arn"]

    def tries(self):
        """How often a message of each queue is tried."""
        queues = self.of_type("AWS::SQS::Queue").items()
        return {
            self.arn(key): queue["RedrivePolicy"]["maxReceiveCount"] for key, queue in queues if "RedrivePolicy" in queue
        }


class Function:
    """A function as the template has it: what it is told, what feeds it, and how its schedules invoke it."""

    def __init__(self, properties, mappings, targets):
        self.variables = properties["Environment"]["Variables"]
        self.memory, self.timeout = properties["MemorySize"], properties["Timeout"]
        for mapping in mappings:
            assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"], mapping
        self.queue = mappings[0]["EventSourceArn"] if mappings else None
        self.batch = mappings[0]["BatchSize"] if mappings else 0
        self.inputs = [json.loads(target["Input"]) for target in targets]


class Message:
    def __init__(self, message_id, body):
        self.id, self.body, self.receives = message_id, body, 0


class Deployment:
    def __init__(self, aws, name, binaries, parameters, *, sandboxes, seed):
        self.aws, self.name = aws, name
        self.random = random.Random(seed)
        self.s3, self.sns, self.sqs = aws.client("s3"), aws.client("sns"), aws.client("sqs")
        self.stack = Named(name, parameters)
        self.export_bucket = parameters["ExportBucketName"]
        self.functions = self.stack.functions()
        self.binaries = binaries
        self.ledger_bucket = self.functions["aggregate"].variables["LEDGER_BUCKET"]
        self.namespace = self.functions["aggregate"].variables["METRICS_NAMESPACE"]
        self.inboxes = {}
        self.create()
        self.queues = {function.queue: collections.deque() for function in self.functions.values() if function.queue}
        self.dead_letters = []
        self.answers = []
        # What was read of the ledger, by key and ETag.
        self.bodies = {}
        self.sequence = 0
        self.sent = []
        self.rules, self.tries = list(self.stack.rules()), self.stack.tries()
        # In which shapes ingest is told of an object of the export: by default, as the template's rule passes it on.
        self.shapes = [events.object_created]
        self.sandboxes = {name: [] for name in self.functions}
        self.counts = {name: sandboxes.get(name, 1) for name in self.functions}
        self.logs = collections.defaultdict(list)
        aws.listeners.append(self.created)

    def create(self):
        """What CloudFormation would create, as far as it is called over the wire; to each topic a queue subscribes."""
        for key in self.stack.of_type("AWS::S3::Bucket"):
            make_bucket(self.s3, self.stack.name(key))
        for key in self.stack.of_type("AWS::SNS::Topic"):
            topic = self.sns.create_topic(Name=self.stack.name(key))["TopicArn"]
            assert topic == self.stack.arn(key), topic
            url = self.sqs.create_queue(QueueName=self.stack.name(key))["QueueUrl"]
            arn = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
            self.sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
            self.inboxes[key.removesuffix("Topic").lower()] = url

    # ---- Functions ----

    def restart(self):
        """Starts every function anew, at the time that the clock shows."""
        self.stop()
        for name, function in self.functions.items():
            program = Program(
                name=f"{self.name}-{name}",
                binary=self.binaries[name],
                memory=function.memory,
                timeout=function.timeout,
                environment={
                    **function.variables,
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
            if matches(pattern, event):
                shapes = self.shapes if created.bucket == self.export_bucket else [events.object_created]
                for shape in shapes:
                    for _ in range(2):
                        self.send(queue, shape(created))

    def send(self, queue, body):
        self.sequence += 1
        self.sent.append((queue, body))
        self.queues[queue].append(Message(f"message-{self.sequence}", body))

    def send_again(self):
        """Delivers every event that there ever was once more. Returns how many."""
        events = list(self.sent)
        for queue, body in events:
            self.send(queue, body)
        self.pump()
        return len(events)

    def pump(self):
        """Delivers until all queues are empty. Returns how many messages were delivered."""
        delivered = 0
        with concurrent.futures.ThreadPoolExecutor() as pool:
            while any(self.queues.values()):
                under_way = []
                for name, function in self.functions.items():
                    queue = self.queues.get(function.queue)
                    if not queue:
                        continue
                    self.random.shuffle(queue)
                    for sandbox in self.sandboxes[name]:
                        batch = [queue.popleft() for _ in range(min(len(queue), function.batch))]
                        if batch:
                            under_way.append(pool.submit(self.deliver, name, sandbox, batch))
                            delivered += len(batch)
                for each in under_way:
                    each.result()
        return delivered

    def deliver(self, name, sandbox, batch):
        queue = self.functions[name].queue
        for message in batch:
            message.receives += 1
        records = [events.message(each.id, each.body, queue, each.receives) for each in batch]
        answer = self.note(name, sandbox.invoke({"Records": records}))
        failed = failures(answer, {message.id for message in batch})
        for message in batch:
            if message.id not in failed:
                continue
            if message.receives < self.tries[queue]:
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
                pool.submit(self.invoke, name, event)
                for name, function in self.functions.items()
                for event in function.inputs
                if event["detail-type"] == kind
            ]
            answers = [each.result() for each in under_way]
        self.pump()
        return answers

    def settle(self):
        """Lets the schedules come until none of them fails: what is interrupted is finished by the next."""
        failed = None
        while failed != 0:
            before = len(self.answers)
            self.schedules("digest")
            self.schedules("sweep")
            failed = sum(not answer.ok for _, answer in self.answers[before:])

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
        return {each["Key"]: self.body(each["Key"], each["ETag"]) for page in pages for each in page.get("Contents", [])}

    def body(self, key, etag):
        """An object that was listed. A version that was read before is not read again."""
        if (key, etag) not in self.bodies:
            answer = self.s3.get_object(Bucket=self.ledger_bucket, Key=key)
            etag = answer["ETag"]
            self.bodies[key, etag] = answer["Body"].read()
        return self.bodies[key, etag]

    def actions(self):
        """What the functions called: (function, action, resource), with the names that all stacks share."""
        names = {f":::{self.ledger_bucket}": ":::ledger", f":::{self.export_bucket}": ":::exports"}
        names |= {self.stack.arn(f"{topic.capitalize()}Topic"): f"arn:aws:sns:::{topic}" for topic in self.inboxes}
        prefix = f"{self.name}."
        for caller, action, resource in self.aws.actions:
            if caller.startswith(prefix):
                for name, shared in names.items():
                    resource = resource.replace(name, shared, 1)
                yield caller.removeprefix(prefix), action, resource


def make_bucket(s3, name):
    s3.create_bucket(Bucket=name)
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})


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
