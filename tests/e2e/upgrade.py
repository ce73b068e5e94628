"""An upgrade with the programs of both builds: old and new functions work on one ledger, in the order of docs/upgrade.md,
and then in the worst one. What comes out must be what the command line makes of the same files.

It needs the programs of an older build, so it runs only where they are named (`make e2e OLDER=DIR`).
"""

import datetime

import deliveries
from command_line import CommandLine, as_read, rows
from deployment import Deployment, make_bucket
from life import again

BUCKET = "upgrade-exports"
HOUR = datetime.timedelta(hours=1)
# How a build says that it cannot read what a newer one wrote: see docs/upgrade.md.
REFUSAL = "store.newer_format"
# What functions write of what they looked at, whether or not they understood it.
NOTES = ("operations/", "backfill/", "sweep/")


class Upgrade:
    def __init__(self, run, older):
        self.run, self.checks, self.clock = run, run.checks, run.clock
        self.older = {name: str(older / name) for name in run.programs}
        self.s3 = run.aws.client("s3")
        make_bucket(self.s3, BUCKET)
        self.october, self.first, self.second = deliveries.overwriting(run.kept, BUCKET)
        self.local = CommandLine(run.command_line, run.work / "upgrade")
        self.stack = Deployment(run.aws, "upgrade", self.older, {"ExportBucketName": BUCKET}, sandboxes={}, seed=1)
        self.messages, self.configuration = [], run.work / "ledger.toml"

    def everything(self):
        self.readers_first()
        self.back_and_on_again()
        self.stack.stop()

    # ---- What is done ----

    def readers_first(self):
        self.deliver(self.october)
        self.check("the older build alone")
        self.deliver(self.first)
        self.check("the older build alone, a month later")

        self.new("digest", "alert")
        self.configuration.write_text('[[budget]]\nname = "all"\namount = "1000"\nthresholds = [50, 100]\n')
        self.stack.configure(self.configuration.read_text())
        self.deliver(self.second)
        self.check("new readers of what old functions write")

        self.new("digest", "alert", "aggregate")
        self.deliver(again(self.first, self.clock.now + 6 * HOUR))
        self.check("a new aggregate over an old state and old reductions")

        self.new(*self.run.programs)
        self.deliver(again(self.second, self.clock.now + 6 * HOUR))
        self.check("the new build alone")
        failed = [(name, answer) for name, answer in self.stack.answers if not answer.ok]
        self.checks.equal("upgrade, readers first: no invocation failed", failed, [])
        refused = [line for name in self.run.programs for line in self.stack.all_logs(name) if '"ERROR"' in line]
        self.checks.equal("upgrade, readers first: nothing was refused", refused, [])

    def back_and_on_again(self):
        """Every function is the old one again: it refuses what the new ones wrote, and nothing is lost."""
        before, put = self.stack.objects(), len(self.spend())
        told = len(self.messages)
        self.new()
        self.deliver(again(self.first, self.clock.now + 6 * HOUR))
        self.sweep(self.clock.now + HOUR)
        self.receive()
        changed = {key for key, body in self.stack.objects().items() if before.get(key, body) != body and not key.startswith(NOTES)}
        self.checks.equal("upgrade, gone back: no object that was there is changed", changed, set())
        self.checks.equal("upgrade, gone back: no spend is put", len(self.spend()), put)
        sent = self.messages[told:]
        self.checks.equal("upgrade, gone back: nobody but operations is told", {topic for topic, *_ in sent}, {"operations"})
        words = [" ".join(f"{subject} {body}".split()) for _, subject, body, _ in sent]
        is_told = any(REFUSAL in text for text in words)
        self.checks.true("upgrade, gone back: operations is told that a newer build wrote the objects", is_told, words)

        self.new(*self.run.programs)
        self.sweep(self.clock.now + HOUR)
        self.check("the new build again")

    def new(self, *names):
        """Which functions are of the new build from now on."""
        self.stack.binaries = {name: (self.run.programs if name in names else self.older)[name] for name in self.older}

    def deliver(self, delivery):
        self.clock.now = delivery.at
        self.stack.restart()
        delivery.save(self.local.export)
        delivery.upload(self.s3, self.clock, BUCKET)
        self.stack.pump()
        self.sweep(self.clock.now + HOUR)

    def sweep(self, now):
        self.clock.now = now
        self.stack.restart()
        for kind in ("digest", "sweep", "sweep"):
            self.stack.schedules(kind)

    # ---- What came of it ----

    def check(self, what):
        what = f"upgrade, {what}"
        self.local.run(self.clock.now, self.configuration if self.configuration.exists() else None)
        facts = {key: rows(body) for key, body in self.stack.objects().items() if key.startswith("facts/")}
        self.checks.equal(f"{what}: the same facts", facts, self.local.facts())
        local = [datum for datum in self.local.data() if datum[1] == "Spend"]
        self.checks.equal(f"{what}: the same spend in CloudWatch", as_read(self.spend(), {"Spend"}), as_read(local, {"Spend"}))
        self.receive()
        ids = sorted(attributes["alert_id"] for topic, *_, attributes in self.messages if topic in ("alerts", "digest"))
        lines = [each for each in self.local.lines("messages.jsonl") if each["topic"] in ("alerts", "digest")]
        self.checks.equal(f"{what}: the same is told, once", ids, sorted(each["attributes"]["alert_id"] for each in lines))

    def receive(self):
        self.messages += self.stack.messages()

    def spend(self):
        return [datum for datum in self.stack.data() if datum[1] == "Spend"]
