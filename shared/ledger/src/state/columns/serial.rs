//! How columns are read and written where serde's own way would be lax or slow.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use spend_core::table::tags::Tags;

/// An object that has each key once: serde would keep the last of two without a word.
pub(crate) fn unique_keys<'de, D, K, V>(deserializer: D) -> Result<BTreeMap<K, V>, D::Error>
where
    D: Deserializer<'de>,
    K: Deserialize<'de> + Ord + fmt::Debug,
    V: Deserialize<'de>,
{
    struct Unique<K, V>(PhantomData<(K, V)>);

    impl<'de, K: Deserialize<'de> + Ord + fmt::Debug, V: Deserialize<'de>> Visitor<'de> for Unique<K, V> {
        type Value = BTreeMap<K, V>;

        fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str("an object that has each key once")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut found = BTreeMap::new();
            while let Some(key) = map.next_key()? {
                if found.contains_key(&key) {
                    return Err(A::Error::custom(format_args!("the key {key:?} is there twice")));
                }
                found.insert(key, map.next_value()?);
            }
            Ok(found)
        }
    }

    deserializer.deserialize_map(Unique(PhantomData))
}

pub(super) fn unique_tags<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Arc<Tags>, D::Error> {
    unique_keys(deserializer).map(Arc::new)
}
