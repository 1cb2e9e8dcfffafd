//! What a form says of a new token.

/// Where a key is typed after the kind of scope, because the catalog does not know it.
pub const TYPED: [&str; 2] = ["advertiser:", "service:"];

/// Whether a key has to be typed for what was chosen.
pub fn is_typed(chosen: &str) -> bool {
    TYPED.contains(&chosen)
}

/// The scope that is meant by what was chosen, and by the key that was typed where one has to be.
pub fn scope_meant(chosen: &str, key: &str) -> String {
    match is_typed(chosen) {
        true => format!("{chosen}{}", key.trim()),
        false => chosen.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    #[wasm_bindgen_test(unsupported = test)]
    fn scopes_are_chosen_and_keys_of_others_typed() {
        fn check(chosen: &str, key: &str, expected: &str) {
            let meant = scope_meant(chosen, key);
            assert_eq!(meant, expected);
            // The API takes what was chosen as it is, and refuses a kind without a key.
            let is_scope = adtally_core::cell::Scope::parse(&meant).is_some();
            assert_eq!(is_scope, !meant.ends_with(':'), "{meant}");
        }
        check("platform", "", "platform");
        check("platform", "left over", "platform");
        check("advertiser:acme", "left over", "advertiser:acme");
        check("advertiser:", " acme ", "advertiser:acme");
        check("service:", "news:kr", "service:news:kr");
        check("service:", "  ", "service:");
    }
}
