//! What an evaluation goes by, configuration and book, and where they are read from.

use std::borrow::Cow;
use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use crate::alert::error::AlertError;
use crate::config::Config;
use crate::config::in_force::{self, InForce};
use crate::outputs::outbox::OutboxError;
use crate::state::backfill::Backfill;
use crate::state::book::Book;
use crate::state::committed;
use crate::state::keys::Statement;
use crate::store::{ETag, Store};

/// What an evaluation goes by.
#[derive(Clone, Debug)]
pub struct Known<'a> {
    config: Cow<'a, Config>,
    book: Cow<'a, Book>,
    /// Which configuration it is; none where there can be no other.
    in_force: Option<InForce>,
    /// The versions of the periods of the book.
    versions: BTreeMap<Statement, ETag>,
    /// Whether the newest deliveries that the exports have are in the book: if not, it tells of a past that deliveries
    /// which are there already make another one.
    newest_is_in: bool,
}

/// Where configuration and book are read from.
///
/// They are read after the state that the evaluation is written over, and again where that was changed meanwhile: then
/// nobody writes what was made of an older book over what was made of a newer one.
pub trait Sources: Sync {
    /// What there is now.
    fn read(&self) -> impl Future<Output = Result<Known<'_>, AlertError>> + Send;

    /// Whether `known` is what there is now, so that it need not be read and evaluated again.
    fn is_current(&self, known: &Known<'_>) -> impl Future<Output = Result<bool, AlertError>> + Send;
}

impl<'a> Known<'a> {
    /// What is given, of which there is no other version.
    fn given(config: &'a Config, book: Cow<'a, Book>) -> Self {
        let config = Cow::Borrowed(config);
        Self { config, book, in_force: None, versions: BTreeMap::new(), newest_is_in: true }
    }

    /// What the tests say.
    #[cfg(test)]
    pub(super) fn of(config: &'a Config, book: &'a Book, in_force: Option<InForce>, newest_is_in: bool) -> Self {
        Self { in_force, newest_is_in, ..Self::given(config, Cow::Borrowed(book)) }
    }

    pub(super) fn config(&self) -> &Config {
        &self.config
    }

    pub(super) fn book(&self) -> &Book {
        &self.book
    }

    pub(super) fn in_force(&self) -> Option<&InForce> {
        self.in_force.as_ref()
    }

    pub(super) fn newest_is_in(&self) -> bool {
        self.newest_is_in
    }
}

/// A configuration and a book that are given, and that nothing changes meanwhile.
#[derive(Clone, Copy, Debug)]
pub struct Given<'a> {
    /// The configuration.
    pub config: &'a Config,
    pub book: &'a Book,
}

impl Sources for Given<'_> {
    async fn read(&self) -> Result<Known<'_>, AlertError> {
        Ok(Known::given(self.config, Cow::Borrowed(self.book)))
    }

    async fn is_current(&self, _: &Known<'_>) -> Result<bool, AlertError> {
        Ok(true)
    }
}

/// The configuration in force and what is committed in the ledger of a deployment, as of `now`.
#[derive(Clone, Copy, Debug)]
pub struct Deployed<'a, S> {
    pub ledger: &'a S,
    pub now: DateTime<Utc>,
}

impl<S: Store> Sources for Deployed<'_, S> {
    async fn read(&self) -> Result<Known<'_>, AlertError> {
        let (config, in_force) = in_force::version_of_deployment(self.ledger).await?;
        let backfill = Backfill::read(self.ledger).await?;
        let (book, versions) = committed::book_and_versions(self.ledger, self.now).await?;
        let newest_is_in = Backfill::newest_is_in(backfill.as_ref(), &book, self.now);
        Ok(Known {
            config: Cow::Owned(config),
            book: Cow::Owned(book),
            in_force: Some(in_force),
            versions,
            newest_is_in,
        })
    }

    async fn is_current(&self, known: &Known<'_>) -> Result<bool, AlertError> {
        if known.in_force != Some(in_force::version(self.ledger).await.map_err(OutboxError::from)?) {
            return Ok(false);
        }
        let newest = committed::newest(self.ledger, self.now).await?;
        if !newest.iter().eq(known.versions.keys()) {
            return Ok(false);
        }
        for (statement, version) in &known.versions {
            let head = self.ledger.head(&statement.state_key()).await.map_err(OutboxError::from)?;
            if head.is_none_or(|head| head.etag != *version) {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
