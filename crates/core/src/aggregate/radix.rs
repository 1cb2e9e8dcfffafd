//! Numbers in order, by their bits.

/// Fewer numbers than that are sorted by comparing.
const MIN_NUMBERS: usize = 512;
/// The most bits of a digit: its counts stay in the nearest memory.
const MAX_DIGIT_BITS: u32 = 11;

/// Puts numbers in order that ascend already by their lowest `from` bits, and have no bit above `to`.
pub(super) fn sort(numbers: &mut Vec<u64>, from: u32, to: u32) {
    if numbers.len() < MIN_NUMBERS || to <= from {
        return numbers.sort_unstable();
    }
    let passes = (to - from).div_ceil(MAX_DIGIT_BITS);
    let bits = (to - from).div_ceil(passes);
    let mut other = vec![0; numbers.len()];
    for shift in (from..to).step_by(bits as usize) {
        let mut places = vec![0u32; 1 << bits];
        let digit = |number: u64| (number >> shift) as usize & ((1 << bits) - 1);
        numbers.iter().for_each(|number| places[digit(*number)] += 1);
        let mut next = 0;
        for place in &mut places {
            let count = std::mem::replace(place, next);
            next += count;
        }
        for number in numbers.iter() {
            let place = &mut places[digit(*number)];
            other[*place as usize] = *number;
            *place += 1;
        }
        std::mem::swap(numbers, &mut other);
    }
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    #[wasm_bindgen_test(unsupported = test)]
    fn it_agrees_with_the_standard_sort() {
        for (count, from, to) in [
            (0, 0, 64),
            (1, 3, 9),
            (511, 16, 40),
            (512, 16, 16),
            (600, 10, 11),
            (5_000, 13, 64),
            (5_000, 13, 53),
        ] {
            let high = |place: u64| {
                place.wrapping_mul(0x9e37_79b9_7f4a_7c15).checked_shr(64 - to + from).unwrap_or(0)
            };
            let number = |place: u64| high(place) << (from % 64) | place & ((1 << from) - 1);
            let mut numbers: Vec<u64> = (0..count).map(number).collect();
            let mut expected = numbers.clone();
            expected.sort_unstable();
            sort(&mut numbers, from, to);
            assert_eq!(numbers, expected, "{count} numbers, bits {from} to {to}");
        }
    }
}
