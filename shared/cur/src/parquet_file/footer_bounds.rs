//! What a footer may claim, checked before the library parses it: it makes room for as many children, columns and row
//! groups as are claimed, and goes as deep into the schema as its groups go.
//!
//! See <https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift>.

use crate::limits::{COLUMN_CHUNKS, ROW_GROUPS, SCHEMA_BYTES, SCHEMA_DEPTH, SCHEMA_ELEMENTS};
use crate::parquet_file::thrift::{Kind, Malformed, Reader};
use crate::parquet_file::unfit::Unfit;

impl From<Malformed> for Unfit {
    fn from(_: Malformed) -> Self {
        Self::Corrupt("its footer cannot be read".to_owned())
    }
}

/// Checks the metadata of a file, or says what is wrong with it. Answers how many column chunks it has.
pub(crate) fn check(bytes: &[u8]) -> Result<usize, Unfit> {
    let mut chunks = 0_usize;
    Reader::new(bytes).structure::<Unfit>(|reader, id, kind| {
        match (id, kind) {
            (2, Kind::List) => check_schema(reader)?,
            (4, Kind::List) => {
                let groups = structures(reader)?;
                if groups > ROW_GROUPS {
                    let reason = format!("its footer says {groups} row groups, and at most {ROW_GROUPS} are read");
                    return Err(Unfit::Oversized(reason));
                }
                for _ in 0..groups {
                    count_chunks(reader, &mut chunks)?;
                }
            }
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    Ok(chunks)
}

/// Walks the schema, whose elements stand in the order in which they are met, each before its children.
fn check_schema(reader: &mut Reader<'_>) -> Result<(), Unfit> {
    let elements = structures(reader)?;
    if elements > SCHEMA_ELEMENTS {
        let reason = format!("its schema claims {elements} elements, and at most {SCHEMA_ELEMENTS} are read");
        return Err(Unfit::Oversized(reason));
    }
    let start = reader.rest().len();
    // How many children are still to come, group by group.
    let mut open: Vec<usize> = Vec::new();
    for _ in 0..elements {
        let mut children = 0;
        reader.structure::<Unfit>(|reader, id, kind| {
            if (id, kind) != (5, Kind::Integer) {
                return Ok(false);
            }
            let said = reader.int()?;
            children = usize::try_from(said)
                .ok()
                .filter(|children| *children < elements)
                .ok_or_else(|| Unfit::Corrupt(format!("a group of its schema claims {said} children")))?;
            Ok(true)
        })?;
        while open.pop_if(|left| *left == 0).is_some() {}
        if let Some(left) = open.last_mut() {
            *left -= 1;
        }
        if children > 0 {
            open.push(children);
        }
        if open.len() > SCHEMA_DEPTH {
            return Err(Unfit::Oversized(format!("its schema is more than {SCHEMA_DEPTH} groups deep")));
        }
    }
    let length = start.saturating_sub(reader.rest().len());
    if length > SCHEMA_BYTES {
        let reason = format!("its schema takes {length} bytes, and at most {SCHEMA_BYTES} are read");
        return Err(Unfit::Oversized(reason));
    }
    Ok(())
}

fn count_chunks(reader: &mut Reader<'_>, chunks: &mut usize) -> Result<(), Unfit> {
    reader.structure::<Unfit>(|reader, id, kind| {
        if (id, kind) != (1, Kind::List) {
            return Ok(false);
        }
        let columns = structures(reader)?;
        *chunks = chunks.saturating_add(columns);
        if *chunks > COLUMN_CHUNKS {
            let reason = format!("its footer says more than {COLUMN_CHUNKS} column chunks in all its row groups");
            return Err(Unfit::Oversized(reason));
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
