//! Thrift's compact protocol, as much as it takes to look at what Parquet writes in it before the library does.
//!
//! Whatever the library might read differently is refused: fields out of order, lists of booleans, maps, integers that
//! are longer than they need to be. No writer of Parquet uses any of them.

/// How deep structures may lie in each other. Parquet's own reach six.
const DEPTH: usize = 16;

/// Why bytes are not what was expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed;

/// What a field or an element of a list is, as the protocol numbers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    True,
    False,
    Byte,
    Integer,
    Double,
    Binary,
    List,
    Struct,
}

impl Kind {
    fn of(number: u8) -> Result<Self, Malformed> {
        Ok(match number {
            1 => Self::True,
            2 => Self::False,
            3 => Self::Byte,
            4..=6 => Self::Integer,
            7 => Self::Double,
            8 => Self::Binary,
            // Sets are written as lists.
            9 | 10 => Self::List,
            12 => Self::Struct,
            _ => return Err(Malformed),
        })
    }
}

/// Reads a slice from its start. It allocates nothing, and takes time in proportion to the bytes that it reads.
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// What was not read yet.
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Reads a structure. `read` reads the fields that it knows and answers whether it did; others are skipped.
    pub(crate) fn structure<E: From<Malformed>>(
        &mut self,
        mut read: impl FnMut(&mut Self, i16, Kind) -> Result<bool, E>,
    ) -> Result<(), E> {
        let mut last = 0;
        while let Some((id, kind)) = self.field(last)? {
            if !read(self, id, kind)? {
                self.skip(kind, DEPTH)?;
            }
            last = id;
        }
        Ok(())
    }

    /// Reads the head of a list: how many elements it has, which the bytes suffice for, and what they are.
    pub(crate) fn list(&mut self) -> Result<(usize, Kind), Malformed> {
        let head = self.byte()?;
        // Some writers write an empty list without the kind of its elements.
        if head == 0 {
            return Ok((0, Kind::Byte));
        }
        let length = match head >> 4 {
            15 => self.varint()?,
            length => u64::from(length),
        };
        let length = usize::try_from(length).map_err(|_| Malformed)?;
        let kind = Kind::of(head & 0x0f)?;
        // The least element takes a byte.
        if length > self.rest.len() || matches!(kind, Kind::True | Kind::False) {
            return Err(Malformed);
        }
        Ok((length, kind))
    }

    /// Reads an integer of 32 bits.
    pub(crate) fn int(&mut self) -> Result<i32, Malformed> {
        i32::try_from(self.zigzag()?).map_err(|_| Malformed)
    }

    pub(crate) fn skip_one(&mut self, kind: Kind) -> Result<(), Malformed> {
        self.skip(kind, DEPTH)
    }

    /// The next field, unless the structure ends here.
    fn field(&mut self, last: i16) -> Result<Option<(i16, Kind)>, Malformed> {
        let head = self.byte()?;
        if head == 0 {
            return Ok(None);
        }
        let kind = Kind::of(head & 0x0f)?;
        let id = match head >> 4 {
            0 => i16::try_from(self.zigzag()?).map_err(|_| Malformed)?,
            delta => last.checked_add(i16::from(delta)).ok_or(Malformed)?,
        };
        if id > last { Ok(Some((id, kind))) } else { Err(Malformed) }
    }

    fn skip(&mut self, kind: Kind, depth: usize) -> Result<(), Malformed> {
        let depth = depth.checked_sub(1).ok_or(Malformed)?;
        match kind {
            Kind::True | Kind::False => Ok(()),
            Kind::Byte => self.take(1).map(drop),
            Kind::Integer => self.varint().map(drop),
            Kind::Double => self.take(8).map(drop),
            Kind::Binary => {
                let length = self.varint()?;
                self.take(usize::try_from(length).map_err(|_| Malformed)?).map(drop)
            }
            Kind::List => {
                let (length, kind) = self.list()?;
                (0..length).try_for_each(|_| self.skip(kind, depth))
            }
            Kind::Struct => {
                let mut last = 0;
                while let Some((id, kind)) = self.field(last)? {
                    self.skip(kind, depth)?;
                    last = id;
                }
                Ok(())
            }
        }
    }

    /// Reads an integer of up to 64 bits, with a sign.
    pub(crate) fn zigzag(&mut self) -> Result<i64, Malformed> {
        let value = self.varint()?;
        Ok((value >> 1).cast_signed() ^ -(value & 1).cast_signed())
    }

    /// Reads an integer of up to 64 bits, seven of them in each byte, the lowest first.
    pub(crate) fn varint(&mut self) -> Result<u64, Malformed> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if bits << shift >> shift != bits {
                return Err(Malformed);
            }
            value |= bits << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(Malformed)
    }

    fn byte(&mut self) -> Result<u8, Malformed> {
        let (byte, rest) = self.rest.split_first().ok_or(Malformed)?;
        self.rest = rest;
        Ok(*byte)
    }

    /// Takes so many bytes as they are.
    pub(crate) fn take(&mut self, length: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(Malformed)?;
        self.rest = rest;
        Ok(taken)
    }
}
