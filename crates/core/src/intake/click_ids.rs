//! The ids that ad platforms append to addresses, lifted from a page's address into properties.

use super::{MAX_PROP_VALUE_CHARS, MAX_PROPS};

/// Google (three), Google Marketing Platform, Meta, Microsoft, TikTok, Yandex.
const NAMES: [&str; 8] = ["gclid", "gbraid", "wbraid", "dclid", "fbclid", "msclkid", "ttclid", "yclid"];

/// Adds the click ids in the query of `address` to `props`, which are in the order of their names and stay so.
///
/// What is said already, what is too long and what there is no room for is left out: an address is a hint, not a
/// reason to reject an event.
pub(super) fn lift(address: &str, props: &mut Vec<(String, String)>) {
    let Some((_, query)) = address.split_once('?') else { return };
    let query = query.split('#').next().unwrap_or_default();
    for (name, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
        let fits = !value.is_empty() && value.chars().count() <= MAX_PROP_VALUE_CHARS;
        if !fits || !NAMES.contains(&name) || props.len() >= MAX_PROPS {
            continue;
        }
        if let Err(place) = props.binary_search_by(|(known, _)| known.as_str().cmp(name)) {
            props.insert(place, (name.to_owned(), value.to_owned()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lifting() {
        fn check(address: &str, before: &[(&str, &str)], after: &[(&str, &str)]) {
            let owned = |pairs: &[(&str, &str)]| {
                pairs
                    .iter()
                    .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                    .collect::<Vec<_>>()
            };
            let mut props = owned(before);
            lift(address, &mut props);
            assert_eq!(props, owned(after), "{address}");
        }
        check(
            "https://a.example/?gclid=G-1&x=2&fbclid=F#gbraid=no",
            &[],
            &[("fbclid", "F"), ("gclid", "G-1")],
        );
        check("https://a.example/?gclid=1", &[("gclid", "said")], &[("gclid", "said")]);
        check("https://a.example/gclid=1", &[], &[]);
        check("?gclid=", &[("z", "1")], &[("z", "1")]);
        check("?yclid=1&dclid=2", &[("m", "1")], &[("dclid", "2"), ("m", "1"), ("yclid", "1")]);
        check(&format!("?gclid={}", "x".repeat(257)), &[], &[]);
    }

    #[test]
    fn there_is_an_end_to_it() {
        let mut props: Vec<_> = (0..MAX_PROPS).map(|i| (format!("p{i:02}"), String::new())).collect();
        lift("?gclid=1", &mut props);
        assert_eq!(props.len(), MAX_PROPS);
    }
}
