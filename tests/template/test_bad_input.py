"""docs/bad-input.md against the code: every kind of error that bad input makes has a line, and every line a test."""

import re
import unittest

from stack import ROOT
from test_pages import tests_named

PAGE = (ROOT / "docs" / "bad-input.md").read_text()
KIND = r"(?:export|config|metering|metrics|store)\.[a-z0-9_]+"
# What no input makes: a service or a disk that does not answer, a right that is missing, a program that asks wrongly.
NOT_OF_INPUT = {
    "config.certificates",
    "metrics.jsonl",
    "store.bad_range",
    "store.denied",
    "store.no_bucket",
    "store.not_forgotten",
    "store.not_found",
    "store.not_ready",
    "store.other_region",
    "store.read_only",
    "store.unavailable",
}


def kinds_of_the_code():
    """What errors are called where they say so, tests left out."""
    found = set()
    for path in [*ROOT.glob("shared/**/*.rs"), *ROOT.glob("functions/**/*.rs")]:
        if path.name != "tests.rs" and "tests" not in path.parts:
            found |= set(re.findall(rf'"({KIND})"', path.read_text().split("#[cfg(test)]\nmod tests {")[0]))
    return found


def tests():
    """The tests in Rust, as one text."""
    texts = []
    for path in [*ROOT.glob("shared/**/*.rs"), *ROOT.glob("functions/**/*.rs"), *ROOT.glob("tests/**/*.rs")]:
        parts = path.relative_to(ROOT).parts
        if "target" not in parts:
            is_test = path.name == "tests.rs" or "tests" in parts
            texts.append(path.read_text() if is_test else "".join(path.read_text().split("#[cfg(test)]")[1:]))
    return "\n".join(texts)


def rows():
    for line in PAGE.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        if line.startswith("| ") and cells[0] != "input":
            yield cells


class BadInput(unittest.TestCase):
    def test_each_line_says_what_happens_what_is_seen_and_which_test_tries_it(self):
        self.assertGreater(len([*rows()]), 70)
        for cells in rows():
            self.assertEqual(len(cells), 4, cells)
            happens, seen, tests = cells[1:]
            self.assertTrue(happens.endswith("."), happens)
            self.assertRegex(seen, rf"^(none|as above|notes? \[|`{KIND}`)", cells[0])
            self.assertTrue(tests_named(tests), cells[0])

    def test_every_kind_of_error_that_input_makes_has_a_line_and_no_line_has_another(self):
        named = {kind for cells in rows() for kind in re.findall(rf"`({KIND})`", cells[2])}
        kinds = kinds_of_the_code()
        self.assertGreater(len(kinds), 40)
        self.assertEqual(named, kinds - NOT_OF_INPUT)
        self.assertEqual(NOT_OF_INPUT - kinds, set())

    def test_every_kind_of_error_is_asked_for_by_a_test(self):
        asked = set(re.findall(KIND, tests()))
        self.assertEqual({kind for cells in rows() for kind in re.findall(rf"`({KIND})`", cells[2])} - asked, set())


if __name__ == "__main__":
    unittest.main()
