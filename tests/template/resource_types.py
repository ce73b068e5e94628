"""What CloudFormation says of a type of resource, from the schemas that come with cfn-lint."""

import functools

from cfnlint.schema import PROVIDER_SCHEMA_MANAGER

from stack import REGION


@functools.cache
def schema(kind):
    return PROVIDER_SCHEMA_MANAGER.get_resource_schema(REGION, kind).schema


def tag_property(kind):
    """The property that holds a resource's tags, or None if such a resource cannot be tagged."""
    tagging = schema(kind)["tagging"]
    return tagging["tagProperty"].rsplit("/", 1)[-1] if tagging["taggable"] else None


def actions(kind):
    """What the caller must be allowed so that CloudFormation can create, read, update, tag and delete such a resource."""
    handlers = schema(kind)["handlers"]
    found = [handlers.get(each, {}) for each in ("create", "read", "update", "delete")]
    return {action for each in [*found, schema(kind)["tagging"]] for action in each.get("permissions", [])}
