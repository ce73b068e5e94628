"""The whole pipeline as it is deployed, without AWS: the four programs behind a Runtime API, events by the template's
rules, S3, SNS and CloudWatch over the wire. What comes out must be what the command line makes of the same files.

Usage: run.py BINARIES COMMAND_LINE WORKDIR [--part PART] [--older OLDER]

BINARIES is the folder with the functions' programs, COMMAND_LINE is `bedrock-ledger`. In WORKDIR it leaves what the functions called
(actions.json: function, action and resource, by the template's own names), and in a folder for each part their logs and
the ledgers.

There are five parts, and a sixth where OLDER is the folder with the programs of an older build. Each is a process; they
run beside each other unless one is asked for. Each has its own stand-ins, a stack, and more that needs no stack:
- `calm` is deployed on a bucket that has deliveries, of an export that keeps every delivery. Events come by the
  template's rules, twice and in no order, several sandboxes at once; nothing fails.
- `rough` gets its events as users' own wiring brings them, of an export that overwrites, and its functions are killed
  once before and once after every kind of write that they make. The command line reads buckets beside it.
- `attacked` has strangers' exports in its bucket, which come before each honest delivery and want to silence it.
- `listed` has them too, and names the export that counts: strangers may claim its months before it delivers.
- `life` goes on for weeks: topics lose their readers, spend falls to zero, a month begins with a holiday, another export
  takes the place of the first, and the stack is
  made again over its ledger.
- `upgrade` goes from the older build to this one function by function, and back, over one ledger.

Prints one line for each check, then, of all parts, how many passed and failed; exits 1 if any failed.
"""

import argparse
import datetime
import json
import pathlib
import shutil
import subprocess
import sys

import deliveries
import events
import logs
import older_release
import pages
import standins
from attack import Attacker
from aws import Aws, Created
from checks import Checks
from clock import Clock
from command_line import CommandLine, as_read, rows
from in_a_bucket import InABucket
from interruptions import Interruptions
from life import Life
from runtime_api import Program, Sandbox
from deployment import Deployment, Named, make_bucket
from upgrade import Upgrade

ROOT = pathlib.Path(__file__).resolve().parents[2]
CONFIGURATION = ROOT / "infra" / "ledger.toml"
FUNCTIONS = ("ingest", "aggregate", "alert", "digest")
# The bucket that a sample's manifests name.
BUCKET = "example-finance-exports"
PREFIX = "finance/cur"
# The id of the sample's export in it.
HONEST = "bedrock-by-caller--cf527689"
# What a shared gateway of the sample counted, and how its spend is divided.
METERING = "metering/gateway.csv"
SPLIT = '[[split]]\nwhat = { identity = "role/ai-gateway@444455556666" }\nby = "file"\n'
# What attributes say as the body of an event does.
IN_BOTH = ("kind", "status", "alert_id", "incident_key")
# Put as differences; every other metric is a gauge.
SUMS = {"Spend"}
# The key that a stack over a ledger that exists is told of.
KEY = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
# What the functions of a part called.
ACTIONS = "actions.json"
DOUBT = "InDoubtDatums"
# Put where there are topics alone.
READERS = "ConfirmedSubscriptions"
# How long after a delivery was written it is looked at, the schedules having run.
LATER = datetime.timedelta(minutes=20)
# A little more than what a function that sends messages claims them for, see Lease in shared/ledger/src/outputs/outbox.rs.
CLAIM = datetime.timedelta(minutes=6)


class Run:
    LATER = LATER

    def __init__(self, binaries, command_line, work, older=None):
        self.checks = Checks()
        self.older = older
        self.work = work
        self.programs = {name: str(binaries / name) for name in FUNCTIONS}
        self.panicking = str(binaries / "panicking-function")
        self.command_line = str(command_line)
        work.mkdir(parents=True)
        sample = work / "sample"
        self.metering = work / "gateway.csv"
        options = ["--rows", "8000", "--metering", self.metering]
        subprocess.run([self.command_line, "sample", "--out", sample, *options], check=True, capture_output=True)
        self.kept = deliveries.kept(sample)
        self.clock = Clock(self.kept[0].at)
        self.aws = Aws(self.clock)

    def calm(self):
        standins.check(self.checks, self.aws)
        self.startup()
        self.certificates()
        self.panic()
        self.other_region()
        make_bucket(self.aws.client("s3"), BUCKET)
        calm = Scenario(
            self,
            "calm",
            self.kept,
            bucket=BUCKET,
            parameters={"ExportPrefix": PREFIX},
            sandboxes={"ingest": 3, "aggregate": 2, "alert": 2},
        )
        calm.deployed_on_deliveries()
        calm.whole_month()
        calm.everything_again()
        calm.strangers()
        calm.broken_configuration()
        calm.overrides()
        calm.nothing_failed()
        calm.upgrades_found_every_format()
        calm.builds_are_named()
        calm.close()
        calm.moved()
        calm.removed()

    def rough(self):
        InABucket(self).everything()
        make_bucket(self.aws.client("s3"), "rough-exports")
        rough = Scenario(
            self,
            "rough",
            deliveries.overwriting(self.kept, "rough-exports"),
            bucket="rough-exports",
            parameters={},
            sandboxes={},
        )
        with Interruptions(self.aws, rough.stack) as interruptions:
            rough.deployed_before_deliveries()
            rough.whole_month()
        rough.everything_was_interrupted(interruptions)
        rough.told_of_the_first_delivery()
        rough.close()

    def attacked(self):
        self.under_attack("attacked", {})

    def listed(self):
        self.under_attack("listed", {"CountedExports": HONEST})

    def life(self):
        life = Life(self)
        life.everything()
        write_actions(self.work, life.actions)

    def upgrade(self):
        upgrade = Upgrade(self, self.older)
        upgrade.everything()
        write_actions(self.work, upgrade.stack.actions())

    def under_attack(self, name, parameters):
        make_bucket(self.aws.client("s3"), BUCKET)
        sandboxes = {"ingest": 2}
        attacked = Attacked(self, name, self.kept, bucket=BUCKET, parameters=parameters, sandboxes=sandboxes)
        attacked.deployed_on_deliveries()
        attacked.whole_month()
        attacked.operations_is_told_and_not_flooded()
        attacked.close()

    def startup(self):
        """Without its variables a function says which, all at once, and ends."""
        for name, function in Named("probe", {"ExportBucketName": BUCKET}).functions().items():
            sandbox = Sandbox(Program(name=name, binary=self.programs[name], environment={}))
            answer = sandbox.invoke({})
            sandbox.close()
            log = "\n".join(sandbox.logs) + json.dumps(answer.payload)
            # What may be empty may be missing nowhere; SSL_CERT_FILE is for the TLS library.
            missing = [variable for variable in function.variables if variable != "SSL_CERT_FILE" and variable not in log]
            self.checks.true(
                f"{name} does not start without its variables, and names each",
                not answer.ok and not missing,
                f"{answer}, {missing} not in: {log}",
            )


    def certificates(self):
        """A function whose file of certificates is missing says so, and goes on with others."""
        functions = Named("probe", {"ExportBucketName": BUCKET}).functions()
        environment = {**functions["digest"].variables, "SSL_CERT_FILE": "/nowhere/ca-bundle.crt"}
        environment |= {
            "AWS_ACCESS_KEY_ID": "probe.digest",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_ENDPOINT_URL_S3": self.aws.endpoint,
            "AWS_ENDPOINT_URL_SNS": self.aws.endpoint,
        }
        make_bucket(self.aws.client("s3"), environment["LEDGER_BUCKET"])
        sandbox = Sandbox(Program(name="digest", binary=self.programs["digest"], environment=environment, finds_certificates=True))
        answer = sandbox.invoke({"source": "bedrock-ledger", "detail-type": "sweep"})
        log = sandbox.logs_with("config.certificates", 0)
        sandbox.close()
        told = "SSL_CERT_FILE names /nowhere/ca-bundle.crt, which is missing or empty: certificates are read from"
        # A debug build panics where the TLS library has found no certificate.
        self.checks.true("a missing file of certificates is told, and others are read", answer.ok and told in log, f"{answer}\n{log}")

    def panic(self):
        """A panic is answered as an error that says what happened, and the same process answers the next invocation."""
        sandbox = Sandbox(Program(name="panicking", binary=self.panicking, environment={}))
        told = lambda key: events.object_created(Created("b", key, 1, "e", "", "1", self.clock.rfc3339, "PutObject"))
        queued = lambda key: {"Records": [events.message("m", told(key), "arn:aws:sqs:us-east-1:1:q", 1)]}
        answers, processes = [], set()
        for event in (told("k"), told("panic"), told("k"), queued("panic"), queued("k")):
            answers.append(sandbox.invoke(event))
            processes.add(sandbox.process.popen.pid)
        log = sandbox.logs_with("bug.panic", 0)
        sandbox.close()
        kinds = [answer.kind for answer in answers]
        self.checks.equal("a panic fails its own invocation alone", kinds, ["response", "error", "response", "error", "response"])
        self.checks.equal("a panic ends no process", len(processes), 1)
        told_of = [(answer.payload["errorType"], answer.payload["errorMessage"]) for answer in answers if not answer.ok]
        readable = [kind == "bug.panic" and 'asked for by Created { bucket: "b", key: "panic" }' in text for kind, text in told_of]
        self.checks.true("Lambda is told of a panic by kind and text", readable == [True, True], told_of)
        self.checks.true("a panic is logged as an error", '"ERROR"' in log and "bug.panic" in log, log)

    def other_region(self):
        """A stack whose export lies in another region: operations is told, once, of both regions and of the cure."""
        bucket = "other-region-exports"
        make_bucket(self.aws.client("s3"), bucket)
        self.aws.elsewhere[bucket] = "ap-southeast-2"
        stack = Deployment(self.aws, "elsewhere", self.programs, {"ExportBucketName": bucket}, sandboxes={}, seed=1)
        stack.restart()
        for _ in range(3):
            stack.schedules("sweep")
        told = [(topic, subject, " ".join(body.split())) for topic, subject, body, _ in stack.messages()]
        words = (
            "Kind store.other_region",
            f"the bucket {bucket} is in the region ap-southeast-2, and this program works in us-east-1",
            "deploy the stack in ap-southeast-2",
            "or replicate the bucket to us-east-1",
        )
        is_told = len(told) == 1 and told[0][0] == "operations" and all(word in told[0][2] for word in words)
        self.checks.true("of a bucket in another region operations is told once, with both regions and the cure", is_told, told)
        stack.stop()


class Scenario:
    """A stack, and the command line beside it, through the same month."""

    def __init__(self, run, name, kept, *, bucket, parameters, sandboxes):
        self.run, self.name, self.deliveries = run, name, kept
        self.checks, self.clock = run.checks, run.clock
        self.folder = run.work / name
        self.local = CommandLine(run.command_line, self.folder)
        self.configuration = None
        self.operations = []
        self.bucket, self.stack = bucket, None
        # The versions in which upgrades found objects.
        self.found_older = set()
        parameters = {"ExportBucketName": bucket, **parameters}
        self.make = lambda **more: Deployment(
            run.aws, name, run.programs, {**parameters, **more}, sandboxes=sandboxes, seed=1
        )
        self.s3 = run.aws.client("s3")
        if name == "rough":
            self.stack = self.make()

    # ---- The month ----

    def deployed_on_deliveries(self):
        """The stack comes to a bucket in which a month lies that no event ever told of."""
        october = self.deliveries[0]
        october.upload(self.s3, self.clock, self.bucket)
        october.save(self.local.export)
        self.stack = self.make()
        self.at(october.at + LATER)
        self.stack.schedules("sweep")
        self.check("the month that was there before the stack")
        self.told_of_deployment()

    def deployed_before_deliveries(self):
        """The stack comes first, and is told of every delivery by S3's own notifications or by SNS."""
        october = self.deliveries[0]
        self.at(october.at - LATER)
        self.stack.schedules("sweep")
        self.told_of_deployment()
        self.at(october.at + LATER)
        self.stack.shapes = [events.notification]
        self.deliver(october)
        self.check("a month told of by S3's notifications")

    def whole_month(self):
        first, second = self.deliveries[1:]
        self.metered()
        self.at(first.at + LATER)
        if self.name == "rough":
            self.stack.shapes = [lambda created: events.from_topic(events.notification(created))]
        self.deliver(first)
        self.check("the first delivery of the current month")
        self.upgraded()

        self.at(first.at + 2 * LATER)
        self.configuration = self.configured()
        self.stack.configure(self.configuration.read_text())
        self.stack.pump()
        self.stack.schedules("sweep")
        self.check("a configuration that is new", messages={"alerts", "events"})
        self.upgraded()

        self.at(second.at + LATER)
        if self.name == "calm":
            self.run.aws.cloudwatch.lose_next_answer()
        self.deliver(second)
        self.check("the second delivery of the current month", messages={"alerts", "events"})
        names = {name for _, name, *_ in self.stack.data()}
        self.checks.true(f"{self.name}: there are metrics to compare", "MonthToDateSpend" in names, names)
        self.upgraded()

        self.at(second.at + datetime.timedelta(days=7))
        self.stack.schedules("sweep")
        self.check("a week later", messages={"digest"})
        doubts = sorted((timestamp, value) for _, name, _, timestamp, value, _ in self.stack.data() if name == DOUBT)
        was, now = max(value for _, value in doubts), doubts[-1][1]
        # In `rough` nothing is lost but claims, which are given up and settled by the same sweep.
        expected = was > 0 if self.name == "calm" else True
        self.gateway_was_divided()
        self.checks.true(f"{self.name}: what was in doubt is read back and settled", expected and now == 0, doubts)

    def upgraded(self):
        """The ledger becomes what an upgrade finds: in `calm` every object is as an older release wrote it, in `rough` about half
        of them, as if old functions and new ones had written in turn. What comes next must be as if nothing had happened."""
        chance = {"calm": 1, "rough": 0.5}.get(self.name, 0)
        listeners, self.run.aws.listeners[:] = list(self.run.aws.listeners), []
        for key, body in self.stack.objects().items():
            found = older_release.as_older_release(key, body)
            if found and self.stack.random.random() < chance:
                version, older_key, older = found
                self.found_older.add(version)
                self.s3.put_object(Bucket=self.stack.ledger_bucket, Key=older_key, Body=older)
                if older_key != key:
                    self.s3.delete_object(Bucket=self.stack.ledger_bucket, Key=key)
        self.run.aws.listeners[:] = listeners

    def upgrades_found_every_format(self):
        self.checks.equal("each stored format that has an older version is known in it", older_release.missing(), [])
        self.checks.equal("objects made older are as the fixtures of those versions", older_release.differences(), [])
        expected = {older_release.oldest(name) for name in older_release.BEFORE}
        self.checks.equal("upgrades found objects of each older version", self.found_older, expected)

    def metered(self):
        """Whoever runs the gateway puts what it counted into the ledger."""
        records = self.run.metering.read_bytes()
        self.s3.put_object(Bucket=self.stack.ledger_bucket, Key=METERING, Body=records)
        path = self.local.ledger / METERING
        path.parent.mkdir(parents=True)
        path.write_bytes(records)

    def at(self, now):
        """Lets it be that time, for everybody."""
        self.clock.now = now
        self.stack.restart()

    def outlive_claims(self):
        """What functions had claimed when they were killed is sent by the first sweep after the claims are over."""
        failed = None
        while failed != 0:
            self.at(self.clock.now + CLAIM)
            before = len(self.stack.answers)
            self.stack.schedules("sweep")
            failed = sum(not answer.ok for _, answer in self.stack.answers[before:])

    def deliver(self, delivery):
        delivery.save(self.local.export)
        delivery.upload(self.s3, self.clock, self.bucket)
        self.stack.pump()
        self.stack.schedules("sweep")

    def configured(self):
        """The sample configuration, with a budget that is crossed between the two deliveries of the month."""
        path = self.folder / "ledger.toml"
        totals = []
        for index, delivery in enumerate(self.run.kept[1:]):
            probe = CommandLine(self.run.command_line, self.folder / f"probe-{index}")
            delivery.save(probe.export)
            probe.run(delivery.at + LATER)
            totals.append(next(value for _, _, dimensions, _, value, _ in probe.data() if len(dimensions) == 1))
        budget = f'\n[[budget]]\nname = "between"\namount = "{sum(totals) / 2:.2f}"\nthresholds = [100]\n'
        path.write_text(CONFIGURATION.read_text() + budget + SPLIT)
        return path

    # ---- What must hold ----

    def check(self, what, messages=frozenset()):
        """Compares with the command line, which works on the same files with the same clock."""
        what = f"{self.name}, {what}"
        self.stack.settle()
        self.local.run(self.clock.now, self.configuration)
        objects = self.stack.objects()
        facts = {key: rows(body) for key, body in objects.items() if key.startswith("facts/")}
        self.checks.equal(f"{what}: the same facts", facts, self.local.facts())
        copy = self.folder / "bucket"
        shutil.rmtree(copy, ignore_errors=True)
        for key, body in objects.items():
            path = copy / key
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(body)
        self.checks.equal(
            f"{what}: a copy of the bucket is a ledger, and reports the same",
            self.local.report(copy),
            self.local.report(self.local.ledger),
        )
        self.compare_files(what, objects, copy)
        # The command line's outputs always answer: nothing that it puts is ever in doubt.
        data, local = ([datum for datum in data if self.compares(datum)] for data in (self.stack.data(), self.local.data()))
        self.checks.equal(f"{what}: the same metrics", as_read(data, SUMS), as_read(local, SUMS))
        self.compare_messages(what, messages)

    def compares(self, datum):
        """Gauges that a function was killed at are put again by a later sweep, at its own time. In `rough` that befalls
        the only gauge that has a value before the month's first delivery."""
        return datum[1] not in (DOUBT, READERS) and (self.name, datum[1]) != ("rough", "RecentSpend")

    def compare_files(self, what, objects, copy):
        """What the function has written for finance, against what the command line makes of the bucket's copy, and of its
        own ledger: there all but when a delivery was made, which copies on a disk do not know."""
        written = {}
        for key, body in objects.items():
            folder, *period, name = key.split("/")
            if folder == "chargeback":
                written.setdefault(period[0].removeprefix("period="), {})[name] = body
        self.checks.true(f"{what}: there are files for finance", written)
        now = self.clock.now
        made = {period: self.local.chargeback(copy, period, now) for period in written}
        self.checks.equal(f"{what}: the same files for finance", written, made)
        own = {period: tables(self.local.chargeback(self.local.ledger, period, now)) for period in written}
        self.checks.equal(f"{what}: the same tables", {period: tables(files) for period, files in written.items()}, own)

    def compare_messages(self, what, expected_topics):
        """On AWS operations is told of more than on a terminal, where errors and notes are on the screen: those messages
        are looked at by themselves. What is killed after it sent a message sends it again, with the same id."""
        if self.name == "rough":
            self.outlive_claims()
        found, local = self.stack.messages(), self.local.messages()
        self.operations += [message for message in found if message[0] == "operations"]
        found = [message for message in found if message[0] != "operations"]
        other = [(name, text) for topic, _, text, of in found if topic == "events" for name in IN_BOTH
                 if json.loads(text).get(name, of[name]) != of[name]]
        self.checks.equal(f"{what}: events say the same as their attributes", other, [])
        if self.name == "rough":
            found = [message for index, message in enumerate(found) if message not in found[:index]]
        self.checks.equal(f"{what}: the same messages", found, local)
        topics = {message[0] for message in found}
        missing = expected_topics - topics
        self.checks.true(f"{what}: there are messages to compare", not missing, f"none to {missing}, only to {topics}")

    def gateway_was_divided(self):
        """By what was put into the bucket; and what lies there says what it is."""
        bucket, folder = self.stack.ledger_bucket, "chargeback/period=2026-11"
        about = json.loads(self.s3.get_object(Bucket=bucket, Key=f"{folder}/about.json")["Body"].read())
        used = [(file["file"], file["records"] > 0, file["problems"]) for file in about["metering"]]
        self.checks.equal(f"{self.name}: metering records in the bucket are used", used, [(METERING, True, [])])
        divided = [note for note in about["notes"] if "by file" in note]
        found, whole = divided[0].split(": ")[-1].removesuffix(" divided").split(" of ") if divided else ("", "?")
        self.checks.true(f"{self.name}: all of the gateway is divided", len(divided) == 1 and found == whole, about["notes"])
        types = {}
        for key in (f"{folder}/showback.csv", f"{folder}/about.json", "pages/period=2026-11.html", "config/in-force.toml"):
            types[key.split(".")[-1]] = self.s3.head_object(Bucket=bucket, Key=key)["ContentType"]
        expected = {
            "csv": "text/csv; charset=utf-8",
            "json": "application/json",
            "html": "text/html; charset=utf-8",
            "toml": "application/toml",
        }
        self.checks.equal(f"{self.name}: objects say what they are", types, expected)

    def told_of_deployment(self):
        self.stack.schedules("sweep")
        self.compare_messages("deployment", frozenset())
        notes = [(subject, body) for _, subject, body, _ in self.operations]
        distinct = notes if self.name == "calm" else sorted(set(notes))
        self.checks.equal(f"{self.name}: operations is told of the deployment once", len(distinct), 1)

    def told_of_the_first_delivery(self):
        """Whoever was told of nothing is told once more, as announced, and no more of the deployment."""
        subjects = {subject for _, subject, *_ in self.operations}
        of_deployment = sorted(subject for subject in subjects if subject.startswith(("Deployed", "First delivery")))
        self.checks.equal(
            f"{self.name}: of the deployment operations is told what was announced, and no more",
            of_deployment,
            [
                f"Deployed: no CUR 2.0 export yet in s3://{self.bucket}/",
                f"First delivery: 1 export, 1 delivery in s3://{self.bucket}/",
            ],
        )

    def everything_again(self):
        """Every event of the month comes once more, in another order: nothing is changed, nobody is told of anything."""
        before, data = self.stack.objects(), self.stack.data()
        count = self.stack.send_again()
        self.checks.equal(f"calm: {count} events that come again change no object", self.stack.objects(), before)
        self.checks.equal("calm: events that come again put no metric", self.stack.data(), data)
        self.checks.equal("calm: events that come again are told to nobody", self.stack.messages(), [])
        subjects = [subject.split(":")[0] for _, subject, *_ in self.operations]
        expected = ["Deployed", "First configuration"]
        self.checks.equal("calm: operations was told of the deployment and of the first configuration alone", subjects, expected)

    def strangers(self):
        """What is none of an export's is passed over with a reason."""
        stranger = self.stranger
        created = events.object_created(stranger("aws-programmatic-access-test-object"))
        direct = events.notification(stranger("aws-programmatic-access-test-object"))
        foreign = json.loads(json.dumps(created).replace(self.bucket, "somebody-elses-bucket"))
        bodies = {
            "S3's test event": events.test_event(self.bucket),
            "S3's test event by SNS": events.from_topic(events.test_event(self.bucket)),
            "an object that is none of an export's": created,
            "such an object, by S3's notification": direct,
            "an object of another bucket": foreign,
            "an event of another service": {"source": "aws.ec2", "detail-type": "EC2 Instance State-change", "detail": {}},
            "a message that is no JSON": "hello",
        }
        sandbox = self.stack.sandboxes["ingest"][0]
        calls = len(self.run.aws.calls)
        for what, body in bodies.items():
            logged = len(sandbox.logs)
            answer = sandbox.invoke({"Records": [events.message("stranger", body, self.stack.functions["ingest"].queue, 1)]})
            failed = not answer.ok or (answer.payload or {}).get("batchItemFailures")
            log = sandbox.logs_with("ignored", logged)
            self.checks.true(
                f"ingest passes over {what}, and says why",
                not failed and "ignored" in log and '"ERROR"' not in log,
                f"{answer}\n{log}",
            )
        for what, event in {"an event of EventBridge": created, "a notification of S3": direct}.items():
            answer = sandbox.invoke(event)
            self.checks.true(f"ingest understands {what} that comes directly", answer.ok, answer)
        wrote = [call for call in self.run.aws.calls[calls:] if call[1] == "s3:PutObject"]
        self.checks.equal("nothing is written for strangers", wrote, [])

    def stranger(self, key):
        return Created(self.bucket, key, 1, "d41d8cd98f00b204e9800998ecf8427e", "", "FF", self.clock.rfc3339, "PutObject")

    def broken_configuration(self):
        before = self.stack.objects()["config/in-force.toml"]
        told = len(self.operations)
        self.stack.configure("[cost]\nbasis = 'imaginary'\n")
        self.stack.pump()
        for _ in range(2):
            self.stack.schedules("sweep")
        self.compare_messages("a broken configuration", frozenset())
        new = self.operations[told:]
        self.checks.true(
            "a broken configuration is answered to operations, once, with its line",
            len(new) == 1 and "config/ledger.toml:2: `basis` is `imaginary`" in new[0][2],
            new,
        )
        self.checks.equal("the last good configuration stays", self.stack.objects()["config/in-force.toml"], before)
        self.stack.configure(self.configuration.read_text())
        self.stack.pump()

    def overrides(self):
        """A file of overrides is in force as soon as it is written, before any sweep, and drives nothing else."""
        budget = '\n[[budget]]\nname = "leads"\neach = "identity"\namount = "1000000"\nthresholds = [100]\n'
        budget += 'overrides_file = "people.csv"\n'
        bucket, found = self.stack.ledger_bucket, []
        for amount in ("2000000", "3000000"):
            csv = f"member,amount\ndana@example.com,{amount}\n"
            self.s3.put_object(Bucket=bucket, Key="config/people.csv", Body=csv.encode())
            if not found:
                self.stack.configure(self.configuration.read_text() + budget)
            self.stack.pump()
            found.append(f"dana@example.com,{amount}" in self.stack.objects()["config/in-force.toml"].decode())
        self.checks.equal("a file of overrides is adopted by its own event", found, [True, True])
        self.stack.configure(self.configuration.read_text())
        self.stack.pump()

    def nothing_failed(self):
        failed = [(name, answer) for name, answer in self.stack.answers if not answer.ok]
        self.checks.equal("calm: no invocation failed", failed, [])
        self.checks.equal("calm: there are no dead letters", self.stack.dead_letters, [])
        lines = [(name, line) for name in FUNCTIONS for line in self.stack.all_logs(name)]
        broken = "config/ledger.toml is not valid"
        errors = [(name, line) for name, line in lines if '"ERROR"' in line and broken not in line]
        self.checks.equal("calm: no error is logged but the broken configuration", errors, [])
        for key, name in (("MorningsDone", "digest"), ("RefusedMessages", "alert")):
            filtered = logs.found(self.stack.stack.properties(key)["FilterPattern"], self.stack.all_logs(name))
            self.checks.equal(f"calm: the template's filter {key} finds lines in the logs", bool(filtered), key == "MorningsDone")

    def builds_are_named(self):
        """The command line, each function's first line, and each object that a function wrote say which build they are of."""
        build = self.local.command("--version").strip().removeprefix("bedrock-ledger ")
        started = [(name, line) for name in FUNCTIONS for line in self.stack.all_logs(name) if '"started"' in line]
        self.checks.equal("every function says at its start that it starts", {name for name, _ in started}, set(FUNCTIONS))
        others = [line for _, line in started if json.loads(line)["fields"].get("build") != build]
        self.checks.equal(f"functions say that they are of the build {build}", others, [])
        bucket, said = self.stack.ledger_bucket, {}
        for key in self.stack.objects():
            said[key] = self.s3.head_object(Bucket=bucket, Key=key)["Metadata"].get("written-by")
        # What people wrote says nothing, nor does what was made older above and not written since.
        self.checks.equal("objects say which build wrote them", set(said.values()) - {None}, {build})
        silent = [key for key in said if key.startswith(("chargeback/", "pages/", "digests/")) and said[key] is None]
        self.checks.equal("each object that was written last says it", silent, [])

    def moved(self):
        """The page's commands move the ledger; a stack that is told of the new bucket goes on where the old one was."""
        old, new = self.stack.ledger_bucket, "moved-ledger"
        self.stack.messages()
        self.shell = pages.Shell(self.folder / "shell", self.run.aws.endpoint, {name.capitalize(): name for name in FUNCTIONS})
        [script] = pages.commands("deploy.md", "Move the ledger to another bucket")
        names = {"LEDGER_BUCKET": old, "NEW_BUCKET": new, "KEY_ARN": KEY}
        status, printed = self.shell.run(script, names)
        self.checks.equal("the commands that move a ledger work, and miss no object", (status, printed.count("\n<")), (0, 0))
        limits = [(command, of["FunctionName"], of.get("ReservedConcurrentExecutions"))
                  for service, command, of in self.shell.calls() if service == "lambda"]
        stopped = [("put-function-concurrency", name, 0) for name in FUNCTIONS]
        started = [("delete-function-concurrency", name, None) for name in FUNCTIONS]
        self.checks.equal("they stop every function and start it again", limits, stopped + started)
        versioning = self.s3.get_bucket_versioning(Bucket=new)["Status"]
        rules = self.s3.get_bucket_encryption(Bucket=new)["ServerSideEncryptionConfiguration"]["Rules"]
        key = rules[0]["ApplyServerSideEncryptionByDefault"]["KMSMasterKeyID"]
        self.checks.equal("the new bucket is as the template would make it", (versioning, key), ("Enabled", KEY))
        self.stack = self.make(LedgerBucketName=new, KeyArn=KEY)
        self.checks.equal("a stack over a ledger that exists uses its bucket", self.stack.ledger_bucket, new)
        before = len(self.stack.data())
        self.at(self.clock.now + LATER)
        self.stack.schedules("sweep")
        self.stack.schedules("digest")
        facts = {key: rows(body) for key, body in self.stack.objects().items() if key.startswith("facts/")}
        self.checks.equal("a ledger that was moved has the same facts", facts, self.local.facts())
        # At the new time something may be due: on the command line it is due as well.
        self.local.run(self.clock.now, self.configuration)
        told = len(self.operations)
        self.compare_messages("a ledger that was moved", frozenset())
        self.checks.equal("of a ledger that was moved operations is told nothing", self.operations[told:], [])
        data = self.stack.data()[before:]
        self.checks.equal("of a ledger that was moved no spend is put again", [each for each in data if each[1] == "Spend"], [])
        self.stack.stop()

    def removed(self):
        """The page's commands remove buckets with more versions than one call deletes, and the key."""
        ledger, exports = self.stack.ledger_bucket, self.bucket
        for index in range(1001):
            self.s3.put_object(Bucket=ledger, Key=f"many/{index}", Body=b"")
        [script] = pages.commands("deploy.md", "Remove it")
        status, printed = self.shell.run(script, {"LEDGER_BUCKET": ledger, "EXPORT_BUCKET": exports, "KEY_ARN": KEY})
        self.checks.equal(f"the commands that remove everything work: {printed[-300:]}", status, 0)
        there = {bucket["Name"] for bucket in self.s3.list_buckets()["Buckets"]}
        self.checks.equal("the buckets are gone", {ledger, exports} & there, set())
        keys = [of for service, command, of in self.shell.calls() if command == "schedule-key-deletion"]
        self.checks.equal("the key is deleted in a month", keys, [{"KeyId": KEY, "PendingWindowInDays": 30}])

    def everything_was_interrupted(self, interruptions):
        twice = {kind: count for kind, count in interruptions.seen.items() if count >= 2}
        once = sorted(set(interruptions.seen) - set(twice))
        deaths = self.stack.deaths
        self.checks.true(
            f"rough: functions were killed {deaths} times, at {len(twice)} kinds of writes",
            deaths >= 20 and len(twice) >= 10,
            f"only once: {once}; all: {interruptions.seen}",
        )

    def close(self):
        write_actions(self.run.work, self.stack.actions())
        self.stack.stop()
        for name in FUNCTIONS:
            lines = self.stack.all_logs(name)
            self.checks.equal(f"{self.name}: no log of {name} names a caller", logs.of_callers(lines), [])
            (self.folder / f"{name}.log").write_text("\n".join(lines) + "\n")


class Attacked(Scenario):
    """The same month, told and counted as if nobody had attacked; the command line sees honest files alone."""

    def deployed_on_deliveries(self):
        self.attacker = Attacker(self.s3, self.clock, self.bucket, self.deliveries[0])
        self.has_delivered = False
        self.strike("2026-10")
        super().deployed_on_deliveries()

    def deliver(self, delivery):
        self.strike("2026-11")
        super().deliver(delivery)
        self.has_delivered = True

    def strike(self, period):
        attacker = self.attacker
        attacker.claims("2026-12")
        attacker.claims("2027-01")
        # Whoever delivers a month first is counted, unless it is said who counts.
        if self.name == "listed" or self.has_delivered:
            attacker.claims(period)
        attacker.removes(attacker.delivers_a_caller_of(1 << 20, period))
        attacker.delivers_a_caller_of(5000, period)
        attacker.delivers_what_is_no_bill(period)
        attacker.lists(20_000, period)
        attacker.floods(30, period)

    def compares(self, datum):
        """Strangers' exports have health of their own, which says that they are there. And their events let metrics be put
        a moment before the honest delivery is counted: gauges then have two values for one time, of which the honest
        one is the second. What is a sum has one."""
        _, name, dimensions, *_ = datum
        return super().compares(datum) and name in SUMS and dict(dimensions).get("Export", HONEST) == HONEST

    def told_of_deployment(self):
        """Of more than the deployment: what operations is told of strangers is looked at in the end."""
        self.stack.schedules("sweep")
        self.compare_messages("deployment", frozenset())

    def operations_is_told_and_not_flooded(self):
        told = [" ".join(f"{subject} {body}".split()) for _, subject, body, _ in self.operations]
        of = lambda *words: [text for text in told if all(word in text for word in words)]
        expected = {"that an export is not counted": ("Not counted", "claim-2026-11")}
        if self.name == "attacked":
            expected |= {
                "of a text that is too long, and where": ("export.too_long", "long-00001.snappy.parquet", "line_item_iam_principal"),
                "of a file that is none": ("noise-00001.snappy.parquet",),
                "of a manifest that lists too much": ("many-Manifest.json", "lists 20000 files"),
                "of manifests that cannot be read": ("Failed (export.manifest", "flood"),
                "how many more there are": ("more notes",),
            }
        for what, words in expected.items():
            self.checks.true(f"{self.name}: operations is told {what}", of(*words), told)
        self.checks.true(f"{self.name}: {len(told)} messages to operations in a month, not hundreds", len(told) <= 40, told)
        longest = max(map(len, told))
        self.checks.true(f"{self.name}: none of them is long ({longest} characters)", longest <= 16_384 + 200)
        claims = [key for key in self.stack.objects() if key.startswith("claims/")]
        self.checks.equal(f"{self.name}: no month is claimed but those of the bill", len(claims), 2)


def write_actions(work, actions):
    keys = ("function", "action", "resource")
    (work / ACTIONS).write_text(json.dumps([dict(zip(keys, each, strict=True)) for each in sorted(actions)]))


def tables(files):
    return {name: body for name, body in files.items() if name.endswith(".csv")}


def beside_each_other(arguments):
    """Runs all parts, says what they say, one after the other, and puts together what they leave."""
    command = [sys.executable, __file__, arguments.binaries, arguments.command_line]
    more = ["--older", arguments.older] if arguments.older else []
    start = lambda part: subprocess.Popen(
        [*command, arguments.work / part, "--part", part, *more], stdout=subprocess.PIPE, text=True
    )
    checks, actions = Checks(), []
    parts = [part for part in PARTS if arguments.older or part != "upgrade"]
    for part, process in [(part, start(part)) for part in parts]:
        for line in process.stdout:
            checks.passed += line.startswith("ok ")
            checks.failed += line.startswith("FAILED ")
            print(line, end="", flush=True)
        left = arguments.work / part / ACTIONS
        checks.true(f"{part} came to its end", process.wait() in (0, 1) and left.exists(), f"exit code {process.returncode}")
        actions += json.loads(left.read_text()) if left.exists() else []
    distinct = {tuple(action.values()): action for action in actions}
    (arguments.work / ACTIONS).write_text(json.dumps([distinct[key] for key in sorted(distinct)], indent=1))
    return checks.summary()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("binaries", type=pathlib.Path)
    parser.add_argument("command_line", type=pathlib.Path)
    parser.add_argument("work", type=pathlib.Path)
    parser.add_argument("--part", choices=PARTS)
    parser.add_argument("--older", type=pathlib.Path, help="the folder with the functions of an older build")
    arguments = parser.parse_args()
    shutil.rmtree(arguments.work, ignore_errors=True)
    if arguments.part is None:
        arguments.work.mkdir(parents=True)
        return beside_each_other(arguments)
    older = arguments.older and arguments.older.resolve()
    run = Run(arguments.binaries.resolve(), arguments.command_line.resolve(), arguments.work.resolve(), older)
    PARTS[arguments.part](run)
    return 1 if run.checks.failed else 0


PARTS = {
    "calm": Run.calm,
    "rough": Run.rough,
    "attacked": Run.attacked,
    "listed": Run.listed,
    "life": Run.life,
    "upgrade": Run.upgrade,
}

if __name__ == "__main__":
    sys.exit(main())
