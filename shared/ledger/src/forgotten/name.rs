//! A person's name as the bill has it, and where it stands in a text.

use std::fmt;
use std::ops::Range;

/// Source of the characters: IAM user guide, "IAM name requirements" (users), and AWS STS API reference, `AssumeRole`
/// (`RoleSessionName`, 2 to 64 characters) and `GetFederationToken` (`Name`).
const MARKS: &[u8] = b"_+=,.@-";
const SHORTEST: usize = 2;
const LONGEST: usize = 64;

/// Source: IAM user guide, "IAM identifiers": partitions, services and kinds.
const WORDS: [&str; 11] =
    ["arn", "assumed-role", "aws", "aws-cn", "aws-us-gov", "federated-user", "iam", "role", "root", "sts", "user"];

/// What joins two parts of one name: `dana` is not in `dana.lee`, nor in `x-dana`.
const JOINTS: &[u8] = b"_+.@-";

/// How many digits an account's id has, which stands behind the names of users: `user/dana@111122223333`.
const ACCOUNT_DIGITS: usize = 12;

/// What stands behind what was cut off: in mails, and in the middle of names on pages.
const CUTS: [&str; 2] = ["...", "\u{2026}"];
/// The least of a name that is known as it where it is cut.
const SHORTEST_CUT: usize = 4;

/// The name of a session, of an IAM user or of a federated user, in lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name(String);

/// Why a text is not the name of a person.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// It is a role's.
    #[error("{0:?} is a role and no person: name the session, the IAM user or the federated user")]
    Role(String),
    /// It is a word that ARNs have.
    #[error("{0:?} is a word that the ARNs of all callers have: nobody can be forgotten by it")]
    Word(String),
    /// It cannot be one.
    #[error(
        "{0:?} cannot be the name of a session or user: 2 to 64 letters, digits and _+=,.@-, with a letter among them"
    )]
    Shape(String),
}

impl Name {
    /// The name in what a report or the bill shows: `dana@example.com`, `user/dana@111122223333`, or an ARN.
    pub fn of(shown: &str) -> Result<Self, NameError> {
        if shown.starts_with("role/") || shown.contains(":role/") {
            return Err(NameError::Role(shown.to_owned()));
        }
        let last = shown.rsplit(['/', ':']).next().unwrap_or(shown);
        let name = without_account(last);
        if WORDS.contains(&name.to_ascii_lowercase().as_str()) {
            return Err(NameError::Word(shown.to_owned()));
        }
        let is_taken = |byte: u8| byte.is_ascii_alphanumeric() || MARKS.contains(&byte);
        let is_name = (SHORTEST..=LONGEST).contains(&name.len())
            && name.bytes().all(is_taken)
            && name.bytes().any(|byte| byte.is_ascii_alphabetic());
        if is_name { Ok(Self(name.to_ascii_lowercase())) } else { Err(NameError::Shape(shown.to_owned())) }
    }

    /// The name, in lower case.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The domain, if it is an e-mail address.
    pub fn domain(&self) -> Option<&str> {
        let (local, domain) = self.0.split_once('@')?;
        (!local.is_empty() && domain.contains('.') && !domain.contains('@')).then_some(domain)
    }

    /// Whether the text names the person.
    pub fn is_in(&self, text: &str) -> bool {
        self.places(text).next().is_some()
    }

    /// The text with `alias` in the place of the name; none if the name is not in it. Of a name that could be a word of a
    /// format, a key of a JSON object stays: there it is one.
    pub fn replaced(&self, text: &str, alias: &str) -> Option<String> {
        let mut replaced = String::with_capacity(text.len());
        let mut last = 0;
        let is_word = self.0.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'_');
        for Range { start, end } in self.places(text) {
            if is_word && is_key(text, start, end) {
                continue;
            }
            replaced.push_str(text.get(last..start).unwrap_or_default());
            replaced.push_str(alias);
            last = end;
        }
        replaced.push_str(text.get(last..).unwrap_or_default());
        (last > 0).then_some(replaced)
    }

    /// Where the name stands in the text, as a name of its own and in any case: whole, or cut as texts cut what is long.
    fn places<'a>(&'a self, text: &'a str) -> impl Iterator<Item = Range<usize>> + 'a {
        let (bytes, name) = (text.as_bytes(), self.0.as_bytes());
        let head = name.get(..self.shortest_cut()).unwrap_or(name);
        let mut from = 0;
        std::iter::from_fn(move || {
            while let Some(rest) = bytes.get(from..) {
                let found = rest.windows(head.len()).position(|window| window.eq_ignore_ascii_case(head))?;
                let start = from + found;
                let same = |(one, other): &(&u8, &u8)| one.eq_ignore_ascii_case(other);
                let rest = rest.get(found..).unwrap_or_default();
                let end = start + rest.iter().zip(name).take_while(same).count();
                from = start + 1;
                let is_name = |behind: &str| {
                    if end - start == name.len() {
                        ends(behind)
                    } else {
                        CUTS.iter().any(|cut| behind.starts_with(cut))
                    }
                };
                if text.get(..start).is_some_and(begins) && text.get(end..).is_some_and(is_name) {
                    from = end;
                    return Some(start..end);
                }
            }
            None
        })
    }

    /// How much of the name must be there where it is cut: with less it could be anybody's.
    fn shortest_cut(&self) -> usize {
        self.0.len().div_ceil(2).max(SHORTEST_CUT).min(self.0.len())
    }
}

impl fmt::Display for Name {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(&self.0)
    }
}

/// Whether an alias can be a name too, stays as it is when an identity is made of it, and is none of a role's.
pub fn is_alias(alias: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_.@-".contains(&byte);
    let is_end = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric());
    alias.bytes().all(is_plain)
        && is_end(alias.bytes().next())
        && is_end(alias.bytes().last())
        && Name::of(alias).is_ok_and(|name| name.as_str() == alias)
}

/// The parts of a text that can be a name, with their places, longer ones before those within them.
pub(super) fn tokens(text: &str) -> impl Iterator<Item = (usize, &str)> {
    parts(text, 0, |char| char == '/' || char == ':').flat_map(|(at, segment)| {
        let shorter = without_account(segment);
        let words = parts(segment, at, |char| !(char.is_alphanumeric() || is_joint(char)));
        let words = words.map(|(at, word)| {
            let trimmed = word.trim_start_matches(is_joint);
            (at + (word.len() - trimmed.len()), without_account(trimmed.trim_end_matches(is_joint)))
        });
        [(at, segment), (at, shorter)].into_iter().chain(words)
    })
}

/// The parts between separators, with their places.
fn parts(text: &str, at: usize, is_between: impl Fn(char) -> bool) -> impl Iterator<Item = (usize, &str)> {
    let mut next = at;
    text.split(is_between).filter_map(move |part| {
        let place = next;
        // What separates is one byte, or longer: then the place is found by what follows.
        next += part.len();
        let separator = text.get(next - at..).and_then(|rest| rest.chars().next());
        next += separator.map_or(0, char::len_utf8);
        (!part.is_empty()).then_some((place, part))
    })
}

fn is_joint(char: char) -> bool {
    u8::try_from(char).is_ok_and(|byte| JOINTS.contains(&byte))
}

/// A user's name without the account that identities have behind it.
fn without_account(name: &str) -> &str {
    match name.rsplit_once('@') {
        Some((user, account))
            if account.len() == ACCOUNT_DIGITS && account.bytes().all(|byte| byte.is_ascii_digit()) =>
        {
            user
        }
        _ => name,
    }
}

/// Whether a name can begin behind `before`: nothing there is a part of it.
fn begins(before: &str) -> bool {
    let bytes = before.as_bytes();
    let last = |count: usize| bytes.len().checked_sub(count).and_then(|place| bytes.get(place)).copied();
    // In JSON a line break before it is `\n`, and in ids a slash is `%2f`.
    let is_escaped = last(2) == Some(b'\\') && last(1).is_some_and(|byte| b"nrtbf".contains(&byte));
    let is_encoded = last(3) == Some(b'%')
        && [last(2), last(1)].iter().all(|byte| byte.is_some_and(|byte| byte.is_ascii_hexdigit()));
    is_escaped || is_encoded || !before.trim_end_matches(is_joint).ends_with(char::is_alphanumeric)
}

/// Whether a name can end before `behind`: in the middle of nothing, or before an account, which may be cut.
fn ends(behind: &str) -> bool {
    if let Some(rest) = behind.strip_prefix('@') {
        let rest_behind = rest.trim_start_matches(|char: char| char.is_ascii_digit());
        let digits = rest.len() - rest_behind.len();
        let is_cut = CUTS.iter().any(|cut| rest_behind.starts_with(cut));
        if (digits == ACCOUNT_DIGITS && ends_plainly(rest_behind)) || ((1..ACCOUNT_DIGITS).contains(&digits) && is_cut)
        {
            return true;
        }
    }
    ends_plainly(behind)
}

fn ends_plainly(behind: &str) -> bool {
    !behind.trim_start_matches(is_joint).starts_with(char::is_alphanumeric)
}

/// Whether what stands there is a key of a JSON object, and nothing but the name.
fn is_key(text: &str, start: usize, end: usize) -> bool {
    let behind = text.get(end..).and_then(|rest| rest.strip_prefix('"'));
    let is_quoted = start.checked_sub(1).and_then(|place| text.as_bytes().get(place)) == Some(&b'"');
    is_quoted && behind.is_some_and(|rest| rest.trim_start_matches(' ').starts_with(':'))
}
