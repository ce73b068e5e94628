"""The template as CloudFormation would see it: evaluated for given parameters."""

import functools
import pathlib
import re

from samtranslator.yaml_helper import yaml_parse

ROOT = pathlib.Path(__file__).resolve().parents[2]
ACCOUNT, REGION = "111122223333", "us-east-1"
FUNCTIONS = ("ingest", "aggregate", "alert", "digest")
# Parameters of a stack over a bucket that exists.
EXISTING = {"ExportBucketName": "exports", "ExportPrefix": "finance/cur2"}


@functools.cache
def source(name="template.yaml"):
    return yaml_parse((ROOT / "infra" / name).read_text())


class Stack:
    """Names and ARNs of resources are made from their logical ids, so that they can be told apart."""

    def __init__(self, parameters=None, name="ledger-stack", file="template.yaml", partition="aws"):
        self.template = template = source(file)
        defaults = {key: value.get("Default") for key, value in template["Parameters"].items()}
        self.values = {**defaults, **(parameters or {})}
        self.values |= {
            "AWS::StackName": name,
            "AWS::AccountId": ACCOUNT,
            "AWS::Region": REGION,
            "AWS::Partition": partition,
            "AWS::URLSuffix": "amazonaws.com",
            "AWS::NoValue": None,
        }
        self.conditions = {key: self.value(value) for key, value in template.get("Conditions", {}).items()}
        self.resources = {
            key: self.value(resource)
            for key, resource in template["Resources"].items()
            if self.conditions.get(resource.get("Condition"), True)
        }

    def of_type(self, kind):
        return {key: found.get("Properties", {}) for key, found in self.resources.items() if found["Type"] == kind}

    def properties(self, key):
        return self.resources[key]["Properties"]

    def outputs(self):
        outputs = self.template["Outputs"].items()
        there = {key: found for key, found in outputs if self.conditions.get(found.get("Condition"), True)}
        return {key: self.value(found["Value"]) for key, found in there.items()}

    def value(self, node):
        if isinstance(node, list):
            return [value for value in map(self.value, node) if value is not None]
        if not isinstance(node, dict):
            return node
        if len(node) == 1:
            (function, argument), = node.items()
            if function == "Condition" and isinstance(argument, str):
                return self.conditions[argument]
            if function == "Ref":
                return self._ref(argument)
            if function.startswith("Fn::"):
                return getattr(self, "_" + function.removeprefix("Fn::").lower())(argument)
        values = {key: self.value(value) for key, value in node.items()}
        return {key: value for key, value in values.items() if value is not None}

    def _ref(self, key):
        if key in self.values:
            return self.values[key]
        kind = self.template["Resources"][key]["Type"]
        return self.arn(key) if kind in ("AWS::SNS::Topic", "AWS::SQS::Queue") else self.name(key)

    def name(self, key):
        kind = self.template["Resources"][key]["Type"]
        return key.lower() if kind == "AWS::S3::Bucket" else key

    def arn(self, key):
        service = self.template["Resources"][key]["Type"].split("::")[1].lower()
        if service == "s3":
            return f"arn:aws:s3:::{self.name(key)}"
        return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{key}"

    def _getatt(self, argument):
        key, attribute = argument if isinstance(argument, list) else argument.split(".", 1)
        return self.arn(key) if attribute == "Arn" else self.name(key)

    def _sub(self, argument):
        text, extra = argument if isinstance(argument, list) else (argument, {})

        def replace(match):
            key = match[1]
            if key.startswith("!"):
                return "${" + key[1:] + "}"
            if key in extra:
                return self.value(extra[key])
            return str(self._getatt(key) if "." in key else self._ref(key))

        return re.sub(r"\$\{([^}]+)\}", replace, text)

    def _if(self, argument):
        condition, yes, no = argument
        return self.value(yes if self.conditions[condition] else no)

    def _equals(self, argument):
        left, right = map(self.value, argument)
        return left == right

    def _not(self, argument):
        return not self.value(argument[0])

    def _join(self, argument):
        return argument[0].join(self.value(argument[1]))

    def _split(self, argument):
        return self.value(argument[1]).split(argument[0])


def as_list(value):
    return value if isinstance(value, list) else [value]
