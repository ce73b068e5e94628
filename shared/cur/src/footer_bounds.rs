//! What a footer may claim, checked before the library parses it: it makes room for as many children, columns and row
//! groups as are claimed, and goes as deep into the schema as its groups go.
//!
//! See <https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift>.

use crate::thrift::{Kind, Malformed, Reader};

/// The most elements in a schema. CUR 2.0 has 131 columns, and every tag can be one more.
const SCHEMA_LIMIT: usize = 20_000;

/// How deep groups may lie in each other. A map's text lies three deep.
const DEPTH_LIMIT: usize = 32;

/// The most row groups: the format numbers them with 16 bits.
const ROW_GROUP_LIMIT: usize = 32_767;

/// The most column chunks in all row groups: two thousand row groups of CUR 2.0.
const CHUNK_LIMIT: usize = 1 << 18;

/// The most rows in a row group, and values in a column chunk: the most rows that Arrow's writer puts in one. Spark ends
/// a row group at 128 MB, long before.
pub(crate) const VALUE_LIMIT: i64 = 64 * 1024 * 1024;

/// The most entries in a column chunk of maps that has `rows` rows. A resource has 50 tags at the most, a payer 500
/// active tag keys: <https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/allocation-tag-restrictions.html>. They
/// may all be of one row, which the decoder takes whole.
pub(crate) fn entry_limit(rows: i64) -> i64 {
    const PER_ROW: i64 = 1024;
    const ALWAYS_FINE: i64 = 1 << 20;
    rows.saturating_mul(PER_ROW).saturating_add(ALWAYS_FINE).min(VALUE_LIMIT)
}

impl From<Malformed> for String {
    fn from(_: Malformed) -> Self {
        "its footer cannot be read".to_owned()
    }
}

/// Checks the metadata of a file, or says what is wrong with it.
pub(crate) fn check(bytes: &[u8]) -> Result<(), String> {
    let mut chunks = 0_usize;
    Reader::new(bytes).structure::<String>(|reader, id, kind| {
        match (id, kind) {
            (2, Kind::List) => check_schema(reader)?,
            (4, Kind::List) => {
                let groups = structures(reader)?;
                if groups > ROW_GROUP_LIMIT {
                    return Err(format!("its footer says {groups} row groups, and {ROW_GROUP_LIMIT} are read"));
                }
                for _ in 0..groups {
                    count_chunks(reader, &mut chunks)?;
                }
            }
            _ => return Ok(false),
        }
        Ok(true)
    })
}

/// Walks the schema, whose elements stand in the order in which they are met, each before its children.
fn check_schema(reader: &mut Reader<'_>) -> Result<(), String> {
    let elements = structures(reader)?;
    if elements > SCHEMA_LIMIT {
        return Err(format!("its schema is said to have {elements} elements, and {SCHEMA_LIMIT} are read"));
    }
    // How many children are still to come, group by group.
    let mut open: Vec<usize> = Vec::new();
    for _ in 0..elements {
        let mut children = 0;
        reader.structure::<String>(|reader, id, kind| {
            if (id, kind) != (5, Kind::Integer) {
                return Ok(false);
            }
            let said = reader.int()?;
            children = usize::try_from(said)
                .ok()
                .filter(|children| *children < elements)
                .ok_or_else(|| format!("a group of its schema is said to have {said} children"))?;
            Ok(true)
        })?;
        while open.pop_if(|left| *left == 0).is_some() {}
        if let Some(left) = open.last_mut() {
            *left -= 1;
        }
        if children > 0 {
            open.push(children);
        }
        if open.len() > DEPTH_LIMIT {
            return Err(format!("its schema is more than {DEPTH_LIMIT} groups deep"));
        }
    }
    Ok(())
}

fn count_chunks(reader: &mut Reader<'_>, chunks: &mut usize) -> Result<(), String> {
    reader.structure::<String>(|reader, id, kind| {
        if (id, kind) != (1, Kind::List) {
            return Ok(false);
        }
        let columns = structures(reader)?;
        *chunks = chunks.saturating_add(columns);
        if *chunks > CHUNK_LIMIT {
            return Err(format!("its footer says more than {CHUNK_LIMIT} column chunks"));
        }
        for _ in 0..columns {
            reader.skip_one(Kind::Struct)?;
        }
        Ok(true)
    })
}

/// The length of a list of structures.
fn structures(reader: &mut Reader<'_>) -> Result<usize, Malformed> {
    match reader.list()? {
        (0, _) => Ok(0),
        (length, Kind::Struct) => Ok(length),
        _ => Err(Malformed),
    }
}
