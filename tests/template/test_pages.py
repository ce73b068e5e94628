"""The pages for people, against each other and against what they describe."""

import functools
import re
import unittest

from stack import EXISTING, ROOT, Stack

PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("**/*.md")])
# The changelog names files of its day.
OURS = [page for page in PAGES if page.name != "CHANGELOG.md"]
TEMPLATE = (ROOT / "infra" / "template.yaml").read_text()

# Where the repository's files are. A path in backticks that begins with one of these must be there. Other paths are keys
# of the ledger or of an export.
PLACES = ("shared/", "functions/", "infra/", "tests/", "docs/", ".github/", ".ci/")
# Pages whose lines name the tests that hold them, and how many they name at least.
PROVED = {"threat-model.md": 45, "silence.md": 8, "bad-input.md": 120}
# What a crate or a room has of each, named without its place.
ROOM_FILES = {"main.rs", "settings.rs", "handler.rs", "rules.rs"}


def paths(text):
    """The paths of the repository's files and folders in backticks."""
    named = re.findall(r"`([\w./-]+)`", without_code(text))
    return [path for path in named if path.startswith(PLACES)]


def beside_files(text):
    """Files with what a page says they define: `shared/core/src/rules/budget.rs`, `evaluate`, `Budget::amount_for`."""
    lists = re.findall(r"`([\w./-]+\.(?:rs|py))`((?:,\s+`[A-Za-z_:]+`)+)", text)
    return [(path, re.findall(r"`([A-Za-z_:]+)`", names)) for path, names in lists]


def is_defined(name, path):
    """Whether a file defines a function or a type, or each part of `Type::function`, in Rust or Python."""
    keyword = r"\b(?:fn|struct|enum|trait|type|const|static|def|class)"
    code = path.read_text() if path.exists() else ""
    return all(re.search(rf"{keyword} {part}\b", code) for part in name.split("::"))


def house():
    """The rooms of each crate that `tests/rooms.rs` holds the code to, from the ground up."""
    table = (ROOT / "tests" / "rooms.rs").read_text().split("const HOUSE", 1)[1].split("\n];", 1)[0]
    crates = re.split(r'"(shared/\w+)",', table)[1:]
    return {crate: re.findall(r'\("(\w+)", &\[', rooms) for crate, rooms in zip(crates[::2], crates[1::2])}


def named_rooms(text):
    """The rooms of each crate in the table of ARCHITECTURE.md, in its order."""
    found = {}
    for crate, rooms in re.findall(r"^\| (`[\w/*]+`)? ?\| ([^|]*)\|", text, flags=re.MULTILINE):
        if crate:
            rooms_of_crate = found.setdefault(crate.strip("`"), [])
        elif found:
            rooms_of_crate += re.findall(r"`(\w+)`", rooms)
    return found


def page(name):
    return (ROOT / "docs" / name).read_text()


@functools.cache
def tests_defined():
    """The functions of all sources that have tests: a test is one of them."""
    files = [*ROOT.glob("shared/**/*.rs"), *ROOT.glob("functions/**/*.rs"), *ROOT.glob("tests/**/*.rs")]
    files += ROOT.glob("tests/template/*.py")
    return {name for path in files if "target" not in path.parts for name in re.findall(r"\b(?:fn|def) (\w+)", path.read_text())}


def tests_named(text):
    """The tests that a page names: what is in backticks and has the words of a sentence, or begins as tests in Python do."""
    return re.findall(r"`((?:test_)?[a-z0-9]+(?:_[a-z0-9]+){3,})`", text)


def without_code(text):
    return re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)


def headings(text):
    return re.findall(r"^#+ (.*)$", without_code(text), flags=re.MULTILINE)


def anchor(heading):
    """As GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def section(name):
    """The names in a section of the template that are no deeper than its first level."""
    body = TEMPLATE.split(f"\n{name}:\n", 1)[1]
    return re.findall(r"^  (\w+):$", re.split(r"^\w", body, maxsplit=1, flags=re.MULTILINE)[0], flags=re.MULTILINE)


class Pages(unittest.TestCase):
    def test_every_link_leads_to_a_file_and_a_heading(self):
        links = 0
        for source in PAGES:
            for link in re.findall(r"\]\(([^)\s]+)\)", without_code(source.read_text())):
                if link.startswith("https://"):
                    continue
                links += 1
                path, _, name = link.partition("#")
                target = (source.parent / path).resolve() if path else source
                self.assertTrue(target.exists(), f"{source.name}: {link}")
                if name:
                    anchors = [anchor(heading) for heading in headings(target.read_text())]
                    self.assertIn(name, anchors, f"{source.name}: {link}")
        self.assertGreater(links, 200)

    def test_every_path_that_a_page_names_is_there(self):
        named = [(source.relative_to(ROOT), path) for source in OURS for path in paths(source.read_text())]
        self.assertGreater(len(named), 150)
        self.assertEqual([f"{source}: {path}" for source, path in named if not (ROOT / path).exists()], [])

    def test_a_page_names_files_by_their_paths(self):
        for source in OURS:
            names = re.findall(r"`([\w./-]+\.(?:rs|py))`", without_code(source.read_text()))
            bare = [name for name in names if not name.startswith(PLACES) and name not in ROOM_FILES]
            self.assertEqual(bare, [], source.relative_to(ROOT))

    def test_what_a_page_names_beside_a_file_is_defined_in_it(self):
        named = [
            (source.relative_to(ROOT), path, name)
            for source in OURS
            for path, names in beside_files(source.read_text())
            for name in names
        ]
        self.assertGreater(len(named), 100)
        missing = [f"{source}: {path}, {name}" for source, path, name in named if not is_defined(name, ROOT / path)]
        self.assertEqual(missing, [])

    def test_the_table_of_rooms_names_those_that_the_code_has_from_the_ground_up(self):
        pages = (ROOT / "ARCHITECTURE.md").read_text()
        table = pages.split("\n## Crates and rooms\n", 1)[1].split("\n## ", 1)[0]
        named = named_rooms(table)
        self.assertGreater(sum(map(len, house().values())), 30)
        for crate, rooms in house().items():
            self.assertEqual(named.get(crate), rooms, crate)

    def test_every_test_that_a_page_names_is_there(self):
        for name, at_least in PROVED.items():
            named = tests_named(page(name))
            self.assertGreaterEqual(len(named), at_least, name)
            self.assertEqual([test for test in named if test not in tests_defined()], [], name)
            for file in re.findall(r"`([\w/]+\.(?:rs|py|yml))`", page(name)):
                self.assertTrue((ROOT / file).exists(), f"{name}: {file}")

    def test_each_line_of_the_threat_model_names_a_test(self):
        lines = [line for line in page("threat-model.md").splitlines() if line.startswith("|") and "---" not in line]
        lines = [line for line in lines if not line.endswith("| test |")]
        self.assertGreater(len(lines), 30)
        for line in lines:
            tests = line.strip("|").split(" | ")[-1]
            self.assertTrue(tests_named(tests) or "`make " in tests, line)

    def test_no_page_has_two_headings_with_one_anchor(self):
        for source in PAGES:
            if source.name != "CHANGELOG.md":
                found = [anchor(heading) for heading in headings(source.read_text())]
                self.assertEqual(len(found), len(set(found)), source.name)

    def test_every_alarm_says_in_a_section_what_to_do(self):
        alarms = [*Stack(EXISTING).of_type("AWS::CloudWatch::Alarm")]
        alarms += [*Stack(EXISTING).of_type("AWS::CloudWatch::CompositeAlarm")]
        self.assertGreater(len(alarms), 10)
        self.assertEqual([alarm for alarm in alarms if alarm not in headings(page("operations.md"))], [])

    def test_every_parameter_and_output_is_described(self):
        names = section("Parameters") + section("Outputs")
        self.assertGreater(len(names), 20)
        self.assertEqual([name for name in names if f"`{name}`" not in page("deploy.md")], [])

    def test_every_column_of_the_facts_is_described(self):
        columns = re.findall(r"- \{ Name: (\w+), Type", TEMPLATE)
        self.assertGreater(len(columns), 30)
        self.assertEqual([column for column in columns if f"`{column}`" not in page("data-formats.md")], [])


if __name__ == "__main__":
    unittest.main()
