"""Puts faults into the program on purpose, one at a time, and says whether the simulation finds each.

Usage: faults.py [NAME …]; the environment variable SEEDS says how many seeds each may take, else 3,000.

Each fault is a text of the program's code and what stands there instead. All of them are built into one copy of the
program, each behind a number in the environment: `FAULT` in the new text is true in the run that is to have the fault.

What is done in two places is no fault where one of them leaves it out. So the list has neither the comparison in
`still_stands` (a delivery is pinned by versions, and whole when it is read), nor the facts file that an event of a known
delivery mends (the sweep mends it too), nor what an export gets back that counts again (the sweep again).
"""

import os
import pathlib
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
COPY = ROOT / "target" / "simulation-faults"
SEEDS = int(os.environ.get("SEEDS", "3000"))

LEDGER, PIPELINE, CORE = "shared/ledger/src/", "shared/pipeline/src/", "shared/core/src/"

# What is wrong; the file; what stands there; what is to stand there.
FAULTS = [
    ("a file that is newer than its manifest is taken",
     PIPELINE + "ingest/seal.rs",
     "if times != FileTimes::Delivered || found",
     "if FAULT || times != FileTimes::Delivered || found"),
    ("an older delivery replaces a newer one",
     LEDGER + "state/commit.rs",
     "arrival || self.at",
     "FAULT || arrival || self.at"),
    ("a reduction is found by its file's name alone",
     LEDGER + "state/keys.rs",
     "vec![chunk_key, &etag.0]",
     'vec![chunk_key, if FAULT { "" } else { etag.0.as_str() }]'),
    ("another export of the same payer is counted too",
     PIPELINE + "period/claim.rs",
     "let payers = payers_of(&facts.rows);",
     "let payers = payers_of(&facts.rows);\n    if FAULT {\n        return Ok(None);\n    }"),
    ("the facts file does not follow a month that is derived anew",
     PIPELINE + "period/publish.rs",
     "Some(current) if published != Some(&current) =>",
     "Some(current) if published.is_none_or(|of| *of != current && !(FAULT && of.delivery_id == current.delivery_id)) =>"),
    ("a state is written over whatever is there by then",
     PIPELINE + "period/commit.rs",
     "Some((_, etag)) => ledger.put_if_match(&statement.state_key(), bytes, etag).await?,",
     "Some((_, etag)) => {\n            let now = if FAULT { ledger.head(&statement.state_key()).await? } else { None };\n"
     "            let etag = now.map_or_else(|| etag.clone(), |head| head.etag);\n"
     "            ledger.put_if_match(&statement.state_key(), bytes, &etag).await?\n        }"),
    ("what was read and changed is written over whatever is there by then",
     LEDGER + "store/conditional.rs",
     "if let Put::Written(_) = put_over(store, key, bytes, etag.as_ref()).await? {",
     "let now = if FAULT { store.head(key).await? } else { None };\n"
     "                let etag = now.map(|head| head.etag).or(etag);\n"
     "                if let Put::Written(_) = put_over(store, key, bytes, etag.as_ref()).await? {"),
    ("a put without an answer is repeated blindly",
     LEDGER + "metrics/spend.rs",
     "Err(PublishError::NotSent { .. }) => Fate::NotPut,",
     "Err(PublishError::NotSent { .. }) => Fate::NotPut,\n            Err(PublishError::InDoubt { .. }) if FAULT => Fate::NotPut,"),
    ("a put without an answer counts as taken",
     LEDGER + "metrics/spend.rs",
     "Ok(()) => Fate::Landed,",
     "Ok(()) => Fate::Landed,\n            Err(PublishError::InDoubt { .. }) if FAULT => Fate::Landed,"),
    ("what a dead sandbox had claimed is put again",
     LEDGER + "metrics/spend.rs",
     "told.learn(orphan, Fate::InDoubt)?;",
     "told.learn(orphan, if FAULT { Fate::NotPut } else { Fate::InDoubt })?;"),
    ("a series without spend keeps what it was told",
     LEDGER + "metrics/told.rs",
     "let vanished = self.days.keys().filter(|series| !targets",
     "let vanished = self.days.keys().filter(|series| !FAULT && !targets"),
    ("what was planned and not put is forgotten",
     LEDGER + "metrics/told.rs",
     "self.take_back(batch.differences.iter())?;\n        }\n        (self.outside",
     "if !FAULT {\n                self.take_back(batch.differences.iter())?;\n            }\n        }\n        (self.outside"),
    ("spend outside CloudWatch's window is not counted as missing",
     LEDGER + "metrics/told.rs",
     "if series.is_total() {\n                    let outside",
     "if series.is_total() && !FAULT {\n                    let outside"),
    ("a gauge that has no value any more keeps its last one",
     LEDGER + "metrics/gauges.rs",
     "data.extend(announced.gone(&data).into_iter().map(zero));",
     "data.extend(announced.gone(&data).into_iter().filter(|_| !FAULT).map(zero));"),
    ("a message that was not taken counts as sent",
     LEDGER + "outputs/outbox.rs",
     "Err(error) => {\n                            self.failed += 1;",
     "Err(_) if FAULT => sent.push(place),\n                        Err(error) => {\n                            self.failed += 1;"),
    ("two senders send the same message",
     LEDGER + "outputs/outbox.rs",
     "let is_free = match lease {",
     "let is_free = match lease {\n                _ if FAULT => true,"),
    ("alerts are written over what another has written",
     LEDGER + "outputs/outbox.rs",
     "Ok(match put_over(store, D::KEY, bytes, self.etag.as_ref()).await? {",
     "let now = if FAULT { store.head(D::KEY).await? } else { None };\n"
     "        let etag = now.map(|head| head.etag).or(self.etag);\n"
     "        Ok(match put_over(store, D::KEY, bytes, etag.as_ref()).await? {"),
    ("a configuration that does not parse is passed over in silence",
     LEDGER + "config/in_force.rs",
     "operations::leave(store, &broken(&error",
     "if FAULT {\n                    return Ok(Adopted::Refused);\n                }\n                operations::leave(store, &broken(&error"),
    ("a damaged file is passed over in silence",
     PIPELINE + "sweep/deliver.rs",
     "operations::leave(self.ledger, &note, self.now).await?;\n                    // A file",
     "if !FAULT {\n                        operations::leave(self.ledger, &note, self.now).await?;\n                    }\n                    // A file"),
    ("a week begins on Sunday",
     CORE + "calendar/window.rs",
     "WindowKind::Week => day - Days::new(day.weekday().num_days_from_monday().into()),",
     "WindowKind::Week if FAULT => day - Days::new(day.weekday().num_days_from_sunday().into()),\n"
     "            WindowKind::Week => day - Days::new(day.weekday().num_days_from_monday().into()),"),
    ("amounts for CloudWatch are rounded down",
     CORE + "money/decimal.rs",
     "Self(divide_half_even(self.0, dropped) * 10_i128.pow(dropped))",
     "if FAULT {\n            return Self(self.0.div_euclid(10_i128.pow(dropped)) * 10_i128.pow(dropped));\n        }\n"
     "        Self(divide_half_even(self.0, dropped) * 10_i128.pow(dropped))"),
    ("a rule alerts on windows that had ended before it",
     LEDGER + "alert/plan.rs",
     "if since.is_some_and(|since| end_of(measured.last_day()) <= since) {",
     "if !FAULT && since.is_some_and(|since| end_of(measured.last_day()) <= since) {"),
    ("an export that counts no more keeps its spend",
     PIPELINE + "period/counting.rs",
     "    if lost.is_empty() {",
     "    if FAULT || lost.is_empty() {"),
    ("in a copy files of two deliveries are counted as one that is verified",
     PIPELINE + "ingest/seal.rs",
     "delivery.unverified |= !earlier.is_empty();",
     "delivery.unverified |= !earlier.is_empty();\n    if FAULT {\n        delivery.unverified = false;\n    }"),
    ("a message that was told is not known to be told once an upgrade has read it",
     LEDGER + "alert/stored.rs",
     "Crossings::Each(crossings) => (crossings, Vec::new()),",
     "Crossings::Each(mut crossings) => {\n"
     "                for crossing in crossings.values_mut().filter(|_| FAULT) {\n"
     "                    (crossing.told, crossing.is_crossed) = (Told::Nobody, false);\n                }\n"
     "                (crossings, Vec::new())\n            }"),
    ("bill lines of a person who was forgotten keep the name",
     LEDGER + "forgotten.rs",
     "if LINE_FIELDS.contains(&field) { renaming",
     "if !FAULT && LINE_FIELDS.contains(&field) { renaming"),
    ("a refund is usage",
     CORE + "bill/category.rs",
     '_ if bill_type == "Refund" => Self::Refund,',
     '_ if bill_type == "Refund" && !FAULT => Self::Refund,'),
    ("days that have not settled are compared",
     CORE + "rules/delta.rs",
     "filter(|day| known.span.is_settled(*day))",
     "filter(|day| FAULT || known.span.is_settled(*day))"),
    ("whoever spent nothing in the week before never jumps",
     CORE + "rules/delta.rs",
     "if spent.is_zero() && before.is_zero() {\n            return Ok(None);\n        }\n        let is_new = totals.first_spend().is_none_or(|first| first > back(1));",
     "if spent.is_zero() && before.is_zero() || FAULT && before.is_zero() {\n            return Ok(None);\n        }\n        let is_new = totals.first_spend().is_none_or(|first| first > back(1));"),
    ("days that are a week apart are one episode",
     LEDGER + "alert/episodes.rs",
     "(distance <= EPISODE_GAP)",
     "(distance <= if FAULT { EPISODE_GAP * 3 } else { EPISODE_GAP })"),
]


def put_in():
    """Copies the program, with every fault behind its number."""
    files = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout.split("\0")
    tree = COPY / "tree"
    for file in filter(None, files):
        if (ROOT / file).is_file():
            copy = tree / file
            copy.parent.mkdir(parents=True, exist_ok=True)
            new = (ROOT / file).read_bytes()
            for number, (name, of, before, after) in enumerate(FAULTS):
                if of == file:
                    text = new.decode()
                    if text.count(before) != 1:
                        sys.exit(f"{name}: {file} has this {text.count(before)} times, not once: {before}")
                    switch = f'std::env::var_os("FAULT").is_some_and(|it| it == "{number}")'
                    new = text.replace(before, after.replace("FAULT", switch)).encode()
            # What is unchanged keeps its time, so that it is not built again.
            if not copy.exists() or copy.read_bytes() != new:
                copy.write_bytes(new)
    return tree


def build(tree):
    # Not where the program itself is built: cargo takes a crate of the copy for the program's of the same name.
    target = COPY / "build"
    subprocess.run(["cargo", "build", "--quiet", "--locked", "--profile", "simulate", "--package", "spend-simulation",
                    "--target-dir", target], cwd=tree, check=True)
    program = COPY / "spend-simulation"
    shutil.copy2(target / "simulate" / "spend-simulation", program)
    return program


def main(names):
    program = build(put_in())
    missed = 0
    print("| what is wrong | first seed | what the model says |\n|---|---|---|")
    for number, (name, *_) in enumerate(FAULTS):
        if names and name not in names:
            continue
        ran = subprocess.run(
            [program, "--seeds", str(SEEDS), "--whole"], stdout=subprocess.PIPE, text=True,
            env={**os.environ, "FAULT": str(number)})
        lines = ran.stdout.splitlines()
        found = next((line for line in lines if line.startswith("seed ") and ": " in line), None)
        missed += found is None
        seed, _, violation = (found or f"not within {SEEDS}: ").removeprefix("seed ").partition(": ")
        print(f"| {name} | {seed} | {violation[:140]} |", flush=True)
    print(f"{missed} were not found")
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main(sys.argv[1:])
