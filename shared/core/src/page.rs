//! A page that shows where a month's money went: pictures, and the numbers behind each, in one file of HTML. It loads
//! nothing from any network, and can be read without its script.
//!
//! Its numbers are those of a digest ([`Figures`]) and what only pictures need beside them: [`PageFigures`]. Every
//! amount stands in a `data` element whose `value` is the exact decimal, so that a program can read the page too.
//!
//! - `figures`, `numbers`: the numbers of the pictures, and how they are summed;
//! - `month`, `budget`, `daily`, `identities`, `models`, `change`, `asked`, `restated`, `deliveries`, `bill`: the
//!   sections, in this order;
//! - `html`: tables, amounts and names; `chart`: axes, bars and lines;
//! - `frame`: the document around the sections, its style and its script.

use crate::digest::figures::Figures;
use crate::facts::fact_set::FactSet;
use crate::money::decimal::SumOutOfRange;
use crate::page::figures::{Delivery, PageFigures};

mod asked;
mod bill;
mod budget;
mod change;
mod chart;
mod daily;
mod deliveries;
pub mod figures;
mod frame;
mod html;
mod identities;
mod models;
mod month;
mod numbers;
mod restated;

pub use frame::SCRIPT;

impl PageFigures {
    /// Sums up what pictures need. `facts` are those of the month's deliveries, `known` those of all months that are
    /// known; `figures` are of the same.
    pub fn of(
        figures: Figures,
        facts: &FactSet<'_>,
        known: &FactSet<'_>,
        deliveries: Vec<Delivery>,
    ) -> Result<Self, SumOutOfRange> {
        let mut currencies = Vec::new();
        for found in &figures.currencies {
            currencies.push(numbers::pictures(&figures, found, facts, known)?);
        }
        Ok(Self { figures, currencies, deliveries })
    }

    /// The page: a whole HTML document.
    pub fn html(&self) -> String {
        let sections = [
            month::section(self),
            budget::section(self),
            daily::section(self),
            identities::section(self),
            models::section(self),
            change::section(self),
            asked::section(self),
            restated::section(self),
            deliveries::section(self),
            bill::section(self),
        ];
        frame::document(self, &sections)
    }
}
