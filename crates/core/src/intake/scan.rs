//! The fast reader: one pass over the bytes of an event as nearly everybody writes it.
//!
//! It knows flat objects of strings, whole numbers, `true`, `false` and `null` on one line, and `props` with the same
//! inside. Whatever else it meets, valid or not, it leaves to the general reader: it must never take what that one
//! would refuse, nor take it otherwise. Strings are searched eight bytes at a time ([`super::word`]) and stay where
//! they are.

use serde_json::Value;

use super::fields::{Field, Fields, Rare, Slot};
use super::word;

/// A value that is not a number and not a string.
static TRUE: Value = Value::Bool(true);
static FALSE: Value = Value::Bool(false);

/// The most digits of a number that is read here: every such number fits 64 bits.
const MAX_DIGITS: usize = 18;

/// Reads the object that begins at `at` into `fields`; answers where it ends.
///
/// `None` says that the general reader has to decide; the fields are then undefined.
#[inline]
pub(super) fn scan<'a>(
    bytes: &'a [u8],
    at: usize,
    order: &mut Order,
    fields: &mut Fields<'a>,
) -> Option<usize> {
    fields.clear(bytes);
    let mut scanner = Scanner { bytes, rest: bytes.get(at..)? };
    scanner.event(order, fields)?;
    Some(scanner.at())
}

/// Which field followed which in the last event: senders write every event in one order, so that a look at the place
/// tells more than a search for the name.
pub(super) struct Order {
    first: Field,
    next: [Field; Field::ALL.len()],
}

impl Order {
    pub(super) fn new() -> Self {
        Self { first: Field::Id, next: Field::ALL }
    }

    #[inline]
    fn after(&mut self, last: Option<Field>) -> &mut Field {
        match last {
            None => &mut self.first,
            Some(last) => &mut self.next[last as usize],
        }
    }
}

struct Scanner<'a> {
    bytes: &'a [u8],
    /// What has not been read yet. Every step takes a part off its front: that needs one comparison where an index
    /// into `bytes` needs two.
    rest: &'a [u8],
}

enum Name<'a> {
    Known(Field),
    Unknown(&'a str),
}

impl<'a> Scanner<'a> {
    #[inline]
    fn event(&mut self, order: &mut Order, fields: &mut Fields<'a>) -> Option<()> {
        if self.opens_empty()? {
            return Some(());
        }
        let mut last = None;
        loop {
            let guess = order.after(last);
            let lead = &LEADS[*guess as usize];
            if let Some(rest) = lead.taken_off(self.rest) {
                self.rest = rest;
                let slot = if lead.string { self.string(fields)? } else { self.number(fields)? };
                fields.put(*guess, slot);
                last = Some(*guess);
            } else {
                match self.name(fields)? {
                    Name::Known(field) => {
                        self.known(field, fields)?;
                        *guess = field;
                        last = Some(field);
                    }
                    Name::Unknown(name) => self.unknown(name, fields)?,
                }
            }
            if self.closes()? {
                return Some(());
            }
        }
    }

    #[inline(never)]
    fn known(&mut self, field: Field, fields: &mut Fields<'a>) -> Option<()> {
        if field == Field::Props {
            return self.props(fields);
        }
        self.colon()?;
        let slot = self.value(fields)?;
        fields.put(field, slot);
        Some(())
    }

    #[inline(never)]
    fn unknown(&mut self, name: &'a str, fields: &mut Fields<'a>) -> Option<()> {
        self.colon()?;
        let slot = self.value(fields)?;
        fields.unknown.push((name, slot));
        Some(())
    }

    fn props(&mut self, fields: &mut Fields<'a>) -> Option<()> {
        self.colon()?;
        fields.props.clear();
        if self.peek() != Some(b'{') {
            let slot = self.value(fields)?;
            fields.put(Field::Props, slot);
            return Some(());
        }
        fields.put(Field::Props, Slot::ABSENT);
        if self.opens_empty()? {
            return Some(());
        }
        loop {
            let name = self.unknown_name(fields)?;
            self.colon()?;
            let slot = self.value(fields)?;
            fields.props.push((name, slot));
            if self.closes()? {
                return Some(());
            }
        }
    }

    /// Goes into an object, behind the quote of its first name; whether it ends at once.
    #[inline]
    fn opens_empty(&mut self) -> Option<bool> {
        if self.takes(b"{\"") {
            return Some(false);
        }
        self.expect(b'{')?;
        self.space();
        if self.peek() == Some(b'}') {
            self.skip(1)?;
            return Some(true);
        }
        self.expect(b'"').map(|()| false)
    }

    /// Goes behind the quote of the next name; whether there is none.
    #[inline]
    fn closes(&mut self) -> Option<bool> {
        if self.takes(b",\"") {
            return Some(false);
        }
        self.space();
        let byte = self.peek()?;
        self.skip(1)?;
        match byte {
            b',' => {
                self.space();
                self.expect(b'"').map(|()| false)
            }
            b'}' => Some(true),
            _ => None,
        }
    }

    #[inline]
    fn colon(&mut self) -> Option<()> {
        self.space();
        self.expect(b':')?;
        self.space();
        Some(())
    }

    /// The name whose first character this is; goes behind its quote.
    #[inline]
    fn name(&mut self, fields: &mut Fields<'a>) -> Option<Name<'a>> {
        let low = word::load(self.rest);
        let mark = word::quotes(low);
        let (low, high, len) = if mark == 0 {
            let high = word::load(self.rest.get(word::BYTES..)?);
            let len = word::first_mark(word::quotes(high));
            (low, word::first(high, len), word::BYTES + len)
        } else {
            let len = word::first_mark(mark);
            (word::first(low, len), 0, len)
        };
        match NAMES.find(low, high, len) {
            Some(field) => {
                self.skip(len + 1)?;
                Some(Name::Known(field))
            }
            None => self.unknown_name(fields).map(Name::Unknown),
        }
    }

    /// The same where it is no known one.
    #[cold]
    fn unknown_name(&mut self, fields: &mut Fields<'a>) -> Option<&'a str> {
        let start = self.at();
        self.string(fields)?;
        let name = self.bytes.get(start..self.at() - 1)?;
        // With escapes it could be a known one in disguise.
        if name.contains(&b'\\') { None } else { str::from_utf8(name).ok() }
    }

    /// A value that is most likely a number.
    #[inline]
    fn number(&mut self, fields: &mut Fields<'a>) -> Option<Slot> {
        match self.peek()? {
            b'0'..=b'9' => self.integer(),
            _ => {
                self.space();
                self.value(fields)
            }
        }
    }

    #[inline(never)]
    fn value(&mut self, fields: &mut Fields<'a>) -> Option<Slot> {
        match self.peek()? {
            b'"' => {
                self.skip(1)?;
                self.string(fields)
            }
            b'0'..=b'9' => self.integer(),
            _ => self.literal(fields),
        }
    }

    #[cold]
    fn literal(&mut self, fields: &mut Fields<'a>) -> Option<Slot> {
        let literals: [(&[u8], Option<&Value>); 3] =
            [(b"null", None), (b"true", Some(&TRUE)), (b"false", Some(&FALSE))];
        let (text, value) = literals.into_iter().find(|(text, _)| self.rest.starts_with(text))?;
        self.skip(text.len())?;
        Some(value.map_or(Slot::ABSENT, |value| fields.hold(Rare::Value(value))))
    }

    /// A number without sign, fraction and exponent; behind it comes what does not belong to one, or the caller
    /// refuses it.
    #[inline]
    fn integer(&mut self) -> Option<Slot> {
        const POWERS: [u64; 9] = [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000];
        let (start, mut number) = (self.rest, 0_u64);
        loop {
            let word = word::load(self.rest);
            let len = word::first_mark(word::non_digits(word));
            self.skip(len)?;
            if start.len() - self.rest.len() > MAX_DIGITS {
                return None;
            }
            number = number * POWERS[len] + word::digits(word, len);
            if len < word::BYTES {
                break;
            }
        }
        // JSON has no leading zeros.
        if start.first() == Some(&b'0') && start.len() - self.rest.len() > 1 {
            return None;
        }
        Some(Slot::integer(number))
    }

    /// The string whose first character this is; goes behind its quote.
    #[inline]
    fn string(&mut self, fields: &mut Fields<'a>) -> Option<Slot> {
        let start = self.rest;
        loop {
            let word = word::load(self.rest);
            let odd = word::ends(word) | word::beyond_ascii(word);
            if odd == 0 {
                self.skip(word::BYTES)?;
                continue;
            }
            let mark = word::first_mark(odd);
            if word::byte(word, mark) != b'"' {
                self.skip(mark)?;
                return self.odd_string(start, fields);
            }
            let slot = Slot::plain(self.bytes.len() - start.len(), start.len() - self.rest.len() + mark);
            self.skip(mark + 1)?;
            return slot;
        }
    }

    /// The rest of a string that is not plain.
    #[cold]
    fn odd_string(&mut self, start: &'a [u8], fields: &mut Fields<'a>) -> Option<Slot> {
        let mut escapes = false;
        loop {
            self.skip(word::first_mark(word::ends(word::load(self.rest))))?;
            match self.peek()? {
                b'"' => break,
                b'\\' => {
                    escapes = true;
                    self.skip(2)?;
                }
                0..0x20 => return None,
                _ => {}
            }
        }
        let (first, end) = (self.bytes.len() - start.len(), self.at());
        self.skip(1)?;
        let rare = if escapes {
            Rare::Unescaped(serde_json::from_slice(self.bytes.get(first - 1..=end)?).ok()?)
        } else {
            Rare::Text(str::from_utf8(self.bytes.get(first..end)?).ok()?)
        };
        Some(fields.hold(rare))
    }

    /// Goes behind these two bytes, if they are here.
    #[inline]
    fn takes(&mut self, text: &[u8; 2]) -> bool {
        match self.rest.split_first_chunk() {
            Some((here, rest)) if here == text => {
                self.rest = rest;
                true
            }
            _ => false,
        }
    }

    #[inline]
    fn space(&mut self) {
        while let [b' ' | b'\t', rest @ ..] = self.rest {
            self.rest = rest;
        }
    }

    #[inline]
    fn expect(&mut self, byte: u8) -> Option<()> {
        (self.peek()? == byte).then_some(())?;
        self.skip(1)
    }

    #[inline]
    fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    #[inline]
    fn skip(&mut self, bytes: usize) -> Option<()> {
        self.rest = self.rest.get(bytes..)?;
        Some(())
    }

    #[inline]
    fn at(&self) -> usize {
        self.bytes.len() - self.rest.len()
    }
}

/// What stands between a name's opening quote and its value, written without spaces.
struct Lead {
    bits: u128,
    mask: u128,
    len: usize,
    /// Whether it goes on behind the quote of a string.
    string: bool,
}

static LEADS: [Lead; Field::ALL.len()] = Lead::build();

impl Lead {
    const fn build() -> [Lead; Field::ALL.len()] {
        let mut leads = [const { Lead { bits: 0, mask: 0, len: 0, string: false } }; Field::ALL.len()];
        let mut number = 0;
        while number < Field::ALL.len() {
            leads[number] = Lead::of(Field::ALL[number]);
            number += 1;
        }
        leads
    }

    const fn of(field: Field) -> Lead {
        let string = !matches!(field, Field::At | Field::CostMicros | Field::ValueMicros);
        let (mut bits, mut len) = (word::of_name(field.name()), field.name().len());
        let end: &[u8] = match (field, string) {
            // Never there: the general way knows objects.
            (Field::Props, _) => b"\"\0",
            (_, true) => b"\":\"",
            (_, false) => b"\":",
        };
        let mut at = 0;
        while at < end.len() {
            bits |= (end[at] as u128) << (8 * len);
            (at, len) = (at + 1, len + 1);
        }
        Lead { bits, mask: u128::MAX >> (128 - 8 * len), len, string }
    }

    /// What follows, if `rest` begins like this.
    #[inline]
    fn taken_off<'a>(&self, rest: &'a [u8]) -> Option<&'a [u8]> {
        let here = u128::from_le_bytes(*rest.first_chunk()?);
        if (here ^ self.bits) & self.mask == 0 { rest.get(self.len..) } else { None }
    }
}

/// The names of the fields in a table without collisions: one look tells which field a name can only be.
struct Names {
    slots: [Option<(u64, u64, usize, Field)>; 1 << Names::BITS],
}

static NAMES: Names = Names::build();

impl Names {
    const BITS: u32 = 6;
    /// Found by trying; [`Names::build`] does not compile with one under which two names collide.
    const FACTOR: u64 = 0x32ab_0aff_6947_37a1;

    const fn build() -> Self {
        let mut slots = [None; 1 << Names::BITS];
        let mut number = 0;
        while number < Field::ALL.len() {
            let field = Field::ALL[number];
            let words = word::of_name(field.name());
            let (low, high) = (words as u64, (words >> u64::BITS) as u64);
            let slot = Names::slot(low, high);
            assert!(slots[slot].is_none(), "two names collide");
            slots[slot] = Some((low, high, field.name().len(), field));
            number += 1;
        }
        Self { slots }
    }

    #[inline]
    const fn slot(low: u64, high: u64) -> usize {
        ((low ^ high.rotate_left(32)).wrapping_mul(Names::FACTOR) >> (u64::BITS - Names::BITS)) as usize
    }

    /// The field whose name has these bytes, the first one lowest, behind the last one zeros.
    #[inline]
    fn find(&self, low: u64, high: u64, len: usize) -> Option<Field> {
        let (its_low, its_high, its_len, field) = self.slots[Names::slot(low, high)]?;
        (low == its_low && high == its_high && len == its_len).then_some(field)
    }
}
