//! Windows as people call them.

use crate::calendar::period::BillingPeriod;
use crate::calendar::window::{Window, WindowKind};
use crate::text;

impl Window {
    /// For people: `November 2026`, `the week of 16 Nov 2026`, `17 Nov 2026`.
    pub fn long(self) -> String {
        match self.kind {
            WindowKind::Month => text::month(BillingPeriod::of(self.start)),
            WindowKind::Week => format!("the week of {}", self.start.format("%-d %b %Y")),
            WindowKind::Day => self.start.format("%-d %b %Y").to_string(),
        }
    }

    /// Where there is little room: `Nov 2026`, `week of 16 Nov`, `17 Nov`.
    pub fn short(self) -> String {
        match self.kind {
            WindowKind::Month => text::short_month(BillingPeriod::of(self.start)),
            WindowKind::Week => format!("week of {}", text::day(self.start)),
            WindowKind::Day => text::day(self.start),
        }
    }
}
