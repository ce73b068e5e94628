//! Links: mail clients, chats and terminals make one of everything that looks like an address. What others wrote is
//! spelt so that it does not: `https[:]//evil[.]example/pay`, as security teams write addresses.

use std::borrow::Cow;

/// Last parts of file names that are no top-level domain.
const FILE_ENDINGS: [&str; 9] = ["csv", "gz", "html", "json", "jsonl", "parquet", "toml", "txt", "zst"];
/// How many digits the id of an AWS account has.
const ACCOUNT_ID: usize = 12;

/// `text` without anything that a program makes a link of. E-mail addresses stay as they are: they are how people are
/// called, and lead to a mail at most. Names of roles and users before `@` and an account id stay too.
pub fn broken(text: &str) -> Cow<'_, str> {
    if !text.contains('.') && !text.contains("://") {
        return Cow::Borrowed(text);
    }
    let mut result = String::with_capacity(text.len() + 8);
    let mut rest = text;
    while !rest.is_empty() {
        let start = rest.find(is_of_host).unwrap_or(rest.len());
        let (before, from_host) = rest.split_at_checked(start).unwrap_or((rest, ""));
        result.push_str(before);
        let end = from_host.find(|character| !is_of_host(character)).unwrap_or(from_host.len());
        let (host, behind) = from_host.split_at_checked(end).unwrap_or((from_host, ""));
        if is_host(host) && !is_domain_of_mail(&result, behind) && !is_name_in_account(behind) {
            result.push_str(&host.replace('.', "[.]"));
        } else {
            result.push_str(host);
        }
        rest = behind;
    }
    if result.contains("://") { Cow::Owned(result.replace("://", "[:]//")) } else { Cow::Owned(result) }
}

fn is_of_host(character: char) -> bool {
    character.is_alphanumeric() || matches!(character, '.' | '-')
}

/// Whether a program could take it for the name of a host, or for an address by numbers.
fn is_host(text: &str) -> bool {
    let text = text.trim_matches(['.', '-']);
    let Some((name, last)) = text.rsplit_once('.') else { return false };
    if name.is_empty() {
        return false;
    }
    let is_number =
        |label: &str| !label.is_empty() && label.len() <= 3 && label.bytes().all(|byte| byte.is_ascii_digit());
    let numbers = text.split('.').filter(|label| is_number(label)).count();
    let is_domain = last.starts_with("xn--")
        || (last.chars().nth(1).is_some() && last.chars().all(char::is_alphabetic) && !FILE_ENDINGS.contains(&last));
    let is_web = text.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("www."));
    is_domain || is_web || (numbers == 4 && text.split('.').count() == 4)
}

/// Whether what stands before and behind a host makes it the domain of an e-mail address.
fn is_domain_of_mail(before: &str, behind: &str) -> bool {
    let is_of_name = |character: char| character.is_alphanumeric() || "._%+-*?".contains(character);
    before.strip_suffix('@').is_some_and(|name| name.ends_with(is_of_name)) && !behind.starts_with(['/', ':', '?', '#'])
}

/// Whether a name stands before `@` and an account id, or before the domain of an e-mail address.
fn is_name_in_account(behind: &str) -> bool {
    let Some(domain) = behind.strip_prefix('@') else { return false };
    let end = domain.find(|character| !is_of_host(character)).unwrap_or(domain.len());
    let (domain, behind) = domain.split_at_checked(end).unwrap_or((domain, ""));
    let is_account = domain.len() == ACCOUNT_ID && domain.bytes().all(|byte| byte.is_ascii_digit());
    (is_account || is_host(domain)) && !behind.starts_with(['/', ':', '?', '#'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_a_program_makes_a_link_of_is_left() {
        for (text, expected) in [
            ("https://evil.example/pay", "https[:]//evil[.]example/pay"),
            ("evil.example/pay", "evil[.]example/pay"),
            ("pay at evil.com.", "pay at evil[.]com[.]"),
            ("WWW.evil.1", "WWW[.]evil[.]1"),
            ("evil.com:8080", "evil[.]com:8080"),
            ("_evil.com_", "_evil[.]com_"),
            ("büro.москва", "büro[.]москва"),
            ("a.xn--p1ai", "a[.]xn--p1ai"),
            ("192.168.0.1/pay", "192[.]168[.]0[.]1/pay"),
            ("slack://open", "slack[:]//open"),
            ("dana@evil.com/pay", "dana@evil[.]com/pay"),
            ("evil.com@a", "evil[.]com@a"),
            ("@evil.com", "@evil[.]com"),
            ("dana.smith", "dana[.]smith"),
        ] {
            assert_eq!(broken(text), expected);
            assert_eq!(broken(expected), expected, "again");
        }
    }

    #[test]
    fn names_that_are_no_link_stay_exactly_as_they_are() {
        for text in [
            "",
            "search",
            "dana@example.com",
            "*@example.com",
            "dana.smith@mail.example.com",
            "role/search.indexer@444455556666",
            "arn:aws:sts::444455556666:assumed-role/AWSReservedSSO_Dev_0123456789abcdef/dana.smith@example.com",
            "claude-sonnet-4.6",
            "anthropic.claude-sonnet-4-6-v1:0",
            "USE1-Claude4.6Sonnet-input-tokens",
            "data/BILLING_PERIOD=2026-11/x-00001.snappy.parquet",
            "config/ledger.toml:12",
            "v1.2.3",
            "e.g. this",
            "$2,431.20",
        ] {
            assert_eq!(broken(text), text);
        }
    }
}
