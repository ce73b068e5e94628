//! The document around the sections: its head, its style, and a script that sorts and filters tables.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::chart::patterns;
use crate::digest::wording::ROUNDING;
use crate::page::figures::PageFigures;
use crate::text::{instant, month};

const STYLE: &str = include_str!("page.css");
/// The page's one script. The page is the same without it.
pub const SCRIPT: &str = include_str!("page.js");
/// The only script that a browser may run: the hash of [`SCRIPT`]. What a bill may bring with it never runs.
const SCRIPT_HASH: &str = "sha256-vfDSbwQA9IQN54LrbmRJbPWgUwrkn6AOIoGbJWzc6Hg=";

pub(super) fn document(page: &PageFigures, sections: &[Markup]) -> String {
    let title = format!("Amazon Bedrock, {}", month(page.figures.period));
    let policy = format!(
        "default-src 'none'; style-src 'unsafe-inline'; script-src '{SCRIPT_HASH}'; base-uri 'none'; form-action 'none'"
    );
    let document = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="robots" content="noindex";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                (patterns())
                header { h1 { (title) } }
                main { @for section in sections { (section) } }
                footer {
                    p {
                        "Made by Bedrock Ledger on " (instant(page.figures.now)) ". " (ROUNDING)
                    }
                }
                script { (PreEscaped(SCRIPT)) }
            }
        }
    };
    document.into_string()
}
