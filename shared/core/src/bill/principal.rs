//! Principals: who made the call, as the bill names it, and the identity that its spend is grouped by.

use wildmatch::WildMatch;

use crate::named;
use crate::text::OTHER;

named! {
    /// What kind of caller an identity is.
    pub enum IdentityKind {
        User = "user",
        /// A role, with all its sessions.
        Role = "role",
        /// A person behind IAM Identity Center.
        Sso = "sso",
        /// A person who came through another identity provider: a session of a role in `keep_sessions`, or a federated
        /// user.
        Federated = "federated",
        /// A long-term Amazon Bedrock API key.
        ApiKey = "api-key",
        /// An account's root user.
        Root = "root",
        /// A principal that cannot be parsed, which is its own identity; and what is folded, see
        /// [`crate::facts::folding`].
        Other = "other",
        /// The bill names nobody.
        None = "none",
    }
}

impl IdentityKind {
    /// The kind that facts call `name`; a name that this release does not know is another kind.
    pub fn of(name: &str) -> Self {
        Self::named(name).unwrap_or(Self::Other)
    }

    /// Whether such an identity can be a person, who comes through roles.
    pub fn is_person(self) -> bool {
        matches!(self, Self::Sso | Self::Federated)
    }
}

/// Whom spend is grouped by: a person across accounts and permission sets, or a role, user or key in its account.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Identity {
    /// The name: `dana@example.com`, `role/NAME@ACCOUNT`, …; empty for [`IdentityKind::None`].
    pub name: String,
    pub kind: IdentityKind,
}

/// Which roles' sessions are people, beside those of Identity Center's: globs of role names.
///
/// How a session is named makes nobody a person: whoever may assume a role may call the session what they like, and
/// would take another person's name, budget and mail with it.
#[derive(Clone, Debug, Default)]
pub struct KeepSessions(Vec<WildMatch>);

impl KeepSessions {
    /// From globs as in the configuration (`*` and `?`, case-sensitive, over the whole role name).
    pub fn new<'a>(globs: impl IntoIterator<Item = &'a str>) -> Self {
        Self(globs.into_iter().map(WildMatch::new).collect())
    }

    fn matches(&self, role: &str) -> bool {
        self.0.iter().any(|glob| glob.matches(role))
    }
}

/// The name prefixes that Amazon Bedrock gives to the IAM user behind a long-term API key, by the endpoint that it was
/// made for.
/// Source: Amazon Bedrock user guide, "Tracking costs by IAM principal"; for `bedrock-mantle` names on bills.
const API_KEY_PREFIXES: [&str; 2] = ["BedrockAPIKey-", "MantleApiKey-"];

/// The name prefix of the roles that IAM Identity Center makes from permission sets.
/// Source: IAM Identity Center user guide, "Referencing permission sets in resource policies".
const SSO_ROLE_PREFIX: &str = "AWSReservedSSO_";

/// The identity of a caller whose name is white space alone: it would look like nobody.
const BLANK: &str = "(blank)";

/// A principal's ARN, taken apart. Borrowed from the ARN's text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Principal<'a> {
    /// `arn:P:iam::A:user/[PATH/]NAME`: path and name together.
    User { account: &'a str, path_and_name: &'a str },
    /// `arn:P:iam::A:role/[PATH/]NAME` or `arn:P:sts::A:assumed-role/[PATH/]NAME[/SESSION]`. An assumed-role ARN mostly
    /// drops the role's path, so the path is dropped here too and all spellings meet.
    Role { account: &'a str, name: &'a str, session: Option<&'a str> },
    /// `arn:P:sts::A:federated-user/NAME`.
    FederatedUser { account: &'a str, name: &'a str },
    /// `arn:P:iam::A:root`.
    Root { account: &'a str },
}

impl<'a> Principal<'a> {
    fn parse(arn: &'a str) -> Option<Self> {
        let mut parts = arn.splitn(6, ':');
        let (prefix, partition, service) = (parts.next()?, parts.next()?, parts.next()?);
        let (region, account, resource) = (parts.next()?, parts.next()?, parts.next()?);
        let is_account = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
        if prefix != "arn" || !partition.starts_with("aws") || !region.is_empty() || !is_account {
            return None;
        }
        let (kind, name) = match resource.split_once('/') {
            Some((kind, name)) => (kind, name),
            None => (resource, ""),
        };
        let last = name.rsplit('/').next().filter(|last| !last.is_empty());
        match (service, kind) {
            ("iam", "root") if resource == "root" => Some(Self::Root { account }),
            ("iam", "user") => last.map(|_| Self::User { account, path_and_name: name }),
            ("iam", "role") => last.map(|name| Self::Role { account, name, session: None }),
            ("sts", "assumed-role") => {
                let (path_and_role, session) = match name.rsplit_once('/') {
                    Some((role, session)) => (role, Some(session).filter(|session| !session.is_empty())),
                    None => (name, None),
                };
                let role = path_and_role.rsplit('/').next().unwrap_or(path_and_role);
                (!role.is_empty()).then_some(Self::Role { account, name: role, session })
            }
            ("sts", "federated-user") => (!name.is_empty()).then_some(Self::FederatedUser { account, name }),
            _ => None,
        }
    }
}

impl Identity {
    /// The identity behind a `line_item_iam_principal`; empty means that the bill names nobody.
    ///
    /// No two kinds have a name in common, whatever a caller or a file chooses: people have names in which no other
    /// kind's can be written (see [`is_person`]), and the other kinds say what they are.
    pub fn of(arn: &str, keep_sessions: &KeepSessions) -> Self {
        if arn.is_empty() {
            return Self { name: String::new(), kind: IdentityKind::None };
        }
        let (found, kind) = match Principal::parse(arn) {
            None => (unparsed(arn), IdentityKind::Other),
            Some(Principal::Root { account }) => (format!("root@{account}"), IdentityKind::Root),
            Some(Principal::FederatedUser { account, name }) => {
                (format!("federated/{name}@{account}"), IdentityKind::Federated)
            }
            Some(Principal::User { account, path_and_name }) => {
                let name = path_and_name.rsplit('/').next().unwrap_or(path_and_name);
                if API_KEY_PREFIXES.into_iter().any(|prefix| name.starts_with(prefix)) {
                    (format!("api-key/{name}@{account}"), IdentityKind::ApiKey)
                } else {
                    (format!("user/{path_and_name}@{account}"), IdentityKind::User)
                }
            }
            Some(Principal::Role { account, name, session }) => match session.and_then(person) {
                Some(person) if name.starts_with(SSO_ROLE_PREFIX) => (person, IdentityKind::Sso),
                Some(person) if keep_sessions.matches(name) => (person, IdentityKind::Federated),
                _ => (format!("role/{name}@{account}"), IdentityKind::Role),
            },
        };
        let name = if found.trim().is_empty() { BLANK.to_owned() } else { found };
        Self { name, kind }
    }
}

/// The role and the session of a principal whose session is named like a person, of any role but Identity Center's.
pub fn session_like_a_person(arn: &str) -> Option<(&str, &str)> {
    let looks_so = |(role, session): &(&str, &str)| is_email_address(session) && !role.starts_with(SSO_ROLE_PREFIX);
    role_and_session(arn).filter(looks_so)
}

/// The same principal under the session [`OTHER`]; `None` of what is no session of a role.
pub fn with_other_session(arn: &str) -> Option<String> {
    let (_, session) = role_and_session(arn)?;
    arn.strip_suffix(session).map(|role| format!("{role}{OTHER}"))
}

/// The role and the session of a principal that has both.
pub fn role_and_session(arn: &str) -> Option<(&str, &str)> {
    match Principal::parse(arn) {
        Some(Principal::Role { name, session: Some(session), .. }) => Some((name, session)),
        _ => None,
    }
}

/// The role of a session, as `NAME@ACCOUNT`.
pub fn role_of(arn: &str) -> Option<String> {
    match Principal::parse(arn) {
        Some(Principal::Role { account, name, session: Some(_) }) => Some(format!("{name}@{account}")),
        _ => None,
    }
}

/// The name of the person whose session has this name: in lower case, unless another kind of identity, or none, could be
/// written so. AWS allows no such session name but those that begin with `root@`.
fn person(session: &str) -> Option<String> {
    let name = session.to_lowercase();
    is_person(&name).then_some(name)
}

/// Whether a name that somebody wrote for an identity can be a person's: the names of all other callers say what they are.
pub fn is_person(identity: &str) -> bool {
    let is_root = identity.get(..ROOT.len()).is_some_and(|prefix| prefix.eq_ignore_ascii_case(ROOT));
    !identity.contains(['/', ':']) && !identity.starts_with('(') && !is_root
}

/// How the name of a root user begins.
const ROOT: &str = "root@";

/// What stands before a principal that cannot be parsed and that is written like another identity.
const UNKNOWN: &str = "unknown/";

/// How the names of other kinds than people begin.
const KINDS: [&str; 6] = ["role/", "user/", "api-key/", "federated/", ROOT, UNKNOWN];

/// The identity of a principal that cannot be parsed: itself. One that is written like a person or like another kind of
/// identity takes nobody's name, budget or mute.
fn unparsed(principal: &str) -> String {
    let is_anothers = is_email_address(principal)
        || principal.starts_with('(')
        || KINDS.iter().any(|kind| principal.starts_with(kind));
    if is_anothers { format!("{UNKNOWN}{principal}") } else { principal.to_owned() }
}

/// Whether a session name is an e-mail address: something, one `@`, and a domain with a dot inside.
fn is_email_address(session: &str) -> bool {
    let Some((local, domain)) = session.split_once('@') else { return false };
    let dotted = domain.split_once('.').is_some_and(|(host, rest)| !host.is_empty() && !rest.is_empty());
    !local.is_empty() && dotted && !domain.ends_with('.') && !domain.contains(['@', '/', ' '])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn identity(arn: &str) -> (String, &'static str) {
        let identity = Identity::of(arn, &KeepSessions::new(["Okta*"]));
        (identity.name, identity.kind.as_str())
    }

    #[test]
    fn every_shape_of_principal_has_its_identity() {
        for (arn, name, kind) in [
            ("", "", "none"),
            ("arn:aws:iam::111122223333:user/alice", "user/alice@111122223333", "user"),
            ("arn:aws:iam::111122223333:user/division/bob", "user/division/bob@111122223333", "user"),
            ("arn:aws:iam::111122223333:role/application-role", "role/application-role@111122223333", "role"),
            ("arn:aws:iam::111122223333:role/team/app", "role/app@111122223333", "role"),
            ("arn:aws:sts::111122223333:assumed-role/app/i-0abc1234", "role/app@111122223333", "role"),
            ("arn:aws:sts::111122223333:assumed-role/app", "role/app@111122223333", "role"),
            ("arn:aws:sts::111122223333:assumed-role/app/", "role/app@111122223333", "role"),
            (
                "arn:aws:sts::111122223333:assumed-role/agent-exec/BedrockAgentCore-00114de9",
                "role/agent-exec@111122223333",
                "role",
            ),
            ("arn:aws:sts::111122223333:assumed-role/Any/Erin+ML@Corp.Example", "role/Any@111122223333", "role"),
            ("arn:aws:sts::111122223333:assumed-role/Okta/Erin+ML@Corp.Example", "erin+ml@corp.example", "federated"),
            ("arn:aws:sts::111122223333:assumed-role/OktaDevelopers/Frank", "frank", "federated"),
            (
                "arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_Dev_0123456789abcdef/Dana@Example.com",
                "dana@example.com",
                "sso",
            ),
            ("arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_Ops_fedcba9876543210/dana", "dana", "sso"),
            ("arn:aws:iam::111122223333:user/BedrockAPIKey-a1b2", "api-key/BedrockAPIKey-a1b2@111122223333", "api-key"),
            (
                "arn:aws:iam::111122223333:user/MantleApiKey-uhbhn79a",
                "api-key/MantleApiKey-uhbhn79a@111122223333",
                "api-key",
            ),
            ("arn:aws:iam::111122223333:user/customers/acme/key-7", "user/customers/acme/key-7@111122223333", "user"),
            // Paths that are kept.
            (
                "arn:aws:sts::111122223333:assumed-role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_Admin_x/Bo@b.example",
                "bo@b.example",
                "sso",
            ),
            (
                "arn:aws:sts::111122223333:assumed-role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS/some-session",
                "role/AWSServiceRoleForECS@111122223333",
                "role",
            ),
            ("arn:aws:sts::111122223333:assumed-role/teams/search/OktaSearch/Frank", "frank", "federated"),
            ("arn:aws:iam::111122223333:root", "root@111122223333", "root"),
            ("arn:aws:sts::111122223333:federated-user/Sam", "federated/Sam@111122223333", "federated"),
            ("arn:aws-us-gov:iam::111122223333:user/gov", "user/gov@111122223333", "user"),
            ("arn:aws-cn:sts::111122223333:assumed-role/app/x", "role/app@111122223333", "role"),
        ] {
            assert_eq!(identity(arn), (name.to_owned(), kind), "{arn}");
        }
    }

    #[test]
    fn what_cannot_be_parsed_is_itself() {
        for arn in [
            "bedrock.amazonaws.com",
            "arn:aws:iam::111122223333:group/x",
            "arn:aws:iam::1:user/alice",
            "arn:aws:iam::111122223333:user/",
            "arn:aws:sts::111122223333:assumed-role/",
            "arn:aws:s3:::bucket/key",
            "arn:aws:iam::111122223333:rooted",
            "arn:",
        ] {
            assert_eq!(identity(arn), (arn.to_owned(), "other"));
        }
    }

    #[test]
    fn nothing_that_a_caller_or_a_file_names_is_taken_for_an_identity_of_another_kind() {
        let of = |role_and_session: &str| format!("arn:aws:sts::111122223333:assumed-role/{role_and_session}");
        for (arn, name, kind) in [
            // Principals that are none.
            ("dana@example.com".to_owned(), "unknown/dana@example.com", "other"),
            ("Dana@Example.com".to_owned(), "unknown/Dana@Example.com", "other"),
            ("role/app@111122223333".to_owned(), "unknown/role/app@111122223333", "other"),
            ("user/alice@111122223333".to_owned(), "unknown/user/alice@111122223333", "other"),
            ("root@111122223333".to_owned(), "unknown/root@111122223333", "other"),
            ("unknown/dana@example.com".to_owned(), "unknown/unknown/dana@example.com", "other"),
            ("(other)".to_owned(), "unknown/(other)", "other"),
            ("(none)".to_owned(), "unknown/(none)", "other"),
            // Sessions that are kept apart.
            (of("Okta/root@111122223333"), "role/Okta@111122223333", "role"),
            (of("Okta/Root@111122223333"), "role/Okta@111122223333", "role"),
            (
                of("AWSReservedSSO_Dev_0123456789abcdef/(other)"),
                "role/AWSReservedSSO_Dev_0123456789abcdef@111122223333",
                "role",
            ),
            (of("Okta/arn:aws:odd"), "role/Okta@111122223333", "role"),
            // Users and federated users.
            (
                "arn:aws:iam::111122223333:user/dana@example.com".to_owned(),
                "user/dana@example.com@111122223333",
                "user",
            ),
            (
                "arn:aws:sts::111122223333:federated-user/dana@example.com".to_owned(),
                "federated/dana@example.com@111122223333",
                "federated",
            ),
        ] {
            assert_eq!(identity(&arn), (name.to_owned(), kind), "{arn}");
        }
    }

    #[test]
    fn a_session_has_a_role_and_another_session_under_it() {
        let arn = "arn:aws:sts::111122223333:assumed-role/app/i-0abc";
        assert_eq!(role_of(arn).as_deref(), Some("app@111122223333"));
        assert_eq!(with_other_session(arn).as_deref(), Some("arn:aws:sts::111122223333:assumed-role/app/(other)"));
        for arn in ["arn:aws:iam::111122223333:role/app", "arn:aws:iam::111122223333:user/app", "app/x", ""] {
            assert_eq!((role_of(arn), with_other_session(arn)), (None, None), "{arn}");
        }
    }

    #[test]
    fn a_caller_whose_name_is_white_space_can_be_seen() {
        for arn in [" ", "  ", "\t", "\u{a0}\u{3000}"] {
            assert_eq!(identity(arn), ("(blank)".to_owned(), "other"));
        }
        let session = "arn:aws:sts::111122223333:assumed-role/OktaDevelopers/  ";
        assert_eq!(identity(session), ("(blank)".to_owned(), "federated"));
    }

    #[test]
    fn a_person_is_one_identity_across_accounts_and_permission_sets() {
        let one =
            identity("arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_Dev_0123456789abcdef/Dana@Example.com");
        let other =
            identity("arn:aws:sts::444455556666:assumed-role/AWSReservedSSO_Ops_fedcba9876543210/dana@example.com");
        assert_eq!(one, other);
    }

    #[test]
    fn whoever_may_assume_a_role_can_take_nobodys_name_by_naming_the_session() {
        let dana = "arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_Dev_0123456789abcdef/dana@example.com";
        for session in ["dana@example.com", "Dana@Example.com", "u0@a.bc", "dana"] {
            let forged = identity(&format!("arn:aws:sts::111122223333:assumed-role/agent-exec/{session}"));
            assert_eq!(forged, ("role/agent-exec@111122223333".to_owned(), "role"));
            assert_ne!(forged, identity(dana));
        }
    }

    #[test]
    fn sessions_that_look_like_people_are_told_with_their_role() {
        let of = |role_and_session: &str| format!("arn:aws:sts::111122223333:assumed-role/{role_and_session}");
        for (arn, found) in [
            (of("Any/ana@example.com"), Some(("Any", "ana@example.com"))),
            (of("path/Any/ana@example.com"), Some(("Any", "ana@example.com"))),
            (of("AWSReservedSSO_Dev_0123456789abcdef/ana@example.com"), None),
            (of("Any/ana"), None),
            (of("Any"), None),
            ("arn:aws:sts::111122223333:federated-user/ana@example.com".to_owned(), None),
            (String::new(), None),
        ] {
            assert_eq!(session_like_a_person(&arn), found, "{arn}");
        }
    }

    #[test]
    fn an_email_address_has_a_domain_with_a_dot() {
        for (session, is_email) in [
            ("dana@example.com", true),
            ("d@e.f", true),
            ("build@host", false),
            ("@example.com", false),
            ("dana@.com", false),
            ("dana@example.", false),
            ("a@b@c.d", false),
            ("dana", false),
        ] {
            assert_eq!(is_email_address(session), is_email, "{session}");
        }
    }

    proptest! {
        #[test]
        fn no_principal_panics_and_none_but_the_empty_one_is_nobody(arn in "(arn:aws:(iam|sts)::[0-9]{12}:)?.*") {
            let identity = Identity::of(&arn, &KeepSessions::default());
            prop_assert_eq!(identity.kind == IdentityKind::None, arn.is_empty());
            prop_assert_eq!(identity.name.trim().is_empty(), arn.is_empty());
        }
    }
}
