"""The pages for people, against each other and against what they describe."""

import re
import unittest

from stack import EXISTING, ROOT, Stack

PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("**/*.md")])
TEMPLATE = (ROOT / "infra" / "template.yaml").read_text()


def page(name):
    return (ROOT / "docs" / name).read_text()


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

    def test_every_attack_of_the_threat_model_names_a_test_that_there_is(self):
        sources = [*ROOT.glob("shared/**/*.rs"), *ROOT.glob("functions/**/*.rs"), *ROOT.glob("tests/**/*.rs")]
        sources += ROOT.glob("tests/template/*.py")
        code = "\n".join(path.read_text() for path in sources if "target" not in path.parts)
        names = re.findall(r"`((?:test_)?[a-z]+(?:_[a-z0-9]+){4,})`", page("threat-model.md"))
        self.assertGreater(len(names), 15)
        for name in names:
            self.assertRegex(code, rf"(fn|def) {name}\b")
        files = re.findall(r"`([\w/]+\.(?:rs|py|yml))`", page("threat-model.md"))
        for name in files:
            self.assertTrue([*ROOT.glob(name)] or [path for path in sources if str(path).endswith(name)], name)

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
