//! Names that may have been meant.

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
        let whole = distance(&wanted, &lower);
        let least = whole.min(distance(&wanted, name_alone));
        let contains = !wanted.is_empty() && (lower.contains(&wanted) || wanted.contains(&lower));
        let is_slip = |distance: usize, name: &str| distance * 3 <= wanted.chars().count().max(name.chars().count());
        if contains || is_slip(whole, &lower) || is_slip(least, name_alone) {
            found.push((least, name));
        }
    }
    found.sort_unstable();
    found.into_iter().take(MOST).map(|(_, name)| name.to_owned()).collect()
}

/// How many letters must be put in, left out or replaced to make one text of the other.
fn distance(left: &str, right: &str) -> usize {
    let mut costs: Vec<usize> = (0..=right.chars().count()).collect();
    for (row, letter) in left.chars().enumerate() {
        let mut diagonal = row;
        let mut before = row + 1;
        for (other, cost) in right.chars().zip(costs.iter_mut().skip(1)) {
            let replaced = diagonal + usize::from(letter != other);
            diagonal = *cost;
            before = replaced.min(diagonal + 1).min(before + 1);
            *cost = before;
        }
        if let Some(first) = costs.first_mut() {
            *first = row + 1;
        }
    }
    costs.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_are_counted() {
        for (left, right, expected) in [("", "", 0), ("", "abc", 3), ("abc", "", 3), ("kitten", "sitting", 3)] {
            assert_eq!(distance(left, right), expected, "{left} {right}");
        }
    }

    #[test]
    fn a_slip_and_a_part_of_a_name_are_near_and_strangers_are_not() {
        let known = ["dana@example.com", "role/search@444455556666", "root@444455556666", ""];
        assert_eq!(near("dnaa@example.com", known), ["dana@example.com"]);
        assert_eq!(near("SEARCH", known), ["role/search@444455556666"]);
        assert_eq!(near("role/saerch", known), ["role/search@444455556666"]);
        assert_eq!(near("nobody like this", known), Vec::<String>::new());
    }
}
