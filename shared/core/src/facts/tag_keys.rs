//! Keys of tags: their kind and name, and which of them are probably one.

use crate::text::likeness;

/// What tags of principals begin with.
/// Source: AWS Data Exports user guide, "CUR 2.0 tag columns".
pub const PRINCIPAL_TAGS: &str = "iamPrincipal/";

/// Groups of tag keys that are probably one: of the same kind (`iamPrincipal/`), they differ by case, separators or one
/// letter. `keys` are sorted and distinct.
pub fn spelt_alike<'a>(keys: &[&'a str]) -> Vec<Vec<&'a str>> {
    likeness::groups_by(keys, are_one_key)
}

/// Whether two keys are probably one, or are.
pub fn are_one_key(one: &str, other: &str) -> bool {
    let ((kind, name), (other_kind, other_name)) = (kind_and_name(one), kind_and_name(other));
    kind == other_kind && likeness::are_alike(name, other_name)
}

/// The tags on a bill of other kinds than `key`'s that have its name: who activates the wrong kind has these instead.
pub fn namesakes<'a>(key: &str, on_the_bill: impl Iterator<Item = &'a str>) -> Vec<String> {
    let (kind, name) = kind_and_name(key);
    let wanted = likeness::folded(name);
    let is_namesake = |other: &&str| {
        let (other_kind, other_name) = kind_and_name(other);
        kind != other_kind && likeness::folded(other_name) == wanted
    };
    on_the_bill.filter(is_namesake).map(str::to_owned).collect()
}

/// `iamPrincipal` and `team` of `iamPrincipal/team`.
pub(crate) fn kind_and_name(key: &str) -> (&str, &str) {
    key.split_once('/').unwrap_or(("", key))
}
