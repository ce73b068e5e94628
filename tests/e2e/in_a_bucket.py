"""The command line on `s3://BUCKET[/PREFIX]`: what it makes of a bucket is what it makes of a copy of it, and what keeps it
from reading one is a line that says what to do.
"""

import json

import clock
import deliveries
from aws import REGION
from command_line import CommandLine
from deployment import make_bucket

BUCKET = "command-line-exports"
CLOSED, ELSEWHERE = "command-line-closed", "command-line-elsewhere"
# Where the sample's export lies in its bucket.
PREFIX = "finance/cur"


class InABucket:
    def __init__(self, run):
        self.checks, self.aws, self.clock = run.checks, run.aws, run.clock
        self.binary, self.folder = run.command_line, run.work / "in-a-bucket"
        self.kept = run.kept
        self.now = self.kept[-1].at + run.LATER
        # Nothing of whoever runs this: no profile, no credentials, and no machine that has a role.
        self.nobody = {"HOME": str(self.folder), "AWS_EC2_METADATA_DISABLED": "true"}
        self.environment = {
            **self.nobody,
            "AWS_REGION": REGION,
            "AWS_ACCESS_KEY_ID": "command-line",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_ENDPOINT_URL_S3": self.aws.endpoint,
        }

    def everything(self):
        s3 = self.aws.client("s3")
        for bucket in (BUCKET, CLOSED, ELSEWHERE):
            make_bucket(s3, bucket)
        self.aws.closed.add(CLOSED)
        self.aws.elsewhere[ELSEWHERE] = "eu-west-1"
        for kind, found in {
            "an export that keeps every delivery": self.kept,
            "one that overwrites": deliveries.overwriting(self.kept, BUCKET),
        }.items():
            root = self.folder / kind.replace(" ", "-")
            copy = root / "copy"
            for delivery in found:
                delivery.save(copy)
                delivery.upload(s3, self.clock, BUCKET)
            self.same(f"{kind}, the whole bucket", root / "whole", copy, f"s3://{BUCKET}")
            self.same(f"{kind}, below a prefix", root / "prefix", copy / PREFIX, f"s3://{BUCKET}/{PREFIX}")
            [export] = (copy / PREFIX).iterdir()
            own = f"s3://{BUCKET}/{PREFIX}/{export.name}/"
            self.same(f"{kind}, its own folder", root / "own", export, own)
            for page in s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET):
                for found in page.get("Contents", []):
                    s3.delete_object(Bucket=BUCKET, Key=found["Key"])
        self.refusals()
        wrote = {call[1] for call in self.aws.calls if call[0] == "command-line"} - {"s3:ListBucket", "s3:GetObject"}
        self.checks.equal("the command line only lists and reads a bucket", wrote, set())

    def same(self, what, folder, copy, bucket):
        """`run`, `report`, `doctor` and `explain` on a copy and on the bucket."""
        what = f"s3://, {what}"
        on_disk = CommandLine(self.binary, folder / "disk", copy)
        in_bucket = CommandLine(self.binary, folder / "bucket", bucket, self.environment)
        both = (in_bucket, on_disk)
        for each in both:
            each.ledger.parent.mkdir(parents=True)
            each.run(self.now)
        self.checks.equal(f"{what}: the same facts", *(each.facts() for each in both))
        reports = [each.report(each.ledger) for each in both]
        self.checks.equal(f"{what}: the same report", *reports)
        self.checks.true(f"{what}: there is something to report", len(reports[0]) > 100, reports[0])
        messages, data = ([list(of(each)) for each in both] for of in (CommandLine.messages, CommandLine.data))
        self.checks.equal(f"{what}: the same messages", *messages)
        self.checks.equal(f"{what}: the same metrics", *data)
        now = clock.rfc3339(self.now)
        doctors = [each.attempt("doctor", "--export", each.export, "--format", "json", "--now", now) for each in both]
        found = [(each.returncode, json.loads(each.stdout)) for each in doctors]
        self.checks.equal(f"{what}: the same findings", *found)
        self.checks.true(f"{what}: there are findings", len(found[0][1]) > 3, found[0])
        period = now[:7]
        identity = next(line.split(",")[0] for line in self.by_identity(on_disk, period) if line.startswith("role/"))
        arguments = ["--period", period, "--identity", identity, "--format", "csv"]
        explained = [
            each.command("explain", "--export", each.export, "--ledger", each.ledger, *arguments).splitlines()
            for each in both
        ]
        self.checks.equal(f"{what}: the same lines of the bill explain {identity}", *explained)
        self.checks.true(f"{what}: there are lines", len(explained[0]) > 2, explained[0])

    @staticmethod
    def by_identity(command_line, period):
        arguments = ["--ledger", command_line.ledger, "--period", period, "--by", "identity", "--format", "csv"]
        return command_line.command("report", *arguments).splitlines()

    def refusals(self):
        """One line on stderr that says what is wrong, of whatever is asked for first, and exit code 1."""
        keyless = {name: value for name, value in self.environment.items() if "KEY" not in name}
        sso = self.folder / "config"
        sso.write_text("[profile sso]\nsso_account_id = 111122223333\nsso_role_name = Reader\nsso_region = us-east-1\n"
                       "sso_start_url = https://example.awsapps.com/start\nregion = us-east-1\n")
        by_sso = {**keyless, "AWS_PROFILE": "sso", "AWS_CONFIG_FILE": str(sso)}
        placeless = {name: value for name, value in self.environment.items() if name != "AWS_REGION"}
        for what, bucket, environment, words in (
            ("a bucket that is not there", "command-line-gone", self.environment, ["there is no bucket command-line-gone"]),
            (
                "a bucket that it may not read",
                CLOSED,
                self.environment,
                ["not allowed to list", f"s3:ListBucket in the bucket {CLOSED}", "grant this program access"],
            ),
            (
                "a bucket in another region",
                ELSEWHERE,
                self.environment,
                [f"the bucket {ELSEWHERE} is in the region eu-west-1", f"works in {REGION}", "AWS_REGION"],
            ),
            ("no credentials", BUCKET, keyless, ["no credentials: none in", "AWS_ACCESS_KEY_ID", "export-credentials"]),
            ("a login that only the AWS CLI knows", BUCKET, by_sso, ["no credentials", "sso", "export-credentials"]),
            ("no region", BUCKET, placeless, ["no region", "AWS_REGION"]),
            ("a bucket without an export", BUCKET, self.environment, [f"s3://{BUCKET}"]),
            ("no bucket's name", "", self.environment, ["names no bucket"]),
        ):
            command_line = CommandLine(self.binary, self.folder / "refused", f"s3://{bucket}", environment)
            ledger = command_line.ledger
            for command in (["run", "--ledger", ledger], ["doctor"]):
                if command == ["doctor"] and what == "a bucket without an export":
                    # It says so by a finding.
                    continue
                answer = command_line.attempt(command[0], "--export", command_line.export, *command[1:])
                lines = answer.stderr.splitlines()
                said = len(lines) == 1 and lines[0].startswith("error: ") and all(word in lines[0] for word in words)
                self.checks.true(
                    f"{command[0]} on {what} ends with one line that says so",
                    answer.returncode == 1 and said and not ledger.exists(),
                    f"{answer.returncode}: {answer.stderr}",
                )
        answer = command_line.attempt("report", "--ledger", f"s3://{BUCKET}", "--by", "day")
        self.checks.true(
            "a ledger in a bucket is read from a copy, which is said",
            answer.returncode == 2 and "aws s3 sync" in answer.stderr,
            f"{answer.returncode}: {answer.stderr}",
        )
