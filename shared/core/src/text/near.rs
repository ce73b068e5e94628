//! Names that may have been meant.

use strsim::levenshtein;

/// How many are named.
const MOST: usize = 5;

/// The known names nearest to `wanted`, nearest first: those that contain it or are contained in it, in any case, and
/// those that differ in few letters.
pub fn near<'a>(wanted: &str, known: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let wanted = wanted.to_lowercase();
    let mut found: Vec<(usize, &str)> = Vec::new();
    for name in known.into_iter().filter(|name| !name.is_empty()) {
        let lower = name.to_lowercase();
        // People leave out the account, or the domain.
        let name_alone = lower.split_once('@').map_or(lower.as_str(), |(name, _)| name);
        let whole = levenshtein(&wanted, &lower);
        let least = whole.min(levenshtein(&wanted, name_alone));
        let contains = !wanted.is_empty() && (lower.contains(&wanted) || wanted.contains(&lower));
        let is_slip = |distance: usize, name: &str| distance * 3 <= wanted.chars().count().max(name.chars().count());
        if contains || is_slip(whole, &lower) || is_slip(least, name_alone) {
            found.push((least, name));
        }
    }
    found.sort_unstable();
    found.into_iter().take(MOST).map(|(_, name)| name.to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_and_a_part_of_a_name_are_near_and_strangers_are_not() {
        let known = ["dana@example.com", "role/search@444455556666", "root@444455556666", ""];
        assert_eq!(near("dnaa@example.com", known), ["dana@example.com"]);
        assert_eq!(near("SEARCH", known), ["role/search@444455556666"]);
        assert_eq!(near("role/saerch", known), ["role/search@444455556666"]);
        assert_eq!(near("nobody like this", known), Vec::<String>::new());
    }
}
