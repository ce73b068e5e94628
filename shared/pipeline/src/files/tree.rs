//! A copy of an export on a disk, wherever it was cut off: what the bucket holds below its root, the export's own
//! folder, its data folder, or one billing period's data files. Objects bear the keys that they had in the bucket, as
//! far as the tree tells them, so that every step sees the same layout.

use std::collections::BTreeSet;
use std::ops::Range;

use bytes::Bytes;
use spend_core::errors::class::Class;
use spend_core::errors::fault::{Fault, Says};
use spend_cur::delivery::layout::{self, ExportPath, ObjectKind};
use spend_cur::delivery::manifest;
use spend_ledger::store::{ETag, ObjectHead, ObjectSummary, Put, Store, StoreError, check_key};

/// Why a tree cannot be read as an export.
#[derive(Debug, thiserror::Error)]
pub enum TreeError {
    /// The store did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Nothing of an export is there.
    #[error(
        "no delivery of a CUR 2.0 export below {tree}{}: point --export at what the bucket holds below its root, so \
         that it has [PREFIX/]EXPORT/data/BILLING_PERIOD=YYYY-MM/…; at the export's own folder; or at one folder \
         BILLING_PERIOD=YYYY-MM of data files", hint.as_deref().map(|hint| format!(" ({hint})")).unwrap_or_default()
    )]
    NoExport {
        tree: String,
        /// What is there instead.
        hint: Option<String>,
    },
    /// The tree is of the legacy Cost and Usage Report.
    #[error(
        "{tree} holds a legacy Cost and Usage Report ({key}), which never names the caller: create a CUR 2.0 export \
         with IAM principal data (INCLUDE_IAM_PRINCIPAL_DATA) in AWS Data Exports, and copy that"
    )]
    Legacy {
        tree: String,
        /// What gives it away.
        key: String,
    },
    /// There are data files, and nothing says of which month.
    #[error(
        "{tree} holds data files such as {example}, but its name does not say of which month they are: pass the \
         folder BILLING_PERIOD=YYYY-MM that they lie in, or the export's folder, which has data/ in it"
    )]
    NoPeriod {
        tree: String,
        /// One of them.
        example: String,
    },
    /// Nothing says what the export is called, or several things do.
    #[error(
        "{tree} does not tell the name of its export ({found}): pass the folder above the export's own, so that it \
         has EXPORT/data/BILLING_PERIOD=YYYY-MM/…"
    )]
    NoName { tree: String, found: String },
}

impl Fault for TreeError {
    fn says(&self) -> Says<'_> {
        let (kind, class) = match self {
            Self::Store(error) => return Says::As(error),
            Self::NoExport { .. } => ("export.no_delivery", Class::Operator),
            Self::Legacy { .. } => ("export.legacy_report", Class::Operator),
            Self::NoPeriod { .. } => ("export.no_period", Class::Operator),
            Self::NoName { .. } => ("export.no_name", Class::Operator),
        };
        Says::Itself(kind, class)
    }
}

/// A store whose objects bear the keys that they had before the tree was cut off. It is read, never written to.
#[derive(Debug)]
pub struct Tree<S> {
    store: S,
    /// What stands before the keys of the store in the keys of the tree: empty, or ending with `/`.
    before: String,
}

/// Where a tree was cut off.
enum Cut {
    /// At the bucket's root, or anywhere above the export's folder.
    Above,
    /// The tree is the export's folder.
    Export,
    /// The tree is the export's folder `data`.
    Data,
    /// The tree is the folder of one billing period.
    Period,
}

impl Cut {
    /// Where the key's tree was cut off, by what it lacks to be a key of an export.
    fn of(key: &str) -> Option<Self> {
        [
            (Self::Above, ""),
            (Self::Export, "x/"),
            (Self::Data, "x/data/"),
            (Self::Period, "x/data/BILLING_PERIOD=2000-01/"),
        ]
        .into_iter()
        .find(|(_, before)| !matches!(layout::classify_key(&format!("{before}{key}")), ObjectKind::Ignored { .. }))
        .map(|(cut, _)| cut)
    }
}

impl<S: Store> Tree<S> {
    /// The export in `store`. `tree` is what the tree is called in messages, `folder` the name of its own folder.
    ///
    /// An export's id follows from the path that the tree shows. Where the tree is the export's own folder, or less,
    /// the manifests tell the path, and without them the names of the data files tell the export's name alone.
    pub async fn open(store: S, tree: &str, folder: Option<&str>) -> Result<Self, TreeError> {
        let objects = store.list("").await?;
        let keys: Vec<&str> = objects.iter().map(|object| object.key.as_str()).collect();
        let cuts: Vec<(Cut, &str)> = keys.iter().filter_map(|key| Some((Cut::of(key)?, *key))).collect();
        let has = |wanted: fn(&Cut) -> bool| cuts.iter().any(|(cut, _)| wanted(cut));
        let before = if has(|cut| matches!(cut, Cut::Above)) {
            String::new()
        } else if has(|cut| matches!(cut, Cut::Export)) {
            let manifests: Vec<_> = keys.iter().copied().filter(|key| is_manifest(&format!("x/{key}"))).collect();
            format!("{}/", export(&store, tree, &manifests, &keys).await?)
        } else if has(|cut| matches!(cut, Cut::Data)) {
            format!("{}/data/", export(&store, tree, &[], &keys).await?)
        } else if let Some((_, example)) = cuts.first() {
            let period = folder.and_then(layout::period_of_folder);
            let Some(period) = period else {
                return Err(TreeError::NoPeriod { tree: tree.to_owned(), example: (*example).to_owned() });
            };
            export(&store, tree, &[], &keys).await?.data_prefix(period)
        } else {
            return Err(nothing(tree, &keys));
        };
        Ok(Self { store, before })
    }

    /// The tree as it is, cut off nowhere: for looking at what [`Tree::open`] refuses.
    pub fn whole(store: S) -> Self {
        Self { store, before: String::new() }
    }

    /// The store that the tree lies in.
    pub fn store(&self) -> &S {
        &self.store
    }

    /// The key in the store of an object of the tree; `None` if the tree cannot hold it.
    fn inner<'k>(&self, key: &'k str) -> Result<Option<&'k str>, StoreError> {
        check_key(key)?;
        Ok(key.strip_prefix(self.before.as_str()))
    }
}

/// Whose folder a tree is, or is below of.
async fn export<S: Store>(store: &S, tree: &str, manifests: &[&str], keys: &[&str]) -> Result<ExportPath, TreeError> {
    let unclear = |found: String| TreeError::NoName { tree: tree.to_owned(), found };
    let mut origins = BTreeSet::new();
    for key in manifests {
        // One that cannot be read, or is too large to be, is spoken of when its delivery is.
        let head = match store.head(key).await {
            Ok(head) => head,
            Err(StoreError::BadKey { .. }) => None,
            Err(error) => return Err(error.into()),
        };
        let Some(head) = head else { continue };
        if manifest::check_size(key, head.size).is_ok() {
            origins.extend(manifest::origin(&store.get_range(key, 0..head.size, &head.etag).await?));
        }
    }
    origins.retain(|origin| check_key(&origin.to_string()).is_ok());
    if origins.is_empty() {
        let files = keys.iter().map(|key| key.rsplit_once('/').map_or(*key, |(_, file)| file));
        let names = files.filter(|file| layout::is_data_file(file)).filter_map(layout::numbered);
        origins.extend(names.map(|(name, _)| ExportPath { prefix: String::new(), name: name.to_owned() }));
    }
    let mut origins = origins.into_iter();
    match (origins.next(), origins.next()) {
        (Some(origin), None) => Ok(origin),
        (Some(one), Some(other)) => Err(unclear(format!("its files are of {one} and of {other}"))),
        (None, _) => Err(unclear("no manifest says it, and no data file is named EXPORT-00001.…".to_owned())),
    }
}

fn is_manifest(key: &str) -> bool {
    matches!(layout::classify_key(key), ObjectKind::Manifest { .. })
}

/// What to say of a tree that has nothing of an export.
fn nothing(tree: &str, keys: &[&str]) -> TreeError {
    let tree = tree.to_owned();
    if let Some(key) = keys.iter().find(|key| is_legacy(key)) {
        return TreeError::Legacy { tree, key: (*key).to_owned() };
    }
    let partition = keys.iter().find_map(|key| {
        let at = key.find("BILLING_PERIOD")?;
        let end = key.get(at..)?.find('/')?;
        key.get(..at + end)
    });
    let hint = match (keys.is_empty(), partition) {
        (true, _) => Some("it is empty".to_owned()),
        (false, Some(folder)) => Some(format!("pass {tree}/{folder} if that holds its data files")),
        (false, None) => None,
    };
    TreeError::NoExport { tree, hint }
}

/// Whether a key is as those of the legacy report: `…/20261101-20261201/…`, or `…/year=2026/month=11/…`.
///
/// Source: AWS Cost and Usage Reports user guide, "Understanding your Cost and Usage Reports".
fn is_legacy(key: &str) -> bool {
    let is_range = |part: &str| {
        let digits = |text: &str| text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_digit());
        part.split_once('-').is_some_and(|(from, to)| digits(from) && digits(to))
    };
    let is_partition = key.contains("/year=") && key.contains("/month=");
    let is_file = layout::is_data_file(key) || key.ends_with("Manifest.json");
    is_file && (is_partition || key.split('/').any(is_range))
}

impl<S: Store> Store for Tree<S> {
    async fn get(&self, key: &str) -> Result<Option<(Bytes, ETag)>, StoreError> {
        match self.inner(key)? {
            Some(inner) => self.store.get(inner).await,
            None => Ok(None),
        }
    }

    async fn get_range(&self, key: &str, range: Range<u64>, etag: &ETag) -> Result<Bytes, StoreError> {
        let inner = self.inner(key)?.ok_or_else(|| StoreError::NotFound { key: key.to_owned() })?;
        self.store.get_range(inner, range, etag).await
    }

    async fn head(&self, key: &str) -> Result<Option<ObjectHead>, StoreError> {
        let Some(inner) = self.inner(key)? else { return Ok(None) };
        let head = self.store.head(inner).await?;
        Ok(head.map(|head| ObjectHead { key: key.to_owned(), ..head }))
    }

    async fn list(&self, prefix: &str) -> Result<Vec<ObjectSummary>, StoreError> {
        let inner = match prefix.strip_prefix(self.before.as_str()) {
            Some(inner) => inner,
            None if self.before.starts_with(prefix) => "",
            None => return Ok(Vec::new()),
        };
        let mut objects = self.store.list(inner).await?;
        for object in &mut objects {
            object.key.insert_str(0, &self.before);
        }
        Ok(objects)
    }

    async fn put_if_absent(&self, key: &str, _: Bytes) -> Result<Put, StoreError> {
        Err(StoreError::ReadOnly { key: key.to_owned() })
    }

    async fn put_if_match(&self, key: &str, _: Bytes, _: &ETag) -> Result<Put, StoreError> {
        Err(StoreError::ReadOnly { key: key.to_owned() })
    }
}

#[cfg(test)]
mod tests;
