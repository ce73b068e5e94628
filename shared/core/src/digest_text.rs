//! What finance reads: the month's spend, who it belongs to, and how it adds up to the bill.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, Utc};

use crate::alert_text::{body, counted, subject};
use crate::category::Category;
use crate::data_status::DataStatus;
use crate::decimal::Decimal;
use crate::dimension::Dimension;
use crate::fact::{Fact, FactField};
use crate::line::SumOutOfRange;
use crate::period::BillingPeriod;
use crate::principal::IdentityKind;
use crate::report::{self, OTHER, Row};
use crate::spend::{Basis, CostPolicy};
use crate::text::{
    NONE, Text, days, instant, money, month, number, or_none, pad_left, pad_right, share, short_month, shorten, wrap,
};

/// How many identities are named.
const IDENTITIES: usize = 10;
/// How many models are named.
const MODELS: usize = 5;
/// How many values of the showback tag are named.
const SHOWBACK: usize = 30;
/// How many columns the labels of the first lines take.
const LABEL: usize = 12;

/// A month to date, or a whole month, for finance.
#[derive(Clone, Debug)]
pub struct Digest<'a> {
    /// The billing period.
    pub period: BillingPeriod,
    /// All facts of its deliveries, whatever their usage date: together they are the Bedrock part of the bill.
    pub facts: &'a [&'a Fact],
    /// What counts as spend.
    pub policy: &'a CostPolicy,
    /// The tag by whose values the spend is shown back, as the bill names it.
    pub showback_tag: Option<&'a str>,
    /// How far the data can be trusted.
    pub data: DataStatus,
    /// What is wrong with the data.
    pub warnings: DigestWarnings,
    /// The time at which the digest is made.
    pub now: DateTime<Utc>,
}

/// What readers of a digest must know of its data.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DigestWarnings {
    /// Exports that were made without the caller's identity.
    pub exports_without_principals: BTreeSet<String>,
    /// Line items whose usage type belongs to no known family.
    pub unknown_usage_rows: u64,
    /// Bedrock line items without a cost.
    pub rows_without_cost: u64,
    /// Line items that are taken for Bedrock's only because they name a caller.
    pub rows_by_principal_alone: u64,
}

/// One currency's totals.
struct Totals {
    currency: String,
    spend: Decimal,
    /// Usage on the policy's basis, and the part of it that names its caller.
    usage: Decimal,
    attributed: Decimal,
    /// Every category on the policy's basis.
    categories: BTreeMap<Category, Decimal>,
    /// Everything on the policy's basis, summed on its own.
    bill: Decimal,
    /// Everything, unblended.
    unblended: Decimal,
    /// The spend of days that may still change.
    provisional: BTreeMap<NaiveDate, Decimal>,
}

impl Digest<'_> {
    /// The message.
    ///
    /// # Errors
    ///
    /// [`SumOutOfRange`].
    pub fn text(&self) -> Result<Text, SumOutOfRange> {
        let totals = self.totals()?;
        let mut lines = vec![format!("Amazon Bedrock, {}, {}", month(self.period), self.extent()), String::new()];
        if totals.is_empty() {
            lines.push("The bill has no Amazon Bedrock line items for this month.".to_owned());
        }
        for (index, total) in totals.iter().enumerate() {
            if index > 0 {
                lines.push(String::new());
            }
            lines.extend(self.head(total));
        }
        lines.extend(labelled("Data as of", &self.data.as_of.map_or_else(|| "not known".to_owned(), instant)));
        lines.extend(self.warning_lines());
        for total in &totals {
            if totals.len() > 1 {
                lines.extend([String::new(), format!("=== {} ===", or_none(&total.currency))]);
            }
            lines.extend(self.sections(total)?);
        }
        if !totals.is_empty() {
            lines.extend(self.closing());
        }
        Ok(Text { subject: self.subject(&totals), body: body(&lines) })
    }

    /// How to read the amounts, and where all of them are.
    fn closing(&self) -> [String; 5] {
        [
            String::new(),
            "Amounts are rounded one by one; the line \"The bill\" is exact.".to_owned(),
            "All rows, exact, to paste into a sheet:".to_owned(),
            format!("  bedrock-ledger report --ledger DIR --period {} \\", self.period),
            format!("    --by {}identity,model,category --format csv", self.showback_key()),
        ]
    }

    fn subject(&self, totals: &[Totals]) -> String {
        let end = format!("Amazon Bedrock, {} {}", short_month(self.period), self.extent());
        match totals {
            [] => subject(&format!("No line items: {end}")),
            [one] => {
                let attributed = match share(one.attributed, one.usage).as_str() {
                    "-" => String::new(),
                    part => format!(", {part} attributed"),
                };
                subject(&format!("{}: {end}{attributed}", money(&one.currency, one.spend)))
            }
            several => {
                let spends: Vec<_> = several.iter().map(|total| money(&total.currency, total.spend)).collect();
                subject(&format!("{}: {end}", spends.join(" and ")))
            }
        }
    }

    fn extent(&self) -> &'static str {
        if self.now < self.period.end() {
            "month to date"
        } else if self.data.closed {
            "closed"
        } else {
            "not closed yet"
        }
    }

    /// The key of the showback tag for the command line, where it can be pasted into a shell.
    fn showback_key(&self) -> String {
        let is_plain = |tag: &&str| {
            tag.len() <= 30 && tag.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_./:@-".contains(&byte))
        };
        self.showback_tag.filter(is_plain).map_or_else(String::new, |tag| format!("tag:{tag},"))
    }

    fn totals(&self) -> Result<Vec<Totals>, SumOutOfRange> {
        let mut by_currency: BTreeMap<&str, Totals> = BTreeMap::new();
        for fact in self.facts {
            let currency = fact.key.get(FactField::Currency);
            let total = by_currency.entry(currency).or_insert_with(|| Totals::new(currency));
            total.add(fact, self.policy, &self.data)?;
        }
        Ok(by_currency.into_values().collect())
    }

    /// The first lines of a currency: they stand alone.
    fn head(&self, total: &Totals) -> Vec<String> {
        let money = |amount| money(&total.currency, amount);
        let mut lines = labelled("Spend", &format!("{} ({})", money(total.spend), counted(self.policy)));
        let unattributed = total.usage.checked_sub(total.attributed).unwrap_or_default();
        let attributed = if total.usage.is_zero() && unattributed.is_zero() {
            "there is no usage".to_owned()
        } else if unattributed.is_zero() {
            "all usage names its caller".to_owned()
        } else {
            let part = share(total.attributed, total.usage);
            format!("{part} of usage names its caller; {} does not", money(unattributed))
        };
        lines.extend(labelled("Attributed", &attributed));
        if let (Some((first, _)), Some((last, _))) =
            (total.provisional.first_key_value(), total.provisional.last_key_value())
        {
            let sum = total.provisional.values().try_fold(Decimal::ZERO, |sum, spent| sum.checked_add(*spent));
            let sum = sum.map_or_else(String::new, |sum| format!(" ({})", money(sum)));
            let text = format!("{}{sum} may still change, as a rule upwards", days(*first, *last));
            lines.extend(labelled("Provisional", &text));
        }
        lines.extend(labelled("The bill", &self.reconciliation(total)));
        lines
    }

    /// Spend and everything that does not count as spend, exactly, and that they are the bill.
    fn reconciliation(&self, total: &Totals) -> String {
        let others = Category::ALL.into_iter().filter(|category| !self.policy.count.contains(category));
        let others = others.map(|category| {
            let sum = total.categories.get(&category).copied().unwrap_or_default();
            format!(" + {} {sum}", plural(category))
        });
        let others: String = others.collect();
        let basis = match self.policy.basis {
            Basis::Unblended => "the Bedrock part of the bill".to_owned(),
            // Net costs are after discounts that also stand in lines of their own: what is invoiced is unblended.
            Basis::NetUnblended => {
                format!("the Bedrock part of the bill at net cost; unblended it is {}", total.unblended)
            }
        };
        format!("spend {}{others} = {} {}, {basis}", total.spend, total.bill, or_none(&total.currency))
    }

    fn warning_lines(&self) -> Vec<String> {
        let warnings = &self.warnings;
        let mut texts = Vec::new();
        if self.data.unverified {
            texts.push("The bill was taken as found: nothing says that it is complete.".to_owned());
        }
        for export in &warnings.exports_without_principals {
            texts.push(format!(
                "Export {} has no column line_item_iam_principal: nothing in it can be attributed. Turn \
                 INCLUDE_IAM_PRINCIPAL_DATA on and select the column; what is past is not filled in.",
                shorten(export, 60)
            ));
        }
        let rows = |count: u64| if count == 1 { "1 line item".to_owned() } else { format!("{count} line items") };
        if warnings.unknown_usage_rows > 0 {
            let count = rows(warnings.unknown_usage_rows);
            texts.push(format!("Of unknown usage type: {count}. The cost counts; model and kind may be missing."));
        }
        if warnings.rows_without_cost > 0 {
            texts.push(format!("Without a cost: {}, taken as zero.", rows(warnings.rows_without_cost)));
        }
        if warnings.rows_by_principal_alone > 0 {
            let count = rows(warnings.rows_by_principal_alone);
            texts.push(format!("Taken for Bedrock's only because they name a caller: {count}."));
        }
        texts.iter().flat_map(|text| labelled("Warning", text)).collect()
    }

    fn sections(&self, total: &Totals) -> Result<Vec<String>, SumOutOfRange> {
        let by = |field| self.rows(total, &Dimension::Field(field));
        let mut lines = Vec::new();
        lines.extend(table("Who spent it", total, by(FactField::Identity)?, IDENTITIES)?);
        if let Some(tag) = self.showback_tag {
            let rows = self.rows(total, &Dimension::Tag(tag.to_owned()))?;
            lines.extend(table(&format!("Showback by {}", shorten(tag, 34)), total, rows, SHOWBACK)?);
        }
        lines.extend(table("Models", total, by(FactField::Model)?, MODELS)?);
        lines.extend(Self::unattributed(total, by(FactField::UnattributedReason)?));
        lines.extend([String::new(), heading("On the bill", &total.currency, "")]);
        for category in Category::ALL {
            let sum = total.categories.get(&category).copied().unwrap_or_default();
            let counts = if self.policy.count.contains(&category) { "spend" } else { "" };
            lines.push(row(plural(category), sum, counts));
        }
        lines.push(row("together", total.bill, ""));
        Ok(lines)
    }

    /// The spend of one currency by one dimension, largest first.
    fn rows(&self, total: &Totals, dimension: &Dimension) -> Result<Vec<Row>, SumOutOfRange> {
        let facts = self.facts.iter().copied().filter(|fact| fact.key.get(FactField::Currency) == total.currency);
        report::totals(facts, std::slice::from_ref(dimension), |fact| self.policy.spend(fact))
    }

    fn unattributed(total: &Totals, rows: Vec<Row>) -> Vec<String> {
        let mut lines = Vec::new();
        for reason in rows {
            let name = reason.keys.first().map_or("", String::as_str);
            if !name.is_empty() {
                lines.push(row(name, reason.cost, &share(reason.cost, total.spend)));
                lines.extend(wrap("    ", what_to_do(name)));
            }
        }
        if lines.is_empty() {
            return lines;
        }
        let heading = heading("Spend that names no caller", &total.currency, "share");
        [String::new(), heading].into_iter().chain(lines).collect()
    }
}

impl Totals {
    fn new(currency: &str) -> Self {
        Self {
            currency: currency.to_owned(),
            spend: Decimal::ZERO,
            usage: Decimal::ZERO,
            attributed: Decimal::ZERO,
            categories: BTreeMap::new(),
            bill: Decimal::ZERO,
            unblended: Decimal::ZERO,
            provisional: BTreeMap::new(),
        }
    }

    fn add(&mut self, fact: &Fact, policy: &CostPolicy, data: &DataStatus) -> Result<(), SumOutOfRange> {
        let add = |sum: &mut Decimal, term: Decimal| {
            *sum = sum.checked_add(term).ok_or(SumOutOfRange)?;
            Ok(())
        };
        let cost = policy.basis.cost(&fact.measures);
        let category = fact.key.get(FactField::Category).parse().unwrap_or(Category::Other);
        add(self.categories.entry(category).or_default(), cost)?;
        add(&mut self.bill, cost)?;
        add(&mut self.unblended, fact.measures.unblended_cost)?;
        if category == Category::Usage {
            add(&mut self.usage, cost)?;
            if fact.key.get(FactField::IdentityKind) != IdentityKind::None.as_str() {
                add(&mut self.attributed, cost)?;
            }
        }
        if let Some(spend) = policy.spend(fact) {
            add(&mut self.spend, spend)?;
            if data.is_provisional(fact.key.usage_date) {
                add(self.provisional.entry(fact.key.usage_date).or_default(), spend)?;
            }
        }
        Ok(())
    }
}

/// A heading and rows: the first `top` that have a name, what is left of those, and what has none. They add up to the
/// spend.
fn table(title: &str, total: &Totals, rows: Vec<Row>, top: usize) -> Result<Vec<String>, SumOutOfRange> {
    let name_of = |row: &Row| row.keys.first().cloned().unwrap_or_default();
    let (nameless, named): (Vec<_>, Vec<_>) = rows.into_iter().partition(|row| name_of(row).is_empty());
    let more = named.len().saturating_sub(top);
    let mut lines = vec![String::new(), heading(title, &total.currency, "share")];
    for found in report::fold(named, top)?.into_iter().chain(nameless) {
        let name = match (name_of(&found).as_str(), more) {
            ("", _) => NONE.to_owned(),
            (OTHER, more) if more > 0 => format!("{OTHER}, {more} more"),
            (name, _) => name.to_owned(),
        };
        lines.push(row(&name, found.cost, &share(found.cost, total.spend)));
    }
    lines.push(row("together", total.spend, ""));
    Ok(lines)
}

const NAME: usize = 46;
const AMOUNT: usize = 18;
const SHARE: usize = 10;

fn heading(title: &str, currency: &str, share: &str) -> String {
    let name = pad_right(&shorten(title, NAME + 2), NAME + 2);
    format!("{name}{}{}", pad_left(or_none(currency), AMOUNT), pad_left(share, SHARE)).trim_end().to_owned()
}

fn row(name: &str, amount: Decimal, share: &str) -> String {
    let (amount, share) = (pad_left(&number(amount), AMOUNT), pad_left(share, SHARE));
    format!("  {}{amount}{share}", pad_right(&shorten(name, NAME), NAME)).trim_end().to_owned()
}

fn plural(category: Category) -> &'static str {
    match category {
        Category::Usage => "usage",
        Category::Discount => "discounts",
        Category::Credit => "credits",
        Category::Refund => "refunds",
        Category::Fee => "fees",
        Category::Tax => "tax",
        Category::Other => "other",
    }
}

/// What can be done about spend that names nobody, by the reason.
fn what_to_do(reason: &str) -> &'static str {
    match reason {
        "not-usage" => "Discounts and the like name nobody. Nothing to do.",
        "no-principal-column" => {
            "The export lacks line_item_iam_principal: turn INCLUDE_IAM_PRINCIPAL_DATA on and select the column."
        }
        "before-2026-04-08" => "AWS records callers since 8 April 2026. Nothing to do.",
        "caller-not-recorded" => {
            "Inference without a recorded caller: see report --by model,usage_type,day, and ask AWS if it grows."
        }
        "feature-not-covered" => "AWS records callers of inference alone. Share it out by account.",
        _ => "See report --by usage_type.",
    }
}

fn labelled(name: &str, text: &str) -> Vec<String> {
    wrap(&pad_right(name, LABEL), text)
}

#[cfg(test)]
mod tests;
