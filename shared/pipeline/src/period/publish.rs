//! The facts file follows the committed state.

use std::borrow::Borrow;

use bytes::Bytes;
use spend_ledger::state::committed::{self, Committed};
use spend_ledger::state::document::DocumentError;
use spend_ledger::state::keys::Statement;
use spend_ledger::state::period::PeriodState;
use spend_ledger::state::tabular;
use spend_ledger::store::conditional::{ATTEMPTS, put_over};
use spend_ledger::store::{ETag, Put, Store, StoreError};

use crate::error::PipelineError;
use crate::period::facts_file::{self, FactsOf, Tail};

/// How much of the end of a facts file is read first: what the file says of itself, of some eight million facts.
const TAIL: usize = 1 << 16;

/// Brings the facts file up to the committed state, and never back to an older one. The file is read before the state, and
/// written only if it is still the file that was read: so the state is at least as new as the file's. A file of a delivery
/// that the state does not know is of a state that somebody took back, and is replaced.
pub async fn publish_facts<L: Store>(ledger: &L, statement: &Statement) -> Result<(), PipelineError> {
    publish(ledger, statement, None).await
}

/// The same right after a commit: as long as the state is what was written, nothing of it is read.
pub(crate) async fn publish_committed<L: Store>(
    ledger: &L,
    statement: &Statement,
    committed: &Committed,
) -> Result<(), PipelineError> {
    publish(ledger, statement, Some(committed)).await
}

async fn publish<L: Store>(
    ledger: &L,
    statement: &Statement,
    committed: Option<&Committed>,
) -> Result<(), PipelineError> {
    let key = statement.facts_key();
    for _ in 0..ATTEMPTS {
        let (published, etag) = match published(ledger, &key).await {
            Ok(found) => found.unzip(),
            // Somebody else was faster.
            Err(StoreError::Replaced { .. } | StoreError::NotFound { .. }) => continue,
            Err(error) => return Err(error.into()),
        };
        let published = published.flatten();
        let facts = match committed {
            Some(Committed { state, etag }) if committed::is_in_force(ledger, statement, etag).await? => {
                unpublished(statement, state, published.as_ref(), || Ok(state))?
            }
            _ => {
                let state_key = statement.state_key();
                let Some((stored, _)) = ledger.get(&state_key).await? else { return Ok(()) };
                let head: PeriodState = tabular::decode_head(&state_key, &stored)?;
                unpublished(statement, &head, published.as_ref(), || {
                    tabular::decode::<PeriodState>(&state_key, &stored)
                })?
            }
        };
        let Some(facts) = facts else { return Ok(()) };
        if let Put::Written(_) = put_over(ledger, &key, facts, etag.as_ref()).await? {
            return Ok(());
        }
    }
    Err(PipelineError::Contended { key, attempts: ATTEMPTS })
}

/// The facts file of a state, unless it is the one that is published. Of the state's `head` no facts are needed.
fn unpublished<S: Borrow<PeriodState>>(
    statement: &Statement,
    head: &PeriodState,
    published: Option<&FactsOf>,
    state: impl FnOnce() -> Result<S, DocumentError>,
) -> Result<Option<Bytes>, PipelineError> {
    match FactsOf::state(head) {
        Some(current) if published != Some(&current) => facts_of(statement, state()?.borrow(), &current).map(Some),
        _ => Ok(None),
    }
}

/// The version of the facts file, and whose facts it holds; nothing where there is no file. Both are of one version:
/// parts of another are refused by the store.
async fn published<L: Store>(ledger: &L, key: &str) -> Result<Option<(Option<FactsOf>, ETag)>, StoreError> {
    let Some(head) = ledger.head(key).await? else { return Ok(None) };
    let mut length = TAIL;
    // The second time, the length is the one that the file says.
    for _ in 0..2 {
        let from = head.size.saturating_sub(length as u64);
        let tail = ledger.get_range(key, from..head.size, &head.etag).await?;
        match facts_file::tail(&tail, head.size) {
            Tail::Facts(of) => return Ok(Some((Some(of), head.etag))),
            Tail::Other => break,
            Tail::Needed(needed) => length = needed,
        }
    }
    Ok(Some((None, head.etag)))
}

/// The facts file of a state.
pub(crate) fn facts_of(statement: &Statement, state: &PeriodState, of: &FactsOf) -> Result<Bytes, PipelineError> {
    facts_file::write(&state.facts, of).map_err(|source| PipelineError::Facts { key: statement.facts_key(), source })
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use spend_core::bill::line::ScanCounts;
    use spend_core::facts::fact::FactTable;
    use spend_core::facts::folding::Folded;
    use spend_ledger::state::commit::{AppliedDelivery, DeliveryOrder, OrderSource};
    use spend_ledger::store::around::{Access, Around, Before};
    use spend_ledger::store::memory::MemoryStore;

    use super::*;

    fn block_on<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
    }

    fn statement() -> Statement {
        Statement { export_id: "cur".to_owned(), period: "2026-11".parse().unwrap() }
    }

    fn state(delivery_id: &str, derivation: &str) -> PeriodState {
        let at = "2026-11-20T06:00:00Z".parse().unwrap();
        let delivery = AppliedDelivery {
            sequence: 1,
            delivery_id: delivery_id.to_owned(),
            revision: 0,
            moved: String::new(),
            order: DeliveryOrder { source: OrderSource::Arrival, at },
            applied_at: at,
            data_as_of: None,
            unverified: false,
        };
        let Statement { export_id, period } = statement();
        PeriodState {
            export_id,
            period,
            deliveries: vec![delivery],
            counts: ScanCounts::default(),
            unknown_usage_rows: 0,
            folded: Folded::default(),
            derivation: derivation.to_owned(),
            facts: FactTable::default(),
        }
    }

    /// A ledger whose facts file is of its state.
    fn published_ledger(state: &PeriodState) -> MemoryStore {
        let ledger = MemoryStore::default();
        ledger.overwrite(&statement().state_key(), tabular::encode(state).unwrap()).unwrap();
        block_on(publish_facts(&ledger, &statement())).unwrap();
        ledger
    }

    fn is_of(ledger: &MemoryStore) -> FactsOf {
        let (file, _) = block_on(ledger.get(&statement().facts_key())).unwrap().unwrap();
        facts_file::facts_of(&file).unwrap()
    }

    /// Remembers calls, and before the first of a kind puts another facts file in the place.
    struct Watch<'a> {
        calls: Mutex<Vec<(Access, String)>>,
        meddle: Option<(Access, &'a MemoryStore, Bytes)>,
    }

    impl Before for Watch<'_> {
        async fn before(&self, access: Access, key: &str) -> Result<(), StoreError> {
            let is_first = {
                let mut calls = self.calls.lock().unwrap();
                calls.push((access, key.to_owned()));
                calls.iter().filter(|(other, _)| *other == access).count() == 1
            };
            match &self.meddle {
                Some((at, ledger, bytes)) if *at == access && is_first => {
                    ledger.overwrite(&statement().facts_key(), bytes.clone()).map(drop)
                }
                _ => Ok(()),
            }
        }
    }

    fn publish_watched(ledger: &MemoryStore, meddle: Option<(Access, Bytes)>) -> Vec<(Access, String)> {
        let meddle = meddle.map(|(access, bytes)| (access, ledger, bytes));
        let watched = Around { inner: ledger, before: Watch { calls: Mutex::default(), meddle } };
        block_on(publish_facts(&watched, &statement())).unwrap();
        watched.before.calls.into_inner().unwrap()
    }

    #[test]
    fn of_a_facts_file_that_is_up_to_date_the_end_alone_is_read() {
        let (facts, state_key) = (statement().facts_key(), statement().state_key());
        let ledger = published_ledger(&state("one", "x"));
        let calls =
            [(Access::Head, facts.clone()), (Access::GetRange, facts.clone()), (Access::Get, state_key.clone())];
        assert_eq!(publish_watched(&ledger, None), calls);
        // What the file says of itself is longer than what is read first.
        let ledger = published_ledger(&state("one", &"x".repeat(TAIL)));
        let [head, range, get] = calls;
        assert_eq!(publish_watched(&ledger, None), [head, range.clone(), range, get]);
    }

    #[test]
    fn right_after_a_commit_a_state_is_read_only_if_it_is_another_by_now() {
        let (facts, state_key) = (statement().facts_key(), statement().state_key());
        for (in_force, read) in [("one", None), ("two", Some((Access::Get, state_key.clone())))] {
            let ledger = published_ledger(&state("before", "x"));
            ledger.overwrite(&state_key, tabular::encode(&state("one", "x")).unwrap()).unwrap();
            let etag = block_on(ledger.head(&state_key)).unwrap().unwrap().etag;
            ledger.overwrite(&state_key, tabular::encode(&state(in_force, "x")).unwrap()).unwrap();
            let watched = Around { inner: &ledger, before: Watch { calls: Mutex::default(), meddle: None } };
            let committed = Committed { state: state("one", "x"), etag };
            block_on(publish_committed(&watched, &statement(), &committed)).unwrap();
            let mut expected = vec![
                (Access::Head, facts.clone()),
                (Access::GetRange, facts.clone()),
                (Access::Head, state_key.clone()),
            ];
            expected.extend(read);
            expected.push((Access::PutIfMatch, facts.clone()));
            assert_eq!(watched.before.calls.into_inner().unwrap(), expected);
            assert_eq!(is_of(&ledger), FactsOf::state(&state(in_force, "x")).unwrap());
        }
    }

    #[test]
    fn a_file_that_is_another_or_no_facts_file_is_replaced_by_one_of_the_state() {
        let ledger = published_ledger(&state("one", "x"));
        for file in [
            facts_file::write(&FactTable::default(), &FactsOf { revision: 3, ..is_of(&ledger) }).unwrap(),
            Bytes::new(),
            "nothing".into(),
        ] {
            ledger.overwrite(&statement().facts_key(), file).unwrap();
            publish_watched(&ledger, None);
            assert_eq!(is_of(&ledger), FactsOf::state(&state("one", "x")).unwrap());
        }
    }

    #[test]
    fn a_file_that_is_replaced_meanwhile_is_read_again() {
        for access in [Access::Head, Access::GetRange, Access::Get, Access::PutIfMatch] {
            let ledger = published_ledger(&state("one", "x"));
            let stale = facts_file::write(&FactTable::default(), &FactsOf { revision: 3, ..is_of(&ledger) }).unwrap();
            ledger.overwrite(&statement().facts_key(), "nothing".into()).unwrap();
            publish_watched(&ledger, Some((access, stale)));
            assert_eq!(is_of(&ledger), FactsOf::state(&state("one", "x")).unwrap(), "{access:?}");
        }
    }
}
