"""As much of the AWS CLI as the pages' commands use, on the stand-ins.

Names and types of options come from the API's own description, as in the AWS CLI: a command with an option that there
is not fails. Of services that have no stand-in, calls are written down (CALLS) and answered from STACK_RESOURCES.

Source: AWS CLI User Guide, "Shorthand syntax", "Pagination", "Controlling command output".
"""

import json
import os
import pathlib
import sys

import boto3
import jmespath
from botocore import xform_name
from botocore.config import Config

# Answered here: what there is no stand-in for.
WRITTEN_DOWN = {"cloudformation", "lambda", "kms"}


def client(service):
    return boto3.client(
        service,
        region_name=os.environ["AWS_DEFAULT_REGION"],
        endpoint_url=os.environ["STAND_INS"],
        # A stand-in on a machine with much to do takes its time to delete a thousand objects.
        config=Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}, read_timeout=600),
    )


def options(arguments):
    """`--name value` and flags."""
    found, name = {}, None
    for argument in arguments:
        if argument.startswith("--"):
            name = argument.removeprefix("--")
            found[name] = None
        elif name is None or found[name] is not None:
            sys.exit(f"aws: unexpected {argument}")
        else:
            found[name] = argument
    return found


def read(text, shape):
    """The value of an option, by the type that the API says it has."""
    if text is not None and text.startswith("file://"):
        text = pathlib.Path(text.removeprefix("file://")).read_text()
    if shape.type_name in ("structure", "list", "map"):
        if text.lstrip()[0] in "[{":
            return json.loads(text)
        given = dict(each.split("=", 1) for each in text.split(","))
        return {name: read(value, shape.members[name]) for name, value in given.items()}
    return {"integer": int, "long": int, "boolean": lambda text: text != "false"}.get(shape.type_name, str)(text)


def call(service, command, given):
    """One call of the API, all its pages."""
    api = client(service)
    operation = next(
        (name for method, name in api.meta.method_to_api_mapping.items() if method.replace("_", "-") == command), None
    )
    if operation is None:
        sys.exit(f"aws: there is no {service} {command}")
    model = api.meta.service_model.operation_model(operation)
    members = {xform_name(name, "-"): (name, shape) for name, shape in model.input_shape.members.items()}
    limit = given.pop("max-items", None)
    unknown = set(given) - set(members)
    if unknown:
        sys.exit(f"aws: {service} {command} has no {unknown}")
    parameters = {members[name][0]: read(text, members[name][1]) for name, text in given.items()}
    method = xform_name(operation)
    if service in WRITTEN_DOWN:
        return written_down(service, command, parameters)
    if api.can_paginate(method):
        pages = api.get_paginator(method).paginate(**parameters, PaginationConfig={"MaxItems": limit and int(limit)})
        return pages.build_full_result()
    return getattr(api, method)(**parameters)


def written_down(service, command, parameters):
    with open(os.environ["CALLS"], "a") as calls:
        calls.write(json.dumps([service, command, parameters]) + "\n")
    if command == "describe-stack-resource":
        name = json.loads(os.environ["STACK_RESOURCES"])[parameters["LogicalResourceId"]]
        return {"StackResourceDetail": {"PhysicalResourceId": name}}
    return {}


def sync(source, target):
    """`aws s3 sync` between two buckets: copies with their metadata, which is what the API does by default."""
    s3 = client("s3")
    source, target = (bucket.removeprefix("s3://").rstrip("/") for bucket in (source, target))
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=source):
        for found in page.get("Contents", []):
            s3.copy_object(Bucket=target, Key=found["Key"], CopySource={"Bucket": source, "Key": found["Key"]})


def text(value):
    """`--output text`: lists of lists are lines with tabs."""
    if isinstance(value, list):
        rows = [each if isinstance(each, list) else None for each in value]
        if value and all(row is not None for row in rows):
            return "\n".join("\t".join(map(str, row)) for row in rows)
        return "\t".join(map(str, value))
    return "None" if value is None else str(value)


def main():
    service, command, *arguments = sys.argv[1:]
    if (service, command) == ("s3", "sync"):
        sync(*arguments)
        return
    given = options(arguments)
    # The AWS CLI's own name for the calls of S3, beside its commands of a higher level.
    service = "s3" if service == "s3api" else service
    query, output = given.pop("query", None), given.pop("output", "json")
    answer = call(service, command, given)
    answer.pop("ResponseMetadata", None)
    if query:
        answer = jmespath.search(query, answer)
    if output == "text":
        print(text(answer))
    elif answer or query:
        print(json.dumps(answer, indent=4, default=str))


if __name__ == "__main__":
    main()
