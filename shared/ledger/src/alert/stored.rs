//! How the state is stored. Five thousand people have tens of thousands of crossings in three months, which are much alike:
//! what many have in common stands once, and names stand in a list. The first version had each crossing for itself.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;

use chrono::{DateTime, NaiveDate, Utc};
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Error as _, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use spend_core::calendar::window::Window;
use spend_core::money::decimal::Decimal;
use spend_core::rules::rule::{Kind, Severity};

use crate::alert::crossing::{Crossing, Told};
use crate::alert::horizon::Horizon;
use crate::alert::ids;
use crate::alert::origin::Origin;
use crate::alert::state::{AlertState, RuleState};
use crate::outputs::outbox::Outbox;

#[derive(Serialize)]
struct Written<'a> {
    rules: &'a BTreeMap<String, RuleState>,
    names: Vec<&'a str>,
    crossings: Vec<(Common<'a>, Vec<Row>)>,
    summaries: u32,
    horizon: Horizon,
    origin: &'a Origin,
    outbox: &'a Outbox,
    incidents: &'a BTreeMap<String, BTreeSet<String>>,
}

/// What is read, of this version or the first.
#[derive(Deserialize)]
struct Read {
    rules: BTreeMap<String, RuleState>,
    #[serde(default)]
    names: Vec<String>,
    crossings: Crossings,
    summaries: u32,
    #[serde(default)]
    horizon: Horizon,
    #[serde(default)]
    origin: Origin,
    outbox: Outbox,
    /// Of entries that tell of several incidents: an outbox does not store them itself.
    #[serde(default)]
    incidents: BTreeMap<String, BTreeSet<String>>,
}

/// The crossings of a version.
enum Crossings {
    /// The first: each by its key.
    Each(BTreeMap<String, Crossing>),
    Alike(Vec<(Common<'static>, Vec<Row>)>),
}

impl<'de> Deserialize<'de> for Crossings {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = Crossings;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("crossings, each by its key or by what they have in common")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Crossings, A::Error> {
                Deserialize::deserialize(MapAccessDeserializer::new(map)).map(Crossings::Each)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Crossings, A::Error> {
                Deserialize::deserialize(SeqAccessDeserializer::new(seq)).map(Crossings::Alike)
            }
        }
        deserializer.deserialize_any(Either)
    }
}

/// What crossings have in common, see [`Crossing`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
struct Common<'a> {
    rule: Cow<'a, str>,
    currency: Cow<'a, str>,
    kind: Kind,
    window: Window,
    level: Cow<'a, str>,
    amount: Decimal,
    at: DateTime<Utc>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    through: Option<NaiveDate>,
    is_crossed: bool,
    told: StoredTold<'a>,
    severity: Severity,
}

/// Who was told: without an id, by the crossing's own message.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum StoredTold<'a> {
    Nobody,
    Muted,
    By(Option<Cow<'a, str>>),
    Over(Option<Cow<'a, str>>),
}

/// What a crossing has of its own: the places of its member and of its owner among the names, what was spent, the rise,
/// how often it was crossed.
#[derive(Serialize, Deserialize)]
struct Row(Option<usize>, Option<usize>, Option<Decimal>, Option<Decimal>, u32);

/// Names, each once.
#[derive(Default)]
struct Names<'a> {
    list: Vec<&'a str>,
    places: HashMap<&'a str, usize>,
}

impl<'a> Names<'a> {
    fn place(&mut self, name: &'a str) -> usize {
        *self.places.entry(name).or_insert_with(|| {
            self.list.push(name);
            self.list.len() - 1
        })
    }
}

impl Serialize for AlertState {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut names = Names::default();
        // Hashed and then sorted: this is done for every message that is sent.
        let mut crossed: HashMap<Common<'_>, Vec<Row>> = HashMap::new();
        for (key, crossing) in &self.crossings {
            let is_own = |id: &str| {
                let count = id.strip_prefix(key).and_then(|rest| rest.strip_prefix(':'));
                count.is_some_and(|count| count.parse() == Ok(crossing.count))
            };
            let other = |id| Some(Cow::Borrowed(id)).filter(|id| !is_own(id));
            let common = Common {
                rule: Cow::Borrowed(&crossing.rule),
                currency: Cow::Borrowed(&crossing.currency),
                kind: crossing.kind,
                window: crossing.window,
                level: Cow::Owned(crossing.level.to_string()),
                amount: crossing.amount,
                at: crossing.at,
                through: crossing.through,
                is_crossed: crossing.is_crossed,
                told: match &crossing.told {
                    Told::Nobody => StoredTold::Nobody,
                    Told::Muted => StoredTold::Muted,
                    Told::By(id) => StoredTold::By(other(id)),
                    Told::Over(id) => StoredTold::Over(other(id)),
                },
                severity: crossing.severity,
            };
            let member = crossing.member.as_deref().map(|name| names.place(name));
            let owner = crossing.owner.as_deref().map(|name| names.place(name));
            let row = Row(member, owner, crossing.spent, crossing.rise, crossing.count);
            crossed.entry(common).or_default().push(row);
        }
        let mut crossings: Vec<_> = crossed.into_iter().collect();
        crossings.sort_unstable_by(|(left, _), (right, _)| left.cmp(right));
        let written = Written {
            rules: &self.rules,
            names: names.list,
            crossings,
            summaries: self.summaries,
            horizon: self.horizon,
            origin: &self.origin,
            outbox: &self.outbox,
            incidents: self.outbox.incidents(),
        };
        written.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for AlertState {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Read { rules, names, crossings, summaries, horizon, origin, outbox, incidents } =
            Read::deserialize(deserializer)?;
        let (mut crossings, alike) = match crossings {
            Crossings::Each(crossings) => (crossings, Vec::new()),
            Crossings::Alike(alike) => (BTreeMap::new(), alike),
        };
        let name = |place: Option<usize>| match place {
            None => Ok(None),
            Some(place) => match names.get(place) {
                Some(name) => Ok(Some(name.clone())),
                None => Err(D::Error::custom(format!("there is no name {place}, but {} names", names.len()))),
            },
        };
        for (common, rows) in alike {
            for Row(member, owner, spent, rise, count) in rows {
                let Common { rule, currency, kind, window, level, amount, .. } = &common;
                let (member, owner) = (name(member)?, name(owner)?);
                let incident = ids::incident_key(rule, member.as_deref(), currency, *window, *kind);
                let key = ids::crossing(&incident, level, *amount);
                let id = |other: &Option<Cow<'_, str>>| {
                    other.as_ref().map_or_else(|| ids::alert_id(&key, count), |id| id.clone().into_owned())
                };
                let told = match &common.told {
                    StoredTold::Nobody => Told::Nobody,
                    StoredTold::Muted => Told::Muted,
                    StoredTold::By(other) => Told::By(id(other)),
                    StoredTold::Over(other) => Told::Over(id(other)),
                };
                let crossing = Crossing {
                    rule: rule.clone().into_owned(),
                    member,
                    currency: currency.clone().into_owned(),
                    kind: *kind,
                    window: *window,
                    level: level.parse().map_err(D::Error::custom)?,
                    amount: *amount,
                    at: common.at,
                    count,
                    through: common.through,
                    is_crossed: common.is_crossed,
                    told,
                    spent,
                    rise,
                    severity: common.severity,
                    owner,
                };
                crossings.insert(key, crossing);
            }
        }
        let outbox = outbox.with_incidents(incidents);
        Ok(Self { rules, crossings, summaries, horizon, origin, outbox })
    }
}
