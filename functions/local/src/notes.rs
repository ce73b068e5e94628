//! Notes for people, on standard error: what they say can be anybody's (names of files, tags, sessions), and whether
//! anybody reads them must not matter to the work.

use std::io::{self, Write};

use spend_core::text;

/// Passes on what is written to it with everything replaced that a terminal would obey, except the ends of lines.
///
/// It never fails: with its reader gone there is nobody left to tell, and the work goes on.
#[derive(Debug)]
pub struct Notes<W>(
    /// Where the notes go.
    pub W,
);

impl<W: Write> Write for Notes<W> {
    /// Formatted text comes in whole pieces, so that no character is cut in two.
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
        writeln!(notes, "error: {key}: gone\nnote: é").unwrap();
        assert_eq!(String::from_utf8(notes.0).unwrap(), "error: ?[2Jx?1A?.parquet?: gone\nnote: é\n");
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
