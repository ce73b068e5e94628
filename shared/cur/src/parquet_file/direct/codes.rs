//! Codes of a column, one for each row or entry that was asked for, in as few bytes as they fit in.

/// The code of what is not there.
pub(crate) const NULL: u32 = u32::MAX;

#[derive(Clone, Debug)]
pub(crate) struct NarrowCodes {
    codes: Codes,
    /// How many codes there will be, if that is known.
    room: usize,
    /// Codes are below this, at first.
    below: usize,
}

#[derive(Clone, Debug)]
enum Codes {
    /// So many times the same: much of what a bill says is said of every row.
    Same(u32, usize),
    Byte(Vec<u8>),
    Two(Vec<u16>),
    Four(Vec<u32>),
}

impl NarrowCodes {
    /// For `room` codes below `below`, as far as that is known.
    pub(crate) fn new(below: usize, room: usize) -> Self {
        Self { codes: Codes::Same(NULL, 0), room, below }
    }

    pub(crate) fn len(&self) -> usize {
        match &self.codes {
            Codes::Same(_, length) => *length,
            Codes::Byte(codes) => codes.len(),
            Codes::Two(codes) => codes.len(),
            Codes::Four(codes) => codes.len(),
        }
    }

    /// How much memory they take.
    pub(crate) fn bytes(&self) -> usize {
        match &self.codes {
            Codes::Same(..) => 0,
            Codes::Byte(codes) => codes.capacity(),
            Codes::Two(codes) => codes.capacity() * 2,
            Codes::Four(codes) => codes.capacity() * 4,
        }
    }

    /// Lets go of room that was not needed.
    pub(crate) fn fit(&mut self) {
        match &mut self.codes {
            Codes::Same(..) => {}
            Codes::Byte(codes) => codes.shrink_to_fit(),
            Codes::Two(codes) => codes.shrink_to_fit(),
            Codes::Four(codes) => codes.shrink_to_fit(),
        }
    }

    pub(crate) fn push_run(&mut self, code: u32, count: usize) {
        if let Codes::Same(known, length) = &mut self.codes
            && (*known == code || *length == 0)
        {
            (*known, *length) = (code, *length + count);
            return;
        }
        self.widen_for(code);
        let wanted = self.len() + count;
        match &mut self.codes {
            Codes::Same(..) => {}
            Codes::Byte(codes) => codes.resize(wanted, byte(code)),
            Codes::Two(codes) => codes.resize(wanted, two(code)),
            Codes::Four(codes) => codes.resize(wanted, code),
        }
    }

    /// Appends codes, of which [`NULL`] stands for none.
    pub(crate) fn extend(&mut self, more: &[u32]) {
        let Some(first) = more.first() else { return };
        if let Codes::Same(known, length) = &self.codes
            && (known == first || *length == 0)
            && more.iter().all(|code| code == first)
        {
            return self.push_run(*first, more.len());
        }
        // The greatest that is not null.
        let most = more.iter().map(|code| code.wrapping_add(1)).max().unwrap_or(0);
        self.widen_for(most.wrapping_sub(1));
        match &mut self.codes {
            Codes::Same(..) => {}
            Codes::Byte(codes) => codes.extend(more.iter().copied().map(byte)),
            Codes::Two(codes) => codes.extend(more.iter().copied().map(two)),
            Codes::Four(codes) => codes.extend_from_slice(more),
        }
    }

    /// The code at `at`, if there is one.
    pub(crate) fn get(&self, at: usize) -> Option<usize> {
        let code = match &self.codes {
            Codes::Same(code, length) => *Some(code).filter(|code| at < *length && **code != NULL)?,
            Codes::Byte(codes) => u32::from(*codes.get(at).filter(|code| **code != u8::MAX)?),
            Codes::Two(codes) => u32::from(*codes.get(at).filter(|code| **code != u16::MAX)?),
            Codes::Four(codes) => *codes.get(at).filter(|code| **code != NULL)?,
        };
        usize::try_from(code).ok()
    }

    /// The codes at `from..to` as keys of a dictionary, and which of them are there if not all are.
    pub(crate) fn keys(&self, from: usize, to: usize) -> (Vec<i32>, Option<Vec<bool>>) {
        fn keys<T: Copy + Eq + Into<u32>>(codes: &[T], null: T) -> (Vec<i32>, Option<Vec<bool>>) {
            let key = |code: &T| if *code == null { 0 } else { i32::try_from((*code).into()).unwrap_or(i32::MAX) };
            let has_nulls = codes.contains(&null);
            (codes.iter().map(key).collect(), has_nulls.then(|| codes.iter().map(|code| *code != null).collect()))
        }
        match &self.codes {
            Codes::Same(code, length) => keys(&vec![*code; to.min(*length).saturating_sub(from)], NULL),
            Codes::Byte(codes) => keys(codes.get(from..to).unwrap_or_default(), u8::MAX),
            Codes::Two(codes) => keys(codes.get(from..to).unwrap_or_default(), u16::MAX),
            Codes::Four(codes) => keys(codes.get(from..to).unwrap_or_default(), NULL),
        }
    }

    /// Makes the codes as wide as one more needs; after it they are no longer told as one.
    fn widen_for(&mut self, code: u32) {
        if let Codes::Same(known, length) = self.codes {
            let room = self.room.max(length);
            self.codes = if u8::try_from(self.below).is_ok() {
                Codes::Byte(Vec::with_capacity(room))
            } else if u16::try_from(self.below).is_ok() {
                Codes::Two(Vec::with_capacity(room))
            } else {
                Codes::Four(Vec::with_capacity(room))
            };
            if length > 0 {
                self.push_run(known, length);
            }
        }
        let is_null = code == NULL;
        if matches!(self.codes, Codes::Byte(_)) && !is_null && code >= u32::from(u8::MAX) {
            self.widen();
        }
        if matches!(self.codes, Codes::Two(_)) && !is_null && code >= u32::from(u16::MAX) {
            self.widen();
        }
    }

    fn widen(&mut self) {
        let room = self.room.max(self.len());
        match &self.codes {
            Codes::Byte(codes) => {
                let mut wide = Vec::with_capacity(room);
                wide.extend(codes.iter().map(|code| if *code == u8::MAX { u16::MAX } else { u16::from(*code) }));
                self.codes = Codes::Two(wide);
            }
            Codes::Two(codes) => {
                let mut wide = Vec::with_capacity(room);
                wide.extend(codes.iter().map(|code| if *code == u16::MAX { NULL } else { u32::from(*code) }));
                self.codes = Codes::Four(wide);
            }
            Codes::Same(..) | Codes::Four(_) => {}
        }
    }
}

fn byte(code: u32) -> u8 {
    u8::try_from(code).unwrap_or(u8::MAX)
}

fn two(code: u32) -> u16 {
    u16::try_from(code).unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_kept_as_they_grow() {
        let mut codes = NarrowCodes::new(3, 2);
        codes.push_run(2, 2);
        codes.extend(&[2]);
        assert_eq!((codes.bytes(), codes.keys(1, 3), codes.get(3)), (0, (vec![2, 2], None), None));
        codes.push_run(NULL, 1);
        codes.extend(&[254, 0, NULL]);
        codes.extend(&[255]);
        codes.push_run(70_000, 1);
        codes.push_run(NULL, 1);
        codes.push_run(65_535, 1);
        assert!(matches!(codes.codes, Codes::Four(_)));
        codes.fit();
        assert_eq!((codes.len(), codes.bytes()), (11, 44));
        let expected = [2, 2, 2, NULL, 254, 0, NULL, 255, 70_000, NULL, 65_535];
        let (keys, present) = codes.keys(0, 11);
        assert_eq!(keys, expected.map(|code| if code == NULL { 0 } else { i32::try_from(code).unwrap() }));
        assert_eq!(present, Some(expected.map(|code| code != NULL).to_vec()));
        for (at, code) in expected.into_iter().enumerate() {
            assert_eq!(codes.get(at), (code != NULL).then(|| usize::try_from(code).unwrap()));
        }
        assert_eq!((codes.keys(3, 5).0, codes.keys(4, 6)), (vec![0, 254], (vec![254, 0], None)));
    }

    #[test]
    fn codes_take_as_few_bytes_as_they_need() {
        for (below, width) in [(255, 1), (256, 2), (65_535, 2), (65_536, 4)] {
            let mut codes = NarrowCodes::new(below, 3);
            codes.extend(&[1, 0, NULL]);
            assert_eq!((codes.bytes(), codes.keys(0, 3)), (3 * width, (vec![1, 0, 0], Some(vec![true, true, false]))));
        }
        let mut nulls = NarrowCodes::new(255, 3);
        nulls.extend(&[NULL, NULL]);
        nulls.push_run(NULL, 1);
        assert_eq!((nulls.bytes(), nulls.get(0), nulls.keys(1, 3)), (0, None, (vec![0, 0], Some(vec![false; 2]))));
    }
}
