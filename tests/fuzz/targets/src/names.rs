//! Names on the bill that somebody chose: usage types, models and callers.

use spend_core::bill::line::{LineField, LineTexts};
use spend_core::bill::model;
use spend_core::bill::principal::{
    self, Identity, KeepSessions, role_and_session, role_of, session_like_a_person, with_other_session,
};
use spend_core::bill::usage::{self, ModelAliases};

use crate::text;

/// A line whose texts stand in the input, a line each.
#[derive(Clone, Copy)]
struct Line<'a>(&'a str);

impl<'a> LineTexts<'a> for Line<'a> {
    fn get(self, field: LineField) -> &'a str {
        let at = LineField::ALL.into_iter().position(|known| known == field).unwrap_or_default();
        self.0.split('\n').nth(at).unwrap_or_default()
    }
}

/// A usage type, or all fields of a bill line with a line break between them: classified the same every time, and a model
/// that was made of names is named the same again.
pub fn usage_type(input: &[u8]) {
    let text = text(input);
    let _ = usage::context(text);
    let line = Line(text);
    let (usage, again) = (usage::classify(line, &ModelAliases::new()), usage::classify(line, &ModelAliases::new()));
    assert_eq!(usage, again, "the same line is classified in two ways");
}

/// Longer than any model's name.
const LONG: usize = 200;

/// A model's spelling: the name that it has is its own.
pub fn model(input: &[u8]) {
    let spelling = text(input);
    let name = model::canonical(spelling);
    if spelling.len() <= LONG {
        assert_eq!(model::canonical(&name.name).name, name.name, "{spelling:?}: a name that is canonical has another");
    }
    let _ = model::provider_name(spelling);
}

/// A caller's ARN: its identity has a name, unless it is empty, and with any session the same role.
pub fn principal(input: &[u8]) {
    let (globs, arn) = text(input).split_once('\n').unwrap_or(("", text(input)));
    for keep in [KeepSessions::default(), KeepSessions::new(globs.split(' '))] {
        let identity = Identity::of(arn, &keep);
        assert_eq!(identity, Identity::of(arn, &keep), "{arn:?} is two identities");
        assert_eq!(identity.name.is_empty(), arn.is_empty(), "{arn:?} has an identity without a name");
        let _ = principal::is_person(&identity.name);
    }
    let _ = (session_like_a_person(arn), role_of(arn));
    if let (Some((role, _)), Some(other)) = (role_and_session(arn), with_other_session(arn)) {
        assert_eq!(
            role_and_session(&other).map(|(role, _)| role),
            Some(role),
            "{other:?} is of another role than {arn:?}"
        );
    }
}
