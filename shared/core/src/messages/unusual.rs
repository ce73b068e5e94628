//! What must not pass in silence of a delivery: more callers than are kept apart, and, when it replaces another, spend or callers
//! that are gone, and a closed month that moves.

use std::fmt::{self, Display};

use crate::calendar::period::BillingPeriod;
use crate::facts::folding::Folded;
use crate::money::decimal::Decimal;
use crate::text::lines::{body, subject};
use crate::text::{Text, money, name, pad_right, wrap};

/// How many columns the labels of the lines take.
const LABEL: usize = 12;

/// Something that a delivery's bill did not have before, and that looks like a mistake or costs somebody work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unusual {
    /// The delivery before had Bedrock spend, and this one has no Bedrock row: a month's spend only grows.
    SpendGone {
        /// What there was, by currency.
        before: Vec<(String, Decimal)>,
    },
    /// The delivery before named callers, and this one names nobody.
    CallersGone {
        /// How many identities there were with spend.
        before: usize,
        /// Whether the column that names them is gone, and not only empty.
        column_is_gone: bool,
    },
    /// The month was closed before this delivery was made.
    RestatedAfterClose {
        /// The totals that moved, by currency: before and after. Empty if only their parts did.
        totals: Vec<(String, Decimal, Decimal)>,
    },
    /// There are more callers, or tags of one caller, than facts keep apart.
    CallersFolded {
        /// How many are not kept apart.
        folded: Folded,
    },
}

impl Unusual {
    /// A stable name.
    pub fn name(&self) -> &'static str {
        match self {
            Self::SpendGone { .. } => "spend-gone",
            Self::CallersGone { .. } => "callers-gone",
            Self::RestatedAfterClose { .. } => "restated-after-close",
            Self::CallersFolded { .. } => "callers-folded",
        }
    }

    /// Whether each delivery of a month says it again: then it is told once.
    pub fn is_of_the_month(&self) -> bool {
        matches!(self, Self::CallersFolded { .. })
    }

    /// What to do about it.
    pub fn cure(&self) -> &'static str {
        match self {
            Self::SpendGone { .. } => {
                "check whether somebody changed the export's query or its account: a month's spend does not go away by \
                 itself. Run bedrock-ledger doctor --export DIR on a copy of the export"
            }
            Self::CallersGone { column_is_gone: true, .. } => {
                "somebody changed the export: select line_item_iam_principal and switch on the caller identity option \
                 (INCLUDE_IAM_PRINCIPAL_DATA) again. The next delivery brings the month's callers back"
            }
            Self::CallersGone { column_is_gone: false, .. } => {
                "check whether the caller identity option (INCLUDE_IAM_PRINCIPAL_DATA) is still on, and run \
                 bedrock-ledger doctor --export DIR on a copy of the export. Until then, budgets and alerts by caller \
                 have no data"
            }
            Self::RestatedAfterClose { .. } => {
                "post the difference: reports and chargeback files of the month are out of date. bedrock-ledger history \
                 shows what moved, and bedrock-ledger chargeback writes the files again"
            }
            Self::CallersFolded { .. } => {
                "find out who makes so many names: somebody may invent them to hide from budgets for each caller. \
                 Look at them with bedrock-ledger report --by account --match 'identity=(other)' and bedrock-ledger explain \
                 --identity '(other)', and deny sts:GetFederationToken, sts:TagSession or the role to those who do not need it"
            }
        }
    }

    /// The message to whoever operates the program.
    pub fn text(&self, export_id: &str, period: BillingPeriod) -> Text {
        let export_id = name(export_id, 160);
        let mut lines = wrap("", &format!("{period} of {export_id}: {self}."));
        lines.push(String::new());
        lines.extend(wrap(&pad_right("What to do", LABEL), &format!("{}.", self.cure())));
        let what = match self {
            Self::SpendGone { .. } => "Spend is gone",
            Self::CallersGone { .. } => "Callers are gone",
            Self::RestatedAfterClose { .. } => "Restated after close",
            Self::CallersFolded { .. } => "Too many callers",
        };
        Text { subject: subject(&format!("{what}: {export_id} {period}")), body: body(&lines) }
    }
}

/// What happened, in a sentence without its end.
impl Display for Unusual {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SpendGone { before } => {
                let before: Vec<_> = before.iter().map(|(currency, amount)| money(currency, *amount)).collect();
                let before = before.join(" and ");
                write!(formatter, "the delivery before had {before} of Amazon Bedrock, and this one has none")
            }
            Self::CallersGone { before, column_is_gone } => {
                let callers = if *before == 1 { "1 caller".to_owned() } else { format!("{before} callers") };
                let column = if *column_is_gone { "is gone" } else { "is empty" };
                write!(
                    formatter,
                    "the delivery before named {callers} with spend, and this one names nobody: the column \
                     line_item_iam_principal {column}"
                )
            }
            Self::RestatedAfterClose { totals } if totals.is_empty() => {
                write!(
                    formatter,
                    "the month was closed, and this delivery moves spend within it. Its total is unchanged"
                )
            }
            Self::RestatedAfterClose { totals } => {
                let moved = totals.iter().map(|(currency, before, after)| {
                    format!("{} became {}", money(currency, *before), money(currency, *after))
                });
                let moved: Vec<_> = moved.collect();
                write!(formatter, "the month was closed, and this delivery restates it: {}", moved.join(", "))
            }
            Self::CallersFolded { folded } => {
                let sentences = folded.sentences().join(" ");
                let told = sentences.strip_suffix('.').unwrap_or(&sentences);
                write!(formatter, "there are more callers than are kept apart. {told}; sums are exact")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;
    use crate::fixtures::assert_golden;
    use crate::text::{SUBJECT_LENGTH, WIDTH, columns};

    #[test]
    fn what_must_not_pass_in_silence_reads_well() {
        let amount = |text: &str| text.parse::<Decimal>().unwrap();
        let usd = |text: &str| ("USD".to_owned(), amount(text));
        let restated = ("USD".to_owned(), amount("9813.2"), amount("9993.2"));
        let mut all = String::new();
        for unusual in [
            Unusual::SpendGone { before: vec![("EUR".to_owned(), amount("0.5")), usd("9813.2")] },
            Unusual::CallersGone { before: 1, column_is_gone: false },
            Unusual::CallersGone { before: 24, column_is_gone: true },
            Unusual::RestatedAfterClose { totals: vec![restated] },
            Unusual::RestatedAfterClose { totals: Vec::new() },
            Unusual::CallersFolded { folded: Folded { identities: 51_200, sessions: 0, tag_sets: 7 } },
        ] {
            let text = unusual.text("cur--0a1b2c3d", "2026-10".parse().unwrap());
            assert!(text.subject.len() <= SUBJECT_LENGTH && text.subject.is_ascii(), "{}", text.subject);
            assert!(text.body.lines().all(|line| columns(line) <= WIDTH && !line.ends_with(' ')), "{}", text.body);
            writeln!(all, "Subject: {}\n\n{}", text.subject, text.body).unwrap();
        }
        assert_golden("messages/operations", "unusual", &all);
    }
}
