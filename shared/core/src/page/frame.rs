//! The document around the sections: its head, its style, and a script that sorts and filters tables.

use super::chart::patterns;
use super::html::escape;
use crate::page::figures::PageFigures;
use crate::text::{instant, month};

const STYLE: &str = include_str!("page.css");
/// The page's one script. The page is the same without it.
pub const SCRIPT: &str = include_str!("page.js");
/// The only script that a browser may run: the hash of [`SCRIPT`]. What a bill may bring with it never runs.
const SCRIPT_HASH: &str = "sha256-vfDSbwQA9IQN54LrbmRJbPWgUwrkn6AOIoGbJWzc6Hg=";

pub(super) fn document(page: &PageFigures, sections: &str) -> String {
    let title = format!("Amazon Bedrock, {}", month(page.figures.period));
    let made = instant(page.figures.now);
    let policy = format!(
        "default-src 'none'; style-src 'unsafe-inline'; script-src '{SCRIPT_HASH}'; base-uri 'none'; form-action 'none'"
    );
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{policy}\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <meta name=\"robots\" content=\"noindex\">\n\
         <title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n{}\
         <header><h1>{title}</h1></header>\n<main>\n{sections}</main>\n\
         <footer><p>Made by Bedrock Ledger on {made}. Amounts are rounded one by one; what is called exact is exact. \
         Days are UTC.</p></footer>\n<script>{SCRIPT}</script>\n</body>\n</html>\n",
        patterns(),
        title = escape(&title),
    )
}
