//! What was spent on each day, in all and in each dimension of `Spend`. Members, targets, gauges and health are made of
//! it: facts are gone through once for each dimension, and not again for each of these.

use std::sync::Arc;

use spend_core::facts::dimension::Dimension;
use spend_core::facts::fact::{Fact, FactField};
use spend_core::facts::grouping::{Days, spend_by_day};
use spend_core::money::decimal::SumOutOfRange;

use crate::config::Config;
use crate::outputs::metric::{MAX_NAME, dimension_text};
use crate::state::book::{Book, BookPeriod};
use crate::state::keys;

/// A dimension of `Spend` besides the currency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Axis {
    /// Its name in `CloudWatch`.
    pub(crate) name: String,
    /// What facts have in it.
    dimension: Dimension,
}

impl Axis {
    /// All of a configuration.
    pub(crate) fn all(config: &Config) -> Vec<Self> {
        let field = |name: &str, field| Self { name: name.to_owned(), dimension: Dimension::Field(field) };
        let fields = [
            field("Identity", FactField::Identity),
            field("Model", FactField::Model),
            field("Account", FactField::AccountId),
        ];
        fields.into_iter().chain(config.metrics.tags.iter().map(|tag| Self::tag(tag))).collect()
    }

    /// A tag's; of a name that `CloudWatch` cannot take a hash stands for it.
    pub(crate) fn tag(tag: &str) -> Self {
        let mut name = format!("Tag:{tag}");
        if dimension_text(&name).len() > MAX_NAME {
            name = format!("Tag:#{}", keys::hash(&[tag]));
        }
        Self { name, dimension: Dimension::Tag(tag.to_owned()) }
    }

    fn value(&self, fact: Fact<'_>) -> Arc<str> {
        match &self.dimension {
            Dimension::Field(field) => fact.text(*field),
            Dimension::Tag(tag) => fact.tags().get(tag.as_str()).cloned().unwrap_or_default(),
            Dimension::Day => Arc::default(),
        }
    }
}

/// What was spent in one currency with one value of a dimension.
#[derive(Clone, Debug)]
pub(crate) struct Spent {
    pub(crate) currency: Arc<str>,
    /// Empty where there is no dimension, or no value.
    pub(crate) value: Arc<str>,
    /// By day, in order.
    pub(crate) days: Days,
}

/// What was spent by day according to one billing period of one export.
#[derive(Clone, Debug)]
pub(crate) struct PeriodSpend {
    /// In all, and by dimension.
    by: Vec<(Option<Axis>, Vec<Spent>)>,
}

impl PeriodSpend {
    pub(crate) fn of(period: &BookPeriod, config: &Config) -> Result<Self, SumOutOfRange> {
        let mut by = Vec::new();
        for axis in std::iter::once(None).chain(Axis::all(config).into_iter().map(Some)) {
            let mut dimensions = vec![Dimension::Field(FactField::Currency)];
            dimensions.extend(axis.as_ref().map(|axis| axis.dimension.clone()));
            let spent = spend_by_day(period.facts.rows(), &config.cost, &dimensions)?;
            let spent = spent.into_iter().map(|(fact, days)| Spent {
                currency: fact.text(FactField::Currency),
                value: axis.as_ref().map(|axis| axis.value(fact)).unwrap_or_default(),
                days,
            });
            let spent = spent.collect();
            by.push((axis, spent));
        }
        Ok(Self { by })
    }

    /// Each value of each dimension, and what was spent in all.
    pub(crate) fn all(&self) -> impl Iterator<Item = (Option<&Axis>, &Spent)> {
        self.by.iter().flat_map(|(axis, spent)| spent.iter().map(move |spent| (axis.as_ref(), spent)))
    }
}

/// What was spent by day according to the book.
#[derive(Clone, Debug, Default)]
pub(crate) struct Daily {
    /// In the order of the book's periods.
    pub(crate) periods: Vec<PeriodSpend>,
}

impl Daily {
    pub(crate) fn of(book: &Book, config: &Config) -> Result<Self, SumOutOfRange> {
        let periods = book.periods.iter().map(|period| PeriodSpend::of(period, config));
        Ok(Self { periods: periods.collect::<Result<_, _>>()? })
    }

    /// What every period says.
    pub(crate) fn all(&self) -> impl Iterator<Item = (Option<&Axis>, &Spent)> {
        self.periods.iter().flat_map(PeriodSpend::all)
    }
}
