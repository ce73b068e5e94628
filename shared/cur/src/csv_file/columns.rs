//! Which fields of a record are read.

use std::collections::HashMap;

use crate::columns::plan::Plan;
use crate::columns::schema::Kind;
use crate::error::CurError;

/// A column to read.
pub(crate) struct CsvColumn {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) field: usize,
}

impl CsvColumn {
    /// Where the planned columns are.
    pub(crate) fn planned(name: &str, header: &[String], plan: &Plan) -> Result<Vec<Self>, CurError> {
        let mut fields: HashMap<&str, usize> = HashMap::new();
        for (field, column) in header.iter().enumerate() {
            if fields.insert(column, field).is_some() && plan.columns.contains_key(column) {
                return Err(CurError::twice(name, column));
            }
        }
        let planned = plan.columns.iter().filter_map(|(column, kind)| {
            let field = fields.get(column.as_str())?;
            Some(Self { name: column.clone(), kind: *kind, field: *field })
        });
        Ok(planned.collect())
    }
}
