//! Reading `[[mute]]`.

use spend_core::rules::mute::Mute;

use crate::config::reader::{Reader, Section};

pub(super) fn read(root: &mut Section<'_, '_>, reader: &mut Reader<'_>) -> Vec<Mute> {
    root.sections(reader, "mute").into_iter().filter_map(|section| read_mute(section, reader)).collect()
}

fn read_mute(mut section: Section<'_, '_>, reader: &mut Reader<'_>) -> Option<Mute> {
    let header = section.span.clone();
    let missing = |section: &mut Section<'_, '_>, reader: &mut Reader<'_>, key: &str, cure: &str| {
        if section.position(key).is_none() {
            reader.invalid(&header, &format!("this mute has no {key}: add {cure}"));
        }
    };
    let rule = section.text(reader, "rule");
    missing(&mut section, reader, "rule", "rule = \"…\", the name of the rule that is not to be told of");
    if let Some((span, name)) = &rule
        && !reader.names.iter().any(|(_, known)| known == name)
    {
        let known: Vec<_> = reader.names.iter().map(|(_, known)| known.as_str()).collect();
        let known = if known.is_empty() { "there is none".to_owned() } else { known.join(", ") };
        reader.invalid(span, &format!("`{name}` is not a rule, so nothing would be muted: {known}"));
    }
    let member = section.text(reader, "member").map_or_else(|| "*".to_owned(), |(_, member)| member);
    let until = section.date(reader, "until");
    missing(&mut section, reader, "until", "until = 2026-12-01, the first day on which messages are sent again");
    let reason = section.text(reader, "reason");
    missing(&mut section, reader, "reason", "reason = \"…\": it is what others see");
    section.finish(reader, &[]);
    let ((_, rule), (_, until), (_, reason)) = (rule?, until?, reason?);
    Some(Mute { rule, member, until, reason })
}
