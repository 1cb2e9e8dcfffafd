//! Small numbers for dimension values, so that columns and groups need not compare texts.

use std::collections::HashMap;

use crate::key::Key;

/// Slots of the cache of addresses: a page of memory.
const SLOTS: usize = 256;

/// The different values of one dimension, numbered as they come.
#[derive(Debug, Default)]
pub(crate) struct Dictionary<'a> {
    values: Vec<&'a str>,
    by_text: HashMap<&'a str, u32>,
    /// Address and number of texts seen lately.
    ///
    /// Keys that were cloned from each other share their text, so many are known by its address, which costs less
    /// than hashing the text. The keys are borrowed: no address changes its text meanwhile.
    lately: Vec<(usize, u32)>,
}

impl<'a> Dictionary<'a> {
    /// The number of a value; a new one gets the next number.
    pub(crate) fn code(&mut self, key: &'a Key) -> u32 {
        if self.lately.is_empty() {
            // No text lies at address 0.
            self.lately = vec![(0, 0); SLOTS];
        }
        let address = key.as_str().as_ptr().addr();
        // Texts lie at multiples of 8, larger ones further apart.
        let slot = &mut self.lately[(address >> 3 ^ address >> 11) % SLOTS];
        if slot.0 != address {
            let code = *self.by_text.entry(key.as_str()).or_insert_with(|| {
                self.values.push(key.as_str());
                // One number per value of a cell that is in memory: there are no 2^32.
                (self.values.len() - 1) as u32
            });
            *slot = (address, code);
        }
        slot.1
    }

    /// How many different values there are.
    pub(crate) fn len(&self) -> usize {
        self.values.len()
    }

    /// The values in ascending order, and for each number the place of its value among them.
    pub(crate) fn sorted(&self) -> (Vec<&'a str>, Vec<u64>) {
        let mut order: Vec<usize> = (0..self.values.len()).collect();
        order.sort_unstable_by_key(|code| self.values[*code]);
        let mut places = vec![0; order.len()];
        for (place, code) in (0..).zip(&order) {
            places[*code] = place;
        }
        (order.iter().map(|code| self.values[*code]).collect(), places)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_texts_have_one_number_wherever_they_lie() {
        let keys = ["b", "", "b", "a"].map(|text| Key::parse(text).unwrap());
        let clone = keys[3].clone();
        let mut dictionary = Dictionary::default();
        let codes: Vec<u32> = keys.iter().chain([&clone, &keys[0]]).map(|key| dictionary.code(key)).collect();
        assert_eq!(codes, [0, 1, 0, 2, 2, 0]);
        assert_eq!(dictionary.len(), 3);
        assert_eq!(dictionary.sorted(), (vec!["", "a", "b"], vec![2, 0, 1]));
    }
}
