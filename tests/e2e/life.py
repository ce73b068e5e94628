"""What befalls a stack in the months after its deployment: topics lose their readers, spend falls to zero, a month begins
with a holiday, the stack is deleted and made again, another export takes the place of the first. Alarms are evaluated over what was put to CloudWatch.
"""

import collections
import datetime
import hashlib
import io
import json
import math
import pathlib
import sys

import pyarrow.parquet

import deliveries
import logs
from deployment import Deployment, make_bucket

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "template"))
from alarm import states

BUCKET = "life-exports"
NAME = "life"
KEY = "arn:aws:kms:us-east-1:111122223333:key/1"
HOUR, DAY = datetime.timedelta(hours=1), datetime.timedelta(days=1)
USD = (("Currency", "USD"),)
EXPORT, OTHER = "bedrock-by-caller", "bedrock-of-2027"


class Life:
    def __init__(self, run):
        self.run, self.checks, self.aws, self.clock = run, run.checks, run.aws, run.clock
        self.s3, self.sns = run.aws.client("s3"), run.aws.client("sns")
        make_bucket(self.s3, BUCKET)
        self.october, self.first, self.second = deliveries.overwriting(run.kept, BUCKET)
        self.stack = self.deployed({"ExportBucketName": BUCKET})
        self.actions = set()

    def deployed(self, parameters):
        return Deployment(self.aws, NAME, self.run.programs, parameters, sandboxes={}, seed=1)

    def everything(self):
        self.begins()
        self.loses_a_reader()
        self.falls_to_zero()
        self.is_made_again()
        self.begins_a_month_with_a_holiday()
        self.is_replaced()
        self.actions |= set(self.stack.actions())
        self.stack.stop()
        lines = [line for name in self.run.programs for line in self.stack.all_logs(name)]
        self.checks.equal("life: no log names a caller", logs.of_callers(lines), [])

    # ---- What befalls it ----

    def begins(self):
        for delivery in (self.october, self.first):
            delivery.upload(self.s3, self.clock, BUCKET)
        self.sweep(self.first.at + HOUR)
        self.stack.messages()

    def loses_a_reader(self):
        """Somebody opened the link below a mail."""
        self.checks.equal("life: a topic that is read is told of to nobody", self.subjects(), [])
        [subscription] = self.sns.list_subscriptions_by_topic(TopicArn=self.stack.stack.arn("OperationsTopic"))["Subscriptions"]
        self.sns.unsubscribe(SubscriptionArn=subscription["SubscriptionArn"])
        for hours in (24, 25, 26, 48):
            self.sweep(self.first.at + hours * HOUR)
        told = [("alerts", "Nobody reads: operations"), ("digest", "Nobody reads: operations")]
        self.checks.equal("life: a topic without a reader is told to the others, once", self.subjects(), told)
        readers = lambda topic: self.values("ConfirmedSubscriptions", (("Topic", topic),))[-1]
        self.checks.equal("life: health says so", (readers("operations"), readers("alerts")), (0.0, 1.0))
        alarm = self.stack.stack.properties("NobodyReadsAlarm")
        least = [min(readers(topic) for topic in ("alerts", "digest", "operations", "events"))] * 2
        self.checks.equal("life: an alarm says so", states(alarm, least), {"ALARM"})
        self.sns.subscribe(TopicArn=subscription["TopicArn"], Protocol="sqs", Endpoint=subscription["Endpoint"])
        for hours in (50, 51):
            self.sweep(self.first.at + hours * HOUR)
        self.checks.equal("life: who reads again is told nobody else of", self.subjects(), [])
        least = [readers("operations")] * 2
        self.checks.equal("life: and the alarm ends", states(alarm, least), {"OK"})

    def falls_to_zero(self):
        """From some day on deliveries have no Bedrock row."""
        begin = midnight(self.clock.now) + DAY
        self.sweep(begin)
        for day in range(4):
            at = begin + day * DAY + 6 * HOUR
            self.deliver(again(self.first, at, empty=True))
            self.sweep(at + 12 * HOUR)
        found = [self.no_spend(begin, day) for day in range(4)]
        self.checks.equal("life: zero spend alarms on the second day, and goes on", found, [{"OK"}, {"OK"}, {"ALARM"}, {"ALARM"}])
        ages = [value for name, value in self.newest("DeliveryAgeHours")]
        self.checks.true("life: and no delivery is late, which would hide it", ages and max(ages) < 36, ages)
        at = self.clock.now + HOUR
        self.deliver(again(self.second, at))
        self.checks.equal("life: and ends when spend is back", self.no_spend(begin, (at - begin).days), {"OK"})

    def begins_a_month_with_a_holiday(self):
        """Nobody has used Bedrock since the 19th of November; deliveries of December come, and have nothing."""
        begin = datetime.datetime(2026, 12, 1, tzinfo=datetime.timezone.utc)
        for day in range(4):
            at = begin + day * DAY + 6 * HOUR
            self.deliver(again(self.second, at))
            self.deliver(in_month(again(self.second, at + HOUR, empty=True), "2026-11", "2026-12"))
            self.sweep(at + 12 * HOUR)
        found = [self.no_spend(begin, day) for day in range(4)]
        alarmed = "life: a month that begins with a holiday is no incident on its second day, and one after two weeks"
        self.checks.equal(alarmed, found, [{"OK"}, {"OK"}, {"OK"}, {"ALARM"}])
        of_month = self.by_day("MonthToDateSpend", begin - 5 * DAY, 7)
        alarm = self.stack.stack.properties("NoSpend")
        self.checks.equal("life: by the month alone it would be one", states(alarm, of_month), {"ALARM"})

    def is_made_again(self):
        """The stack is deleted, and made again over its ledger: with the same name, so with the same namespace."""
        ledger = self.stack.ledger_bucket
        self.actions |= set(self.stack.actions())
        self.stack.stop()
        self.aws.listeners.remove(self.stack.created)
        for key in self.stack.stack.of_type("AWS::SNS::Topic"):
            self.sns.delete_topic(TopicArn=self.stack.stack.arn(key))
        for url in self.stack.inboxes.values():
            self.stack.sqs.delete_queue(QueueUrl=url)
        self.stack = self.deployed({"ExportBucketName": BUCKET, "LedgerBucketName": ledger, "KeyArn": KEY})
        before, put = self.stack.objects(), len(self.spend())
        self.sweep(self.clock.now + HOUR)
        self.checks.equal("life: a stack that is made again tells nobody of anything again", self.subjects(), [])
        self.checks.equal("life: and puts no spend again", len(self.spend()), put)
        moved = {key for key, body in self.stack.objects().items() if body != before.get(key)}
        committed = [key for key in moved if key.startswith(("state/", "facts/", "history/", "alerts/", "claims/"))]
        self.checks.equal("life: and commits nothing again", committed, [])
        at = self.clock.now + HOUR
        self.deliver(again(self.first, at))
        failed = [(name, answer) for name, answer in self.stack.answers if not answer.ok]
        self.checks.equal("life: it goes on without a failure", failed, [])
        self.checks.true("life: and counts the next delivery", len(self.spend()) > put)
        put, facts = self.adds_up()
        self.checks.true("life: there is spend to add up", len(facts) > 3, facts)
        self.checks.equal("life: spend still adds up to the ledger", put, facts)
        self.deliver(again(self.second, at + HOUR))

    def is_replaced(self):
        """With the year another export begins, and the first delivers no more."""
        begin = datetime.datetime(2027, 1, 1, tzinfo=datetime.timezone.utc)
        self.deliver(again(self.second, begin))
        self.deliver(first_day_of(again(self.second, begin + 30 * HOUR), "2026-11", "2027-01", EXPORT, OTHER))
        alarm = self.stack.stack.properties("NoDeliveryAlarm")
        old, new = (export_id(f"finance/cur/{name}") for name in (EXPORT, OTHER))
        late = [self.ages(begin + hours * HOUR) for hours in (36, 37, 38)]
        self.checks.equal("life: an export that was replaced is late", late, [{old: 36.0}, {old: 37.0}, {old: 38.0}])
        self.checks.equal("life: and an alarm says so", states(alarm, [max(each.values()) for each in late]), {"ALARM"})
        self.stack.configure(f'[export]\nretired = ["{old}"]\n')
        quiet = [self.ages(begin + hours * HOUR) for hours in (39, 40, 41)]
        self.checks.equal("life: one that is retired is quiet", quiet, [{new: 9.0}, {new: 10.0}, {new: 11.0}])
        self.checks.equal("life: and the alarm ends", states(alarm, [max(each.values()) for each in quiet]), {"OK"})

    # ---- What is done, and what came of it ----

    def ages(self, now):
        """How old a sweep says that the delivery of each export is, in hours."""
        before = len(self.stack.data())
        self.sweep(now)
        put = self.stack.data()[before:]
        return {dict(of)["Export"]: value for _, name, of, _, value, _ in put if name == "DeliveryAgeHours"}

    def sweep(self, now):
        self.clock.now = now
        self.stack.restart()
        self.stack.schedules("sweep")

    def deliver(self, delivery):
        self.clock.now = delivery.at
        self.stack.restart()
        delivery.upload(self.s3, self.clock, BUCKET)
        self.stack.pump()
        self.stack.schedules("sweep")

    def subjects(self):
        return sorted((topic, subject) for topic, subject, *_ in self.stack.messages() if topic != "events")

    def spend(self):
        return [datum for datum in self.stack.data() if datum[1] == "Spend"]

    def values(self, metric, dimensions):
        return [value for _, name, of, _, value, _ in self.stack.data() if (name, of) == (metric, dimensions)]

    def newest(self, metric):
        newest = {}
        for _, name, dimensions, timestamp, value, _ in self.stack.data():
            if name == metric:
                newest[dimensions] = max(newest.get(dimensions, (timestamp, value)), (timestamp, value))
        return [(dimensions, value) for dimensions, (_, value) in newest.items()]

    def by_day(self, metric, begin, days):
        """The maximum of each day of a currency's total, None where there is none."""
        found = collections.defaultdict(list)
        for _, name, dimensions, timestamp, value, _ in self.stack.data():
            if (name, dimensions) == (metric, USD):
                found[(timestamp - begin).days].append(value)
        return [max(found[day]) if day in found else None for day in range(days)]

    def no_spend(self, begin, day):
        """The states that the alarm on spend may have at the end of the day that is so many after `begin`."""
        before = 5
        alarm = self.stack.stack.properties("NoSpend")
        return states(alarm, self.by_day(alarm["MetricName"], begin - before * DAY, before + day + 1))

    def adds_up(self):
        """The sum of what was put, by day, and what the ledger's facts have, of the days that CloudWatch takes."""
        since = midnight(self.clock.now - 13 * DAY)
        put, facts = collections.defaultdict(list), collections.defaultdict(list)
        for _, _, dimensions, timestamp, value, _ in self.spend():
            if dimensions == USD and timestamp >= since:
                put[timestamp.date().isoformat()].append(value)
        for key, body in self.stack.objects().items():
            if key.startswith("facts/"):
                for row in pyarrow.parquet.read_table(io.BytesIO(body)).to_pylist():
                    day = row["usage_date"]
                    is_recent = day >= since.date() and row["category"] in ("usage", "discount")
                    if is_recent and row["currency"] == "USD":
                        facts[day.isoformat()].append(float(row["unblended_cost"]))
        rounded = lambda sums: {day: round(math.fsum(values), 6) for day, values in sums.items()}
        return tuple({day: value for day, value in rounded(sums).items() if value} for sums in (put, facts))


def export_id(path):
    """What the ledger calls the export in a folder that is not at the bucket's root."""
    return f"{path.rpartition('/')[2]}--{hashlib.sha256(path.encode()).hexdigest()[:8]}"


def midnight(at):
    return at.replace(hour=0, minute=0, second=0, microsecond=0)


def again(delivery, at, *, empty=False):
    """The delivery as the export would write it at that time; empty, if nobody had used Bedrock."""
    files = []
    for key, body in delivery.files:
        if key.endswith("Manifest.json"):
            body = json.dumps({**json.loads(body), "executionId": f"at-{at:%Y%m%d%H}"}, indent=2).encode()
        elif empty:
            table, written = pyarrow.parquet.read_table(io.BytesIO(body)), io.BytesIO()
            metadata = {**(table.schema.metadata or {}), b"written": at.isoformat().encode()}
            pyarrow.parquet.write_table(table.slice(0, 0).replace_schema_metadata(metadata), written)
            body = written.getvalue()
        files.append((key, body))
    return deliveries.Delivery(at, tuple(files))


def in_month(delivery, old, new):
    """An empty delivery, as one of another month."""
    files = []
    for key, body in delivery.files:
        if key.endswith("Manifest.json"):
            text = body.decode().replace(after(old), after(new)).replace(old, new)
            body = text.encode()
        files.append((key.replace(old, new), body))
    return deliveries.Delivery(delivery.at, tuple(files))


def first_day_of(delivery, old, new, export, other):
    """What of a delivery is of the first day of its month, as one of another month by another export."""
    begin, moved = (datetime.datetime.fromisoformat(f"{month}-01") for month in (old, new))
    files = []
    for key, body in delivery.files:
        if key.endswith("Manifest.json"):
            body = body.decode().replace(f"/{export}/", f"/{other}/").replace(f"{export}-", f"{other}-").encode()
        else:
            table, written = pyarrow.parquet.read_table(io.BytesIO(body)), io.BytesIO()
            is_first = [start.replace(tzinfo=None) < begin + DAY for start in table["line_item_usage_start_date"].to_pylist()]
            table = table.filter(is_first)
            for at, field in enumerate(table.schema):
                if pyarrow.types.is_timestamp(field.type):
                    times = [time and time + (moved - begin) for time in table[field.name].to_pylist()]
                    table = table.set_column(at, field, pyarrow.array(times, field.type))
            pyarrow.parquet.write_table(table, written)
            body = written.getvalue()
        files.append((key.replace(export, other), body))
    return in_month(deliveries.Delivery(delivery.at, tuple(files)), old, new)


def after(month):
    """The month after, as YYYY-MM."""
    year, month = map(int, month.split("-"))
    return f"{year + month // 12}-{month % 12 + 1:02}"
