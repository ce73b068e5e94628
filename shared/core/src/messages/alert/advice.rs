//! How to find a caller's requests and how to stop them, fitted to the kind of identity.

use crate::bill::principal::IdentityKind;
use crate::bill::usage::kinds::TokenKind;
use crate::facts::tag_keys::PRINCIPAL_TAGS;
use crate::rules::driver::Driver;
use crate::rules::finding::Lack;
use crate::text::{self, OTHER, shorten};

/// The parts of a principal's ARN that advice names. Parts are cut where they are longer than IAM lets them be.
struct Caller {
    account: String,
    /// The user's or role's name, without its path.
    name: String,
    /// The session, where there is one.
    session: Option<String>,
}

/// IAM names of roles and sessions have at most 64 characters.
/// Source: IAM user guide, "IAM and AWS STS quotas".
const IAM_NAME: usize = 64;

/// What to deny: `bedrock-mantle` is the endpoint with the APIs of other makers, with actions of its own.
/// Source: Service Authorization Reference, "Actions, resources, and condition keys for Amazon Bedrock" and "… Mantle".
const DENY: &str = "deny bedrock:* and bedrock-mantle:*";

fn caller(arn: &str) -> Option<Caller> {
    let mut parts = arn.splitn(6, ':').skip(4);
    let (account, resource) = (parts.next()?, parts.next()?);
    let path: Vec<_> = resource.split('/').collect();
    // A role's path may be kept before its name.
    let (name, session) = match path.as_slice() {
        ["assumed-role", .., name, session] => (*name, Some(*session)),
        ["assumed-role"] | [] => return None,
        [.., name] => (*name, None),
    };
    let short = |text: &str| text::name(text, IAM_NAME);
    Some(Caller { account: text::name(account, 12), name: short(name), session: session.map(short) })
}

/// The permission set behind a role that IAM Identity Center made: `AWSReservedSSO_NAME_0123456789abcdef`.
/// Source: IAM Identity Center user guide, "Referencing permission sets in resource policies".
fn permission_set(role: &str) -> Option<&str> {
    role.strip_prefix("AWSReservedSSO_")?.rsplit_once('_').map(|(name, _)| name)
}

/// Which metrics move at once, hours before the bill: Bedrock's own, of which there is none by caller.
/// Source: Amazon Bedrock user guide, "Monitoring the performance of Amazon Bedrock".
pub(super) fn live(driver: &Driver) -> String {
    let account = if driver.account.is_empty() { "every account".to_owned() } else { text::name(&driver.account, 12) };
    let region = if driver.region.is_empty() { "every region".to_owned() } else { text::name(&driver.region, 20) };
    let token = TokenKind::ALL.iter().find(|kind| kind.as_str() == driver.token);
    let metric = match token {
        Some(TokenKind::Input | TokenKind::CacheRead | TokenKind::CacheWrite | TokenKind::CacheWrite1h) => {
            "InputTokenCount"
        }
        Some(TokenKind::Output) => "OutputTokenCount",
        Some(TokenKind::Image) => "OutputImageCount",
        Some(TokenKind::Video | TokenKind::Speech | TokenKind::Embedding | TokenKind::Search | TokenKind::Other)
        | None => "Invocations",
    };
    format!("CloudWatch AWS/Bedrock {metric}, {account} {region}")
}

/// Where to see the driver's requests.
///
/// The event history is searched by one attribute at a time. For an assumed role CloudTrail's user name is the session's name.
/// Source: `CloudTrail` user guide, "Looking up events", and "userIdentity element".
pub(super) fn cloudtrail(driver: &Driver) -> String {
    match caller(&driver.principal) {
        Some(Caller { account, name, session: Some(session) }) if session == OTHER => {
            format!("CloudTrail, account {account}: many sessions of role {name}, each a user name")
        }
        Some(Caller { account, name, session }) => {
            let user = session.unwrap_or(name);
            format!("CloudTrail, account {account}: user name {user}")
        }
        None => "CloudTrail: event source bedrock.amazonaws.com".to_owned(),
    }
}

/// How to stop the driver.
pub(super) fn stop(driver: &Driver) -> String {
    let Some(Caller { account, name, session }) = caller(&driver.principal) else {
        return unknown(driver);
    };
    match (driver.identity_kind, session) {
        (IdentityKind::User, _) => format!("{DENY} in an inline policy of IAM user {name}, account {account}"),
        // Policies are read at every request, so a denial on the role binds sessions that run. Revoked sessions come
        // back: the workload assumes the role again. Source: IAM user guide, "Revoke IAM role temporary credentials".
        (IdentityKind::Role, _) => {
            format!("{DENY} in an inline policy of role {name}, account {account}: this stops running sessions too")
        }
        // Roles made from permission sets cannot be edited in IAM, and an assignment that is removed leaves open
        // sessions alive. Source: IAM Identity Center user guide, "Revoke active IAM role sessions".
        (IdentityKind::Sso, Some(session)) => {
            let set = permission_set(&name).unwrap_or(&name).to_owned();
            format!(
                "remove the assignment in IAM Identity Center; open sessions: in permission set {set} {DENY} \
                 where aws:userid is like *:{session}"
            )
        }
        (IdentityKind::Federated, Some(session)) => format!(
            "on role {name}, account {account}, {DENY} where aws:userid is like *:{session}: other sessions of the role go on"
        ),
        (IdentityKind::Federated, None) => {
            format!("{DENY} on the IAM user that called GetFederationToken for {name}, account {account}")
        }
        // Source: Amazon Bedrock user guide, "Handle compromised long-term and short-term API keys".
        (IdentityKind::ApiKey, _) => format!(
            "Bedrock console, API keys: deactivate it (IAM user {name}, account {account}), \
             or aws iam update-service-specific-credential --status Inactive"
        ),
        // Source: IAM user guide, "AWS account root user": IAM policies do not bind it, organisation policies do.
        (IdentityKind::Root, _) => format!(
            "IAM policies do not stop root: change its password and delete its keys in account {account}, or {DENY} in a \
             service control policy"
        ),
        (IdentityKind::Sso, None) | (IdentityKind::Other | IdentityKind::None, _) => unknown(driver),
    }
}

/// How to give spend what it lacks; `spelt` is the key under which the driver has it.
///
/// Tags of principals are in the bill once they are activated, and not for the past. A role or user has a key in one case
/// only: `team` replaces `Team`.
/// Source: AWS Billing user guide, "Activating user-defined cost allocation tags"; AWS Data Exports user guide, "IAM principal data";
/// IAM user guide, "Tags for AWS Identity and Access Management resources".
pub(super) fn mend(lack: &Lack, spelt: Option<&str>, driver: Option<&Driver>) -> String {
    let Lack::Tag(tag) = lack else {
        return "include the caller identity in the export; look in CloudTrail for the callers of what stays nameless"
            .to_owned();
    };
    let key = shorten(tag, IAM_NAME);
    let activate = format!("then activate {key} as a cost allocation tag");
    let principals = tag.strip_prefix(PRINCIPAL_TAGS).map(|name| shorten(name, IAM_NAME));
    let caller = driver.and_then(|driver| Some((driver.identity_kind, caller(&driver.principal)?)));
    let (whom, are_many) = match (&principals, caller) {
        (None, _) => ("what spends it".to_owned(), false),
        (_, Some((IdentityKind::User | IdentityKind::ApiKey, user))) => (format!("IAM user {}", user.name), false),
        (_, Some((IdentityKind::Role | IdentityKind::Federated, role))) => (format!("role {}", role.name), false),
        (_, Some((IdentityKind::Sso | IdentityKind::Root | IdentityKind::Other | IdentityKind::None, _)) | None) => {
            ("the callers' roles and users".to_owned(), true)
        }
    };
    if let Some(spelt) = spelt {
        let has = if are_many { "have" } else { "has" };
        let (spelt, name) = (text::name(spelt, IAM_NAME), principals.as_ref().unwrap_or(&key));
        return format!(
            "{whom} {has} {spelt}, probably the same tag under another key: set {name} in its place, {activate}; for the \
             past add an [[owner]] rule"
        );
    }
    match principals {
        Some(name) => format!("tag {whom} with {name}, {activate}"),
        None if tag.contains('/') => format!("give {whom} {key}, {activate}"),
        None => format!("give the spend the tag {key}, {activate}"),
    }
}

fn unknown(driver: &Driver) -> String {
    if driver.principal.is_empty() {
        return format!(
            "the bill names no caller: find it in CloudTrail by day and model, or {DENY} in a service control policy"
        );
    }
    if driver.principal == OTHER {
        return format!(
            "bedrock-ledger explain --identity '{OTHER}' lists them; {DENY} where they get their permissions"
        );
    }
    format!("find {} in CloudTrail, then {DENY} where it gets its permissions", text::name(&driver.principal, IAM_NAME))
}
