//! Codes of a column, one for each row or entry that was asked for, in as few bytes as they fit in.

/// The code of what is not there.
const NULL: u32 = u32::MAX;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NarrowCodes {
    Byte(Vec<u8>),
    Two(Vec<u16>),
    Four(Vec<u32>),
}

impl NarrowCodes {
    /// For codes below `values`, at first.
    pub(crate) fn below(values: usize) -> Self {
        if u8::try_from(values).is_ok() {
            Self::Byte(Vec::new())
        } else if u16::try_from(values).is_ok() {
            Self::Two(Vec::new())
        } else {
            Self::Four(Vec::new())
        }
    }

    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Byte(codes) => codes.len(),
            Self::Two(codes) => codes.len(),
            Self::Four(codes) => codes.len(),
        }
    }

    /// How much memory they take.
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Self::Byte(codes) => codes.capacity(),
            Self::Two(codes) => codes.capacity() * 2,
            Self::Four(codes) => codes.capacity() * 4,
        }
    }

    pub(crate) fn push_run(&mut self, code: u32, count: usize) {
        let wanted = self.len() + count;
        match self {
            Self::Byte(codes) => {
                if let Ok(code) = u8::try_from(code)
                    && code < u8::MAX
                {
                    return codes.resize(wanted, code);
                }
            }
            Self::Two(codes) => {
                if let Ok(code) = u16::try_from(code)
                    && code < u16::MAX
                {
                    return codes.resize(wanted, code);
                }
            }
            Self::Four(codes) => return codes.resize(wanted, code),
        }
        if code == NULL {
            return self.push_nulls(count);
        }
        self.widen();
        self.push_run(code, count);
    }

    pub(crate) fn push_nulls(&mut self, count: usize) {
        let wanted = self.len() + count;
        match self {
            Self::Byte(codes) => codes.resize(wanted, u8::MAX),
            Self::Two(codes) => codes.resize(wanted, u16::MAX),
            Self::Four(codes) => codes.resize(wanted, NULL),
        }
    }

    pub(crate) fn extend(&mut self, more: &[u32]) {
        let most = more.iter().copied().max().unwrap_or(0);
        loop {
            match self {
                Self::Byte(codes) if most < u32::from(u8::MAX) => {
                    return codes.extend(more.iter().map(|code| u8::try_from(*code).unwrap_or(u8::MAX)));
                }
                Self::Two(codes) if most < u32::from(u16::MAX) => {
                    return codes.extend(more.iter().map(|code| u16::try_from(*code).unwrap_or(u16::MAX)));
                }
                Self::Four(codes) => return codes.extend_from_slice(more),
                Self::Byte(_) | Self::Two(_) => self.widen(),
            }
        }
    }

    /// The code at `at`, if there is one.
    pub(crate) fn get(&self, at: usize) -> Option<usize> {
        let code = match self {
            Self::Byte(codes) => u32::from(*codes.get(at).filter(|code| **code != u8::MAX)?),
            Self::Two(codes) => u32::from(*codes.get(at).filter(|code| **code != u16::MAX)?),
            Self::Four(codes) => *codes.get(at).filter(|code| **code != NULL)?,
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
        match self {
            Self::Byte(codes) => keys(codes.get(from..to).unwrap_or_default(), u8::MAX),
            Self::Two(codes) => keys(codes.get(from..to).unwrap_or_default(), u16::MAX),
            Self::Four(codes) => keys(codes.get(from..to).unwrap_or_default(), NULL),
        }
    }

    fn widen(&mut self) {
        *self = match self {
            Self::Byte(codes) => {
                let wide = |code: &u8| if *code == u8::MAX { u16::MAX } else { u16::from(*code) };
                Self::Two(codes.iter().map(wide).collect())
            }
            Self::Two(codes) => {
                let wide = |code: &u16| if *code == u16::MAX { NULL } else { u32::from(*code) };
                Self::Four(codes.iter().map(wide).collect())
            }
            Self::Four(codes) => Self::Four(std::mem::take(codes)),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_kept_as_they_grow() {
        let mut codes = NarrowCodes::below(3);
        codes.push_run(2, 2);
        codes.push_nulls(1);
        codes.extend(&[254, 0]);
        codes.extend(&[255]);
        codes.push_run(70_000, 1);
        codes.push_nulls(1);
        codes.push_run(65_535, 1);
        assert!(matches!(codes, NarrowCodes::Four(_)));
        let (keys, present) = codes.keys(0, 9);
        assert_eq!((codes.len(), keys), (9, vec![2, 2, 0, 254, 0, 255, 70_000, 0, 65_535]));
        assert_eq!(
            present,
            Some([2, 7].iter().fold(vec![true; 9], |mut present, null| {
                present[*null] = false;
                present
            }))
        );
        assert_eq!((codes.keys(2, 4).0, codes.keys(3, 6)), (vec![0, 254], (vec![254, 0, 255], None)));
        assert!(matches!(
            (NarrowCodes::below(255), NarrowCodes::below(256)),
            (NarrowCodes::Byte(_), NarrowCodes::Two(_))
        ));
    }
}
