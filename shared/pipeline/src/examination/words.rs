//! Lists, counts and sizes in findings.

/// How many names a finding lists.
const NAMES: usize = 5;

/// The first few, and how many more.
pub(crate) fn names<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let all: Vec<_> = names.collect();
    let first: Vec<_> = all.iter().take(NAMES).copied().collect();
    match all.len().saturating_sub(NAMES) {
        0 => first.join(", "),
        more => format!("{} and {more} more", first.join(", ")),
    }
}

/// A size for people: `812 B`, `4.2 KB`, `1.0 GB`, in powers of ten.
pub(crate) fn bytes(size: u64) -> String {
    let (mut unit, mut units) = (1_u64, ["B", "KB", "MB", "GB", "TB"].into_iter());
    let mut name = units.next().unwrap_or_default();
    for larger in units {
        if size / unit < 1000 {
            break;
        }
        (unit, name) = (unit * 1000, larger);
    }
    if unit == 1 { format!("{size} B") } else { format!("{}.{} {name}", size / unit, size % unit / (unit / 10)) }
}
