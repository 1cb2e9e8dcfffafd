//! Dimension values as numbers: each distinct value, and each distinct combination of them, is kept once.

use std::collections::HashMap;
use std::sync::Arc;

use rustc_hash::FxBuildHasher;

use crate::cell::Dimension;
use crate::event::{Dims, Event};
use crate::key::Key;

/// The number of a dimension value; 0 is the unknown one.
pub(super) type Word = u32;
/// The number of a combination.
pub(super) type Tuple = u32;
/// One value per [`Dimension`], in its order.
pub(super) type Values = [Word; Dimension::COUNT];

/// Values and combinations by number, numbers by value and combination.
#[derive(Debug)]
pub(super) struct Words {
    keys: Vec<Key>,
    by_key: HashMap<Key, Word, FxBuildHasher>,
    tuples: Vec<Values>,
    /// The same as keys, to be shared by facts.
    dims: Vec<Arc<[Key; Dimension::COUNT]>>,
    by_tuple: HashMap<Values, Tuple, FxBuildHasher>,
    /// The last value of each dimension: neighbours in a batch often share it, and then one comparison is enough.
    last: Values,
}

impl Default for Words {
    fn default() -> Self {
        let unknown = [0; Dimension::COUNT];
        Self {
            keys: vec![Key::empty()],
            by_key: [(Key::empty(), 0)].into_iter().collect(),
            tuples: vec![unknown],
            dims: vec![Arc::default()],
            by_tuple: [(unknown, 0)].into_iter().collect(),
            last: unknown,
        }
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
        if let Some(tuple) = self.by_tuple.get(&values) {
            return *tuple;
        }
        let tuple = self.tuples.len() as Tuple;
        self.tuples.push(values);
        self.dims.push(Arc::new(values.map(|word| self.key(word).clone())));
        self.by_tuple.insert(values, tuple);
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

    /// Roughly the bytes in memory.
    pub(super) fn bytes(&self) -> usize {
        const PER_KEY: usize = 96;
        const PER_TUPLE: usize = 240;
        self.keys.len() * PER_KEY + self.tuples.len() * PER_TUPLE
    }
}
