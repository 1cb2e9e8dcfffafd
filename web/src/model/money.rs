//! Sums of money in several currencies, which have no total.

use std::collections::BTreeMap;

use adtally_core::cell::Dimension;
use adtally_core::report::Metric;
use adtally_wire::api::{ReportAnswer, ReportValue};

use super::catalog::{Catalog, Currency};
use super::figure;

/// The sum of `metric` in each currency, by its code; money whose currency is not known is under the empty code, and left out
/// where it is of several advertisers: nothing says that they share one.
///
/// `answer` is by advertiser: each has one currency.
pub fn by_currency(answer: &ReportAnswer, catalog: &Catalog, metric: Metric) -> Vec<(String, f64)> {
    let advertiser = figure::position(answer, Dimension::Advertiser.name());
    let amount = figure::position(answer, metric.name());
    let (Some(advertiser), Some(amount)) = (advertiser, amount) else { return Vec::new() };
    let mut sums = BTreeMap::<String, f64>::new();
    let mut unknown = 0;
    for row in &answer.rows {
        let (Some(ReportValue::Text(key)), Some(amount)) =
            (row.get(advertiser), row.get(amount).and_then(figure::number))
        else {
            continue;
        };
        let currency = match catalog.currency_of_row(Dimension::Advertiser, key) {
            Some(Currency::Of(code)) => code,
            _ => {
                unknown += usize::from(amount != 0.0);
                String::new()
            }
        };
        *sums.entry(currency).or_default() += amount;
    }
    sums.into_iter().filter(|(code, sum)| *sum != 0.0 && (unknown < 2 || !code.is_empty())).collect()
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;
    use crate::metric::{COST, VALUE};
    use crate::model::catalog::tests::catalog;
    use crate::model::figure::tests::answer;

    #[wasm_bindgen_test(unsupported = test)]
    fn each_currency_has_its_sum() {
        fn check(rows: &[(&str, i64)], expected: &[(&str, f64)]) {
            let row = |(key, cost): &(&str, i64)| {
                vec![ReportValue::Text(key.to_string()), ReportValue::Count(*cost)]
            };
            let columns = [("advertiser", "dimension"), ("cost_micros", "money")];
            let answer = answer(&columns, rows.iter().map(row).collect());
            let catalog = catalog(&[("a", "KRW"), ("b", "USD"), ("c", "KRW"), ("d", "EUR")]);
            let found = by_currency(&answer, &catalog, COST);
            let found: Vec<_> = found.iter().map(|(code, sum)| (code.as_str(), *sum)).collect();
            assert_eq!(found, expected);
            assert!(by_currency(&answer, &catalog, VALUE).is_empty());
        }
        check(&[("a", 1), ("b", 20), ("c", 300), ("d", 0)], &[("KRW", 301.0), ("USD", 20.0)]);
        check(&[("a", 1), ("stranger", 4_000)], &[("", 4_000.0), ("KRW", 1.0)]);
        check(&[("a", 1), ("stranger", 4_000), ("other", 50_000)], &[("KRW", 1.0)]);
    }
}
