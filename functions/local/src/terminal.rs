//! Standard output where it is a terminal: what a terminal would obey is spelt out, `\u{1b}`. To a file or a program the
//! same output goes exactly as it is, because names must be had back from CSV and JSON.

use std::io::{self, Write};

use spend_core::text::spelt_out;

/// Where a command's data goes.
#[derive(Debug)]
pub struct Output<W> {
    out: W,
    terminal: Option<Terminal>,
}

/// What is known of what was written to a terminal so far.
#[derive(Debug, Default)]
struct Terminal {
    /// Whether it is CSV, in which a cell in quotes may hold ends of lines: they are no ends of rows.
    is_csv: bool,
    is_in_quotes: bool,
    /// The beginning of a character whose end is not written yet.
    begun: Vec<u8>,
}

impl<W: Write> Output<W> {
    /// Data as it is, to a file or a program.
    pub fn exact(out: W) -> Self {
        Self { out, terminal: None }
    }

    /// Data to a terminal; `is_csv` says that it is CSV.
    pub fn terminal(out: W, is_csv: bool) -> Self {
        Self { out, terminal: Some(Terminal { is_csv, ..Terminal::default() }) }
    }
}

impl Terminal {
    /// What is to be shown of further bytes.
    fn shown(&mut self, bytes: &[u8]) -> String {
        self.begun.extend_from_slice(bytes);
        let written = std::mem::take(&mut self.begun);
        let mut shown = String::with_capacity(written.len());
        let mut chunks = written.utf8_chunks().peekable();
        while let Some(chunk) = chunks.next() {
            for part in chunk.valid().split_inclusive(['\n', '"']) {
                let text = part.trim_end_matches(['\n', '"']);
                shown.push_str(&spelt_out(text));
                match part.get(text.len()..) {
                    Some("\n") if self.is_in_quotes => shown.push_str(&spelt_out("\n")),
                    Some("\"") => {
                        self.is_in_quotes = self.is_csv && !self.is_in_quotes;
                        shown.push('"');
                    }
                    Some(end) => shown.push_str(end),
                    None => {}
                }
            }
            let invalid = chunk.invalid();
            // A character takes four bytes at most; its beginning can only stand at the end.
            if chunks.peek().is_none() && is_beginning(invalid) {
                self.begun = invalid.to_vec();
            } else if !invalid.is_empty() {
                shown.push(char::REPLACEMENT_CHARACTER);
            }
        }
        shown
    }
}

/// Whether more bytes could make a character of these.
fn is_beginning(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_err_and(|error| error.error_len().is_none())
}

impl<W: Write> Write for Output<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.terminal {
            None => self.out.write(bytes),
            Some(terminal) => {
                let shown = terminal.shown(bytes);
                self.out.write_all(shown.as_bytes())?;
                Ok(bytes.len())
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOSTILE: &str = "a\u{1B}[31m,\"b\r\nforged,\"\"9\"\"\",\u{202E}東京\nnext,row,c\n";

    fn written(mut output: Output<Vec<u8>>, step: usize) -> String {
        for bytes in HOSTILE.as_bytes().chunks(step) {
            output.write_all(bytes).unwrap();
        }
        output.flush().unwrap();
        String::from_utf8(output.out).unwrap()
    }

    #[test]
    fn a_terminal_obeys_nothing_of_a_cell_and_no_cell_forges_a_row() {
        let expected = "a\\u{1b}[31m,\"b\\u{d}\\u{a}forged,\"\"9\"\"\",\\u{202e}東京\nnext,row,c\n";
        for step in 1..=HOSTILE.len() {
            assert_eq!(written(Output::terminal(Vec::new(), true), step), expected, "in steps of {step}");
        }
        let table = written(Output::terminal(Vec::new(), false), 7);
        assert!(table.contains("\\u{1b}") && table.lines().count() == 3, "{table}");
    }

    #[test]
    fn a_file_gets_every_byte() {
        assert_eq!(written(Output::exact(Vec::new()), 3), HOSTILE);
    }

    #[test]
    fn bytes_that_are_no_text_are_shown_as_such() {
        let mut output = Output::terminal(Vec::new(), false);
        output.write_all(b"a\xFFb\xE6").unwrap();
        output.write_all(b"c\n").unwrap();
        assert_eq!(String::from_utf8(output.out).unwrap(), "a\u{FFFD}b\u{FFFD}c\n");
    }
}
