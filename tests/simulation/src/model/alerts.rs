//! What must have been told in the end: each budget that is crossed and each jump, nothing that never was, nothing twice in
//! different words, and nothing again that was crossed all the while.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Display, Formatter};
use std::rc::Rc;

use chrono::{DateTime, Datelike as _, Days, NaiveDate, NaiveTime, TimeDelta, Utc};
use serde_json::Value;
use spend_ledger::outputs::{Message, Topic};

use crate::history::configuration::{Configuration, JUMP, THRESHOLDS};
use crate::history::words::MONTHS;
use crate::model::Violation;
use crate::model::amounts::{cost, day};
use crate::model::course::{Course, Moment};
use crate::model::forgotten::Alias;
use crate::model::jumps::{Jump, Settled, jumps};
use crate::world::Happened;

/// A level that is reached: rule, member, first day of the window, amount in USD, and percent: of a budget that of its
/// amount, of a jump that of the week before.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Crossing {
    rule: &'static str,
    member: String,
    window: NaiveDate,
    amount: u32,
    percent: u32,
}

impl Display for Crossing {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let Self { rule, member, window, amount, percent } = self;
        let what = if *rule == "jumps" { "and" } else { "of" };
        write!(formatter, "{percent}% {what} {amount} USD of the rule {rule:?}, member {member}, window from {window}")
    }
}

impl From<Jump> for Crossing {
    fn from(Jump { member, day, .. }: Jump) -> Self {
        let (amount, percent) = JUMP;
        Self { rule: "jumps", member, window: day, amount, percent }
    }
}

/// A level that a configuration asks for: rule, amount, percent.
type Level = (&'static str, u32, u32);

/// A level, and whether credits count. A rule that counts something else is another one.
type Counting = (Level, bool);

/// A message, and its place in the log.
type Placed<'a> = (usize, &'a Message);

/// Judges all messages about alerts.
pub fn judge(course: &Course, log: &[Happened], is_troubled: bool, alias: &Alias) -> Result<(), Violation> {
    // The ledger calls whoever was forgotten by the alias: the model does not. What was told before and is told again under
    // the alias would be told twice, and what it says may well be put in other words.
    let of_alerts = |of: fn(&Happened) -> Option<&Message>| -> Vec<(usize, Message)> {
        let messages = log.iter().enumerate().filter_map(|(place, happened)| Some((place, of(happened)?)));
        let of_alerts = messages.filter(|(_, message)| matches!(message.topic, Topic::Alerts | Topic::Events));
        of_alerts.map(|(place, message)| (place, undone(message, alias))).collect()
    };
    let said = of_alerts(|happened| match happened {
        Happened::Sent { message, .. } => Some(message),
        _ => None,
    });
    let refused = of_alerts(|happened| match happened {
        Happened::Refused { message } => Some(message),
        _ => None,
    });
    let sent: Vec<Placed<'_>> = said.iter().map(|(place, message)| (*place, message)).collect();
    let refused: Vec<Placed<'_>> = refused.iter().map(|(place, message)| (*place, message)).collect();
    words(&sent, is_troubled, alias)?;
    resolutions(&sent, &refused)?;
    let mut ever: BTreeSet<Crossing> = BTreeSet::new();
    let mut moments = course.moments.iter().peekable();
    for (place, message) in &sent {
        while let Some(moment) = moments.next_if(|moment| moment.from < *place) {
            ever.extend(crossings(moment));
            ever.extend(jumps(moment, course.ended).into_iter().map(Crossing::from));
        }
        for told in told(message) {
            if !ever.contains(&told) && !course.has_mixtures {
                return Err(format!("people were told of what was never spent: {told}: {}", message.subject));
            }
        }
    }
    over(course, log, &sent)?;
    if !course.has_mixtures && !alias.is_used() {
        again(course, &sent)?;
    }
    losses(course, log, &sent)
}

/// A message with the name in place of the alias.
fn undone(message: &Message, alias: &Alias) -> Message {
    let mut message = message.clone();
    message.body = alias.undone(&message.body).into_owned();
    message.subject = alias.undone(&message.subject).into_owned();
    for value in message.attributes.values_mut() {
        *value = alias.undone(value).into_owned();
    }
    message
}

/// Of one id everything that is told is told in the same words, and without trouble once.
fn words(sent: &[Placed<'_>], is_troubled: bool, alias: &Alias) -> Result<(), Violation> {
    let mut heard: BTreeMap<(Topic, &str, &str), &Message> = BTreeMap::new();
    for (_, message) in sent {
        let key = (message.topic, attribute(message, "status"), attribute(message, "alert_id"));
        if let Some(before) = heard.insert(key, message) {
            if before != *message && !alias.is_used() {
                return Err(format!("{key:?} was told in different words: {} and {}", before.body, message.body));
            }
            if !is_troubled {
                return Err(format!("{key:?} was told twice, and no call failed"));
            }
        }
    }
    Ok(())
}

/// Nothing is resolved that was not told before, unless the topic refused to take that: after a day it is not waited for.
fn resolutions(sent: &[Placed<'_>], refused: &[Placed<'_>]) -> Result<(), Violation> {
    let summaries = sent.iter().chain(refused).flat_map(|(_, message)| {
        summed_up(message).into_iter().map(|alert| (attribute(message, "alert_id"), text(&alert["incident_key"])))
    });
    let summaries: BTreeSet<_> = summaries.collect();
    let mut all: Vec<_> = sent.iter().chain(refused).collect();
    all.sort_by_key(|(place, _)| *place);
    let mut firing = BTreeSet::new();
    for (_, message) in all {
        let incident = (message.topic, attribute(message, "incident_key").to_owned());
        match attribute(message, "status") {
            "firing" => {
                let id = attribute(message, "alert_id");
                let of_summary = summaries.iter().filter(|(summary, _)| *summary == id);
                firing.extend(of_summary.map(|(_, incident)| (message.topic, incident.clone())));
                firing.insert(incident);
            }
            // People may be told of several incidents in one message, machines are told of each.
            "resolved" if !incident.1.starts_with("too-many-resolved:") && !firing.contains(&incident) => {
                return Err(format!("{incident:?} was resolved and not told before: {}", message.subject));
            }
            _ => {}
        }
    }
    Ok(())
}

/// How far the clocks of sandboxes are off at most.
const CLOCKS: TimeDelta = TimeDelta::minutes(2);

/// Nobody is told of a window that had ended before the rule was there.
fn over(course: &Course, log: &[Happened], sent: &[Placed<'_>]) -> Result<(), Violation> {
    let mut since: BTreeMap<Level, DateTime<Utc>> = BTreeMap::new();
    for moment in &course.moments {
        let Some(Happened::Wrote { at, .. }) = log.get(moment.from) else { continue };
        for level in moment.configuration.iter().flat_map(levels) {
            since.entry(level).or_insert(*at);
        }
    }
    for (told, message) in sent.iter().flat_map(|(_, message)| told(message).into_iter().map(|told| (told, *message))) {
        let since = since.get(&(told.rule, told.amount, told.percent));
        if since.is_none_or(|since| ended(&told) < *since - CLOCKS) {
            return Err(format!(
                "people were told of a window that had ended before the rule: {told}: {}",
                message.subject
            ));
        }
    }
    Ok(())
}

/// Nobody is told again of what was crossed all the while: machines are told at most once for each time that it came to be
/// crossed. A rule that counts something else is another one.
fn again(course: &Course, sent: &[Placed<'_>]) -> Result<(), Violation> {
    let mut times: BTreeMap<Crossing, usize> = BTreeMap::new();
    let mut before = BTreeSet::new();
    // What may have settled, and settle again, may be told of again.
    let mut unsure: BTreeSet<Crossing> = BTreeSet::new();
    for moment in &course.moments {
        let credits = moment.configuration.as_ref().is_some_and(|with| with.credits);
        let jumped = jumps(moment, course.ended);
        let (surely, perhaps): (Vec<_>, Vec<_>) =
            jumped.into_iter().partition(|jump| jump.settled == Settled::Surely && jump.is_recent);
        unsure.extend(perhaps.into_iter().map(Crossing::from));
        let crossed = crossings(moment).into_iter().chain(surely.into_iter().map(Crossing::from));
        let crossed: BTreeSet<_> = crossed.map(|crossing| (crossing, credits)).collect();
        for (crossing, _) in crossed.difference(&before) {
            *times.entry(crossing.clone()).or_default() += 1;
        }
        before = crossed;
    }
    let mut ids: BTreeMap<Crossing, BTreeSet<String>> = BTreeMap::new();
    for (_, message) in sent.iter().filter(|(_, message)| message.topic == Topic::Events) {
        for (id, crossing) in fired(message) {
            ids.entry(crossing).or_default().insert(id);
        }
    }
    for (crossing, ids) in ids.into_iter().filter(|(crossing, _)| !unsure.contains(crossing)) {
        let times = times.get(&crossing).copied().unwrap_or_default();
        if ids.len() > times {
            return Err(format!(
                "machines were told {} times of what came to be crossed {times} times: {crossing}",
                ids.len()
            ));
        }
    }
    Ok(())
}

/// What is crossed in the end was told.
fn losses(course: &Course, log: &[Happened], sent: &[Placed<'_>]) -> Result<(), Violation> {
    let known = known(course, log);
    let mut by_events: BTreeMap<&str, Vec<Crossing>> = BTreeMap::new();
    for (_, message) in sent.iter().filter(|(_, message)| message.topic == Topic::Events) {
        by_events.entry(attribute(message, "alert_id")).or_default().extend(told(message));
    }
    // A message for people that sums up several has the id of the event that names them.
    let to_people =
        sent.iter().filter(|(_, message)| message.topic == Topic::Alerts && attribute(message, "status") == "firing");
    let to_people: BTreeSet<_> = to_people.map(|(_, message)| attribute(message, "alert_id")).collect();
    let machines: BTreeSet<&Crossing> = by_events.values().flatten().collect();
    let people = by_events.iter().filter(|(id, _)| to_people.contains(*id)).flat_map(|(_, crossings)| crossings);
    let people: BTreeSet<&Crossing> = people.collect();
    let last = course.moments.last().unwrap();
    let mut crossed = crossings(last);
    let sure = jumps(last, course.ended).into_iter().filter(|jump| jump.settled == Settled::Surely && jump.is_recent);
    crossed.extend(sure.map(Crossing::from));
    let jumped = course.moments.iter().flat_map(|moment| jumps(moment, course.ended)).map(Crossing::from).collect();
    // Rules look at no window that no usage has come to yet, whatever else is billed for it.
    let newest = last.book.iter().flat_map(|((_, month), rows)| {
        let usage = rows.iter().filter(|row| row.is_bedrock() && row.category() == "usage");
        usage.map(|row| day(row, *month))
    });
    let newest = newest.max();
    for crossing in crossed.iter().filter(|crossing| newest.is_some_and(|newest| crossing.window <= newest)) {
        let Crossing { rule, member, window, amount, percent } = crossing;
        // A rule never alerts on windows that had ended when it was first evaluated.
        let level = ((*rule, *amount, *percent), last.configuration.as_ref().is_some_and(|with| with.credits));
        let is_new = known.get(&level).is_some_and(|since| ended(crossing) > *since);
        let is_told = |told: &BTreeSet<&Crossing>| {
            told.iter().any(|other| {
                let is_of_it = (other.rule, &other.member) == (*rule, member)
                    && (other.window == *window || *rule == "jumps" && are_one_episode(&jumped, other, crossing));
                // Of several thresholds the highest is told; a raised budget alerts again only of more than was known.
                let is_as_much = other.amount == *amount && other.percent >= *percent;
                is_of_it && (is_as_much || other.amount < *amount && other.percent > *percent)
            })
        };
        if is_new && !is_told(&machines) {
            return Err(format!("nobody was told of what was spent: {crossing}"));
        }
        if is_new && !is_told(&people) {
            return Err(format!("machines were told of what was spent, and people were not: {crossing}"));
        }
    }
    Ok(())
}

/// Whether one alert stands for both of two jumps: from the one to the other a day of all that ever jumped comes at least
/// every three days.
fn are_one_episode(jumped: &BTreeSet<Crossing>, one: &Crossing, other: &Crossing) -> bool {
    let (first, last) = (one.window.min(other.window), one.window.max(other.window));
    let days = jumped.iter().filter(|jump| jump.member == one.member).map(|jump| jump.window);
    let days: Vec<_> = days.filter(|day| (first..=last).contains(day)).collect();
    days.windows(2).all(|days| days[1] - days[0] <= TimeDelta::days(3))
}

/// Since when each level has been evaluated, at the latest: by an evaluation while which nothing changed. What is evaluated
/// without a level knows it no more, also where it fails after that: it is new when it comes back.
fn known(course: &Course, log: &[Happened]) -> BTreeMap<Counting, DateTime<Utc>> {
    let mut known: BTreeMap<Counting, DateTime<Utc>> = BTreeMap::new();
    // The first moment is so from the beginning.
    let at = |place: usize| course.moments.partition_point(|moment| moment.from < place).max(1) - 1;
    let mut seen = 0;
    for (place, happened) in log.iter().enumerate() {
        let Happened::Evaluated { from, now } = happened else { continue };
        let (first, last) = (at(*from), at(place));
        for moment in &course.moments[seen..=last] {
            let levels = counting(moment.configuration.as_ref());
            known.retain(|level, _| levels.contains(level));
        }
        seen = last;
        let moment = &course.moments[last];
        if first == last && !moment.book.is_empty() {
            for level in counting(moment.configuration.as_ref()) {
                known.entry(level).or_insert(*now);
            }
        }
    }
    known
}

fn counting(configuration: Option<&Rc<Configuration>>) -> Vec<Counting> {
    let counting = |with: &Rc<Configuration>| levels(with).into_iter().map(|level| (level, with.credits)).collect();
    configuration.map(counting).unwrap_or_default()
}

fn levels(configuration: &Rc<Configuration>) -> Vec<Level> {
    let weekly = configuration.weekly.map(|amount| ("each", amount, 100));
    let jump = configuration.compares.then_some(("jumps", JUMP.0, JUMP.1));
    let monthly = THRESHOLDS.map(|percent| ("all", configuration.budget, percent));
    monthly.into_iter().chain(weekly).chain(jump).collect()
}

/// What is reached at a moment.
fn crossings(moment: &Moment) -> BTreeSet<Crossing> {
    let Some(configuration) = &moment.configuration else { return BTreeSet::new() };
    let mut months: BTreeMap<NaiveDate, i128> = BTreeMap::new();
    let mut weeks: BTreeMap<(NaiveDate, &str), i128> = BTreeMap::new();
    for ((_, month), rows) in &moment.book {
        for row in rows.iter().filter(|row| row.is_bedrock() && row.currency() == "USD") {
            if configuration.counts(row.category()) {
                let day = day(row, *month);
                let monday = day - Days::new(day.weekday().num_days_from_monday().into());
                let member = if row.identity().is_empty() { "(none)" } else { row.identity() };
                *months.entry(day.with_day(1).unwrap()).or_default() += cost(row);
                *weeks.entry((monday, member)).or_default() += cost(row);
            }
        }
    }
    let is_reached = |spent: i128, amount: u32, percent: u32| {
        spent * 100 >= i128::from(amount) * i128::from(percent) * 10_i128.pow(18)
    };
    let mut crossed = BTreeSet::new();
    let amount = configuration.budget;
    for (window, spent) in months {
        for percent in THRESHOLDS.into_iter().filter(|percent| is_reached(spent, amount, *percent)) {
            crossed.insert(Crossing { rule: "all", member: "-".to_owned(), window, amount, percent });
        }
    }
    for ((window, member), spent) in weeks {
        if let Some(amount) = configuration.weekly.filter(|amount| is_reached(spent, *amount, 100)) {
            crossed.insert(Crossing { rule: "each", member: member.to_owned(), window, amount, percent: 100 });
        }
    }
    crossed
}

/// When the window of a crossing has ended.
fn ended(crossing: &Crossing) -> DateTime<Utc> {
    let days = if crossing.rule == "jumps" {
        1
    } else if crossing.rule == "each" {
        7
    } else {
        let place = MONTHS.iter().position(|month| crossing.window.to_string().starts_with(month)).unwrap();
        let next: NaiveDate = format!("{}-01", MONTHS[place + 1]).parse().unwrap();
        u64::try_from((next - crossing.window).num_days()).unwrap()
    };
    (crossing.window + Days::new(days)).and_time(NaiveTime::MIN).and_utc()
}

/// The budgets of which a message says that they are reached.
fn told(message: &Message) -> Vec<Crossing> {
    fired(message).into_iter().map(|(_, crossing)| crossing).collect()
}

/// The same, with the ids of the alerts.
fn fired(message: &Message) -> Vec<(String, Crossing)> {
    if attribute(message, "status") != "firing" {
        return Vec::new();
    }
    let alerts = summed_up(message);
    if !alerts.is_empty() {
        let crossing = |alert: &Value| {
            let finding = &alert["finding"];
            crossing(&text(&finding["rule"]), &text(&finding["member"]), text(&alert["alert_id"]))
        };
        let is_judged = |alert: &&Value| alert["kind"].as_str().is_some_and(is_judged);
        return alerts.iter().filter(is_judged).filter_map(crossing).collect();
    }
    if !is_judged(attribute(message, "kind")) {
        return Vec::new();
    }
    let (rule, member) = (attribute(message, "rule"), attribute(message, "member"));
    crossing(rule, member, attribute(message, "alert_id").to_owned()).into_iter().collect()
}

/// Whether the model knows what such an alert is about.
fn is_judged(kind: &str) -> bool {
    matches!(kind, "budget" | "delta")
}

/// The alerts that an event sums up.
fn summed_up(message: &Message) -> Vec<Value> {
    if message.topic != Topic::Events {
        return Vec::new();
    }
    let event: Value = serde_json::from_str(&message.body).unwrap();
    event["alerts"].as_array().cloned().unwrap_or_default()
}

/// A text of an event; of what is not there the sign for nothing.
fn text(value: &Value) -> String {
    value.as_str().unwrap_or("-").to_owned()
}

/// What an alert's id says, and the id. Thresholds of a forecast are no crossings.
fn crossing(rule: &str, member: &str, id: String) -> Option<(String, Crossing)> {
    let rule = ["all", "each", "jumps"].into_iter().find(|known| *known == rule)?;
    // Incident, level, amount and number, from the end: names may be anything.
    let mut parts = id.rsplit(':');
    let (_, amount, percent) = (parts.next()?, parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    let (_, window) = (parts.next()?, parts.next()?.parse().ok()?);
    let crossing = Crossing { rule, member: member.to_owned(), window, amount, percent };
    Some((id, crossing))
}

fn attribute<'a>(message: &'a Message, name: &str) -> &'a str {
    message.attributes.get(name).map_or("", |value| value)
}
