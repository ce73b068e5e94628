//! Categories: what kind of money a line item is. Together they are the bill.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What a line item is to the bill. Not one of AWS's Cost Categories.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Category {
    /// What was used, before separately listed discounts.
    Usage,
    /// Negotiated and bundled discounts, and the negation of what a savings plan covered.
    Discount,
    /// Promotional and other credits.
    Credit,
    /// What AWS paid back.
    Refund,
    /// Up-front and recurring fees.
    Fee,
    /// Taxes.
    Tax,
    /// A line item type that this release does not know; counted, never dropped.
    Other,
}

impl Category {
    /// Every category, in the order in which reports list them.
    pub const ALL: [Self; 7] =
        [Self::Usage, Self::Discount, Self::Credit, Self::Refund, Self::Fee, Self::Tax, Self::Other];

    /// The category of a line item, from its `line_item_line_item_type` and `bill_bill_type`.
    ///
    /// The set of types is open: AWS adds discount types, which all end in `Discount`.
    pub fn of(line_item_type: &str, bill_type: &str) -> Self {
        let by_type = match line_item_type {
            "Usage" | "DiscountedUsage" | "SavingsPlanCoveredUsage" => Self::Usage,
            "SavingsPlanNegation" => Self::Discount,
            "Credit" => Self::Credit,
            "Refund" => Self::Refund,
            "Tax" => Self::Tax,
            "Fee" | "RIFee" | "FlatRateSubscription" => Self::Fee,
            other if other.ends_with("Discount") => Self::Discount,
            other if other.starts_with("SavingsPlan") && other.ends_with("Fee") => Self::Fee,
            _ => Self::Other,
        };
        match by_type {
            Self::Tax | Self::Credit => by_type,
            _ if bill_type == "Refund" => Self::Refund,
            _ => by_type,
        }
    }

    /// Whether an amount belongs to the usage day that it stands on. Taxes stand on the first day of their month and
    /// credits on some day of it; both grow with every delivery until it closes.
    pub fn is_of_its_day(self) -> bool {
        match self {
            Self::Usage | Self::Discount | Self::Refund | Self::Fee | Self::Other => true,
            Self::Credit | Self::Tax => false,
        }
    }

    /// The name in reports, facts and configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Usage => "usage",
            Self::Discount => "discount",
            Self::Credit => "credit",
            Self::Refund => "refund",
            Self::Fee => "fee",
            Self::Tax => "tax",
            Self::Other => "other",
        }
    }
}

impl fmt::Display for Category {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

impl FromStr for Category {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|category| category.as_str() == text).ok_or_else(|| {
            let known: Vec<_> = Self::ALL.into_iter().map(Self::as_str).collect();
            format!("`{text}` is not a category: use one of {}", known.join(", "))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_item_type_has_its_category() {
        for (line_item_type, category) in [
            ("Usage", Category::Usage),
            ("DiscountedUsage", Category::Usage),
            ("SavingsPlanCoveredUsage", Category::Usage),
            ("SavingsPlanNegation", Category::Discount),
            ("EdpDiscount", Category::Discount),
            ("PrivateRateDiscount", Category::Discount),
            ("BundledDiscount", Category::Discount),
            ("SppDiscount", Category::Discount),
            ("Discount", Category::Discount),
            ("Credit", Category::Credit),
            ("Refund", Category::Refund),
            ("Tax", Category::Tax),
            ("Fee", Category::Fee),
            ("RIFee", Category::Fee),
            ("SavingsPlanUpfrontFee", Category::Fee),
            ("SavingsPlanRecurringFee", Category::Fee),
            ("FlatRateSubscription", Category::Fee),
            ("SomethingNew", Category::Other),
            ("", Category::Other),
        ] {
            assert_eq!(Category::of(line_item_type, "Anniversary"), category, "{line_item_type}");
        }
    }

    #[test]
    fn a_refund_bill_makes_all_but_tax_and_credit_a_refund() {
        for (line_item_type, category) in [
            ("Usage", Category::Refund),
            ("Fee", Category::Refund),
            ("EdpDiscount", Category::Refund),
            ("SomethingNew", Category::Refund),
            ("Tax", Category::Tax),
            ("Credit", Category::Credit),
        ] {
            assert_eq!(Category::of(line_item_type, "Refund"), category, "{line_item_type}");
        }
    }

    #[test]
    fn names_read_back() {
        for category in Category::ALL {
            assert_eq!(category.as_str().parse(), Ok(category));
        }
        assert!("Usage".parse::<Category>().is_err());
    }
}
