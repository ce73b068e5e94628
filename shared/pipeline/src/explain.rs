//! Following a number down to the bill: the rows of the delivery in force that a caller's spend is made of, read again
//! from the export by the code that summed them, and whether they come to what the ledger says.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::NaiveDate;
use spend_core::bill::principal;
use spend_core::errors::class::Class;
use spend_core::errors::fault::{Fault, Says};
use spend_core::facts::explanation::Explainer;
use spend_core::facts::fact::{Fact, FactField, FactKey, FactTexts};
use spend_core::facts::folding::Folding;
use spend_core::facts::owner::OwnerBy;
use spend_core::money::decimal::{Decimal, SumOutOfRange};
use spend_core::table::measures::Measures;
use spend_core::text::OTHER;
use spend_cur::chunk;
use spend_cur::error::CurError;
use spend_cur::rows::bill_row::BillRow;
use spend_ledger::forgotten;
use spend_ledger::state::committed;
use spend_ledger::state::delivery::{PinnedChunk, SealedDelivery};
use spend_ledger::state::keys::Statement;
use spend_ledger::store::{Store, StoreError};

use crate::error::PipelineError;
use crate::files::pinned::PinnedObject;
use crate::ingest;
use crate::period::deriver::Deriver;

/// Whose spend is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Caller {
    /// A principal's ARN as billed; empty for what names nobody.
    Principal(String),
    /// An identity; empty for what names nobody.
    Identity(String),
}

impl Caller {
    fn field(&self) -> FactField {
        match self {
            Self::Principal(_) => FactField::Principal,
            Self::Identity(_) => FactField::Identity,
        }
    }

    fn name(&self) -> &str {
        match self {
            Self::Principal(name) | Self::Identity(name) => name,
        }
    }

    fn is<'a>(&self, fact: impl FactTexts<'a>) -> bool {
        fact.get(self.field()) == self.name()
    }
}

/// Which number is to be explained: all categories of a caller's spend, on one day or on all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// Whose.
    pub caller: Caller,
    /// Of which usage day (UTC); of all days without one.
    pub day: Option<NaiveDate>,
}

impl Question {
    fn is_about<'a>(&self, fact: impl FactTexts<'a>) -> bool {
        self.day.is_none_or(|day| day == fact.day()) && self.caller.is(fact)
    }
}

/// A row of the bill that is part of the number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExplainedRow {
    /// The chunk's key in the export's bucket.
    pub chunk: Arc<str>,
    pub row: BillRow,
    /// The fact that it adds to.
    pub fact: FactKey,
    /// What decided its owner.
    pub owner_by: OwnerBy,
}

/// A sum in one currency.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// How many rows of the bill.
    pub line_items: u64,
    /// Their unblended cost.
    pub cost: Decimal,
}

impl Tally {
    fn add(&mut self, measures: &Measures) -> Result<(), SumOutOfRange> {
        self.line_items = self.line_items.checked_add(measures.line_items).ok_or(SumOutOfRange)?;
        self.cost = self.cost.checked_add(measures.unblended_cost).ok_or(SumOutOfRange)?;
        Ok(())
    }
}

/// What a number came to, once from the bill and once from the ledger.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Explained {
    /// By currency: the sum of the rows that were shown, and what the ledger's facts say.
    pub sums: BTreeMap<String, (Tally, Tally)>,
    /// The statements whose facts were derived with another configuration than the one that explains them.
    pub derived_otherwise: Vec<Statement>,
}

impl Explained {
    /// The currencies in which the bill and the ledger do not say the same.
    pub fn disagreements(&self) -> impl Iterator<Item = (&str, Tally, Tally)> {
        let differing = self.sums.iter().filter(|(_, (bill, ledger))| bill != ledger);
        differing.map(|(currency, (bill, ledger))| (currency.as_str(), *bill, *ledger))
    }

    fn tally<'a>(&mut self, fact: impl FactTexts<'a>) -> &mut (Tally, Tally) {
        self.sums.entry(fact.get(FactField::Currency).to_owned()).or_default()
    }
}

/// Why a number was not explained.
#[derive(Debug, thiserror::Error)]
pub enum ExplainError {
    /// The export or the ledger cannot be read.
    #[error(transparent)]
    Pipeline(#[from] PipelineError),
    /// The export does not hold the delivery in force any more.
    #[error(
        "{chunk} {what}: the ledger's numbers are of delivery {delivery_id}, which the export does not hold as it \
         was; sync that delivery again, or run again so that the ledger follows the export"
    )]
    Gone {
        /// The chunk's key.
        chunk: String,
        /// What is the matter with it.
        what: &'static str,
        /// The delivery in force.
        delivery_id: String,
    },
    /// The ledger has nothing of the caller.
    #[error("{}", unknown(field, name, near))]
    Unknown {
        /// What was asked for, an identity or a principal.
        field: &'static str,
        name: String,
        /// Names that may have been meant.
        near: Vec<String>,
    },
    /// The ledger does not keep the caller apart.
    #[error(
        "the ledger does not keep {field} {name:?} apart: of each month it names the largest callers alone, and the \
         spend of all others is in {field} {other:?}. Explain that one: --format csv lists its lines of the bill, \
         each with its own principal"
    )]
    Folded {
        /// What was asked for, an identity or a principal.
        field: &'static str,
        name: String,
        /// What it is part of.
        other: String,
    },
    /// The ledger has nothing of the caller on that day.
    #[error("nothing of that caller on {day}: it has days from {first} to {last}")]
    OtherDays {
        /// The day asked for.
        day: NaiveDate,
        /// The caller's first day.
        first: NaiveDate,
        /// The caller's last day.
        last: NaiveDate,
    },
}

impl Fault for ExplainError {
    fn says(&self) -> Says<'_> {
        match self {
            Self::Pipeline(error) => Says::As(error),
            Self::Gone { .. } => Says::Itself("export.replaced", Class::Operator),
            Self::Unknown { .. } | Self::Folded { .. } | Self::OtherDays { .. } => {
                Says::Itself("usage", Class::Operator)
            }
        }
    }
}

fn unknown(field: &str, name: &str, near: &[String]) -> String {
    if name.is_empty() {
        return format!("nothing in that period is without {field}: every line names its caller");
    }
    let cure = match near {
        [] => format!("list them with bedrock-ledger report --by {field}"),
        near => format!("did you mean {}?", near.join(", ")),
    };
    format!("no {field} {name:?} in that period: {cure}")
}

/// Hands every row of the bill that the number is made of to `on_row`, by chunk and in the order of its file, and says
/// what they come to beside what the ledger's facts say. `statements` are the exports that are counted for the period;
/// `with` is the configuration in force.
///
/// # Errors
///
/// [`ExplainError`]; rows may have been handed over before it.
pub async fn explain<E, L>(
    export: &Arc<E>,
    ledger: &L,
    statements: &[Statement],
    question: &Question,
    with: &Deriver,
    on_row: &mut impl FnMut(ExplainedRow),
) -> Result<Explained, ExplainError>
where
    E: Store + Send + 'static,
    L: Store,
{
    let mut explained = Explained::default();
    let mut deliveries = Vec::new();
    let mut known = Known::default();
    for statement in statements {
        let Some((state, _)) = committed::state(ledger, statement).await.map_err(PipelineError::from)? else {
            continue;
        };
        if state.derivation != with.fingerprint {
            explained.derived_otherwise.push(statement.clone());
        }
        let delivery = match state.current() {
            Some(current) => Some(ready(ledger, statement, &current.delivery_id).await?),
            None => None,
        };
        let lacks_principal = state.counts.lacks_principal_column();
        let facts = &state.facts;
        if let Some(delivery) = delivery {
            let folding = Folding::in_facts(facts.rows());
            // Rows of a payer who is counted from another export are not in this one's facts.
            let payers: BTreeSet<_> = facts.rows().map(|fact| fact.text(FactField::PayerAccountId)).collect();
            deliveries.push((statement, delivery, lacks_principal, folding, payers));
        }
        for fact in facts {
            known.add(fact, question);
            if question.is_about(fact) {
                let out_of_range = |source| PipelineError::Sum { statement: statement.to_string(), source };
                explained.tally(fact).1.add(&fact.measures()).map_err(out_of_range)?;
            }
        }
    }
    known.check(question)?;
    let (forgotten, _) = forgotten::read::<_, PipelineError>(ledger).await?;
    for (statement, delivery, lacks_principal, folding, payers) in deliveries {
        let mut reader = Explainer::new(&with.derivation, lacks_principal, folding);
        for chunk in &delivery.chunks {
            check_version(&**export, chunk, &delivery.delivery_id).await?;
            let name: Arc<str> = Arc::from(chunk.key.as_str());
            let source = PinnedObject::new(export, chunk);
            let mut visit = |mut row: BillRow| {
                if let Some(key) = forgotten.line(&row.key) {
                    row.key = key;
                }
                let (fact, owner_by) = reader.explain(&row.key);
                if payers.contains(fact.get(FactField::PayerAccountId)) && question.is_about(&fact) {
                    explained.tally(&fact).0.add(&row.measures)?;
                    on_row(ExplainedRow { chunk: Arc::clone(&name), row, fact, owner_by });
                }
                Ok(())
            };
            let visited = chunk::visit(&chunk.key, statement.period, &with.kept_tags, source, &mut visit).await;
            visited.map_err(|error: CurError| PipelineError::from(error))?;
        }
    }
    Ok(explained)
}

async fn ready<L: Store>(ledger: &L, statement: &Statement, delivery_id: &str) -> Result<SealedDelivery, ExplainError> {
    let not_found = || PipelineError::from(StoreError::NotFound { key: statement.ready_key(delivery_id) });
    Ok(ingest::ready(ledger, statement, delivery_id).await?.ok_or_else(not_found)?)
}

/// A chunk that was replaced is told before it is read: its rows would be another delivery's.
async fn check_version<E: Store>(export: &E, chunk: &PinnedChunk, delivery_id: &str) -> Result<(), ExplainError> {
    let what = match export.head(&chunk.key).await.map_err(PipelineError::from)? {
        Some(found) if found.etag == chunk.etag => return Ok(()),
        Some(_) => "was replaced since",
        None => "is not there",
    };
    Err(ExplainError::Gone { chunk: chunk.key.clone(), what, delivery_id: delivery_id.to_owned() })
}

/// What the ledger has of callers.
#[derive(Default)]
struct Known {
    callers: BTreeSet<String>,
    days: BTreeSet<NaiveDate>,
}

impl Known {
    fn add(&mut self, fact: Fact<'_>, question: &Question) {
        if question.caller.is(fact) {
            self.days.insert(fact.day());
        }
        let caller = fact.get(question.caller.field());
        if !self.callers.contains(caller) {
            self.callers.insert(caller.to_owned());
        }
    }

    /// What a caller that the ledger does not name can be part of.
    fn folded_into(&self, caller: &Caller) -> Option<String> {
        let session = match caller {
            Caller::Principal(arn) => principal::with_other_session(arn),
            Caller::Identity(_) => None,
        };
        let candidates = session.into_iter().chain([OTHER.to_owned()]);
        candidates.filter(|_| !caller.name().is_empty()).find(|other| self.callers.contains(other))
    }

    fn check(&self, question: &Question) -> Result<(), ExplainError> {
        let (Some(first), Some(last)) = (self.days.first(), self.days.last()) else {
            let (field, name) = (question.caller.field().as_str(), question.caller.name());
            if let Some(other) = self.folded_into(&question.caller) {
                return Err(ExplainError::Folded { field, name: name.to_owned(), other });
            }
            return Err(ExplainError::Unknown {
                field,
                name: name.to_owned(),
                near: spend_core::text::near::near(name, self.callers.iter().map(String::as_str)),
            });
        };
        match question.day {
            Some(day) if !self.days.contains(&day) => Err(ExplainError::OtherDays { day, first: *first, last: *last }),
            _ => Ok(()),
        }
    }
}
