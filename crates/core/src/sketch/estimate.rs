//! Ertl's improved raw estimator (2017, algorithm 6).

use super::{Q, REGISTERS};

/// 1 / (2 ln 2), the limit of HyperLogLog's bias correction for many registers.
const ALPHA: f64 = 0.5 / std::f64::consts::LN_2;

/// The number of users behind dense registers, rounded; only additions, multiplications and square roots, so every
/// platform gets the same.
pub(super) fn dense(registers: &[u8; REGISTERS]) -> u64 {
    let mut histogram = [0u32; Q as usize + 2];
    for rank in registers {
        histogram[usize::from(*rank)] += 1;
    }
    let m = REGISTERS as f64;
    let mut z = m * tau(1.0 - f64::from(histogram[Q as usize + 1]) / m);
    for count in histogram[1..=Q as usize].iter().rev() {
        z = 0.5 * (z + f64::from(*count));
    }
    z += m * sigma(f64::from(histogram[0]) / m);
    // Casting saturates, also the infinity that saturated registers give.
    (ALPHA * m * m / z).round() as u64
}

/// x + sum of x^(2^k) 2^(k-1) over k >= 1: what empty registers contribute.
fn sigma(mut x: f64) -> f64 {
    if x == 1.0 {
        return f64::INFINITY;
    }
    let (mut y, mut z) = (1.0, x);
    loop {
        x *= x;
        let before = z;
        z += x * y;
        y += y;
        if z == before {
            return z;
        }
    }
}

/// (1 - x - sum of (1 - x^(2^-k))^2 2^-k over k >= 1) / 3: what full registers contribute.
fn tau(mut x: f64) -> f64 {
    if x == 0.0 || x == 1.0 {
        return 0.0;
    }
    let (mut y, mut z) = (1.0, 1.0 - x);
    loop {
        x = x.sqrt();
        let before = z;
        y *= 0.5;
        z -= (1.0 - x) * (1.0 - x) * y;
        if z == before {
            return z / 3.0;
        }
    }
}
