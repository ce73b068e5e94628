//! What a call of publish did.

use std::collections::BTreeMap;
use std::fmt;

use spend_core::money::decimal::Decimal;
use spend_core::text;

use crate::metrics::cost::PredictedCost;
use crate::metrics::error::MetricsError;
use crate::state::basis::SetBack;

/// What was published, and what was not.
#[derive(Debug, Default)]
#[must_use = "what failed is in it"]
pub struct Published {
    /// Data of `Spend` that were put.
    pub spend: usize,
    /// Gauges that were put.
    pub gauges: usize,
    /// Metrics of health that were put.
    pub health: usize,
    /// Data of `Spend` that are planned, and put by the next call.
    pub waiting: usize,
    /// Data that were not put for lack of time: the next call puts them.
    pub left: usize,
    /// Data that were refused, and are tried again by the next call, after all others.
    pub refused: usize,
    /// Statements that were put back to an earlier version since something was planned from them.
    pub set_back: Vec<SetBack>,
    /// Data whose fate nobody knows.
    pub in_doubt: usize,
    /// Data whose fate was found out now.
    pub settled: usize,
    /// What the ledger has and `CloudWatch` was not told because the day was outside its window, by currency.
    pub outside_window: BTreeMap<String, Decimal>,
    /// What the metrics cost, where that was worked out: nothing was to be done otherwise.
    pub cost: Option<PredictedCost>,
    /// Why `Spend` was not put, if it was withheld.
    pub withheld: Option<Withheld>,
    /// What failed. One part's failure keeps no other from being published.
    pub failures: Vec<MetricsError>,
}

/// Why `Spend` was not put: the namespace has data that this ledger does not know of, and sums would be wrong by them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Withheld {
    /// Nothing is known of having put any: nothing is put.
    Unknown {
        namespace: String,
        /// The currencies of the spend that it has.
        currencies: Vec<String>,
    },
    /// What was put of some periods is not known any more: of the others it is put.
    Lost {
        namespace: String,
        /// The objects that are gone, or were put back from a version before the last put.
        objects: Vec<String>,
    },
}

impl fmt::Display for Withheld {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let other = "name another namespace (`namespace` in [metrics], on AWS the template's parameter)";
        match self {
            Self::Unknown { namespace, currencies } => write!(
                formatter,
                "the metric Spend is not put: the namespace {} has data of the last two weeks in {}, and this ledger \
                 does not know of having put them, so that sums would be wrong; {other}, or put the ledger's objects \
                 below metrics/ back",
                text::shown(namespace),
                currencies.join(", ")
            ),
            Self::Lost { namespace, objects } => write!(
                formatter,
                "the metric Spend of some months is not put: {} is gone, or older than what the namespace {} was told \
                 last, and everything would be put twice; put its newest whole version back, or {other}",
                objects.join(", "),
                text::shown(namespace)
            ),
        }
    }
}

impl Published {
    pub(crate) fn part<T>(&mut self, result: Result<T, MetricsError>) -> Option<T> {
        result.map_err(|error| self.failed(error)).ok()
    }

    /// Once, however many parts it keeps from being published.
    pub(crate) fn failed(&mut self, error: MetricsError) {
        let text = error.to_string();
        if !self.failures.iter().any(|known| known.to_string() == text) {
            self.failures.push(error);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::keys::METRIC_SERIES;

    #[test]
    fn what_failed_is_told_once_and_no_other_failure_is_lost() {
        let contended = |key: &str| MetricsError::Contended { key: key.to_owned() };
        let mut published = Published::default();
        assert_eq!(published.part::<u8>(Err(contended("a"))), None);
        assert_eq!(published.part(Ok(7)), Some(7));
        published.failed(contended("a"));
        published.failed(contended(METRIC_SERIES));
        let texts: Vec<_> = published.failures.iter().map(ToString::to_string).collect();
        assert_eq!(texts.len(), 2);
        assert!(texts[0].starts_with("a was changed") && texts[1].starts_with(METRIC_SERIES), "{texts:?}");
    }

    #[test]
    fn spend_that_is_withheld_says_why_and_what_to_do() {
        let unknown =
            Withheld::Unknown { namespace: "n".to_owned(), currencies: vec!["EUR".to_owned(), "USD".to_owned()] };
        let lost = Withheld::Lost { namespace: "n".to_owned(), objects: vec!["metrics/x".to_owned()] };
        let (unknown, lost) = (unknown.to_string(), lost.to_string());
        assert!(unknown.contains("namespace n has data of the last two weeks in EUR, USD"), "{unknown}");
        assert!(lost.contains("metrics/x is gone"), "{lost}");
        assert!([unknown, lost].iter().all(|text| text.contains("name another namespace")));
    }
}
