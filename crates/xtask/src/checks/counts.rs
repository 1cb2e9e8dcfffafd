//! How many tests ran, read from what the runners print.

use std::ops::Add;

#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Counts {
    pub(super) passed: u64,
    pub(super) failed: u64,
}

impl Add for Counts {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { passed: self.passed + other.passed, failed: self.failed + other.failed }
    }
}

/// Sums the lines `test result: ok. 12 passed; 0 failed; …` of cargo and wasm-bindgen-test-runner.
pub(super) fn of_cargo(output: &str) -> Counts {
    let results = output.lines().filter_map(|line| line.trim().strip_prefix("test result: "));
    results.fold(Counts::default(), |sum, result| {
        sum + Counts { passed: number_before(result, " passed"), failed: number_before(result, " failed") }
    })
}

/// Reads the summary of `node --test`: `ℹ pass 12` or `# pass 12`, and what was cancelled counts as failed.
pub(super) fn of_node(output: &str) -> Counts {
    let total = |name: &str| -> u64 {
        let lines = output.lines().filter_map(|line| line.strip_prefix("ℹ ").or(line.strip_prefix("# ")));
        lines.filter_map(|line| line.strip_prefix(name)?.trim().parse::<u64>().ok()).sum()
    };
    Counts { passed: total("pass "), failed: total("fail ") + total("cancelled ") }
}

fn number_before(text: &str, word: &str) -> u64 {
    let number = text.split_once(word).and_then(|(before, _)| before.rsplit(' ').next());
    number.and_then(|number| number.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cargo_and_wasm_bindgen() {
        let check = |output: &str, passed, failed| {
            assert_eq!(of_cargo(output), Counts { passed, failed }, "{output}");
        };
        check("", 0, 0);
        check("test a ... ok\n\ntest result: ok. 12 passed; 0 failed; 0 ignored; 0 measured\n", 12, 0);
        check(
            "test result: FAILED. 3 passed; 2 failed; 0 ignored\n\
             running 1 test\ntest result: ok. 1 passed; 0 failed; 0 ignored; 0 filtered out",
            4,
            2,
        );
    }

    #[test]
    fn node() {
        let check = |output: &str, passed, failed| {
            assert_eq!(of_node(output), Counts { passed, failed }, "{output}");
        };
        check("ℹ tests 3\nℹ pass 2\nℹ fail 1\nℹ cancelled 0\nℹ skipped 0", 2, 1);
        check("# pass 2\n# fail 0\n# cancelled 1", 2, 1);
        check("pass 2", 0, 0);
    }
}
