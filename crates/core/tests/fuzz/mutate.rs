//! Damaged bytes: what was right is changed a little, many times, always the same way for the same seed.

/// How often each target is called; `ADTALLY_FUZZ` says how many times as often.
const CALLS: u64 = 4_000;

/// A sequence of numbers that looks random (xorshift64*).
pub(crate) struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// A number below `end`; 0 if there is none.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        if end == 0 { 0 } else { (self.next() % end as u64) as usize }
    }
}

/// Calls a target with each part of the corpus and with damaged ones, and says how often. A panic names the bytes.
pub(crate) fn fuzz(name: &str, corpus: &[&[u8]], target: impl Fn(&[u8])) {
    keep(name, corpus);
    let read = |variable: &str| std::env::var(variable).ok().and_then(|text| text.parse::<u64>().ok());
    let calls = CALLS * read("ADTALLY_FUZZ").unwrap_or(1);
    let seed = read("ADTALLY_TEST_SEED").unwrap_or(20_261_123);
    let mut numbers = Numbers(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let run = |bytes: &[u8]| {
        let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| target(bytes)));
        assert!(caught.is_ok(), "{name} fails on {:?}", bytes.escape_ascii().to_string());
    };
    corpus.iter().for_each(|bytes| run(bytes));
    // What a change leaves readable is changed further, so that damage gets deep.
    let mut kept: Vec<Vec<u8>> = corpus.iter().map(|bytes| bytes.to_vec()).collect();
    for call in 0..calls {
        let mut bytes = kept[numbers.below(kept.len())].clone();
        for _ in 0..=numbers.below(4) {
            let other = kept[numbers.below(kept.len())].clone();
            damage(&mut bytes, &other, &mut numbers);
        }
        run(&bytes);
        if call % 16 == 0 && kept.len() < 256 && bytes.len() < 20_000 {
            kept.push(bytes);
        }
    }
    println!("{name}: {} executions, seed {seed}", calls + corpus.len() as u64);
}

/// Writes the corpus where `ADTALLY_CORPUS` says, for a fuzzer to start from.
fn keep(name: &str, corpus: &[&[u8]]) {
    let Some(folder) = std::env::var_os("ADTALLY_CORPUS") else { return };
    let folder = std::path::Path::new(&folder).join(name.replace(' ', "_"));
    std::fs::create_dir_all(&folder).expect("a folder for the corpus");
    for (number, bytes) in corpus.iter().enumerate() {
        std::fs::write(folder.join(format!("seed-{number}")), bytes).expect("the corpus is written");
    }
}

/// What parsers look at, or overflow on.
const WORDS: [&[u8]; 24] = [
    b"{",
    b"}",
    b"[",
    b"]",
    b"\"",
    b"\\",
    b"\\u",
    b"\\ud800",
    b",",
    b":",
    b"null",
    b"-",
    b"1e999",
    b"18446744073709551616",
    b"-9223372036854775808",
    b"\n",
    b"\0",
    b"\xff",
    b"\xf0\x9f\x98\x80",
    b"'",
    b"(",
    b")",
    b"%",
    b"=",
];

fn damage(bytes: &mut Vec<u8>, other: &[u8], numbers: &mut Numbers) {
    let at = numbers.below(bytes.len() + 1);
    let end = (at + 1 + numbers.below(16)).min(bytes.len());
    match numbers.below(9) {
        0 if at < bytes.len() => bytes[at] ^= 1 << numbers.below(8),
        1 if at < bytes.len() => bytes[at] = numbers.next() as u8,
        2 => bytes.truncate(at),
        3 if at < end => drop(bytes.drain(at..end)),
        4 if at < end => {
            let again = bytes[at..end].to_vec();
            bytes.splice(at..at, again);
        }
        5 => {
            let word = WORDS[numbers.below(WORDS.len())];
            bytes.splice(at..at, word.iter().copied());
        }
        6 => {
            let from = numbers.below(other.len() + 1);
            bytes.truncate(at);
            bytes.extend_from_slice(&other[from..]);
        }
        7 if at < end => bytes[at..end].fill(0xff),
        8 => {
            let deep = WORDS[2 * numbers.below(2)].repeat(numbers.below(300));
            bytes.splice(at..at, deep);
        }
        _ => {}
    }
    bytes.truncate(100_000);
}
