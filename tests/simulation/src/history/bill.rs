//! Rows of a bill. What the program has to make of each stands beside it, written by hand.

/// The payers of exports.
pub const PAYERS: [&str; 2] = ["111122223333", "222233334444"];

/// Callers: the ARN as billed, and the identity that its spend is to be grouped by.
pub const CALLERS: [(&str, &str); 10] = [
    ("", ""),
    ("arn:aws:sts::444455556666:assumed-role/app/pod-1", "role/app@444455556666"),
    ("arn:aws:sts::444455556666:assumed-role/app/pod-2", "role/app@444455556666"),
    ("arn:aws:sts::777788889999:assumed-role/app/pod-1", "role/app@777788889999"),
    (
        "arn:aws:sts::444455556666:assumed-role/AWSReservedSSO_Developers_0123456789abcdef/Dana@Example.com",
        "dana@example.com",
    ),
    (
        "arn:aws:sts::777788889999:assumed-role/AWSReservedSSO_Admins_fedcba9876543210/dana@example.com",
        "dana@example.com",
    ),
    ("arn:aws:iam::444455556666:user/ci", "user/ci@444455556666"),
    ("arn:aws:iam::777788889999:root", "root@777788889999"),
    ("whoever this is", "whoever this is"),
    ("arn:aws:sts::444455556666:assumed-role/batch/night", "role/batch@444455556666"),
];

/// The person whom a ledger may have to forget: an identity of [`CALLERS`].
pub const PERSON: &str = "dana@example.com";

/// What is used: the usage type, its unit, the product that it is billed under, and the model that it is to be counted
/// as; empty for none.
pub const USES: [(&str, &str, &str, &str); 6] = [
    ("USE1-Claude4.6Sonnet-input-tokens", "1K tokens", "AmazonBedrock", "claude-sonnet-4.6"),
    ("USE1-Claude4.6Sonnet-output-tokens-cross-region-global", "1K tokens", "AmazonBedrock", "claude-sonnet-4.6"),
    ("USE1-Llama3-1-405B-input-tokens", "1K tokens", "AmazonBedrock", "llama-3.1-405b"),
    ("USE1-Guardrail-TopicPolicyUnitsConsumed", "TextUnit", "AmazonBedrock", ""),
    ("USE1-Nobody-Knows-This", "Things", "AmazonBedrock", ""),
    ("BoxUsage:t3.micro", "Hrs", "AmazonEC2", ""),
];

/// The place in [`USES`] of what is not Bedrock's, and counts for nothing unless a caller is named.
pub const ELSEWHERE: u8 = 5;

/// What a line item is: AWS's line item type and bill type, and the category that it is to be counted as.
pub const LINES: [(&str, &str, &str); 10] = [
    ("Usage", "Anniversary", "usage"),
    ("DiscountedUsage", "Anniversary", "usage"),
    ("EdpDiscount", "Anniversary", "discount"),
    ("SavingsPlanNegation", "Anniversary", "discount"),
    ("Credit", "Anniversary", "credit"),
    ("Refund", "Anniversary", "refund"),
    ("Usage", "Refund", "refund"),
    ("Fee", "Purchase", "fee"),
    ("Tax", "Anniversary", "tax"),
    ("SomethingNew", "Anniversary", "other"),
];

/// Accounts that use.
pub const ACCOUNTS: [&str; 2] = ["444455556666", "777788889999"];

/// Teams, as the tag `iamPrincipal/team` has them; empty for none.
pub const TEAMS: [&str; 3] = ["", "search", "ads"];

/// Currencies.
pub const CURRENCIES: [&str; 2] = ["USD", "EUR"];

/// The parts that a cost is counted in: ten places.
pub const COST_PLACES: u32 = 10;

/// A row of a bill. Every field but the day and the cost is a place in a list above.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BillRow {
    /// The day of the month, from 1.
    pub day: u8,
    pub caller: u8,
    pub used: u8,
    pub line: u8,
    pub account: u8,
    pub team: u8,
    pub currency: u8,
    /// In 10⁻¹⁰. It has at most fifteen digits, so that the double nearest to it stands for it alone.
    pub cost: i64,
    /// Whether an invoice was made of it.
    pub invoiced: bool,
}

impl BillRow {
    /// Whether it is a row of Bedrock's bill: of its product, or with a caller.
    pub fn is_bedrock(&self) -> bool {
        self.used != ELSEWHERE || self.caller != 0
    }

    pub fn identity(&self) -> &'static str {
        CALLERS[usize::from(self.caller)].1
    }

    pub fn model(&self) -> &'static str {
        USES[usize::from(self.used)].3
    }

    pub fn category(&self) -> &'static str {
        LINES[usize::from(self.line)].2
    }

    pub fn account(&self) -> &'static str {
        ACCOUNTS[usize::from(self.account)]
    }

    pub fn team(&self) -> &'static str {
        TEAMS[usize::from(self.team)]
    }

    pub fn currency(&self) -> &'static str {
        CURRENCIES[usize::from(self.currency)]
    }
}
