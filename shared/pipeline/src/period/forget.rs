//! The step forget: a person's name is replaced by an alias in everything that a ledger holds, and in whatever it will read
//! of the bill.
//!
//! The list of names comes first: from then on no line brings the name back. Then every object is rewritten, each by one
//! conditional write: reductions and states with their sums, facts files from their states, and all others as texts. So a
//! crash leaves an object with the name or with the alias, and doing the step again does what is missing. No commit is made
//! for it: nothing has moved, and nobody is to be alerted.
//!
//! What it says at its end it has read: each object that still has the name is named.

use std::collections::BTreeMap;
use std::fmt;

use bytes::Bytes;
use spend_core::errors::class::Class;
use spend_core::errors::fault::{Fault, Says};
use spend_ledger::forgotten::name::{Name, is_alias};
use spend_ledger::forgotten::rewrite::{self, RewriteError};
use spend_ledger::forgotten::{self, Forgotten};
use spend_ledger::state::committed;
use spend_ledger::state::document::encode;
use spend_ledger::state::keys::{FORGOTTEN, Statement};
use spend_ledger::state::objects::Kind;
use spend_ledger::store::conditional::{ATTEMPTS, Change, change};
use spend_ledger::store::{Put, Store, StoreError};

use crate::error::PipelineError;
use crate::period::facts_file::FactsOf;
use crate::period::publish;

/// What was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forgot {
    /// What stands for the name.
    pub alias: String,
    /// The objects that were rewritten, by key.
    pub rewritten: Vec<String>,
    /// The objects that still have the name, by key, with why.
    pub still: BTreeMap<String, String>,
}

/// Why nobody was forgotten. Nothing was written, but for [`ForgetError::Pipeline`]: then doing it again goes on.
#[derive(Debug, thiserror::Error)]
pub enum ForgetError {
    /// The ledger cannot be read or written.
    #[error(transparent)]
    Pipeline(#[from] PipelineError),
    /// Files that people write have the name.
    #[error(
        "{} {} that name, and files that people write are not rewritten: change the rules, overrides, mutes and budgets that \
         name the person, put the configuration in force by a run, and forget again",
        places.join(", "), if places.len() == 1 { "has" } else { "have" }
    )]
    Theirs {
        /// The files, with the line.
        places: Vec<String>,
    },
    /// The ledger has nothing of the name.
    #[error(
        "nothing in this ledger names {0}: check that it is spelled as in the bill, such as in report --by principal"
    )]
    Unknown(String),
    /// The alias cannot be one.
    #[error(
        "{0:?} cannot be an alias: 2 to 64 lower-case letters, digits and _.@-, a letter among them, a letter or \
         digit at both ends, and not the name itself"
    )]
    Alias(String),
    /// Somebody is called by the alias.
    #[error("{alias} is taken: {key} has it, and the spend of two would become one; choose another with --alias")]
    Taken {
        alias: String,
        /// An object that has it.
        key: String,
    },
    /// An export is called by the name.
    #[error(
        "the export {0} bears that name, and is known by it: nothing was written; deliver the export under another name first"
    )]
    Export(String),
    /// Nobody knows yet whether metrics of the name were taken.
    #[error(transparent)]
    InDoubt(RewriteError),
    /// The name has another alias.
    #[error("that name is replaced by {0} already: forget again without --alias")]
    Another(String),
}

impl Fault for ForgetError {
    fn says(&self) -> Says<'_> {
        match self {
            Self::Pipeline(error) => Says::As(error),
            Self::Theirs { .. }
            | Self::Unknown(_)
            | Self::Alias(_)
            | Self::Taken { .. }
            | Self::Export(_)
            | Self::InDoubt(_)
            | Self::Another(_) => Says::Itself("usage", Class::Operator),
        }
    }
}

impl From<StoreError> for ForgetError {
    fn from(error: StoreError) -> Self {
        Self::Pipeline(error.into())
    }
}

/// What happened, in words.
impl fmt::Display for Forgot {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} objects rewritten, the spend is under {}", self.rewritten.len(), self.alias)
    }
}

/// Replaces `name` by `alias` in everything, or by an alias of its own without one. `salt` is random, and is used if the
/// ledger has forgotten nobody before. Nothing else may write to the ledger meanwhile.
///
/// # Errors
///
/// [`ForgetError`]. An object that keeps the name is no error here, but is in [`Forgot::still`].
pub async fn forget<L: Store>(ledger: &L, name: &Name, alias: Option<&str>, salt: &str) -> Result<Forgot, ForgetError> {
    let (before, etag) = forgotten::read::<_, PipelineError>(ledger).await?;
    let list = if before.is_empty() { Forgotten::salted(salt.to_owned()) } else { before.clone() };
    let known = before.alias(name.as_str()).map(str::to_owned);
    let alias = match (&known, alias) {
        (Some(known), Some(alias)) if known != alias => return Err(ForgetError::Another(known.clone())),
        (Some(known), _) => known.clone(),
        (None, Some(alias)) => alias.to_owned(),
        (None, None) => list.usual_alias(name),
    };
    if !is_alias(&alias) || alias.contains(name.as_str()) {
        return Err(ForgetError::Alias(alias));
    }
    let mut next = list.clone();
    next.add(name, &alias);
    let found = look(ledger, name, &alias, &next).await?;
    if !found.theirs.is_empty() {
        return Err(ForgetError::Theirs { places: found.theirs });
    }
    if known.is_none() {
        if let Some(key) = found.alias.or_else(|| list.has_alias(&alias).then(|| FORGOTTEN.to_owned())) {
            return Err(ForgetError::Taken { alias, key });
        }
        if found.named.is_empty() {
            return Err(ForgetError::Unknown(name.to_string()));
        }
    }
    if next != before {
        let bytes = encode(&next).map_err(PipelineError::from)?;
        let put = match etag {
            None => ledger.put_if_absent(FORGOTTEN, bytes).await?,
            Some(etag) => ledger.put_if_match(FORGOTTEN, bytes, &etag).await?,
        };
        if put == Put::Lost {
            return Err(PipelineError::Contended { key: FORGOTTEN.to_owned(), attempts: 1 }.into());
        }
    }
    let mut forgot = Forgot { alias, rewritten: Vec::new(), still: BTreeMap::new() };
    for key in found.named {
        match rewrite(ledger, &key, name, &next).await? {
            Ok(true) => forgot.rewritten.push(key),
            Ok(false) => {}
            Err(why) => drop(forgot.still.insert(key, why.to_string())),
        }
    }
    for statement in &found.statements {
        if facts_follow(ledger, statement).await? {
            forgot.rewritten.push(statement.facts_key());
        }
    }
    forgot.still = still(ledger, name, &forgot.still).await?;
    Ok(forgot)
}

/// What a ledger has of a name.
#[derive(Default)]
struct Found {
    /// The objects that have it, in the order in which they are rewritten: what others follow from comes first.
    named: Vec<String>,
    /// The committed periods.
    statements: Vec<Statement>,
    /// Where people have written it.
    theirs: Vec<String>,
    /// An object that has the alias.
    alias: Option<String>,
}

async fn look<L: Store>(ledger: &L, name: &Name, alias: &str, forgotten: &Forgotten) -> Result<Found, ForgetError> {
    let mut found = Found::default();
    // An alias that is none is told before.
    let alias_name = Name::of(alias).ok();
    for object in ledger.list("").await? {
        let (kind, key) = (Kind::of(&object.key), object.key);
        if let Some(statement) = Statement::from_state_key(&key) {
            if name.is_in(&statement.export_id) {
                return Err(ForgetError::Export(statement.export_id));
            }
            found.statements.push(statement);
        }
        if matches!(kind, Some(Kind::Facts | Kind::Forgotten)) {
            continue;
        }
        let Some((bytes, _)) = ledger.get(&key).await? else { continue };
        // What cannot be read is told at the end, when all that can be was rewritten.
        let Ok(plain) = rewrite::plain(&key, &bytes) else { continue };
        let text = String::from_utf8_lossy(&plain);
        if found.alias.is_none() && alias_name.as_ref().is_some_and(|alias| alias.is_in(&text)) {
            found.alias = Some(key.clone());
        }
        if !name.is_in(&text) {
            continue;
        }
        // Its series would be put once more under the name: it is waited for before anything is written.
        if let (Some(Kind::Told), Err(error @ RewriteError::InDoubt { .. })) =
            (kind, rewrite::rewritten(&key, &bytes, name, forgotten))
        {
            return Err(ForgetError::InDoubt(error));
        }
        if matches!(kind, Some(Kind::Configuration | Kind::InForce | Kind::Metering)) {
            let lines = text.lines().enumerate().filter(|(_, line)| name.is_in(line));
            found.theirs.extend(lines.take(1).map(|(line, _)| format!("{key}:{}", line + 1)));
        }
        found.named.push(key);
    }
    found.named.sort_by_key(|key| match Kind::of(key) {
        Some(Kind::Reduction) => 0,
        Some(Kind::State) => 1,
        _ => 2,
    });
    Ok(found)
}

/// Rewrites one object. Returns whether there was something to do, or why it keeps the name.
async fn rewrite<L: Store>(
    ledger: &L,
    key: &str,
    name: &Name,
    forgotten: &Forgotten,
) -> Result<Result<bool, RewriteError>, ForgetError> {
    let rewritten = change(ledger, key, |bytes| {
        let Some(bytes) = bytes else { return Ok(Change::Keep(Ok(false))) };
        Ok::<_, ForgetError>(match rewrite::rewritten(key, bytes, name, forgotten) {
            Ok(None) => Change::Keep(Ok(false)),
            Ok(Some(bytes)) => Change::Write(bytes, Ok(true)),
            Err(why) => Change::Keep(Err(why)),
        })
    });
    let contended = || PipelineError::Contended { key: key.to_owned(), attempts: ATTEMPTS };
    rewritten.await?.ok_or_else(|| contended().into())
}

/// Makes a facts file of its state again, where it is another. Returns whether it was.
async fn facts_follow<L: Store>(ledger: &L, statement: &Statement) -> Result<bool, ForgetError> {
    let key = statement.facts_key();
    for _ in 0..ATTEMPTS {
        let Some((published, etag)) = ledger.get(&key).await? else { return Ok(false) };
        let Some(facts) = facts_of(ledger, statement).await? else { return Ok(false) };
        if published == facts {
            return Ok(false);
        }
        if let Put::Written(_) = ledger.put_if_match(&key, facts, &etag).await? {
            return Ok(true);
        }
    }
    Err(PipelineError::Contended { key, attempts: ATTEMPTS }.into())
}

/// The facts file that follows from a state; none without a state that can be read.
async fn facts_of<L: Store>(ledger: &L, statement: &Statement) -> Result<Option<Bytes>, ForgetError> {
    let state = match committed::state(ledger, statement).await.map_err(PipelineError::from) {
        Ok(state) => state,
        Err(error) if error.class() == Class::Operator => None,
        Err(error) => return Err(error.into()),
    };
    let Some((state, _)) = state else { return Ok(None) };
    let Some(of) = FactsOf::state(&state) else { return Ok(None) };
    Ok(Some(publish::facts_of(statement, &state, &of)?))
}

/// Every object that has the name: all of the ledger is read for it.
async fn still<L: Store>(
    ledger: &L,
    name: &Name,
    why: &BTreeMap<String, String>,
) -> Result<BTreeMap<String, String>, ForgetError> {
    let mut still = BTreeMap::new();
    for object in ledger.list("").await? {
        let Some((bytes, _)) = ledger.get(&object.key).await? else { continue };
        let key = object.key;
        let reason = if Kind::of(&key) == Some(Kind::Facts) {
            let statement = Statement::from_facts_key(&key);
            let follows = match &statement {
                None => false,
                Some(statement) => facts_of(ledger, statement).await?.is_some_and(|facts| facts == bytes),
            };
            (!follows).then(|| "it follows from no state of this ledger: remove it".to_owned())
        } else {
            match rewrite::holds(&key, &bytes, name) {
                Ok(false) => None,
                Ok(true) => Some("the name stands in it where it could not be replaced".to_owned()),
                Err(error) => Some(error.to_string()),
            }
        };
        if let Some(reason) = reason {
            let reason = why.get(&key).cloned().unwrap_or(reason);
            still.insert(key, reason);
        }
    }
    Ok(still)
}
