"""What the functions' logs may not say, and what the template's metric filters find in them."""

import json
import re

# A caller as the bill names one, and a person as most companies name theirs.
CALLER = re.compile(r"arn:aws[a-z-]*:(?:iam|sts)::\d+:(?:user|role|assumed-role|federated-user|root)|[\w.+-]+@[\w-]+\.\w{2,}")


def of_callers(lines):
    """Lines that name a caller by an ARN or a mail address."""
    return [line for line in lines if CALLER.search(line)]


def found(pattern, lines):
    """Lines in JSON that a filter pattern of the template finds: names of fields with the text that each must be."""
    terms = re.findall(r'\$\.([\w.]+) = "([^"]+)"', pattern)
    return [line for line in lines if line.startswith("{") and all(field(json.loads(line), name) == text for name, text in terms)]


def field(document, path):
    for name in path.split("."):
        document = document.get(name) if isinstance(document, dict) else None
    return document
