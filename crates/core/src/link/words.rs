//! Dimension values as numbers: each distinct value, and each distinct combination of them, is kept once.

use std::collections::HashMap;
use std::sync::Arc;

use rustc_hash::FxBuildHasher;

use crate::cell::Dimension;
use crate::event::{Dims, Event};
use crate::key::Key;
use crate::numbers::Numbers;

/// The number of a dimension value; 0 is the unknown one.
pub(super) type Word = u32;
/// The number of a combination.
pub(super) type Tuple = u32;
/// One value per [`Dimension`], in its order.
pub(super) type Values = [Word; Dimension::COUNT];

/// How many dimensions are in half a combination.
const HALF: usize = Dimension::COUNT / 2;
type Half = [Word; HALF];
const _: () = assert!(Dimension::COUNT == 2 * HALF, "two halves are a whole");

/// Values and combinations by number, numbers by value and combination.
#[derive(Debug)]
pub(super) struct Words {
    keys: Vec<Key>,
    by_key: HashMap<Key, Word, FxBuildHasher>,
    tuples: Vec<Values>,
    /// Combinations by number. Of their halves there are few, so those are near; what is looked for among many is then a
    /// pair of two numbers.
    halves: [Numbers<Half>; 2],
    pairs: Numbers<u64>,
    /// The same as keys, to be shared by facts.
    dims: Vec<Arc<[Key; Dimension::COUNT]>>,
    /// The last value of each dimension: neighbours in a batch often share it, and then one comparison is enough.
    last: Values,
    /// By a few bits of a value's bytes the word that was found there last: most are found there again.
    recent: Vec<Word>,
}

/// Bits of a value by which it is looked for among the recent ones.
const RECENT_BITS: u32 = 12;

impl Default for Words {
    fn default() -> Self {
        let unknown = [0; Dimension::COUNT];
        let mut words = Self {
            keys: vec![Key::empty()],
            by_key: [(Key::empty(), 0)].into_iter().collect(),
            tuples: Vec::new(),
            halves: Default::default(),
            pairs: Numbers::default(),
            dims: Vec::new(),
            last: unknown,
            recent: vec![0; 1 << RECENT_BITS],
        };
        // The unknown one is number 0.
        words.tuple(unknown);
        words
    }
}

impl Words {
    pub(super) fn key(&self, word: Word) -> &Key {
        &self.keys[word as usize]
    }

    pub(super) fn values(&self, tuple: Tuple) -> &Values {
        &self.tuples[tuple as usize]
    }

    /// A combination, as keys.
    pub(super) fn dims(&self, tuple: Tuple) -> &Arc<[Key; Dimension::COUNT]> {
        &self.dims[tuple as usize]
    }

    /// One value of a combination.
    pub(super) fn value(&self, tuple: Tuple, dimension: Dimension) -> Word {
        self.tuples[tuple as usize][dimension as usize]
    }

    /// One value of a combination, as a key.
    pub(super) fn key_of(&self, tuple: Tuple, dimension: Dimension) -> &Key {
        self.key(self.value(tuple, dimension))
    }

    pub(super) fn word(&mut self, key: &Key) -> Word {
        let place = recent_place(key.as_bytes());
        let recent = self.recent[place];
        if self.keys[recent as usize] == *key {
            return recent;
        }
        let word = self.numbered(key);
        self.recent[place] = word;
        word
    }

    fn numbered(&mut self, key: &Key) -> Word {
        if let Some(word) = self.by_key.get(key) {
            return *word;
        }
        // More than 2^32 values do not fit the memory of any machine that this runs on.
        let word = self.keys.len() as Word;
        self.keys.push(key.clone());
        self.by_key.insert(key.clone(), word);
        word
    }

    pub(super) fn tuple(&mut self, values: Values) -> Tuple {
        let [first, second] = &mut self.halves;
        let half = |from: usize| std::array::from_fn(|place| values[from + place]);
        let (first, second) = (first.number(half(0)), second.number(half(HALF)));
        let tuple = self.pairs.number(u64::from(first) << 32 | u64::from(second));
        if tuple as usize == self.tuples.len() {
            self.tuples.push(values);
            self.dims.push(Arc::new(values.map(|word| self.key(word).clone())));
        }
        tuple
    }

    /// The combination that an event says itself.
    pub(super) fn tuple_of(&mut self, event: &Event) -> Tuple {
        let Event { advertiser, dims, label, .. } = event;
        let Dims { campaign, ad, service, placement, country, device } = dims;
        let keys = [advertiser, campaign, ad, service, placement, country, device, label];
        let mut values = [0; Dimension::COUNT];
        for (place, key) in keys.into_iter().enumerate() {
            let last = self.last[place];
            values[place] = if self.keys[last as usize] == *key { last } else { self.word(key) };
        }
        self.last = values;
        self.tuple(values)
    }

    /// The combination of these texts; `None` where one is no value.
    pub(super) fn tuple_of_texts(&mut self, texts: &[&[u8]; Dimension::COUNT]) -> Option<Tuple> {
        let mut values = [0; Dimension::COUNT];
        for (place, text) in texts.iter().enumerate() {
            let last = self.last[place];
            let is_last = self.keys[last as usize].as_bytes() == *text;
            values[place] = if is_last { last } else { self.word_of_text(text)? };
        }
        self.last = values;
        Some(self.tuple(values))
    }

    fn word_of_text(&mut self, text: &[u8]) -> Option<Word> {
        let recent = self.recent[recent_place(text)];
        if self.keys[recent as usize].as_bytes() == text {
            return Some(recent);
        }
        let key = Key::parse(str::from_utf8(text).ok()?).ok()?;
        Some(self.word(&key))
    }

    /// Roughly the bytes in memory.
    pub(super) fn bytes(&self) -> usize {
        const PER_KEY: usize = 96;
        const PER_TUPLE: usize = 240;
        self.keys.len() * PER_KEY + self.tuples.len() * PER_TUPLE
    }
}

/// Where a value is looked for first: by its last bytes, in which names of one kind differ most.
fn recent_place(bytes: &[u8]) -> usize {
    let last = match bytes.last_chunk::<8>() {
        Some(last) => u64::from_le_bytes(*last),
        None => bytes.iter().fold(0, |last, byte| last << 8 | u64::from(*byte)),
    };
    let spread = (last ^ bytes.len() as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (spread >> (u64::BITS - RECENT_BITS)) as usize
}
