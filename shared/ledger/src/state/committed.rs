//! Reading what is committed: the states of billing periods, their facts, and the book of the last three months.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use spend_core::calendar::period::BillingPeriod;
use spend_core::errors::fault::{Fault, Says};

use crate::state::book::{Book, BookPeriod};
use crate::state::commit::{AppliedDelivery, OrderSource};
use crate::state::document::DocumentError;
use crate::state::keys::{STATE_PREFIX, Statement};
use crate::state::period::PeriodState;
use crate::state::tabular;
use crate::store::{ETag, Store, StoreError};

/// Over how many months reactions look: the current one and the two before.
pub(crate) const MONTHS: usize = 3;

/// Why committed state cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum CommittedError {
    /// The store did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A state cannot be read.
    #[error(transparent)]
    Document(#[from] DocumentError),
}

impl Fault for CommittedError {
    fn says(&self) -> Says<'_> {
        match self {
            Self::Store(error) => Says::As(error),
            Self::Document(error) => Says::As(error),
        }
    }
}

/// A state, and the version that it is in the store.
#[derive(Clone, Debug)]
pub struct Committed {
    pub state: PeriodState,
    pub etag: ETag,
}

/// Whether a version of a state is the one in force.
pub async fn is_in_force<S: Store>(store: &S, statement: &Statement, etag: &ETag) -> Result<bool, StoreError> {
    let head = store.head(&statement.state_key()).await?;
    Ok(head.is_some_and(|head| head.etag == *etag))
}

/// A committed state that was read, and whose facts are decoded when they are asked for.
#[derive(Debug)]
pub struct Stored {
    key: String,
    bytes: Bytes,
    pub etag: ETag,
    /// The state without its facts.
    pub head: PeriodState,
}

impl Stored {
    /// The state, facts and all.
    pub fn state(&self) -> Result<PeriodState, CommittedError> {
        Ok(tabular::decode(&self.key, &self.bytes)?)
    }
}

/// The committed state of one period, as it is stored.
pub async fn stored<S: Store>(store: &S, statement: &Statement) -> Result<Option<Stored>, CommittedError> {
    let key = statement.state_key();
    let Some((bytes, etag)) = store.get(&key).await? else { return Ok(None) };
    let head = tabular::decode_head(&key, &bytes)?;
    Ok(Some(Stored { key, bytes, etag, head }))
}

/// The committed state of one period and its version.
pub async fn state<S: Store>(store: &S, statement: &Statement) -> Result<Option<(PeriodState, ETag)>, CommittedError> {
    let key = statement.state_key();
    let Some((bytes, etag)) = store.get(&key).await? else { return Ok(None) };
    Ok(Some((tabular::decode(&key, &bytes)?, etag)))
}

/// The committed state of one period without its facts.
pub async fn head<S: Store>(store: &S, statement: &Statement) -> Result<Option<PeriodState>, CommittedError> {
    Ok(stored(store, statement).await?.map(|stored| stored.head))
}

/// The commits of an export, of every month from `from` on.
pub async fn commits<S: Store>(
    store: &S,
    export_id: &str,
    from: BillingPeriod,
) -> Result<Vec<(BillingPeriod, AppliedDelivery)>, CommittedError> {
    let mut commits = Vec::new();
    let statements = statements(store).await?.into_iter();
    for statement in statements.filter(|known| known.export_id == export_id && known.period >= from) {
        if let Some(state) = head(store, &statement).await? {
            commits.extend(state.deliveries.into_iter().map(|commit| (statement.period, commit)));
        }
    }
    Ok(commits)
}

/// Which periods of which exports are committed, sorted.
pub async fn statements<S: Store>(store: &S) -> Result<Vec<Statement>, CommittedError> {
    let objects = store.list(STATE_PREFIX).await?;
    let mut statements: Vec<_> = objects.iter().filter_map(|object| Statement::from_state_key(&object.key)).collect();
    statements.sort();
    Ok(statements)
}

/// Whose states the book as of `now` holds, sorted: those of the three newest months that have begun and have a state.
pub async fn newest<S: Store>(store: &S, now: DateTime<Utc>) -> Result<Vec<Statement>, CommittedError> {
    let current = BillingPeriod::of(now.date_naive());
    let mut statements = statements(store).await?;
    statements.retain(|statement| statement.period <= current);
    let months: BTreeSet<_> = statements.iter().map(|statement| statement.period).collect();
    let newest: BTreeSet<_> = months.into_iter().rev().take(MONTHS).collect();
    statements.retain(|statement| newest.contains(&statement.period));
    Ok(statements)
}

/// The versions of states.
pub type Versions = BTreeMap<Statement, ETag>;

/// The versions of the states of `statements` that have one: as long as they are the same, so is a book of them, but for
/// what follows from the time.
pub async fn versions<S: Store>(store: &S, statements: &[Statement]) -> Result<Versions, CommittedError> {
    let mut versions = Versions::new();
    for statement in statements {
        let head = store.head(&statement.state_key()).await?;
        versions.extend(head.map(|head| (statement.clone(), head.etag)));
    }
    Ok(versions)
}

/// The book as of `now`: the three newest months that have begun and have a state, of every export.
pub async fn book<S: Store>(store: &S, now: DateTime<Utc>) -> Result<Book, CommittedError> {
    Ok(book_and_versions(store, now).await?.0)
}

/// The same, with the versions of the states that it was read from.
pub async fn book_and_versions<S: Store>(store: &S, now: DateTime<Utc>) -> Result<(Book, Versions), CommittedError> {
    book_with(store, None, now).await
}

/// The same for whoever has a state in memory: it is read where it is another by now.
pub async fn book_with<S: Store>(
    store: &S,
    mut known: Option<Committed>,
    now: DateTime<Utc>,
) -> Result<(Book, Versions), CommittedError> {
    let (mut periods, mut versions) = (Vec::new(), Versions::new());
    for statement in newest(store, now).await? {
        let found = match known.take_if(|known| known.state.statement() == statement) {
            Some(Committed { state, etag }) if is_in_force(store, &statement, &etag).await? => Some((state, etag)),
            _ => state(store, &statement).await?,
        };
        if let Some((state, version)) = found {
            periods.extend(period(&statement, state, now)?);
            versions.insert(statement, version);
        }
    }
    Ok((Book { periods }, versions))
}

/// What a state has of a period as of `now`; nothing if no delivery is in force.
pub fn period(
    statement: &Statement,
    state: PeriodState,
    now: DateTime<Utc>,
) -> Result<Option<BookPeriod>, CommittedError> {
    let Some(delivery) = state.current().cloned() else { return Ok(None) };
    Ok(Some(BookPeriod {
        export_id: statement.export_id.clone(),
        period: statement.period,
        commits: state.deliveries.clone(),
        delivery_id: delivery.delivery_id,
        revision: delivery.revision,
        // A file on a disk may bear any time, but what is known is known by now.
        delivered_at: match delivery.order.source {
            OrderSource::Arrival => delivery.order.at.min(now),
            _ => delivery.order.at,
        },
        data_as_of: delivery.data_as_of,
        unverified: delivery.unverified,
        closed: statement.period.is_closed(state.counts.usage_rows_without_invoice, now),
        counts: state.counts.clone(),
        unknown_usage_rows: state.unknown_usage_rows,
        folded: state.folded,
        derivation: state.derivation.clone(),
        facts: state.facts,
    }))
}

#[cfg(test)]
mod tests;
