//! Enums whose variants have names: the macro `named!`.

/// Declares an enum whose variants have the names that configurations, reports and stored state use. Every name is
/// written out, so that renaming a variant never renames what is stored. `enum WindowKind is "a window"` can be read
/// from its names too; the error lists them.
#[macro_export]
macro_rules! named {
    (
        $(#[$meta:meta])*
        pub enum $name:ident $(is $what:literal)? { $($(#[$variant_meta:meta])* $variant:ident = $text:literal,)+ }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$variant_meta])* $variant,)+ }

        impl $name {
            /// Every value, in order.
            pub const ALL: [Self; [$($text),+].len()] = [$(Self::$variant),+];

            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }

            /// The value of this name.
            pub fn named(text: &str) -> Option<Self> {
                match text { $($text => Some(Self::$variant),)+ _ => None }
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, formatter: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                formatter.pad(self.as_str())
            }
        }

        $(impl ::std::str::FromStr for $name {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::named(text).ok_or_else(|| $crate::named::unknown(text, $what, &Self::ALL.map(Self::as_str)))
            }
        })?
    };
}

/// That a text is none of the names: `` `year` is not a window: use month, week or day ``.
pub fn unknown(text: &str, what: &str, names: &[&str]) -> String {
    let choices = match names {
        [others @ .., last] if !others.is_empty() => format!("{} or {last}", others.join(", ")),
        names => names.concat(),
    };
    format!("`{text}` is not {what}: use {choices}")
}

#[cfg(test)]
mod tests {
    use super::unknown;

    #[test]
    fn the_error_lists_every_choice() {
        assert_eq!(unknown("x", "a basis", &["a", "b", "c"]), "`x` is not a basis: use a, b or c");
        assert_eq!(unknown("x", "a basis", &["a"]), "`x` is not a basis: use a");
    }
}
