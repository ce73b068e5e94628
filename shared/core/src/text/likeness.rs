//! Which values of a tag are probably one value that was written in two ways.

use std::collections::BTreeMap;

use strsim::osa_distance;

/// Shorter words are too often different on purpose: `east`, `west`; `prod`, `prog`.
const LONG_ENOUGH: usize = 5;

/// `text` without case and separators: `Search-Team` and `search_team` are one.
pub(crate) fn folded(text: &str) -> String {
    text.chars().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// Whether two values are equal but for case and separators, or for one slip in one long word without digits:
/// `saerch`, `serch` and `searcch` are `search`, but `team-a` is not `team-b`, nor `CC-100` `CC-200`.
pub(crate) fn are_alike(one: &str, other: &str) -> bool {
    if folded(one) == folded(other) && !folded(one).is_empty() {
        return true;
    }
    let (words_of_one, words_of_other) = (words(one), words(other));
    let mut different = words_of_one.iter().zip(&words_of_other).filter(|(one, other)| one != other);
    let (Some((left, right)), None) = (different.next(), different.next()) else { return false };
    let is_long = |word: &String| word.chars().count() >= LONG_ENOUGH && !word.contains(char::is_numeric);
    words_of_one.len() == words_of_other.len() && is_long(left) && is_long(right) && is_one_slip(left, right)
}

/// Whether one letter more, less or other, or two neighbours changed, makes one word of the other. What both begin and
/// end with is left out first: callers choose values of hundreds of letters, and a distance costs their product.
fn is_one_slip(one: &str, other: &str) -> bool {
    let same =
        one.chars().zip(other.chars()).take_while(|(left, right)| left == right).map(|(letter, _)| letter.len_utf8());
    let begin: usize = same.sum();
    let (one, other) = (one.get(begin..).unwrap_or_default(), other.get(begin..).unwrap_or_default());
    let ends = one.chars().rev().zip(other.chars().rev()).take_while(|(left, right)| left == right);
    let end: usize = ends.map(|(letter, _)| letter.len_utf8()).sum();
    let rest = |word: &str| word.get(..word.len() - end).unwrap_or_default().to_owned();
    let (one, other) = (rest(one), rest(other));
    one.chars().count() <= 2 && other.chars().count() <= 2 && osa_distance(&one, &other) == 1
}

/// Values that are alike, each group with two members at least; `values` are sorted and distinct.
pub(crate) fn groups<'a>(values: &[&'a str]) -> Vec<Vec<&'a str>> {
    groups_by(values, are_alike)
}

/// The same by another likeness.
pub(crate) fn groups_by<'a>(values: &[&'a str], are_alike: impl Fn(&str, &str) -> bool) -> Vec<Vec<&'a str>> {
    // Each value joins the group of the first value that it is like.
    let mut groups: BTreeMap<usize, Vec<&str>> = BTreeMap::new();
    for (index, value) in values.iter().enumerate() {
        let like = |members: &Vec<&'a str>| members.iter().any(|member| are_alike(member, value));
        match groups.values_mut().find(|members| like(members)) {
            Some(members) => members.push(value),
            None => drop(groups.insert(index, vec![value])),
        }
    }
    groups.into_values().filter(|members| members.len() > 1).collect()
}

fn words(text: &str) -> Vec<String> {
    let lower = text.to_lowercase();
    let words = lower.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_alike_and_series_are_not() {
        for alike in [
            ("search", "Search"),
            ("search-team", "search_team"),
            ("searchTeam", "Search Team"),
            ("search", "saerch"),
            ("search", "serch"),
            ("search", "searchh"),
            ("search", "searcg"),
            ("data-search", "data-saerch"),
        ] {
            assert!(are_alike(alike.0, alike.1) && are_alike(alike.1, alike.0), "{alike:?}");
        }
        for different in [
            ("team-a", "team-b"),
            ("CC-100", "CC-200"),
            ("project1", "project2"),
            ("east", "west"),
            ("growth", "search"),
            ("search", "research"),
            ("--", "/"),
            ("search-a", "saerch-b"),
            ("search", "search-team"),
        ] {
            assert!(!are_alike(different.0, different.1), "{different:?}");
        }
    }

    #[test]
    fn groups_have_all_ways_of_writing_a_value() {
        let values = ["Search", "fraud", "growth", "saerch", "search", "the-frauds"];
        assert_eq!(groups(&values), [vec!["Search", "saerch", "search"]]);
    }
}
