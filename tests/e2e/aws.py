"""S3, SNS, SQS and CloudWatch on one local port: moto's server in this process, behind what it leaves out.

In front of moto stand:
- one request at a time, so that conditional writes are as atomic as S3's;
- S3's clock is the run's;
- SNS refuses subjects and attributes that the real one refuses, and counts subscriptions;
- every call is recorded as the IAM action and resource that it needs, by the function that made it: a function's access
  key id is its name;
- a call can be made to kill its caller, and to be lost (interruptions.py);
- buckets may be in another region, or closed to everybody but the run;
- objects that are created are told to whoever listens.

CloudWatch is our own (cloudwatch.py): moto does not speak the protocol of today's SDKs and knows no limits.
"""

import dataclasses
import io
import logging
import os
import re
import threading
import urllib.parse
from xml.sax.saxutils import escape

# moto reads it once.
os.environ["MOTO_ACCOUNT_ID"] = "111122223333"

import boto3
import botocore.model
import moto.s3.models
import moto.sns.models
from botocore.config import Config
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import make_server

import cloudwatch

ACCOUNT = "111122223333"
REGION = "us-east-1"
# The run's own calls, which no function made.
OPERATOR = "operator"

# What an interruption did to a call: it never arrived.
LOST = "lost"

MAX_MESSAGE_BYTES = 262_144
# botocore would speak JSON to CloudWatch; the Rust SDK speaks CBOR, and so is checked with it.
CBOR = "smithy-rpc-v2-cbor"
botocore.model.PRIORITY_ORDERED_SUPPORTED_PROTOCOLS = (
    CBOR,
    *(name for name in botocore.model.PRIORITY_ORDERED_SUPPORTED_PROTOCOLS if name != CBOR),
)

SUBJECT = re.compile(r"[!-~][ -~]{0,98}")


@dataclasses.dataclass(frozen=True)
class Created:
    """An object that was created."""

    bucket: str
    key: str
    size: int
    etag: str
    version_id: str
    sequencer: str
    time: str
    reason: str


class Aws:
    def __init__(self, clock):
        self.clock = clock
        self.cloudwatch = cloudwatch.CloudWatch(clock)
        self.actions = set()
        self.calls = []
        self.listeners = []
        # The regions of buckets that are not in this one, and buckets that let nobody in.
        self.elsewhere, self.closed = {}, set()
        # Asked before each call that changes something; see interruptions.py.
        self.interrupt = lambda call: None
        self._sequence = 0
        self._lock = threading.Lock()
        self._moto = DomainDispatcherApplication(create_backend_app)
        # As moto's own: without a zone.
        moto.s3.models.utcnow = lambda: clock.now.replace(tzinfo=None)
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        self._server = make_server("127.0.0.1", 0, self, threaded=True, request_handler=MotoRequestHandler)
        self.endpoint = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def client(self, service):
        """A client of the run's own."""
        return boto3.client(
            service,
            region_name=REGION,
            endpoint_url=self.endpoint,
            aws_access_key_id=OPERATOR,
            aws_secret_access_key="secret",
            config=Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}),
        )

    def __call__(self, environ, start_response):
        call = Call(environ)
        if call.changes and self.interrupt(call) == LOST:
            start_response("503 Slow Down", [("content-length", "0")])
            return [b""]
        with self._lock:
            status, headers, body = self._answer(call, environ)
            self._record(call, int(status.split()[0]))
            created = self._created(call, int(status.split()[0]), dict(headers))
        for listener in self.listeners if created else ():
            listener(created)
        start_response(status, headers)
        return [body]

    def _answer(self, call, environ):
        if call.path.startswith(cloudwatch.PATH):
            operation = call.path.removeprefix(cloudwatch.PATH)
            status, headers, body = self.cloudwatch.handle(operation, call.body, environ.get("HTTP_CONTENT_ENCODING"))
            return f"{status} -", [*headers, ("content-length", str(len(body)))], body
        if call.service == "s3" and call.caller != OPERATOR:
            refusal = self._refuse_bucket(call)
            if refusal:
                return refusal
        if call.service == "sns" and call.form.get("Action") == "Publish":
            refusal = refuse_message(call.form)
            if refusal:
                return sns_error(refusal)
        if call.service == "sns" and call.form.get("Action") == "GetTopicAttributes":
            count_subscriptions(call.form.get("TopicArn"))
        answer = {}

        def start_response(status, headers, exc_info=None):
            answer["status"], answer["headers"] = status, headers

        body = b"".join(self._moto(environ, start_response))
        return answer["status"], answer["headers"], body

    def _refuse_bucket(self, call):
        """What the endpoint of a region says of a bucket of another one, and S3 to whoever may not. Source: Amazon S3 API
        Reference, "Error responses" and HeadBucket."""
        region = self.elsewhere.get(call.bucket, REGION)
        if call.region != region:
            told = "The bucket you are attempting to access must be addressed using the specified endpoint."
            return s3_error("301 Moved Permanently", "PermanentRedirect", told, region)
        if call.bucket in self.closed:
            return s3_error("403 Forbidden", "AccessDenied", "Access Denied", region)
        return None

    def _record(self, call, status):
        for action, resource in call.needs(status):
            self.calls.append((call.caller, action, resource, status))
            if call.caller != OPERATOR:
                self.actions.add((call.caller, action, resource))

    def _created(self, call, status, headers):
        if call.service != "s3" or not call.key or status != 200:
            return None
        is_put = call.method == "PUT" and not (call.query.keys() & {"partNumber", "tagging", "acl"})
        is_completed = call.method == "POST" and "uploadId" in call.query
        if not is_put and not is_completed:
            return None
        self._sequence += 1
        stored = moto.s3.models.s3_backends[ACCOUNT]["aws"].get_object(call.bucket, call.key)
        return Created(
            bucket=call.bucket,
            key=call.key,
            size=stored.size,
            etag=stored.etag.strip('"'),
            version_id=stored.version_id or "",
            sequencer=f"{self._sequence:018X}",
            time=self.clock.rfc3339,
            reason="CompleteMultipartUpload" if is_completed else "PutObject",
        )


class Call:
    """One request, as far as it matters here."""

    def __init__(self, environ):
        self.method = environ["REQUEST_METHOD"]
        # WSGI hands paths over decoded, as Latin-1.
        self.path = environ["PATH_INFO"].encode("latin-1").decode()
        self.query = dict(urllib.parse.parse_qsl(environ["QUERY_STRING"], keep_blank_values=True))
        credential = re.search(r"Credential=([^/]+)/\d+/([^/]*)/([^/]+)/", environ.get("HTTP_AUTHORIZATION", ""))
        self.caller, self.region, self.service = credential.groups() if credential else ("nobody", "nowhere", "nothing")
        if "chunked" in environ.get("HTTP_TRANSFER_ENCODING", ""):
            self.body = environ["wsgi.input"].read()
        else:
            self.body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = io.BytesIO(self.body)
        self.copies = "HTTP_X_AMZ_COPY_SOURCE" in environ
        self.form, self.bucket, self.key = {}, "", ""
        if self.service == "s3":
            self.bucket, _, self.key = self.path.lstrip("/").partition("/")
        elif self.service in ("sns", "sqs"):
            self.form = dict(urllib.parse.parse_qsl(self.body.decode(), keep_blank_values=True))

    @property
    def changes(self):
        """Whether the call has an effect."""
        if self.service == "s3":
            return self.method != "GET" and self.method != "HEAD"
        return self.form.get("Action") == "Publish" or self.path.endswith("/PutMetricData")

    def needs(self, status):
        """The IAM actions that the call needs, and on what. S3 tells that an object is missing only those who may list
        its bucket, and refuses others: so whoever relies on a 404 needs that too."""
        if self.service == "s3":
            bucket = f"arn:aws:s3:::{self.bucket}"
            if not self.key:
                name = next((name for name in self.query if name in BUCKET_ACTIONS), None)
                default = "s3:ListBucket" if self.method in ("GET", "HEAD") else f"s3:{self.method}Bucket"
                return [(BUCKET_ACTIONS.get(name, default), bucket)]
            key = f"{bucket}/{self.key}"
            version = "Version" if "versionId" in self.query else ""
            verb = {"GET": "Get", "HEAD": "Get", "PUT": "Put", "POST": "Put", "DELETE": "Delete"}[self.method]
            needed = [(f"s3:{verb}Object{version}", key)]
            if status == 404:
                needed.append(("s3:ListBucket", bucket))
            if self.copies:
                needed.append(("s3:GetObject", "*"))
            return needed
        if self.service == "sns":
            return [(f"sns:{self.form.get('Action')}", self.form.get("TopicArn", "*"))]
        if self.path.startswith(cloudwatch.PATH):
            return [(f"cloudwatch:{self.path.removeprefix(cloudwatch.PATH)}", "*")]
        return [(f"{self.service}:{self.form.get('Action', self.method)}", "*")]


BUCKET_ACTIONS = {
    "versions": "s3:ListBucketVersions",
    "location": "s3:GetBucketLocation",
    "notification": "s3:GetBucketNotification",
    "versioning": "s3:GetBucketVersioning",
    "uploads": "s3:ListBucketMultipartUploads",
}


def count_subscriptions(arn):
    """moto never counts subscriptions. All that are made here are to queues, which need no confirmation."""
    backend = moto.sns.models.sns_backends[ACCOUNT][REGION]
    topic = backend.topics.get(arn)
    if topic is not None:
        subscribed = [each for each in backend.subscriptions.values() if each.topic.arn == arn]
        topic.subscriptions_confimed = len(subscribed)


def refuse_message(form):
    """What the real SNS would say against a message that moto takes. Source: Amazon SNS API Reference, Publish."""
    subject = form.get("Subject")
    if subject is not None and not SUBJECT.fullmatch(subject):
        return "Invalid parameter: Subject"
    if not form.get("Message"):
        return "Invalid parameter: Empty message"
    size = len(form["Message"].encode()) + len((subject or "").encode())
    for name, value in form.items():
        if re.fullmatch(r"MessageAttributes\.entry\.\d+\.(Name|Value\.(DataType|StringValue))", name):
            if not value:
                return f"Invalid parameter: {name} must not be empty"
            size += len(value.encode())
    return "Invalid parameter: Message too long" if size > MAX_MESSAGE_BYTES else None


def s3_error(status, code, message, region):
    body = f"<Error><Code>{code}</Code><Message>{message}</Message><RequestId>4442587FB7D0A2F9</RequestId></Error>".encode()
    headers = [("content-type", "application/xml"), ("x-amz-bucket-region", region), ("content-length", str(len(body)))]
    return status, headers, body


def sns_error(message):
    body = (
        '<ErrorResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><Error><Type>Sender</Type>'
        f"<Code>InvalidParameter</Code><Message>{escape(message)}</Message></Error>"
        "<RequestId>00000000-0000-0000-0000-000000000000</RequestId></ErrorResponse>"
    ).encode()
    return "400 Bad Request", [("content-type", "text/xml"), ("content-length", str(len(body)))], body
