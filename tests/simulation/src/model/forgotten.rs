//! A person whom the ledger has forgotten is known to it by an alias. The model goes on calling them by their name.

use std::borrow::Cow;

use spend_ledger::forgotten::rewrite;
use spend_ledger::store::Store as _;

use crate::history::bill::PERSON;
use crate::model::Violation;
use crate::world::{World, ready};

/// The alias, if somebody was forgotten.
#[derive(Clone, Debug, Default)]
pub struct Alias(Option<String>);

impl Alias {
    /// As the ledger has it.
    pub fn of(world: &World) -> Self {
        let Some((bytes, _)) = ready(world.ledger.get("config/forgotten.json")).unwrap() else { return Self(None) };
        let document: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        let mut aliases = document["names"].as_object().unwrap().values();
        let alias = aliases.next().unwrap().as_str().unwrap().to_owned();
        assert!(aliases.next().is_none(), "nobody else is ever forgotten");
        Self(Some(alias))
    }

    /// Whether somebody was forgotten.
    pub fn is_used(&self) -> bool {
        self.0.is_some()
    }

    /// A text with the name in place of the alias.
    pub fn undone<'a>(&self, text: &'a str) -> Cow<'a, str> {
        match &self.0 {
            Some(alias) if text.contains(alias) => text.replace(alias, PERSON).into(),
            _ => text.into(),
        }
    }
}

/// Whoever was forgotten is named by no object of the ledger. Facts files are compressed page by page; their sums are
/// judged with those of the state.
pub fn judge(alias: &Alias, world: &World) -> Result<(), Violation> {
    if !alias.is_used() {
        return Ok(());
    }
    for object in ready(world.ledger.list("")).unwrap() {
        let (bytes, _) = ready(world.ledger.get(&object.key)).unwrap().unwrap();
        let plain = rewrite::plain(&object.key, &bytes).map_or_else(|_| bytes.to_vec(), Cow::into_owned);
        if String::from_utf8_lossy(&plain).to_ascii_lowercase().contains(PERSON) {
            return Err(format!("{} still names {PERSON}, who was forgotten", object.key));
        }
    }
    Ok(())
}
