"""What a release is made of: the files of `make release`, the page that comes with them, the list of libraries, workflows."""

import json
import re
import subprocess
import sys
import tomllib
import unittest

from stack import ROOT, source

sys.path.insert(0, str(ROOT / "infra" / "release"))
import sbom

INSTALL = (ROOT / "infra" / "release" / "INSTALL.md").read_text()
MAKEFILE = (ROOT / "Makefile").read_text()
WORKFLOWS = {path.name: path.read_text() for path in (ROOT / ".github" / "workflows").iterdir()}
LOCK = tomllib.loads((ROOT / "Cargo.lock").read_text())


def released():
    """What the commands of `make release` put into dist/, without running them."""
    commands = subprocess.run(["make", "-n", "release"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    found = set(re.findall(r"> dist/([\w.]+)", commands.replace(".new", "")))
    for line in re.findall(r"^cp (?:-R )?(.*)$", commands, flags=re.MULTILINE):
        *files, to = line.split()
        names = [file.rpartition("/")[2] for file in files] if to == "dist/" else [to.removeprefix("dist/")]
        found.update(names)
    functions = re.search(r"^for function in ([\w ]+); do cp ", commands, flags=re.MULTILINE)[1]
    return found | {f"{name}.zip" for name in functions.split()} | {"SHA256SUMS"}


class Install(unittest.TestCase):
    def named(self):
        rows = re.findall(r"^\| (`.*?) \|", INSTALL, flags=re.MULTILINE)
        return {name.rstrip("/") for row in rows for name in re.findall(r"`([^`]+)`", row)}

    def test_the_page_names_each_file_that_is_released_and_no_other(self):
        macos = {name for name in self.named() if "macos" in name}
        self.assertEqual(self.named() - macos, released() - {"INSTALL.md"})
        self.assertEqual(macos, set(re.findall(r"macos/(bedrock-ledger-macos-\w+)$", WORKFLOWS["release.yml"], flags=re.MULTILINE)))

    def test_what_is_copied_is_there(self):
        commands = subprocess.run(["make", "-n", "release"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
        sources = re.findall(r"\b(?:infra/[\w./-]+|LICENSE)", commands)
        self.assertGreater(len(sources), 5)
        self.assertEqual([path for path in sources if not (ROOT / path).exists()], [])

    def test_its_commands_pass_parameters_that_the_template_has(self):
        given = re.findall(r"\b([A-Z]\w+)=\S+", re.search(r"--parameter-overrides(.*?)\naws", INSTALL, flags=re.DOTALL)[1])
        self.assertGreater(len(given), 4)
        self.assertLessEqual(set(given), set(source()["Parameters"]))
        for name in re.findall(r"outputs? `(\w+)` and `(\w+)`", INSTALL)[0]:
            self.assertIn(name, source()["Outputs"])

    def test_it_stands_alone(self):
        """Its reader has the files of the release, and no repository."""
        self.assertEqual([link for link in re.findall(r"\]\(([^)]+)\)", INSTALL) if not link.startswith("#")], [])


class Identity(unittest.TestCase):
    def test_recipes_pass_the_commit_by_the_name_that_the_program_reads(self):
        (name,) = re.findall(r'option_env!\("(\w+)"\)', (ROOT / "shared" / "ledger" / "src" / "build.rs").read_text())
        passed = re.findall(rf"^([\w-]+): export {name} = \$\(COMMIT\)$", MAKEFILE, flags=re.MULTILINE)
        self.assertEqual(sorted(passed), ["build", "command-line"])


class Libraries(unittest.TestCase):
    LINES = [
        "0\talert v0.1.0 (/here/functions/alert)\tApache-2.0",
        "1\tserde v1.0.229\tMIT OR Apache-2.0",
        "2\tserde_derive v1.0.229 (proc-macro)\tMIT/Apache-2.0",
        "1\tspend-core v0.1.0 (/here/shared/core)\tApache-2.0",
        "2\tserde v1.0.229\tMIT OR Apache-2.0 (*)",
    ]

    def test_a_tree_is_read_with_what_each_package_is_built_of(self):
        serde, derive, core = ("serde", "1.0.229"), ("serde_derive", "1.0.229"), ("spend-core", "0.1.0")
        self.assertEqual(
            sbom.packages(self.LINES),
            {
                ("alert", "0.1.0"): ("Apache-2.0", {serde, core}),
                serde: ("MIT OR Apache-2.0", {derive}),
                derive: ("MIT/Apache-2.0", set()),
                core: ("Apache-2.0", {serde}),
            },
        )

    def test_a_library_has_its_address_checksum_and_licence_and_our_own_crates_no_address(self):
        locked = [
            {"name": "serde", "version": "1.0.229", "source": "registry", "checksum": "aa"},
            {"name": "serde_derive", "version": "1.0.229", "source": "registry", "checksum": "bb"},
            {"name": "alert", "version": "0.1.0"},
            {"name": "spend-core", "version": "0.1.0"},
        ]
        document = sbom.document(sbom.packages(self.LINES), {"alert"}, {"package": locked}, "1a2b")
        alert, _, derive, core = document["components"]
        self.assertEqual((alert["type"], alert["bom-ref"], "purl" in alert), ("application", "alert@0.1.0", False))
        self.assertEqual((core["type"], "purl" in core), ("library", False))
        self.assertEqual(derive["purl"], "pkg:cargo/serde_derive@1.0.229")
        self.assertEqual(derive["hashes"], [{"alg": "SHA-256", "content": "bb"}])
        self.assertEqual(derive["licenses"], [{"expression": "MIT OR Apache-2.0"}])
        of = {each["ref"]: each["dependsOn"] for each in document["dependencies"]}
        self.assertEqual(of["release@0.1.0"], ["alert@0.1.0"])
        self.assertEqual(of["alert@0.1.0"], ["pkg:cargo/serde@1.0.229", "spend-core@0.1.0"])
        self.assertEqual(document["metadata"]["properties"], [{"name": "bedrock-ledger:commit", "value": "1a2b"}])

    def test_of_a_function_each_library_that_is_linked_is_listed(self):
        folder, (target,), features = sbom.PROGRAMS["alert"]
        whole = sbom.packages(sbom.tree(folder, target, features))
        document = sbom.document(whole, {"alert"}, LOCK, "")
        names = {each["name"] for each in document["components"]}
        self.assertLessEqual({"alert", "spend-core", "spend-ledger", "lambda_runtime", "aws-sdk-sns", "rustls"}, names)
        self.assertEqual(names & {"parquet", "proptest", "spend-pipeline"}, set())
        for each in document["components"]:
            self.assertTrue(each["licenses"], each)
            self.assertEqual("hashes" in each, "purl" in each, each)
        # Equal input gives equal bytes: there is no time and no random number in it.
        self.assertEqual(json.dumps(document), json.dumps(sbom.document(whole, {"alert"}, LOCK, "")))

    def test_each_program_that_is_released_is_in_the_list(self):
        functions = re.search(r"^FUNCTIONS := (.*)$", MAKEFILE, flags=re.MULTILINE)[1].split()
        self.assertEqual(set(sbom.PROGRAMS), {*functions, "bedrock-ledger"})
        built = set(re.search(r"^CLI_TARGETS := (.*)$", MAKEFILE, flags=re.MULTILINE)[1].split())
        built |= set(re.search(r'CLI_TARGETS="([^"]*)"', WORKFLOWS["release.yml"])[1].split())
        self.assertEqual(set(sbom.ANYWHERE), built)

    def test_licences_are_checked_of_every_target_that_is_released(self):
        checked = tomllib.loads((ROOT / "deny.toml").read_text())["graph"]["targets"]
        self.assertLessEqual({*sbom.LAMBDA, *sbom.ANYWHERE}, set(checked))


class Workflows(unittest.TestCase):
    def test_every_action_is_pinned_to_a_commit(self):
        for name, text in WORKFLOWS.items():
            actions = re.findall(r"uses: (\S+)", text)
            self.assertTrue(actions, name)
            self.assertEqual([each for each in actions if not re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", each)], [], name)

    def test_they_run_targets_that_the_makefile_has(self):
        targets = set(re.findall(r"^([\w-]+):", MAKEFILE, flags=re.MULTILINE))
        for name, text in WORKFLOWS.items():
            asked = re.findall(r"\bmake ([\w-]+)", re.sub(r"#.*", "", text))
            self.assertTrue(asked, name)
            self.assertLessEqual(set(asked), targets, name)


if __name__ == "__main__":
    unittest.main()
