//! Reading `[digest]`.

use chrono::Weekday;

use crate::config::reader::{Reader, Section};

/// What finance is told, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DigestConfig {
    /// The day of the week (UTC) from which on the week's digest is due: `day`.
    pub day: Weekday,
    /// Where more is to be found; the month is put behind it: `link_base`.
    pub link_base: Option<String>,
}

impl Default for DigestConfig {
    fn default() -> Self {
        Self { day: Weekday::Mon, link_base: None }
    }
}

const DAYS: [(&str, Weekday); 7] = [
    ("monday", Weekday::Mon),
    ("tuesday", Weekday::Tue),
    ("wednesday", Weekday::Wed),
    ("thursday", Weekday::Thu),
    ("friday", Weekday::Fri),
    ("saturday", Weekday::Sat),
    ("sunday", Weekday::Sun),
];

/// The longest link: it is printed as it is.
const LONGEST_LINK: usize = 500;

pub(super) fn read(mut section: Section<'_, '_>, reader: &mut Reader<'_>) -> DigestConfig {
    let mut config = DigestConfig::default();
    config.day = section.choice(reader, "day", &DAYS).unwrap_or(config.day);
    if let Some((span, link)) = section.text(reader, "link_base") {
        let is_web = link.strip_prefix("https://").or_else(|| link.strip_prefix("http://"));
        let is_plain = link.len() <= LONGEST_LINK && link.bytes().all(|byte| byte.is_ascii_graphic());
        if !is_plain || is_web.is_none_or(str::is_empty) {
            reader.invalid(
                &span,
                "`link_base` must be a link such as https://finops.example.com/bedrock, without blanks",
            );
        }
        config.link_base = Some(link);
    }
    section.finish(reader, &[]);
    config
}
