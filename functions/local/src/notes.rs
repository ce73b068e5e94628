//! Notes for people, on standard error: what they say can be anybody's (names of files, tags, sessions), and whether
//! anybody reads them must not matter to the work.

use std::fmt;
use std::io::{self, Write};

use spend_core::text;

/// Passes on what is written to it with everything replaced that a terminal would obey, except the ends of lines. What is
/// formatted in one call is one line at most: only its last character may end it, so that no name can forge another.
///
/// It never fails: with its reader gone there is nobody left to tell, and the work goes on.
#[derive(Debug)]
pub struct Notes<W>(
    /// Where the notes go.
    pub W,
);

impl<W: Write> Write for Notes<W> {
    fn write_fmt(&mut self, arguments: fmt::Arguments<'_>) -> io::Result<()> {
        let text = arguments.to_string();
        let (line, end) = text.strip_suffix('\n').map_or((text.as_str(), ""), |line| (line, "\n"));
        let _ = self.0.write_all(format!("{}{end}", text::clean(line)).as_bytes());
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(bytes);
        let lines: Vec<_> = text.split('\n').map(text::clean).collect();
        let _ = self.0.write_all(lines.join("\n").as_bytes());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let _ = self.0.flush();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_move_the_cursor() {
        let mut notes = Notes(Vec::new());
        let key = "\u{1b}[2Jx\u{9b}1A\u{202e}.parquet\r";
        writeln!(notes, "error: {key}: gone").unwrap();
        writeln!(notes, "note: é").unwrap();
        notes.write_all("a\nb\u{202e}\n".as_bytes()).unwrap();
        assert_eq!(String::from_utf8(notes.0).unwrap(), "error: ?[2Jx?1A?.parquet?: gone\nnote: é\na\nb?\n");
    }

    #[test]
    fn a_name_cannot_forge_a_line() {
        let mut notes = Notes(Vec::new());
        let key = "a\nerror: the ledger is lost\n";
        writeln!(notes, "error: {key}: gone").unwrap();
        write!(notes, "{key}").unwrap();
        assert_eq!(
            String::from_utf8(notes.0).unwrap(),
            "error: a?error: the ledger is lost?: gone\na?error: the ledger is lost\n"
        );
    }

    #[test]
    fn a_reader_that_is_gone_stops_nothing() {
        struct Gone;
        impl Write for Gone {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::BrokenPipe.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Err(io::ErrorKind::BrokenPipe.into())
            }
        }
        let mut notes = Notes(Gone);
        writeln!(notes, "read").unwrap();
        notes.flush().unwrap();
    }
}
