//! Files of metering records as text: what each tenant of a shared gateway used on each day. Which columns there are is
//! said in [`MeteringTable`].

use spend_core::allocation::metering::record::MeteringRecord;
use spend_core::allocation::metering::table::{MeteringFileError, MeteringTable, Wanted};

/// Reads a metering file that is CSV. `file` is how errors call it. Records are in the order of the file.
///
/// # Errors
///
/// [`MeteringFileError`]: nothing of a file is used of which something is wrong.
pub fn read(file: &str, bytes: &[u8]) -> Result<Vec<MeteringRecord>, MeteringFileError> {
    read_wanted(file, bytes, Wanted::default())
}

/// As [`read`], of the records that are `wanted`.
///
/// # Errors
///
/// As [`read`], also for records that are not wanted.
pub fn read_wanted(file: &str, bytes: &[u8], wanted: Wanted<'_>) -> Result<Vec<MeteringRecord>, MeteringFileError> {
    MeteringTable::read(file, bytes.len(), wanted, |table| fill(table, bytes))
}

/// Lines are counted from 1, the header among them.
fn fill(table: &mut MeteringTable<'_>, bytes: &[u8]) -> Result<(), String> {
    // What spreadsheets write before UTF-8.
    let text = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text);
    let header = reader.headers().map_err(|error| format!("it is not CSV in UTF-8: {error}"))?.clone();
    table.header(header.iter())?;
    for record in reader.records() {
        let record = record.map_err(|error| format!("it is not CSV in UTF-8: {error}"))?;
        let line = record.position().map_or(0, csv::Position::line);
        table.record(&format!("line {line}"), |column| record.get(column).unwrap_or_default().to_owned())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
