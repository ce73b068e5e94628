"""The commands of a page, run by bash as a reader would, with `aws` on the stand-ins."""

import json
import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
CLI = pathlib.Path(__file__).resolve().parent / "aws_cli.py"


def commands(page, heading):
    """The blocks of shell below a heading of a page in docs/."""
    text = (ROOT / "docs" / page).read_text()
    section = re.split(r"^## ", text.split(f"\n## {heading}\n", 1)[1], maxsplit=1, flags=re.MULTILINE)[0]
    return re.findall(r"^```sh\n(.*?)^```", section, flags=re.DOTALL | re.MULTILINE)


class Shell:
    """Where commands run: nothing but their own names is filled in, and nobody waits."""

    def __init__(self, folder, endpoint, resources):
        self.folder = folder
        programs = folder / "bin"
        programs.mkdir(parents=True)
        for name, script in {"aws": f'exec "{sys.executable}" "{CLI}" "$@"', "sleep": "exit 0"}.items():
            program = programs / name
            program.write_text(f"#!/bin/sh\n{script}\n")
            program.chmod(0o755)
        self.calls_file = folder / "calls.jsonl"
        self.environment = {
            "PATH": f"{programs}:{os.environ['PATH']}",
            "HOME": str(folder),
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "operator",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "STAND_INS": endpoint,
            "CALLS": str(self.calls_file),
            "STACK_RESOURCES": json.dumps(resources),
        }

    def run(self, script, names):
        """What the script prints; `names` are the words in capitals that a reader fills in."""
        for name, value in names.items():
            script = re.sub(rf"\b{name}\b", value, script)
        command = ["bash", "-eu", "-o", "pipefail", "-c", script]
        done = subprocess.run(command, cwd=self.folder, env=self.environment, capture_output=True, text=True)
        return done.returncode, done.stdout + done.stderr

    def calls(self):
        """The calls of services that have no stand-in."""
        return [json.loads(line) for line in self.calls_file.read_text().splitlines()] if self.calls_file.exists() else []
