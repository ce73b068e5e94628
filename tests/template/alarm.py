"""What CloudWatch makes of an alarm of the template, period by period.

Source: Amazon CloudWatch User Guide, "Configuring how CloudWatch alarms treat missing data": CloudWatch retrieves more
data points than the alarm has evaluation periods (the evaluation range), and how many more it does not say. If enough of
them exist, the newest existing ones are evaluated, however old, and missing ones are ignored. Only if too few exist are the
rest filled in as TreatMissingData says. `FILL(metric, 0)` of "Using math expressions" leaves none missing.
"""

# As many more data points as the range may have: the guide's examples have two.
EXTRA = range(5)

COMPARE = {
    "LessThanOrEqualToThreshold": lambda value, threshold: value <= threshold,
    "LessThanThreshold": lambda value, threshold: value < threshold,
    "GreaterThanOrEqualToThreshold": lambda value, threshold: value >= threshold,
    "GreaterThanThreshold": lambda value, threshold: value > threshold,
}


def states(alarm, values):
    """The states that the alarm may have after `values`, the newest last and None where there is no data: one, unless it
    depends on what CloudWatch does not say."""
    if any(each.get("Expression", "").startswith("FILL(") for each in alarm.get("Metrics", [])):
        values = [value or 0.0 for value in values]
    return {state(alarm, values[-(alarm["EvaluationPeriods"] + extra) :]) for extra in EXTRA}


def state(alarm, in_range):
    periods = alarm["EvaluationPeriods"]
    breaches = COMPARE[alarm["ComparisonOperator"]]
    existing = [value for value in in_range if value is not None][-periods:]
    evaluated = [breaches(value, alarm["Threshold"]) for value in existing]
    filled = {"breaching": True, "notBreaching": False}[alarm["TreatMissingData"]]
    evaluated += [filled] * (periods - len(evaluated))
    return "ALARM" if sum(evaluated) >= alarm.get("DatapointsToAlarm", periods) else "OK"
