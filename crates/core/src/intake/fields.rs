//! What an event says, by field, before anything is decided about it.

use serde_json::{Map, Value};

/// A field that events are known to have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    Id,
    Kind,
    At,
    Advertiser,
    Campaign,
    Ad,
    Service,
    Placement,
    User,
    Impression,
    Click,
    CostMicros,
    ValueMicros,
    Label,
    Country,
    Device,
    Os,
    Browser,
    Page,
    UserAgent,
    Ip,
    Props,
}

impl Field {
    /// Every field, in the order of the enum.
    pub(super) const ALL: [Field; 22] = [
        Field::Id,
        Field::Kind,
        Field::At,
        Field::Advertiser,
        Field::Campaign,
        Field::Ad,
        Field::Service,
        Field::Placement,
        Field::User,
        Field::Impression,
        Field::Click,
        Field::CostMicros,
        Field::ValueMicros,
        Field::Label,
        Field::Country,
        Field::Device,
        Field::Os,
        Field::Browser,
        Field::Page,
        Field::UserAgent,
        Field::Ip,
        Field::Props,
    ];

    /// The name in an event.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Field::Id => "id",
            Field::Kind => "kind",
            Field::At => "at",
            Field::Advertiser => "advertiser",
            Field::Campaign => "campaign",
            Field::Ad => "ad",
            Field::Service => "service",
            Field::Placement => "placement",
            Field::User => "user",
            Field::Impression => "impression",
            Field::Click => "click",
            Field::CostMicros => "cost_micros",
            Field::ValueMicros => "value_micros",
            Field::Label => "label",
            Field::Country => "country",
            Field::Device => "device",
            Field::Os => "os",
            Field::Browser => "browser",
            Field::Page => "page",
            Field::UserAgent => "user_agent",
            Field::Ip => "ip",
            Field::Props => "props",
        }
    }

    fn of(name: &str) -> Option<Field> {
        Field::ALL.into_iter().find(|field| field.name() == name)
    }
}

/// A value that is not null, as it was sent.
#[derive(Debug, Clone, Copy)]
pub(super) enum Raw<'f> {
    /// A string of printable ASCII without escapes: the first `len` bytes of the window, which goes on behind it.
    Plain { window: &'f [u8], len: usize },
    /// Any other string.
    Text(&'f str),
    /// A whole number.
    Integer(i64),
    /// Whatever else there is.
    Value(&'f Value),
}

impl<'f> Raw<'f> {
    /// The text of a string.
    pub(super) fn text(self) -> Option<&'f str> {
        match self {
            Raw::Plain { window, len } => window.get(..len).and_then(|bytes| str::from_utf8(bytes).ok()),
            Raw::Text(text) => Some(text),
            Raw::Integer(_) | Raw::Value(_) => None,
        }
    }
}

/// A value in one word, which is what the fast reader hands on: where a plain string lies, a number, or the place of
/// something rarer. Null is the same as absent.
///
/// The four highest bits tell which.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Slot(u64);

impl Slot {
    /// Nothing.
    pub(super) const ABSENT: Slot = Slot(0);
    const PLAIN: u64 = 1;
    const INTEGER: u64 = 2;
    const RARE: u64 = 3;
    const TAG_SHIFT: u32 = 60;
    const LEN_SHIFT: u32 = 32;
    /// Bits of a place or a length: enough for any body.
    const BITS: u32 = 28;

    /// A string of printable ASCII without escapes; `None` if it lies where no body goes.
    #[inline]
    pub(super) fn plain(start: usize, len: usize) -> Option<Slot> {
        let word = Slot::PLAIN << Slot::TAG_SHIFT | (len as u64) << Slot::LEN_SHIFT | start as u64;
        ((start | len) >> Slot::BITS == 0).then_some(Slot(word))
    }

    /// A number below 10^18.
    #[inline]
    pub(super) fn integer(number: u64) -> Slot {
        Slot(Slot::INTEGER << Slot::TAG_SHIFT | number)
    }

    #[inline]
    fn low(self) -> usize {
        self.0 as u32 as usize
    }

    #[inline]
    fn len(self) -> usize {
        (self.0 >> Slot::LEN_SHIFT) as usize & ((1 << Slot::BITS) - 1)
    }
}

/// A value for which a word is not enough.
#[derive(Debug)]
pub(super) enum Rare<'a> {
    /// A string without escapes.
    Text(&'a str),
    /// A string that had escapes.
    Unescaped(String),
    /// Anything.
    Value(&'a Value),
}

/// The fields of one event; the storage serves one event after the other.
#[derive(Debug)]
pub(super) struct Fields<'a> {
    /// Where plain strings lie.
    bytes: &'a [u8],
    /// What the event at hand does not say is left of one before: emptying all costs more than looking at one bit.
    slots: [Slot; Field::ALL.len()],
    /// A bit per field that it says, in the order of [`Field`].
    said: u32,
    rare: Vec<Rare<'a>>,
    /// The members of `props`, by name.
    pub(super) props: Vec<(&'a str, Slot)>,
    /// Fields that are not known, by name.
    pub(super) unknown: Vec<(&'a str, Slot)>,
}

impl<'a> Fields<'a> {
    /// Of an event in `bytes` that says nothing yet.
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        let slots = [Slot::ABSENT; Field::ALL.len()];
        Self { bytes, slots, said: 0, rare: Vec::new(), props: Vec::new(), unknown: Vec::new() }
    }

    /// The fields of an object that the general reader read.
    pub(super) fn of(map: &'a Map<String, Value>) -> Self {
        let mut fields = Self::new(&[]);
        for (name, value) in map {
            match (Field::of(name), value) {
                (Some(Field::Props), Value::Object(props)) => {
                    for (name, value) in props {
                        let slot = fields.hold_value(value);
                        fields.props.push((name, slot));
                    }
                }
                (Some(field), value) => {
                    let slot = fields.hold_value(value);
                    fields.put(field, slot);
                }
                (None, value) => {
                    let slot = fields.hold_value(value);
                    fields.unknown.push((name, slot));
                }
            }
        }
        fields
    }

    /// Makes room for the next event, which lies in `bytes`.
    #[inline]
    pub(super) fn clear(&mut self, bytes: &'a [u8]) {
        self.bytes = bytes;
        self.said = 0;
        self.rare.clear();
        self.props.clear();
        self.unknown.clear();
    }

    /// Notes a field; the last one of a name counts, as in any JSON reader.
    #[inline]
    pub(super) fn put(&mut self, field: Field, slot: Slot) {
        self.slots[field as usize] = slot;
        self.said |= 1 << field as u32;
    }

    #[inline]
    fn slot(&self, field: Field) -> Slot {
        if self.said >> field as u32 & 1 == 0 { Slot::ABSENT } else { self.slots[field as usize] }
    }

    /// Keeps a value for which a word is not enough.
    pub(super) fn hold(&mut self, rare: Rare<'a>) -> Slot {
        self.rare.push(rare);
        Slot(Slot::RARE << Slot::TAG_SHIFT | (self.rare.len() - 1) as u64)
    }

    fn hold_value(&mut self, value: &'a Value) -> Slot {
        match value {
            Value::Null => Slot::ABSENT,
            Value::String(text) => self.hold(Rare::Text(text)),
            other => self.hold(Rare::Value(other)),
        }
    }

    /// A field's value.
    #[inline]
    pub(super) fn get(&self, field: Field) -> Option<Raw<'_>> {
        self.read(self.slot(field))
    }

    /// What a slot stands for.
    #[inline]
    pub(super) fn read(&self, slot: Slot) -> Option<Raw<'_>> {
        match slot.0 >> Slot::TAG_SHIFT {
            Slot::PLAIN => {
                Some(Raw::Plain { window: self.bytes.get(slot.low()..).unwrap_or_default(), len: slot.len() })
            }
            Slot::INTEGER => Some(Raw::Integer((slot.0 & ((1 << Slot::TAG_SHIFT) - 1)) as i64)),
            Slot::RARE => self.read_rare(slot.low()),
            _ => None,
        }
    }

    #[cold]
    fn read_rare(&self, place: usize) -> Option<Raw<'_>> {
        self.rare.get(place).map(|rare| match rare {
            Rare::Text(text) => Raw::Text(text),
            Rare::Unescaped(text) => Raw::Text(text),
            Rare::Value(value) => Raw::Value(value),
        })
    }

    /// Whether none of these fields is there.
    #[inline]
    pub(super) fn lacks(&self, fields: &[Field]) -> bool {
        fields.iter().all(|field| self.slot(*field) == Slot::ABSENT)
    }
}
