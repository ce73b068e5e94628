//! What metrics are planned from.

use std::sync::Arc;

use crate::metrics::daily::Daily;
use crate::metrics::series::Members;
use crate::state::basis::Basis;
use crate::state::book::Book;

/// What is planned from.
pub(crate) struct Scene {
    pub(crate) book: Arc<Book>,
    pub(crate) daily: Daily,
    pub(crate) members: Members,
    pub(crate) basis: Basis,
    /// As long as it is the same text, so are targets and gauges.
    pub(crate) made_of: String,
}
