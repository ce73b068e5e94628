"""A CloudWatch that speaks what the AWS SDKs speak, and refuses what the real one refuses.

The protocol is Smithy RPC v2 CBOR: `POST /service/GraniteServiceVersion20100801/operation/NAME`, the body gzipped where
it is large; errors carry `__type` in the body and the old name of the error in `x-amzn-query-error`.

Limits are those of the Amazon CloudWatch API Reference (PutMetricData, MetricDatum, Dimension, GetMetricData). Where it
leaves room (whether 1 MB is counted before or after compression) the stricter reading stands here.
"""

import datetime
import gzip
import math
import re
import threading
from collections import defaultdict

import cbor2

PATH = "/service/GraniteServiceVersion20100801/operation/"

MAX_BODY = 1_000_000
MAX_DATA = 1000
MAX_DIMENSIONS = 30
MAX_NAME = 255
MAX_VALUE = 1024
MAX_MAGNITUDE = 2.0**360
OLDEST = datetime.timedelta(days=14)
NEWEST = datetime.timedelta(hours=2)
UNITS = {"None", "Count", "Percent", "Seconds", "Milliseconds", "Microseconds", "Bytes", "Count/Second"}
MAX_QUERIES = 500
# The real one answers up to 100,800 data points at once, and fewer whenever it likes: so it is never done at once here.
RESULTS_PER_PAGE = 40


class Refused(Exception):
    """An answer that says what is wrong with a request. Nothing of it was kept."""

    def __init__(self, code, message, status=400):
        super().__init__(message)
        self.code, self.message, self.status = code, message, status


def printable(text):
    return all(" " <= char <= "~" for char in text)


def check_name(what, text, most, *, colon=False):
    if not isinstance(text, str) or not text.strip() or len(text) > most or not printable(text):
        raise Refused("InvalidParameterValue", f"The value {text!r:.80} for {what} is not 1 to {most} ASCII characters.")
    if text.startswith(":") and not colon:
        raise Refused("InvalidParameterValue", f"The value {text!r:.80} for {what} must not start with a colon.")


def check_dimensions(dimensions):
    if len(dimensions) > MAX_DIMENSIONS:
        raise Refused("InvalidParameterValue", f"The collection Dimensions must not have more than {MAX_DIMENSIONS}.")
    for dimension in dimensions:
        check_name("a dimension's name", dimension.get("Name"), MAX_NAME)
        check_name("a dimension's value", dimension.get("Value"), MAX_VALUE, colon=True)
    names = [dimension["Name"] for dimension in dimensions]
    if len(set(names)) != len(names):
        raise Refused("InvalidParameterValue", "A dimension is named twice.")
    return tuple(sorted((dimension["Name"], dimension["Value"]) for dimension in dimensions))


def check_number(value):
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise Refused("InvalidParameterValue", f"The value {value!r} is not a number.")
    if abs(value) > MAX_MAGNITUDE:
        raise Refused("InvalidParameterValue", f"The value {value!r} is out of range.")
    return float(value)


class CloudWatch:
    """Keeps every datum that it accepted, in order: (namespace, name, dimensions, timestamp, value, unit)."""

    def __init__(self, clock):
        self.clock = clock
        self.lock = threading.Lock()
        self.data = []
        self.calls = defaultdict(int)
        self.lost_answers = 0

    def handle(self, operation, body, encoding):
        """Answers a request: (status, headers, body)."""
        self.calls[operation] += 1
        try:
            if encoding == "gzip":
                body = gzip.decompress(body)
            if len(body) > MAX_BODY:
                raise Refused("RequestEntityTooLarge", "The request is larger than 1 MB.", 413)
            handler = {"PutMetricData": self.put, "GetMetricData": self.get}.get(operation)
            if handler is None:
                raise Refused("UnknownOperationException", f"{operation} is not known here.", 404)
            request = cbor2.loads(body)
            with self.lock:
                answer = handler(request)
                has_spend = any(datum.get("MetricName") == "Spend" for datum in request.get("MetricData") or [])
                if has_spend and self.lost_answers:
                    self.lost_answers -= 1
                    raise Refused("InternalServiceError", "It was kept, and the answer was lost.", 500)
            return 200, self.headers(), cbor2.dumps(answer)
        except Refused as refused:
            fault = "Sender" if refused.status < 500 else "Receiver"
            headers = [*self.headers(), ("x-amzn-query-error", f"{refused.code};{fault}")]
            error = {"__type": f"com.amazonaws.cloudwatch#{refused.code}", "message": refused.message}
            return refused.status, headers, cbor2.dumps(error)

    @staticmethod
    def headers():
        return [("content-type", "application/cbor"), ("smithy-protocol", "rpc-v2-cbor")]

    def lose_next_answer(self):
        """Keep what the next PutMetricData with differences of spend brings, and answer as if that were not known."""
        self.lost_answers += 1

    def put(self, request):
        namespace = request.get("Namespace")
        check_name("Namespace", namespace, MAX_NAME)
        if namespace.startswith("AWS/"):
            raise Refused("InvalidParameterValue", "The value AWS/ for parameter Namespace is invalid.")
        data = request.get("MetricData")
        if not data:
            raise Refused("MissingParameter", "The parameter MetricData is required.")
        if len(data) > MAX_DATA:
            raise Refused("InvalidParameterValue", f"The collection MetricData must not have more than {MAX_DATA}.")
        # All of a request or nothing.
        accepted = [self.datum(namespace, datum) for datum in data]
        self.data.extend(accepted)
        return {}

    def datum(self, namespace, datum):
        check_name("MetricName", datum.get("MetricName"), MAX_NAME)
        dimensions = check_dimensions(datum.get("Dimensions") or [])
        if datum.get("Value") is None or datum.get("Values") or datum.get("StatisticValues"):
            raise Refused("InvalidParameterCombination", "One Value is what this program puts, and nothing else.")
        unit = datum.get("Unit", "None")
        if unit not in UNITS:
            raise Refused("InvalidParameterValue", f"The value {unit!r} for Unit is not known.")
        now = self.clock.now
        timestamp = datum.get("Timestamp", now)
        if not isinstance(timestamp, datetime.datetime):
            raise Refused("SerializationException", "The timestamp is not one.")
        if timestamp < now - OLDEST or timestamp > now + NEWEST:
            raise Refused("InvalidParameterValue", f"The timestamp {timestamp} is too old or in the future at {now}.")
        return namespace, datum["MetricName"], dimensions, timestamp, check_number(datum["Value"]), unit

    def get(self, request):
        start, end = request.get("StartTime"), request.get("EndTime")
        queries = request.get("MetricDataQueries") or []
        if not start or not end or start >= end:
            raise Refused("ValidationError", "The parameter StartTime must be less than the parameter EndTime.")
        if not 1 <= len(queries) <= MAX_QUERIES:
            raise Refused("ValidationError", f"The collection MetricDataQueries must have 1 to {MAX_QUERIES}.")
        ids = [query.get("Id", "") for query in queries]
        if len(set(ids)) != len(ids) or not all(re.fullmatch("[a-z][a-zA-Z0-9_]{0,254}", name) for name in ids):
            raise Refused("ValidationError", "Ids are to start with a lower-case letter, and to be unique.")
        first = int(request.get("NextToken") or 0)
        page = queries[first : first + RESULTS_PER_PAGE]
        answer = {"MetricDataResults": [self.result(query, start, end) for query in page], "Messages": []}
        if first + len(page) < len(queries):
            answer["NextToken"] = str(first + len(page))
        return answer

    def result(self, query, start, end):
        stat = query.get("MetricStat") or {}
        metric, period = stat.get("Metric") or {}, stat.get("Period")
        if stat.get("Stat") not in ("Sum", "Maximum", "Minimum", "SampleCount", "Average") or not period or period % 60:
            raise Refused("ValidationError", "A query needs a statistic, and a period of whole minutes.")
        check_name("Namespace", metric.get("Namespace"), MAX_NAME)
        check_name("MetricName", metric.get("MetricName"), MAX_NAME)
        series = metric["Namespace"], metric["MetricName"], check_dimensions(metric.get("Dimensions") or [])
        buckets = defaultdict(list)
        for *found, timestamp, value, _ in self.data:
            if tuple(found) == series and start <= timestamp < end:
                buckets[int(timestamp.timestamp()) // period * period].append(value)
        sums = {
            "Sum": math.fsum,
            "Maximum": max,
            "Minimum": min,
            "SampleCount": len,
            "Average": lambda values: math.fsum(values) / len(values),
        }
        newest_first = sorted(buckets, reverse=request_order(query) != "TimestampAscending")
        return {
            "Id": query["Id"],
            "Label": query.get("Label") or metric["MetricName"],
            "Timestamps": [cbor2.CBORTag(1, float(at)) for at in newest_first],
            "Values": [float(sums[stat["Stat"]](buckets[at])) for at in newest_first],
            "StatusCode": "Complete",
        }


def request_order(query):
    return query.get("ScanBy", "TimestampDescending")
