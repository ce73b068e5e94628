"""What the inline policies of a role allow."""

import fnmatch
from dataclasses import dataclass

from stack import as_list


@dataclass(frozen=True)
class Grant:
    """One action on one resource."""

    action: str
    resource: str

    def covers(self, action, resource):
        # Every policy here names whole resources or ends in a wildcard; none of the other wildcards is used.
        return self.action == action and fnmatch.fnmatchcase(resource, self.resource)


def statements(stack, role):
    for policy in stack.properties(role)["Policies"]:
        yield from policy["PolicyDocument"]["Statement"]


def grants(stack, role):
    found = set()
    for statement in statements(stack, role):
        assert statement["Effect"] == "Allow", statement
        for action in as_list(statement["Action"]):
            found |= {Grant(action, resource) for resource in as_list(statement["Resource"])}
    return found
