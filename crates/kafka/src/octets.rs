//! Numbers and texts as Kafka writes them: big-endian, lengths first.

use thiserror::Error;

/// Why bytes are not what they should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the answer ends or makes no sense at byte {0}")]
pub struct Malformed(pub usize);

/// Reads from the left.
pub(crate) struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    pub(crate) fn take(&mut self, count: usize) -> Result<&'a [u8], Malformed> {
        let end = self.at.checked_add(count).filter(|end| *end <= self.bytes.len());
        let end = end.ok_or(Malformed(self.at))?;
        let taken = &self.bytes[self.at..end];
        self.at = end;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    pub(crate) fn bool(&mut self) -> Result<bool, Malformed> {
        Ok(self.array::<1>()?[0] != 0)
    }

    pub(crate) fn i16(&mut self) -> Result<i16, Malformed> {
        Ok(i16::from_be_bytes(self.array()?))
    }

    pub(crate) fn i32(&mut self) -> Result<i32, Malformed> {
        Ok(i32::from_be_bytes(self.array()?))
    }

    pub(crate) fn i64(&mut self) -> Result<i64, Malformed> {
        Ok(i64::from_be_bytes(self.array()?))
    }

    pub(crate) fn text(&mut self) -> Result<String, Malformed> {
        self.text_or_null()?.ok_or(Malformed(self.at))
    }

    pub(crate) fn text_or_null(&mut self) -> Result<Option<String>, Malformed> {
        let at = self.at;
        match self.i16()? {
            -1 => Ok(None),
            length => {
                let bytes = self.take(usize::try_from(length).map_err(|_| Malformed(at))?)?;
                String::from_utf8(bytes.to_vec()).map(Some).map_err(|_| Malformed(at))
            }
        }
    }

    pub(crate) fn octets(&mut self) -> Result<&'a [u8], Malformed> {
        let at = self.at;
        let length = usize::try_from(self.i32()?).map_err(|_| Malformed(at))?;
        self.take(length)
    }

    /// Reads as many as it says; nothing is reserved, so a length that lies costs nothing.
    pub(crate) fn list<T>(
        &mut self,
        mut one: impl FnMut(&mut Self) -> Result<T, Malformed>,
    ) -> Result<Vec<T>, Malformed> {
        let mut list = Vec::new();
        // A null list has the length -1.
        for _ in 0..self.i32()?.max(0) {
            list.push(one(self)?);
        }
        Ok(list)
    }
}

/// Writes to the right.
#[derive(Default)]
pub(crate) struct Writer {
    pub(crate) bytes: Vec<u8>,
}

impl Writer {
    pub(crate) fn i8(&mut self, value: i8) {
        self.bytes.extend(value.to_be_bytes());
    }

    pub(crate) fn i16(&mut self, value: i16) {
        self.bytes.extend(value.to_be_bytes());
    }

    pub(crate) fn i32(&mut self, value: i32) {
        self.bytes.extend(value.to_be_bytes());
    }

    pub(crate) fn i64(&mut self, value: i64) {
        self.bytes.extend(value.to_be_bytes());
    }

    /// A length; what is sent is far below two gigabytes.
    pub(crate) fn length(&mut self, length: usize) {
        self.i32(i32::try_from(length).unwrap_or(i32::MAX));
    }

    /// At most 32,767 bytes: topics, names of users and of this program.
    pub(crate) fn text(&mut self, text: &str) {
        self.i16(i16::try_from(text.len()).unwrap_or(i16::MAX));
        self.bytes.extend(text.as_bytes());
    }

    pub(crate) fn no_text(&mut self) {
        self.i16(-1);
    }

    pub(crate) fn octets(&mut self, octets: &[u8]) {
        self.length(octets.len());
        self.bytes.extend(octets);
    }

    /// Zigzag, seven bits a byte, the lowest first.
    pub(crate) fn varint(&mut self, value: i64) {
        let mut left = (value.wrapping_shl(1) ^ (value >> 63)) as u64;
        while left >= 0x80 {
            self.bytes.push(left as u8 | 0x80);
            left >>= 7;
        }
        self.bytes.push(left as u8);
    }

    pub(crate) fn varint_octets(&mut self, octets: &[u8]) {
        self.varint(octets.len() as i64);
        self.bytes.extend(octets);
    }
}
