"""The ways to deploy without SAM: the commands of the page and the examples, against the template."""

import ast
import json
import pathlib
import re
import shlex
import subprocess
import tempfile
import tomllib
import unittest

from stack import ROOT, source

EXAMPLES = ROOT / "infra" / "examples"
PAGE = (ROOT / "docs" / "deploy-without-sam.md").read_text()
COMMANDS = "\n".join(re.findall(r"^ *```sh\n(.*?)^ *```", PAGE, flags=re.DOTALL | re.MULTILINE)).replace("\\\n", " ")


def map_of(text, name):
    """A map of strings in Terraform's language: `name = { key = "value" }`."""
    (body,) = re.findall(rf"\b{name}\s*=\s*\{{\n(.*?)\n\s*\}}", text, flags=re.DOTALL)
    return dict(re.findall(r'^\s*(\w+)\s*=\s*"([^"]*)"$', body, flags=re.MULTILINE))


def without_strings_and_comments(text):
    # A string of Terraform's may have an expression in braces in it.
    return re.sub(r'#.*|"(?:[^"$]|\$\{[^}]*\}|\$)*"', "", text)


class Examples(unittest.TestCase):
    def setUp(self):
        self.template = source()

    def holds(self, parameters):
        self.assertTrue(parameters)
        for name, value in parameters.items():
            self.assertIn(name, self.template["Parameters"])
            self.assertRegex(value, self.template["Parameters"][name].get("AllowedPattern", "."), name)
        # An export in a bucket that exists needs no region of its own.
        self.assertTrue(parameters["ExportBucketName"])

    def test_the_template_needs_no_more_than_the_examples_allow(self):
        self.assertNotIn("Transform", self.template, "translating would need CAPABILITY_AUTO_EXPAND")
        roles = [found["Properties"] for found in self.template["Resources"].values() if found["Type"] == "AWS::IAM::Role"]
        self.assertEqual([role for role in roles if "RoleName" in role], [], "a named role would need CAPABILITY_NAMED_IAM")

    def test_terraform_passes_parameters_that_the_template_has(self):
        text = (EXAMPLES / "terraform" / "main.tf").read_text()
        code = without_strings_and_comments(text)
        for opening, closing in ("{}", "[]", "()"):
            self.assertEqual(code.count(opening), code.count(closing))
        self.holds(map_of(text, "parameters"))
        self.assertEqual(map_of(text, "tags"), {"CostCenter": "4711"})
        self.assertRegex(text, r'capabilities = \["CAPABILITY_IAM"\]')
        # A template of this size cannot be passed as template_body.
        self.assertIn("template_url", code)
        self.assertNotIn("template_body", code)

    def test_cdk_passes_parameters_that_the_template_has(self):
        folder = EXAMPLES / "cdk"
        tree = ast.parse((folder / "app.py").read_text())
        (call,) = [
            node
            for node in ast.walk(tree)
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "CfnInclude"
        ]
        given = {keyword.arg: ast.literal_eval(keyword.value) for keyword in call.keywords}
        self.assertEqual(given["template_file"], "packaged.yaml")
        self.holds(given["parameters"])
        command = json.loads((folder / "cdk.json").read_text())["app"]
        self.assertTrue((folder / command.split()[-1]).exists(), command)

    def test_both_examples_have_the_key_and_the_boundary_as_comments(self):
        for file in ("terraform/main.tf", "cdk/app.py"):
            text = (EXAMPLES / file).read_text()
            commented = dict(re.findall(r'^ *# "?(\w+Arn)"? *[=:] *"([^"]+)"', text, flags=re.MULTILINE))
            self.assertEqual(set(commented), {"KeyArn", "PermissionsBoundaryArn"}, file)
            self.holds({"ExportBucketName": "acme-billing", **commented})

    def test_the_page_s_commands_name_parameters_that_the_template_has(self):
        overrides = " ".join(re.findall(r"--parameter-overrides((?: +\w+=\S+)+)", COMMANDS))
        given = dict(item.split("=", 1) for item in overrides.split())
        self.holds(given)
        single = dict(re.findall(r"ParameterKey=(\w+),ParameterValue=(\S+)", COMMANDS))
        self.holds(single)
        self.assertLessEqual(set(single), set(given))

    def test_the_command_that_changes_an_answer_changes_that_answer_alone(self):
        text = (ROOT / "docs" / "deploy.md").read_text().split("\n## Change an answer\n", 1)[1].split("\n## ", 1)[0]
        (answers,) = re.findall(r"```toml\n(.*?)```", text, flags=re.DOTALL)
        (commands,) = re.findall(r"```sh\n(.*?)```", text, flags=re.DOTALL)

        def parameters(text):
            of = tomllib.loads(text)["bedrock-ledger"]["deploy"]["parameters"]["parameter_overrides"]
            return dict(each.split("=", 1) for each in shlex.split(of))

        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder) / "samconfig.toml"
            file.write_text(answers)
            without_make = commands.replace("make deploy", "true")
            subprocess.run(["bash", "-euc", without_make], cwd=folder, check=True, capture_output=True)
            changed = file.read_text()
        self.holds(parameters(answers))
        self.assertEqual(parameters(changed), {**parameters(answers), "LogRetentionDays": "60"})
        self.assertEqual(tomllib.loads(changed)["bedrock-ledger"]["deploy"]["parameters"]["tags"], "CostCenter=\"4711\" Owner=\"finops\"")

    def test_the_page_s_commands_pass_a_bucket_because_the_template_is_large(self):
        self.assertGreater((ROOT / "infra" / "template.yaml").stat().st_size, 51_200)
        deployments = re.findall(r"aws cloudformation deploy .*", COMMANDS)
        self.assertEqual(len(deployments), 3)
        for command in deployments:
            self.assertIn("--s3-bucket", command)
            self.assertIn("--capabilities CAPABILITY_IAM", command)


if __name__ == "__main__":
    unittest.main()
