//! One charge, and what a split did to it.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use crate::allocation::showback::ChargeKey;
use crate::bill::category::Category;
use crate::money::decimal::{Decimal, SumOutOfRange, add};

/// What a row is charged. Billed and allocated are kept apart: `total` is `billed + allocated`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Charge {
    /// Usage that was billed on this row and stays with it.
    pub direct: Decimal,
    /// Usage that was billed on other rows and is given to this one.
    pub shared: Decimal,
    /// Discounts, billed here or given to this row, as everything below.
    pub discount: Decimal,
    pub credit: Decimal,
    pub refund: Decimal,
    pub fee: Decimal,
    pub tax: Decimal,
    /// Lines of no known category.
    pub other: Decimal,
    pub total: Decimal,
    /// What the bill has on this row.
    pub billed: Decimal,
    /// What splits gave to this row, less what they took from it.
    pub allocated: Decimal,
    /// The total in cents, so that all rows sum to the bill in cents.
    pub invoice: Decimal,
}

impl Charge {
    /// The amount that a category is charged in; usage is `direct`.
    fn of(&mut self, category: Category) -> &mut Decimal {
        match category {
            Category::Usage => &mut self.direct,
            Category::Discount => &mut self.discount,
            Category::Credit => &mut self.credit,
            Category::Refund => &mut self.refund,
            Category::Fee => &mut self.fee,
            Category::Tax => &mut self.tax,
            Category::Other => &mut self.other,
        }
    }

    /// Charges what is billed here, and stays.
    pub(crate) fn keep(&mut self, category: Category, amount: Decimal) -> Result<(), SumOutOfRange> {
        add(self.of(category), amount)?;
        add(&mut self.total, amount)
    }

    /// Charges what a split gives to this row.
    pub(crate) fn give(&mut self, category: Category, amount: Decimal) -> Result<(), SumOutOfRange> {
        add(if category == Category::Usage { &mut self.shared } else { self.of(category) }, amount)?;
        add(&mut self.total, amount)
    }
}

/// What a split did instead of what it says, and with how much.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Instead {
    /// The account has no usage to split by: split by the usage of all accounts.
    ByAllAccounts { account: String, amount: Decimal },
    /// There is no usage at all to split by: left where it was billed.
    LeftWithoutUsage { amount: Decimal },
    /// No owner by tag or rule has usage: left where it was billed.
    LeftWithoutOwners { amount: Decimal },
    /// Days of a gateway with spend and no metering records: left where they were billed.
    LeftWithoutRecords {
        gateway: String,
        model: String,
        /// The days, and how much of each.
        days: BTreeMap<NaiveDate, Decimal>,
    },
}

/// What became of a split in one currency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SplitOutcome {
    /// Which split, from 0.
    pub split: usize,
    pub currency: String,
    /// How much there was to divide.
    pub found: Decimal,
    /// How much of it was divided; the rest is left where it was billed.
    pub divided: Decimal,
    /// What was done instead.
    pub instead: Vec<Instead>,
}

/// An amount that is to be divided. Ordered as splits are applied.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Pooled {
    /// Identities, then what is unattributed, then categories.
    pub(crate) order: u8,
    /// Which split, from 0.
    pub(crate) split: usize,
    /// Where it is billed.
    pub(crate) key: ChargeKey,
    pub(crate) category: Category,
    /// The account that used the service.
    pub(crate) account: String,
    /// The day, where that matters.
    pub(crate) day: Option<NaiveDate>,
}
