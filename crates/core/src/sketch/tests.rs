use wasm_bindgen_test::wasm_bindgen_test;

use super::*;

/// SplitMix64: even bits from a counter.
fn hash(counter: u64) -> UserKey {
    let mut z = counter.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    UserKey(z ^ (z >> 31))
}

fn sketch(users: impl IntoIterator<Item = u64>) -> Sketch {
    let mut sketch = Sketch::default();
    users.into_iter().for_each(|user| sketch.insert(hash(user)));
    sketch
}

/// Straight from the definition: the rank of the 52 bits behind the index.
fn dense_directly(users: impl IntoIterator<Item = u64>) -> [u8; REGISTERS] {
    let mut registers = [0; REGISTERS];
    for user in users {
        let UserKey(hash) = hash(user);
        let register = &mut registers[(hash >> Q) as usize];
        *register = (*register).max(rank(hash, Q) as u8);
    }
    registers
}

#[wasm_bindgen_test(unsupported = test)]
fn few_users_are_counted_exactly() {
    assert!(Sketch::default().is_empty());
    for n in [0, 1, 2, 10, 500, SPARSE_MAX as u64] {
        assert_eq!(sketch(0..n).estimate(), n);
        assert_eq!(sketch((0..n).chain(0..n)).estimate(), n);
        let m = f64::from(1 << SPARSE_P);
        assert_eq!((-m * (-(n as f64) / m).ln_1p()).round() as u64, n, "linear counting");
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn many_users_are_estimated_within_a_few_percent() {
    for n in [769, 1_000, 3_000, 10_000, 40_000, 200_000] {
        let mut squares = 0.0;
        for trial in 0..8 {
            let from = trial * 1_000_000;
            let error = sketch(from..from + n).estimate() as f64 / n as f64 - 1.0;
            assert!(error.abs() < 4.0 * 0.016, "{n}: {error}");
            squares += error * error;
        }
        let deviation = (squares / 8.0_f64).sqrt();
        assert!(deviation < 2.0 * 0.016, "{n}: {deviation}");
    }
}

#[test]
fn the_estimator_is_sound_at_the_ends() {
    assert_eq!(estimate::dense(&[0; REGISTERS]), 0);
    assert_eq!(estimate::dense(&[Q as u8 + 1; REGISTERS]), u64::MAX);
}

#[test]
fn going_dense_loses_nothing() {
    let users = 0..SPARSE_MAX as u64 + 1;
    match sketch(users.clone()).0 {
        Form::Dense(registers) => assert_eq!(*registers, dense_directly(users)),
        Form::Sparse(_) => panic!("still sparse"),
    }
    for hash in [0, 1, u64::MAX, 1 << Q, 1 << SPARSE_Q, (1 << SPARSE_Q) - 1, 1 << 20] {
        let mut registers = [0; REGISTERS];
        raise(&mut registers, entry(UserKey(hash)));
        assert_eq!(u32::from(registers[(hash >> Q) as usize]), rank(hash, Q), "{hash:x}");
    }
}

#[test]
fn one_index_keeps_its_greatest_rank() {
    let (low, high) = (UserKey(1 << 30), UserKey(1));
    let mut sketches = [Sketch::default(), Sketch::default()];
    [low, high].into_iter().for_each(|user| sketches[0].insert(user));
    [high, low].into_iter().for_each(|user| sketches[1].insert(user));
    assert_eq!(sketches[0], sketches[1]);
    assert_eq!(sketches[0].0, Form::Sparse(vec![39]));
    let both = |user: UserKey| {
        let mut sketch = Sketch::default();
        [user, UserKey(user.0 | 1 << 63)].into_iter().for_each(|user| sketch.insert(user));
        sketch
    };
    let (mut up, mut down) = (both(low), both(high));
    up.merge(&both(high));
    down.merge(&both(low));
    assert_eq!(up, both(high));
    assert_eq!(down, both(high));
}

#[wasm_bindgen_test(unsupported = test)]
fn bytes_are_few() {
    assert_eq!(Sketch::default().encode().len(), 1);
    assert!(sketch(0..1).encode().len() <= 6);
    assert!(sketch(0..768).encode().len() < 3_072);
    assert_eq!(sketch(0..100_000).encode().len(), 3_074);
}

#[test]
fn what_no_sketch_encodes_to_is_refused() {
    fn check(bytes: &[u8], expected: SketchError) {
        assert_eq!(Sketch::decode(bytes), Err(expected), "{bytes:?}");
    }
    check(&[], SketchError::Length);
    check(&[0, 0], SketchError::Length);
    check(&[2, 1], SketchError::Length);
    check(&[0xff, 0xff, 0xff, 0xff, 0x0f], SketchError::Length);
    check(&[1, 0], SketchError::Entry);
    check(&[1, 41], SketchError::Entry);
    check(&[2, 1, 1], SketchError::Entry);
    check(&[2, 1, 0], SketchError::Entry);
    check(&[1, 0xc1, 0xff, 0xff, 0xff, 0x0f], SketchError::Entry);
    let dense = sketch(0..5_000).encode();
    check(&dense[..dense.len() - 1], SketchError::Length);
    check(&[&dense[..2], &[0; 3_072]].concat(), SketchError::Entry);
    check(&[&dense[..2], &[0xff; 3_072]].concat(), SketchError::Entry);
}

#[cfg(not(target_arch = "wasm32"))]
mod properties {
    use proptest::prelude::*;

    use super::*;

    fn users() -> impl Strategy<Value = Vec<u64>> {
        prop_oneof![
            prop::collection::vec(0..20u64, 0..8),
            prop::collection::vec(0..2_000u64, 0..1_200),
            (0..1_000u64).prop_map(|from| (from..from + 900).collect()),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]

        #[test]
        fn merging_is_the_sketch_of_the_union(a in users(), b in users(), c in users()) {
            let [sa, sb, sc] = [&a, &b, &c].map(|users| sketch(users.iter().copied()));
            let merged = |parts: &[&Sketch]| {
                let mut sum = Sketch::default();
                parts.iter().for_each(|part| sum.merge(part));
                sum
            };
            let all = sketch(c.iter().chain(&a).chain(&b).rev().copied());
            let bc = merged(&[&sb, &sc]);
            prop_assert_eq!(merged(&[&sa, &sb, &sc]).encode(), all.encode());
            prop_assert_eq!(merged(&[&sc, &sa, &sb, &sa]).encode(), all.encode());
            prop_assert_eq!(merged(&[&sa, &bc]), all.clone());
            prop_assert_eq!(merged(&[&all, &all]), all);
        }

        #[test]
        fn bytes_round_trip(users in users()) {
            let sketch = sketch(users);
            prop_assert_eq!(Sketch::decode(&sketch.encode()), Ok(sketch));
        }

        #[test]
        fn any_bytes_are_a_sketch_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            if let Ok(sketch) = Sketch::decode(&bytes) {
                prop_assert_eq!(sketch.encode(), bytes);
            }
        }
    }
}
