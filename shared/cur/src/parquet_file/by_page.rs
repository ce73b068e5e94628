//! Reading a row group page by page, without the library.
//!
//! The dictionaries of the columns that tell Bedrock rows from others decide first: where none of their values can make a
//! row Bedrock's, and all pages are codes of them, nothing else of the row group is read. Then those columns say which
//! rows are Bedrock's, and of the others only the values of these rows are made, a few columns at a time. Nothing is handed
//! on before all of the row group was read: what is odd is left to the library as a whole.

use std::ops::Range;

use bytes::Bytes;
use parquet::basic::Encoding;
use parquet::file::metadata::ColumnChunkMetaData;
use spend_core::bill::bedrock_line::{Rule, RuleSet};

use crate::bytes::chunk_bytes::{ChunkBytes, SMALL_GAP};
use crate::bytes::source::ChunkSource;
use crate::columns::names::{PRODUCT, RESOURCE_TAGS, TAGS};
use crate::columns::plan::{PRODUCT_KEYS, Plan};
use crate::error::{CurError, Place, Within};
use crate::limits::{self, BATCH};
use crate::parquet_file::columns::ChunkColumns;
use crate::parquet_file::direct::batches::{FoundColumn, batch};
use crate::parquet_file::direct::finder::matches;
use crate::parquet_file::direct::found_rows::FoundRows;
use crate::parquet_file::direct::gather::gather;
use crate::parquet_file::direct::layout::{Root, Stored, roots};
use crate::parquet_file::direct::leaf::{dictionary, only_codes};
use crate::parquet_file::direct::maps::{GatheredMaps, MapLeaves, gather_maps};
use crate::parquet_file::direct::names::test_names;
use crate::parquet_file::direct::odd::Odd;
use crate::parquet_file::direct::telling::{test, test_and_gather};
use crate::parquet_file::page_bounds::PageBounds;
use crate::parquet_file::page_sizes;
use crate::rows::receiver::Receiver;
use crate::rows::row_reader::{Found, RowReader};

/// How much of a column chunk is read for its dictionary, where the footer does not say where the dictionary ends.
const HEAD: u64 = 16 * 1024;

/// Column chunks up to this size are read whole, so that nothing is read twice if their dictionary does not decide.
const SMALL: u64 = 32 * 1024;

/// The same for the product's code, whose dictionary is the first to be looked at, and for columns of which the footer does
/// not say whether all pages are codes.
const SMALL_FIRST: u64 = 256 * 1024;

/// Up to so many bytes of column chunks are read at a time, if one alone is not larger.
const TOGETHER: u64 = 16 * 1024 * 1024;

/// Reads the row groups of one file.
pub(crate) struct ByPage<'a> {
    columns: &'a ChunkColumns,
    plan: &'a Plan,
    /// The columns in the order of the file, if all are stored as can be read here.
    roots: Option<Vec<Root>>,
    memory: u64,
    buffer: Vec<u8>,
}

/// What is left to the library, or what ends the reading.
enum Stop {
    Odd,
    Error(CurError),
}

impl From<Odd> for Stop {
    fn from(_: Odd) -> Self {
        Self::Odd
    }
}

impl From<CurError> for Stop {
    fn from(error: CurError) -> Self {
        Self::Error(error)
    }
}

/// A column that tells, with its rule.
struct Telling<'a> {
    rule: Rule,
    root: &'a Root,
}

impl Telling<'_> {
    /// The leaf whose texts the rule looks at.
    fn leaf(&self) -> usize {
        match self.root.stored {
            Stored::Values { leaf, .. } | Stored::Maps { value: leaf, .. } => leaf,
        }
    }
}

impl<'a> ByPage<'a> {
    pub(crate) fn new(columns: &'a ChunkColumns, plan: &'a Plan, memory: u64) -> Self {
        let reader = &columns.reader;
        let roots = roots(columns.positions(), reader.schema(), reader.parquet_schema());
        Self { columns, plan, roots, memory, buffer: Vec::new() }
    }

    /// Hands the Bedrock rows of a row group to `receiver`. Answers whether it did: else nothing was handed on.
    pub(crate) async fn visit_row_group<S: ChunkSource>(
        &mut self,
        chunk: &mut ChunkBytes<'_, S>,
        row_group: usize,
        bounds: &mut PageBounds,
        reader: &mut RowReader<'_>,
        receiver: &mut impl Receiver,
    ) -> Result<bool, CurError> {
        let Self { columns, plan, memory, .. } = *self;
        let Some(roots) = &self.roots else { return Ok(false) };
        let group = Group {
            chunks: columns.chunks_of(row_group),
            rows: columns.rows_of(row_group),
            row_group,
            plan,
            roots,
            memory,
            held: reader.bytes(),
            decoded: bounds.decoded(),
            buffer: &mut self.buffer,
        };
        match group.visit(chunk, bounds, reader, receiver).await {
            Ok(()) => Ok(true),
            Err(Stop::Odd) => Ok(false),
            Err(Stop::Error(error)) => Err(error),
        }
    }
}

struct Group<'a> {
    chunks: &'a [ColumnChunkMetaData],
    rows: usize,
    row_group: usize,
    plan: &'a Plan,
    roots: &'a [Root],
    memory: u64,
    /// How much memory is in use.
    held: u64,
    /// What the pages of the file came to so far.
    decoded: u64,
    buffer: &'a mut Vec<u8>,
}

impl<'a> Group<'a> {
    async fn visit<S: ChunkSource>(
        mut self,
        chunk: &mut ChunkBytes<'_, S>,
        bounds: &mut PageBounds,
        reader: &mut RowReader<'_>,
        receiver: &mut impl Receiver,
    ) -> Result<(), Stop> {
        let compressed = self.ranges(self.roots.iter())?;
        let compressed = compressed.iter().map(|range| range.end - range.start).fold(0, u64::saturating_add);
        // What is too large is refused by the library's path, which says why.
        if compressed.saturating_mul(2).saturating_add(self.held).saturating_add(self.rows as u64) > self.memory {
            return Err(Stop::Odd);
        }
        let (name, row_group, held) = (chunk.name(), self.row_group, self.held);
        let undecided = self.undecided(chunk).await?;
        let mut found = Vec::new();
        let mut rows = FoundRows::default();
        if !undecided.is_empty() {
            let (sets, last) = self.sets(chunk, &undecided).await?;
            found.extend(last);
            self.held = self.held.saturating_sub(sets.capacity() as u64);
            rows = FoundRows::of(sets)?;
            self.held = self.held.saturating_add(rows.held());
            limits::check_runs(name, row_group, rows.runs).map_err(|_| Stop::Odd)?;
        }
        let count = rows.count;
        if count > 0 {
            self.gather(chunk, &rows.ranges, count, &mut found).await?;
        }
        // What was needed to gather is let go before the rows are summed.
        rows.ranges = Vec::new();
        *self.buffer = Vec::new();
        bounds.set_decoded(self.decoded);
        let first_row = reader.counts.rows;
        reader.counts.rows += self.rows as u64;
        reader.counts.bedrock_rows += count as u64;
        reader.counts.rules.merge(&rows.rules);
        let corrupt = |reason: String| CurError::corrupt(name, row_group, reason);
        let mut places = rows.iter().map(|(row, rules)| Found {
            place: Place { row: first_row + row as u64, within: Within::RowGroup(row_group) },
            rules,
        });
        reader.held = reader.held.saturating_add(self.held - held);
        receiver.expect(count);
        for from in (0..count).step_by(BATCH) {
            let to = count.min(from + BATCH);
            let batch = batch(&mut found, from, to).map_err(|error| corrupt(error.to_string()))?;
            reader.read(&batch, Some(row_group), &mut places, receiver)?;
            chunk.grow(reader.bytes()).await;
        }
        Ok(())
    }

    fn column(&self, leaf: usize) -> Result<&ColumnChunkMetaData, Odd> {
        self.chunks.get(leaf).ok_or(Odd)
    }

    fn range(&self, leaf: usize) -> Result<Range<u64>, Odd> {
        let (start, length) = self.column(leaf)?.byte_range();
        Ok(start..start.saturating_add(length))
    }

    /// Where the leaves of columns lie.
    fn ranges<'r>(&self, roots: impl Iterator<Item = &'r Root>) -> Result<Vec<Range<u64>>, Odd> {
        roots.flat_map(Root::leaves).map(|leaf| self.range(leaf)).collect()
    }

    /// The columns that may tell of a row that it is Bedrock's, as far as dictionaries can decide that.
    async fn undecided<S: ChunkSource>(&mut self, chunk: &mut ChunkBytes<'_, S>) -> Result<Vec<Telling<'a>>, Stop> {
        let roots = self.roots;
        let telling = self.plan.telling.iter().filter_map(|(rule, column)| {
            let root = roots.iter().find(|root| root.name == *column)?;
            Some(Telling { rule: *rule, root })
        });
        let mut telling: Vec<_> = telling.collect();
        // Where there is anything, the product's code most likely says so, and all is read.
        let first = telling.iter().position(|telling| telling.rule == Rule::ProductCode);
        if let Some(first) = first {
            let leaf = telling.get(first).map_or(0, Telling::leaf);
            if !self.decides_against(chunk, &[(Rule::ProductCode, leaf)]).await?.contains(&true) {
                return Ok(telling);
            }
            telling.remove(first);
        }
        let others: Vec<_> = telling.iter().map(|telling| (telling.rule, telling.leaf())).collect();
        let decided = self.decides_against(chunk, &others).await?;
        let mut decided = decided.into_iter();
        telling.retain(|_| !decided.next().unwrap_or(false));
        Ok(telling)
    }

    /// For each column whether its dictionary says that no row is Bedrock's by its rule.
    async fn decides_against<S: ChunkSource>(
        &mut self,
        chunk: &mut ChunkBytes<'_, S>,
        columns: &[(Rule, usize)],
    ) -> Result<Vec<bool>, Stop> {
        let mut ranges = Vec::new();
        for (rule, leaf) in columns {
            ranges.push(self.dictionary_range(*rule, *leaf)?);
        }
        let asked: Vec<_> = ranges.iter().flatten().cloned().collect();
        let mut bytes = chunk.get(&asked).await?.into_iter();
        let mut decided = Vec::new();
        for ((rule, leaf), range) in columns.iter().zip(ranges) {
            let bytes = range.and_then(|_| bytes.next());
            decided.push(bytes.is_some_and(|bytes| self.decide(*rule, *leaf, &bytes).unwrap_or(false)));
        }
        Ok(decided)
    }

    fn decide(&mut self, rule: Rule, leaf: usize, bytes: &Bytes) -> Result<bool, Odd> {
        let column = self.chunks.get(leaf).ok_or(Odd)?;
        let is_whole = u64::try_from(column.compressed_size()) == Ok(bytes.len() as u64);
        // What the pages say goes before what the footer says of them.
        let has_only_codes = if is_whole { only_codes(bytes)? } else { says_only_codes(column) };
        if !has_only_codes {
            return Ok(false);
        }
        let (values, bytes) = dictionary(column, bytes, self.buffer)?;
        Ok(!matches(rule, values, bytes)?.contains(&true))
    }

    /// What is to be read of a column chunk to look at its dictionary, if that can decide anything.
    fn dictionary_range(&self, rule: Rule, leaf: usize) -> Result<Option<Range<u64>>, Odd> {
        let column = self.column(leaf)?;
        let whole = self.range(leaf)?;
        let length = whole.end - whole.start;
        if !says_only_codes(column) {
            return Ok((length <= SMALL_FIRST).then_some(whole));
        }
        if length <= if rule == Rule::ProductCode { SMALL_FIRST } else { SMALL } {
            return Ok(Some(whole));
        }
        let data = u64::try_from(column.data_page_offset()).unwrap_or(0);
        let known = column.dictionary_page_offset().is_some() && whole.start < data && data <= whole.end;
        let end = if known { data } else { whole.start.saturating_add(HEAD).min(whole.end) };
        Ok(Some(whole.start..end))
    }

    /// The rules that each row satisfies; and the column that was looked at last, of the rows that are Bedrock's.
    async fn sets<S: ChunkSource>(
        &mut self,
        chunk: &mut ChunkBytes<'_, S>,
        telling: &[Telling<'_>],
    ) -> Result<(Vec<RuleSet>, Option<FoundColumn>), Stop> {
        let leaves: Vec<_> = telling.iter().flat_map(|telling| telling.root.leaves()).collect();
        self.read_along(chunk, &leaves).await?;
        let bytes = self.read(chunk, &leaves).await?;
        let bytes_of = |leaf: usize| {
            leaves.iter().zip(&bytes).find(|(known, _)| **known == leaf).map(|(_, bytes)| bytes).ok_or(Odd)
        };
        let chunks = self.chunks;
        let mut sets = vec![RuleSet::default(); self.rows];
        self.held = self.held.saturating_add(self.rows as u64);
        let length = bytes.iter().map(|bytes| bytes.len() as u64).fold(0, u64::saturating_add);
        let memory = self.memory.checked_sub(length).and_then(|left| left.checked_sub(self.held)).ok_or(Odd)?;
        // The largest column comes last: then the rows are known, and their values are gathered at the same time.
        let size = |leaf: usize| chunks.get(leaf).map_or(0, ColumnChunkMetaData::uncompressed_size);
        let last = telling.iter().filter(|telling| matches!(telling.root.stored, Stored::Values { .. }));
        let last = last.max_by_key(|telling| size(telling.leaf())).map(Telling::leaf);
        for Telling { rule, root } in telling {
            match &root.stored {
                Stored::Values { leaf, .. } if last == Some(*leaf) => {}
                Stored::Values { leaf, .. } => {
                    test(*rule, chunks.get(*leaf).ok_or(Odd)?, bytes_of(*leaf)?, &mut sets, self.buffer)?;
                }
                Stored::Maps { key, value, .. } => {
                    let leaves = map_leaves(chunks, root, bytes_of(*key)?, bytes_of(*value)?)?;
                    test_names(*rule, leaves, memory, self.buffer, |row| {
                        if let Some(set) = sets.get_mut(row) {
                            set.insert(*rule);
                        }
                    })?;
                }
            }
        }
        let Some(Telling { rule, root }) = telling.iter().find(|telling| last == Some(telling.leaf())) else {
            return Ok((sets, None));
        };
        let (Stored::Values { leaf, .. } | Stored::Maps { value: leaf, .. }) = &root.stored;
        let (column, bytes) = (chunks.get(*leaf).ok_or(Odd)?, bytes_of(*leaf)?);
        let gathered = test_and_gather(*rule, column, bytes, &mut sets, memory, self.buffer)?;
        self.held = self.held.saturating_add(gathered.held());
        Ok((sets, Some(FoundColumn::of(&root.name, gathered)?)))
    }

    /// Reads `leaves`, and with them small neighbours that are wanted if a row is found: else each would be a request.
    async fn read_along<S: ChunkSource>(&self, chunk: &mut ChunkBytes<'_, S>, leaves: &[usize]) -> Result<(), Stop> {
        let mut ranges: Vec<_> = leaves.iter().map(|leaf| self.range(*leaf)).collect::<Result<_, _>>()?;
        let told = ranges.len();
        for leaf in self.roots.iter().flat_map(Root::leaves).filter(|leaf| !leaves.contains(leaf)) {
            let range = self.range(leaf)?;
            let is_near = |other: &Range<u64>| {
                range.start.saturating_sub(other.end) <= SMALL_GAP && other.start.saturating_sub(range.end) <= SMALL_GAP
            };
            if range.end - range.start <= SMALL_FIRST && ranges.iter().take(told).any(is_near) {
                ranges.push(range);
            }
        }
        let length = ranges.iter().map(|range| range.end - range.start).fold(0, u64::saturating_add);
        chunk.grow(self.held.saturating_add(length.saturating_mul(2))).await;
        chunk.get(&ranges).await?;
        Ok(())
    }

    /// The column chunks of `leaves`, checked and kept.
    async fn read<S: ChunkSource>(
        &mut self,
        chunk: &mut ChunkBytes<'_, S>,
        leaves: &[usize],
    ) -> Result<Vec<Bytes>, Stop> {
        let ranges: Vec<_> = leaves.iter().map(|leaf| self.range(*leaf)).collect::<Result<_, _>>()?;
        let length = ranges.iter().map(|range| range.end - range.start).fold(0, u64::saturating_add);
        chunk.grow(self.held.saturating_add(length.saturating_mul(2))).await;
        let read = chunk.get(&ranges).await?;
        for (leaf, bytes) in leaves.iter().zip(&read) {
            let sizes = page_sizes::walk(self.column(*leaf)?, bytes).map_err(|_| Odd)?;
            let needed = sizes.page_by_page().saturating_add(length.saturating_mul(2)).saturating_add(self.held);
            self.decoded = self.decoded.saturating_add(sizes.total);
            if needed > self.memory || self.decoded > limits::decoded(chunk.size()) {
                return Err(Stop::Odd);
            }
            chunk.grow(needed).await;
        }
        Ok(read)
    }

    /// Adds the columns that are not `found` yet, with the values of `rows`, a few columns at a time.
    async fn gather<S: ChunkSource>(
        &mut self,
        chunk: &mut ChunkBytes<'_, S>,
        rows: &[Range<u32>],
        count: usize,
        found: &mut Vec<FoundColumn>,
    ) -> Result<(), Stop> {
        let roots: Vec<_> =
            self.roots.iter().filter(|root| !found.iter().any(|found| found.name() == root.name)).collect();
        chunk.forget_all_but(&self.ranges(roots.iter().copied())?);
        // What was read for the first look comes first, so that it is let go.
        let is_kept = |root: &&Root| root.leaves().all(|leaf| self.range(leaf).is_ok_and(|range| chunk.has(&range)));
        let (kept, others): (Vec<_>, Vec<_>) = roots.into_iter().partition(is_kept);
        let mut groups = vec![kept.as_slice()];
        let mut rest = others.as_slice();
        while !rest.is_empty() {
            let (mut together, mut length) = (0, 0_u64);
            for root in rest {
                let own = self.ranges([*root].into_iter())?;
                let own = own.iter().map(|range| range.end - range.start).fold(0, u64::saturating_add);
                if together > 0 && length.saturating_add(own) > TOGETHER {
                    break;
                }
                (together, length) = (together + 1, length.saturating_add(own));
            }
            let (now, later) = rest.split_at(together);
            groups.push(now);
            rest = later;
        }
        for (index, now) in groups.iter().enumerate() {
            let leaves: Vec<_> = now.iter().flat_map(|root| root.leaves()).collect();
            let mut bytes = self.read(chunk, &leaves).await?.into_iter();
            let length = bytes.as_slice().iter().map(|bytes| bytes.len() as u64).fold(0, u64::saturating_add);
            for root in *now {
                let of_leaf = bytes.next().ok_or(Odd)?;
                let memory = self.memory.checked_sub(length).and_then(|left| left.checked_sub(self.held)).ok_or(Odd)?;
                match &root.stored {
                    Stored::Values { leaf, physical } => {
                        let column = self.chunks.get(*leaf).ok_or(Odd)?;
                        let gathered = gather(column, &of_leaf, *physical, rows, count, memory, self.buffer)?;
                        self.held = self.held.saturating_add(gathered.held());
                        found.push(FoundColumn::of(&root.name, gathered)?);
                    }
                    Stored::Maps { data_type, .. } => {
                        let of_values = bytes.next().ok_or(Odd)?;
                        let leaves = map_leaves(self.chunks, root, &of_leaf, &of_values)?;
                        let matters = |key: &str| matters(self.plan, &root.name, key);
                        let maps: GatheredMaps = gather_maps(leaves, rows, count, &matters, memory, self.buffer)?;
                        self.held = self.held.saturating_add(maps.held());
                        found.push(FoundColumn::of_maps(&root.name, maps, data_type)?);
                    }
                }
            }
            drop(bytes);
            chunk.forget_all_but(&self.ranges(groups.iter().skip(index + 1).copied().flatten().copied())?);
        }
        Ok(())
    }
}

fn map_leaves<'a>(
    chunks: &'a [ColumnChunkMetaData],
    root: &Root,
    keys: &'a Bytes,
    values: &'a Bytes,
) -> Result<MapLeaves<'a>, Odd> {
    let Stored::Maps { key, value, shape, keys_may_lack, .. } = &root.stored else { return Err(Odd) };
    Ok(MapLeaves {
        key: (chunks.get(*key).ok_or(Odd)?, keys),
        value: (chunks.get(*value).ok_or(Odd)?, values),
        shape: *shape,
        keys_may_lack: *keys_may_lack,
    })
}

/// Whether anything is made of a key of a map.
fn matters(plan: &Plan, column: &str, key: &str) -> bool {
    match column {
        TAGS => plan.tags.keeps(key),
        RESOURCE_TAGS => !plan.tags.of_resource_tag(key).is_empty(),
        PRODUCT => PRODUCT_KEYS.into_iter().any(|(name, ..)| name == key),
        // Every cost category is kept.
        _ => true,
    }
}

/// Whether the footer says that all pages of data are codes of the dictionary.
fn says_only_codes(column: &ColumnChunkMetaData) -> bool {
    let is_codes = |encoding| column.page_encoding_stats_mask().is_some_and(|mask| mask.is_only(encoding));
    is_codes(Encoding::RLE_DICTIONARY) || is_codes(Encoding::PLAIN_DICTIONARY)
}
