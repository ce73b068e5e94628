//! What happens in the sample: the lines of a month, in their final form, each with the moment at which it reaches
//! the bill.

use std::collections::BTreeMap;
use std::rc::Rc;

use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveTime, TimeDelta, Utc, Weekday};
use spend_core::calendar::period::BillingPeriod;

use super::cast::{self, Account, CAST, Caller, SUMMARIZER};
use super::products::{self, HAIKU, Model, NOVA_PRO, OPUS, SONNET, Seller, Sku, Tokens};
use super::rng::Rng;

/// The last delivery happens on this day; its usage ends with the day before.
pub(super) const TODAY: NaiveDate = date(2026, 11, 20);
/// When the month before was delivered for the last time: AWS goes on for about two weeks after a month's end.
pub(super) const CLOSED_AT: DateTime<Utc> = date(2026, 11, 15).and_time(NaiveTime::MIN).and_utc();
/// The day on which the agent runs away.
pub(super) const RUNAWAY_DAY: NaiveDate = date(2026, 11, 17);
/// What that day's spend is of its normal day.
const RUNAWAY_FACTOR: f64 = 20.0;
/// The settled day that the last delivery restates.
pub(super) const RESTATED_DAY: NaiveDate = date(2026, 11, 12);
/// By how much, in USD.
pub(super) const RESTATED_BY: f64 = 180.0;

/// What November spends of October.
const GROWTH: f64 = 1.08;
/// USD per day of all generated principals together.
const EXTRAS_DAILY: f64 = 15.0;
/// How much of a day's Marketplace lines reach the bill a day late.
const LATE: f64 = 0.3;
const EDP: f64 = 0.05;
const TAX: f64 = 0.04;

const fn date(year: i32, month: u32, day: u32) -> NaiveDate {
    match NaiveDate::from_ymd_opt(year, month, day) {
        Some(date) => date,
        None => NaiveDate::MIN,
    }
}

/// The start of an hour, UTC.
pub(super) fn at(day: NaiveDate, hour: u32) -> DateTime<Utc> {
    day.and_time(NaiveTime::MIN).and_utc() + TimeDelta::hours(i64::from(hour))
}

/// The days before `day`, `days` of them away.
pub(super) fn days_before(day: NaiveDate, days: u64) -> NaiveDate {
    day.checked_sub_days(Days::new(days)).unwrap_or(day)
}

/// When a delivery is made that has the usage through `last`: at 6 o'clock the next day.
pub(super) fn delivered(last: NaiveDate) -> DateTime<Utc> {
    at(last, 30)
}

/// What a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Usage,
    EdpDiscount,
    Credit,
    Tax,
}

/// One line of the bill.
#[derive(Clone, Debug)]
pub(super) struct Line {
    /// When it reaches the bill.
    pub(super) arrives: DateTime<Utc>,
    pub(super) start: DateTime<Utc>,
    pub(super) end: DateTime<Utc>,
    pub(super) kind: Kind,
    pub(super) account: Account,
    /// Empty where the bill names nobody.
    pub(super) principal: String,
    pub(super) tags: Rc<Vec<(String, String)>>,
    pub(super) sku: Rc<Sku>,
    /// Whether an inference was streamed.
    pub(super) streamed: bool,
    /// In the SKU's unit.
    pub(super) amount: f64,
    /// In USD.
    pub(super) cost: f64,
}

impl Line {
    /// What the enterprise discount takes off: on what AWS itself sells of Bedrock.
    pub(super) fn discount(&self) -> f64 {
        let is_discounted = self.sku.seller == Seller::Aws && self.sku.family == products::BEDROCK;
        if is_discounted && self.kind == Kind::Usage { self.cost * EDP } else { 0.0 }
    }
}

/// How big the sample is to be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Size {
    /// Usage lines of Bedrock in a month, if the story does not need more.
    pub(super) bedrock_lines: usize,
    /// Principals besides the cast.
    pub(super) extras: usize,
}

/// What one caller spends on one SKU in one day: it becomes one line or several.
struct Portion {
    day: NaiveDate,
    /// Who calls; `None` for what the bill attributes to nobody.
    caller: Option<&'static Caller>,
    sku: Rc<Sku>,
    spend: f64,
    /// Times as many lines as usual.
    weight: usize,
    /// When its lines reach the bill, if not as usual.
    arrives: Option<DateTime<Utc>>,
    /// The hours of the day in which it may happen.
    hours: std::ops::Range<u32>,
}

/// The Bedrock usage from the first of `period` through `last`.
pub(super) fn bedrock_usage(seed: u64, period: BillingPeriod, last: NaiveDate, size: Size) -> Vec<Line> {
    let days: Vec<NaiveDate> = period.first_day().iter_days().take_while(|day| *day <= last).collect();
    let growth = if period.contains(TODAY) { GROWTH } else { 1.0 };
    let mut portions = Vec::new();
    for day in &days {
        for (index, caller) in (0..).zip(CAST) {
            let mut rng = Rng::of(seed, &[number(*day), index]);
            portions.extend(day_of(caller, *day, growth, &mut rng));
        }
        portions.extend(unattributed(*day, growth, &mut Rng::of(seed, &[number(*day), 1_000])));
    }
    if days.contains(&RESTATED_DAY) {
        portions.extend(restatement());
    }
    // A discount for each day, account and product code, a tax for each account and product code, and a credit.
    let room = size.bedrock_lines.saturating_sub(days.len() * 4 + 12);
    let parts: usize = portions.iter().map(|portion| portion.weight).sum();
    let extra_lines = extra_lines(room.saturating_sub(parts), size.extras, days.len());
    let wanted = room.saturating_sub(extra_lines).max(parts);
    let (each, mut left) = (wanted / parts.max(1), wanted % parts.max(1));
    let mut lines = Vec::with_capacity(wanted + extra_lines);
    for (index, portion) in (2_000..).zip(&portions) {
        let one_more = usize::from(left > 0);
        left -= one_more;
        let mut rng = Rng::of(seed, &[number(portion.day), index]);
        divide(seed, portion, portion.weight * each + one_more, &mut rng, &mut lines);
    }
    extras(seed, &days, growth, extra_lines, size.extras, &mut lines);
    lines
}

fn number(day: NaiveDate) -> u64 {
    u64::from(day.num_days_from_ce().unsigned_abs())
}

#[expect(clippy::cast_precision_loss, reason = "counts of rows and days are far below 2^52")]
fn as_f64(count: usize) -> f64 {
    count as f64
}

fn is_weekend(day: NaiveDate) -> bool {
    matches!(day.weekday(), Weekday::Sat | Weekday::Sun)
}

/// What `caller` spends on `day`.
fn day_of(caller: &'static Caller, day: NaiveDate, growth: f64, rng: &mut Rng) -> Vec<Portion> {
    let runs_away = day == RUNAWAY_DAY && caller.runs_away;
    let of_week = if is_weekend(day) { caller.weekend } else { 1.0 };
    let mood = rng.between(0.88, 1.12);
    let total = caller.daily * growth * if runs_away { RUNAWAY_FACTOR } else { of_week * mood };
    let is_person = caller.weekend <= 0.0;
    let hours = match (runs_away, is_person) {
        (true, _) => 9..24,
        (false, true) => 8..18,
        (false, false) => 0..24,
    };
    let portion = |sku, spend| Portion {
        day,
        caller: Some(caller),
        sku: Rc::new(sku),
        spend,
        weight: if runs_away { 6 } else { 1 },
        arrives: None,
        hours: hours.clone(),
    };
    let mut portions = Vec::new();
    if caller.rerank > 0.0 {
        portions.push(portion(products::rerank(), total * caller.rerank));
    }
    for (model, share) in caller.models {
        let spend = total * (1.0 - caller.rerank) * share;
        portions
            .extend(by_tokens(model, caller.profile).map(|(tokens, share)| portion(model.sku(tokens), spend * share)));
    }
    portions.retain(|portion| portion.spend > 0.0);
    portions
}

/// The shares of a model's kinds of tokens; those that it does not sell go into input.
fn by_tokens(model: &Model, profile: cast::Profile) -> impl Iterator<Item = (Tokens, f64)> {
    let sold = |tokens| model.price(tokens).is_some();
    let shares = Tokens::ALL.into_iter().zip(profile);
    let not_sold: f64 = shares.clone().filter(|(tokens, _)| !sold(*tokens)).map(|(_, share)| share).sum();
    let mut shares: Vec<_> = shares.filter(|(tokens, share)| sold(*tokens) && *share > 0.0).collect();
    if let Some((_, input)) = shares.first_mut() {
        *input += not_sold;
    }
    shares.into_iter()
}

/// What the bill attributes to nobody: guardrails and the runtime of agents.
fn unattributed(day: NaiveDate, growth: f64, rng: &mut Rng) -> Vec<Portion> {
    let [cpu, memory] = products::agentcore();
    [(products::guardrail(), 4.0), (cpu, 5.5), (memory, 1.5)]
        .map(|(sku, daily)| Portion {
            day,
            caller: None,
            sku: Rc::new(sku),
            spend: daily * growth * rng.between(0.7, 1.3),
            weight: 1,
            arrives: None,
            hours: 0..24,
        })
        .into()
}

/// Marketplace lines of a settled day that reach the bill only with the last delivery.
fn restatement() -> Vec<Portion> {
    let portion = |(tokens, share)| Portion {
        day: RESTATED_DAY,
        caller: Some(&SUMMARIZER),
        sku: Rc::new(SONNET.sku(tokens)),
        spend: RESTATED_BY * share,
        weight: 2,
        arrives: Some(delivered(days_before(TODAY, 1))),
        hours: 0..24,
    };
    by_tokens(&SONNET, SUMMARIZER.profile).map(portion).collect()
}

/// Divides a portion into `count` lines, each of some whole pieces of its SKU.
fn divide(seed: u64, portion: &Portion, count: usize, rng: &mut Rng, lines: &mut Vec<Line>) {
    let weights: Vec<f64> = (0..count).map(|_| rng.between(0.5, 1.5)).collect();
    let whole: f64 = weights.iter().sum();
    let tags = Rc::new(portion.caller.map(Caller::tags).unwrap_or_default());
    for weight in weights {
        let hour = portion.hours.start + rng.below(portion.hours.end - portion.hours.start);
        let (account, principal) = match portion.caller {
            Some(caller) => caller.appear(seed, number(portion.day), rng),
            None => (Account::Prod, String::new()),
        };
        let line = usage(portion.day, hour, Rc::clone(&portion.sku), portion.spend * weight / whole, rng);
        let arrives = portion.arrives.unwrap_or(line.arrives);
        lines.push(Line { arrives, account, principal, tags: Rc::clone(&tags), ..line });
    }
}

/// One line of usage that costs about `spend`: whole pieces of the SKU, at its rate.
pub(super) fn usage(day: NaiveDate, hour: u32, sku: Rc<Sku>, spend: f64, rng: &mut Rng) -> Line {
    let amount = (spend / sku.rate * sku.pieces).round().max(1.0) / sku.pieces;
    let is_late = sku.seller != Seller::Aws && rng.fraction() < LATE;
    Line {
        arrives: delivered(day) + TimeDelta::days(i64::from(is_late)),
        start: at(day, hour),
        end: at(day, hour + 1),
        kind: Kind::Usage,
        account: Account::Prod,
        principal: String::new(),
        tags: Rc::default(),
        streamed: rng.fraction() < 0.4,
        amount,
        cost: amount * sku.rate,
        sku,
    }
}

/// How many lines the generated principals get: at least one each, else a fifth of what the story leaves.
fn extra_lines(left: usize, extras: usize, days: usize) -> usize {
    (left / 5).min(extras * days * 2).max(extras)
}

/// The lines of the generated principals, in turn: `count` of them for `extras` principals.
fn extras(seed: u64, days: &[NaiveDate], growth: f64, count: usize, extras: usize, lines: &mut Vec<Line>) {
    let spend = EXTRAS_DAILY * growth * as_f64(days.len()) / as_f64(count.max(1));
    let models = [&HAIKU, &SONNET, &NOVA_PRO, &OPUS];
    let skus = models.map(|model| [Tokens::Input, Tokens::Output].map(|tokens| Rc::new(model.sku(tokens))));
    let cast: Vec<_> = (0..extras.min(count)).map(cast::extra).map(|(a, p, t)| (a, p, Rc::new(t))).collect();
    for (index, (account, principal, tags)) in (0..count).zip(cast.iter().cycle()) {
        let mut rng = Rng::of(seed, &[3_000, days.first().copied().map_or(0, number), index as u64]);
        let sku = skus.get(index % extras % models.len()).and_then(|skus| rng.pick(skus).cloned());
        let (Some(day), Some(sku)) = (rng.pick(days).copied(), sku) else { return };
        let line = usage(day, 8 + rng.below(10), sku, spend * rng.between(0.5, 1.5), &mut rng);
        lines.push(Line { account: *account, principal: principal.clone(), tags: Rc::clone(tags), ..line });
    }
}

/// What the bill adds to the usage that has arrived: discounts by day, taxes by month, and a credit.
pub(super) fn adjustments(period: BillingPeriod, usage: &[Line]) -> Vec<Line> {
    let credit_day = period.first_day() + Days::new(2);
    let mut by_day: BTreeMap<_, (f64, &Line)> = BTreeMap::new();
    let mut by_product: BTreeMap<_, (f64, &Line)> = BTreeMap::new();
    for line in usage {
        if line.sku.seller == Seller::Aws {
            let day = line.start.date_naive();
            by_day.entry((day, line.account, line.sku.product_code)).or_insert((0.0, line)).0 += line.discount();
        }
        by_product.entry((line.account, line.sku.product_code)).or_insert((0.0, line)).0 += line.cost;
    }
    let adjustment = |kind, (start, end), cost, of: &Line| Line {
        arrives: start,
        start,
        end,
        kind,
        account: of.account,
        principal: String::new(),
        tags: Rc::default(),
        sku: Rc::clone(&of.sku),
        streamed: false,
        amount: 0.0,
        cost,
    };
    let day = |day| (at(day, 0), at(day, 24));
    let month = (period.start(), period.end());
    let discounts = by_day.iter().map(|((date, ..), (cost, of))| adjustment(Kind::EdpDiscount, day(*date), -cost, of));
    let taxes = by_product.values().map(|(cost, of)| adjustment(Kind::Tax, month, cost * TAX, of));
    let credit = by_day
        .range((credit_day, Account::Prod, "")..)
        .next()
        .map(|(_, (_, of))| adjustment(Kind::Credit, day(credit_day), -150.0, of));
    discounts.chain(taxes).chain(credit).collect()
}
