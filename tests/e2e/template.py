"""What infra/template.yaml says of the functions: their variables and the events that reach them.

The run takes both from there, so that what is proven is what is deployed.
"""

import re

import yaml

REGION = "eu-central-1"
ACCOUNT = "123456789012"
NOTHING = object()


class Loader(yaml.SafeLoader):
    """YAML with CloudFormation's short forms."""


def short_form(loader, suffix, node):
    name = suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}"
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
        return {name: value.split(".", 1) if suffix == "GetAtt" else value}
    if isinstance(node, yaml.SequenceNode):
        return {name: loader.construct_sequence(node, deep=True)}
    return {name: loader.construct_mapping(node, deep=True)}


Loader.add_multi_constructor("!", short_form)


class Template:
    """A template, deployed as the stack `stack` with `parameters`. What it creates is named by `name_of`: a resource's
    logical id and type to what `Ref` gives."""

    def __init__(self, path, stack, parameters, name_of):
        with open(path, encoding="utf-8") as file:
            self.document = yaml.load(file, Loader)
        unknown = parameters.keys() - self.document["Parameters"].keys()
        assert not unknown, f"the template has no parameters {unknown}"
        self.values = {name: each.get("Default") for name, each in self.document["Parameters"].items()} | parameters
        self.values |= {
            "AWS::StackName": stack,
            "AWS::Region": REGION,
            "AWS::AccountId": ACCOUNT,
            "AWS::Partition": "aws",
            "AWS::NoValue": NOTHING,
        }
        self.resources = {
            name: resource
            for name, resource in self.document["Resources"].items()
            if "Condition" not in resource or self.condition(resource["Condition"])
        }
        self.values |= {name: name_of(name, each["Type"]) for name, each in self.resources.items()}

    def condition(self, name):
        return self.resolve(self.document["Conditions"][name])

    def resolve(self, value):
        """The value with its intrinsic functions worked out."""
        if isinstance(value, list):
            found = [self.resolve(each) for each in value]
            return [each for each in found if each is not NOTHING]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            [(name, argument)] = value.items()
            if name == "Ref":
                return self.values[argument]
            if name == "Condition" and isinstance(argument, str):
                return self.condition(argument)
            if name.startswith("Fn::"):
                return self.function(name.removeprefix("Fn::"), argument)
        found = {name: self.resolve(each) for name, each in value.items()}
        return {name: each for name, each in found.items() if each is not NOTHING}

    def function(self, name, argument):
        if name == "If":
            condition, if_true, if_false = argument
            return self.resolve(if_true if self.condition(condition) else if_false)
        if name == "GetAtt":
            return self.attribute(*argument)
        if name == "Sub":
            text, extra = (argument, {}) if isinstance(argument, str) else argument

            def replace(match):
                key = match.group(1)
                if key in extra:
                    return str(self.resolve(extra[key]))
                return str(self.attribute(*key.split(".", 1)) if "." in key else self.values[key])

            return re.sub(r"\$\{([^!}]+)\}", replace, text)
        found = self.resolve(argument)
        functions = {
            "Equals": lambda: found[0] == found[1],
            "Not": lambda: not found[0],
            "And": lambda: all(found),
            "Or": lambda: any(found),
            "Join": lambda: found[0].join(found[1]),
        }
        return functions[name]()

    def attribute(self, resource, attribute):
        assert attribute == "Arn", f"{resource}.{attribute} is not known here"
        if self.resources[resource]["Type"] == "AWS::S3::Bucket":
            return f"arn:aws:s3:::{self.values[resource]}"
        return f"arn:aws:{resource}"

    def of_type(self, kind):
        return [name for name, resource in self.resources.items() if resource["Type"] == kind]

    def functions(self):
        """Of each function by its folder's name: variables, memory, timeout, the queue that feeds it, its batch size."""
        shared = self.document.get("Globals", {}).get("Function", {})
        found = {}
        for name in self.of_type("AWS::Serverless::Function"):
            properties = self.resources[name]["Properties"]
            variables = shared.get("Environment", {}).get("Variables", {}) | properties["Environment"]["Variables"]
            queues = [each["Properties"] for each in properties["Events"].values() if each["Type"] == "SQS"]
            for mapping in queues:
                assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"], name
            schedules = [each["Properties"] for each in properties["Events"].values() if each["Type"] == "ScheduleV2"]
            found[properties["CodeUri"].rsplit("/", 1)[-1]] = {
                "variables": self.resolve(variables),
                "memory": properties.get("MemorySize", shared.get("MemorySize", 128)),
                "timeout": properties.get("Timeout", shared.get("Timeout", 3)),
                "queue": queues[0]["Queue"]["Fn::GetAtt"][0] if queues else None,
                "batch": queues[0]["BatchSize"] if queues else 0,
                "inputs": [each["Input"] for each in schedules],
            }
        return found

    def rules(self):
        """Pairs of an event pattern and the queue that it feeds."""
        for name in self.of_type("AWS::Events::Rule"):
            properties = self.resources[name]["Properties"]
            for target in properties["Targets"]:
                queue = target["Arn"].get("Fn::GetAtt", [None])[0]
                if queue in self.of_type("AWS::SQS::Queue"):
                    yield self.resolve(properties["EventPattern"]), queue

    def receives(self, queue):
        """How often a message of the queue is tried."""
        return self.resources[queue]["Properties"]["RedrivePolicy"]["maxReceiveCount"]


def matches(pattern, event):
    """Whether an event matches an EventBridge pattern. Source: Amazon EventBridge User Guide, "Event patterns"."""
    for name, wanted in pattern.items():
        if isinstance(wanted, dict):
            if not isinstance(event.get(name), dict) or not matches(wanted, event[name]):
                return False
        else:
            found = event.get(name)
            values = found if isinstance(found, list) else [found]
            if not any(matches_value(each, value) for each in wanted for value in values):
                return False
    return True


def matches_value(wanted, value):
    if not isinstance(wanted, dict):
        return wanted == value
    [(operator, argument)] = wanted.items()
    text = value if isinstance(value, str) else ""
    if operator == "prefix":
        return text.startswith(argument)
    if operator == "suffix":
        return text.endswith(argument)
    if operator == "wildcard":
        return re.fullmatch(".*".join(map(re.escape, argument.split("*"))), text, re.DOTALL) is not None
    if operator == "anything-but":
        return value not in (argument if isinstance(argument, list) else [argument])
    raise AssertionError(f"{operator} is not known here")
