//! Categories: what kind of money a line item is. Together they are the bill.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::named;

named! {
    /// What a line item is to the bill, in the order in which reports list it. Not one of AWS's Cost Categories.
    #[derive(Serialize, Deserialize)]
    #[serde(rename_all = "lowercase")]
    pub enum Category {
        /// What was used, before separately listed discounts.
        Usage = "usage",
        /// Negotiated and bundled discounts, and the negation of what a savings plan covered.
        Discount = "discount",
        /// Promotional and other credits.
        Credit = "credit",
        /// What AWS paid back.
        Refund = "refund",
        /// Up-front and recurring fees.
        Fee = "fee",
        /// Taxes.
        Tax = "tax",
        /// A line item type that this release does not know; counted, never dropped.
        Other = "other",
    }
}

impl Category {
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
}

impl FromStr for Category {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let known = || Self::ALL.map(Self::as_str).join(", ");
        Self::named(text).ok_or_else(|| format!("`{text}` is not a category: use one of {}", known()))
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
            ("SavingsPlanSomething", Category::Other),
            ("SupportFee", Category::Other),
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
