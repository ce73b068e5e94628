//! Blocks of lines: where an alert is too long, the block with the highest rank is left out first.

/// Lines that belong together, and how soon they go where there is no room for all.
pub(super) struct Block {
    /// What is highest is dropped first; zero is never dropped.
    rank: u8,
    lines: Vec<String>,
}

impl Block {
    pub(super) fn kept(lines: Vec<String>) -> Self {
        Self { rank: 0, lines }
    }

    pub(super) fn dropped(rank: u8, lines: Vec<String>) -> Self {
        Self { rank, lines }
    }

    pub(super) fn blank() -> Self {
        Self { rank: BLANK, lines: vec![String::new()] }
    }
}

/// Air goes before what only few need.
const BLANK: u8 = 3;

/// The lines of `blocks`, without as many blocks as are needed to keep within [`BODY_LINES`].
pub(super) fn fit(mut blocks: Vec<Block>) -> Vec<String> {
    while blocks.iter().map(|block| block.lines.len()).sum::<usize>() > BODY_LINES {
        let Some(rank) = blocks.iter().map(|block| block.rank).max().filter(|rank| *rank > 0) else { break };
        // Blank lines go together: one that is left over looks like a mistake.
        blocks.retain(|block| block.rank < rank);
    }
    let mut lines: Vec<String> = blocks.into_iter().flat_map(|block| block.lines).collect();
    // However long names are: the last line says which alert it is.
    if let Some(excess) = lines.len().checked_sub(BODY_LINES).filter(|excess| *excess > 0) {
        let end = lines.len() - 1;
        lines.drain(end - excess..end);
    }
    lines
}

/// The most lines of an alert's body.
pub(crate) const BODY_LINES: usize = 25;
