//! The steps from one report state to the next: what the controls of the report page do.

use adtally_core::report::{By, Filter, Metric};

use super::report::{Column, Direction, Order, ReportState};

/// Whether a column becomes the order or is added to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SortStep {
    /// It replaces the order.
    Only,
    /// Rows that are equal so far are told apart by it.
    Also,
}

impl ReportState {
    /// A click on a column's header: largest first for figures, A first for names; again turns it round.
    #[must_use]
    pub fn sorted(mut self, column: Column, step: SortStep) -> Self {
        let mut orders = self.orders();
        let current = orders.iter().position(|order| order.column == column);
        let direction = match (current.map(|index| orders[index].direction), column) {
            (Some(Direction::Descending), _) | (None, Column::By(_)) => Direction::Ascending,
            (Some(Direction::Ascending), _) | (None, Column::Metric(_)) => Direction::Descending,
        };
        let order = Order { column, direction };
        match (step, current) {
            (SortStep::Only, _) => orders = vec![order],
            (SortStep::Also, Some(index)) => orders[index] = order,
            (SortStep::Also, None) => orders.push(order),
        }
        self.order = orders;
        self.first_page()
    }

    /// Adds a grouping at the end, or takes it away.
    #[must_use]
    pub fn toggled_by(mut self, grouping: By) -> Self {
        toggle(&mut self.by, grouping);
        self.without_lost_orders()
    }

    /// Adds a metric at the end, or takes it away.
    #[must_use]
    pub fn toggled_metric(mut self, metric: Metric) -> Self {
        toggle(&mut self.metrics, metric);
        self.without_lost_orders()
    }

    /// Adds a filter, once.
    #[must_use]
    pub fn with_filter(mut self, filter: Filter) -> Self {
        if !self.filters.contains(&filter) {
            self.filters.push(filter);
        }
        self.first_page()
    }

    /// Takes a filter away.
    #[must_use]
    pub fn without_filter(mut self, filter: &Filter) -> Self {
        self.filters.retain(|known| known != filter);
        self.first_page()
    }

    /// Takes every filter away.
    #[must_use]
    pub fn without_filters(mut self) -> Self {
        self.filters.clear();
        self.first_page()
    }

    /// Another number of rows per page.
    #[must_use]
    pub fn with_limit(mut self, limit: u32) -> Self {
        self.limit = limit;
        self.first_page()
    }

    /// The page after this one.
    #[must_use]
    pub fn next_page(mut self) -> Self {
        self.offset = self.offset.saturating_add(self.limit);
        self
    }

    /// The page before this one.
    #[must_use]
    pub fn previous_page(mut self) -> Self {
        self.offset = self.offset.saturating_sub(self.limit);
        self
    }

    fn first_page(mut self) -> Self {
        self.offset = 0;
        self
    }

    /// An order by a column that is no longer there would be refused.
    fn without_lost_orders(mut self) -> Self {
        let (by, metrics) = (&self.by, &self.metrics);
        self.order.retain(|order| match order.column {
            Column::By(grouping) => by.contains(&grouping),
            Column::Metric(metric) => metrics.contains(&metric),
        });
        self.first_page()
    }
}

fn toggle<T: PartialEq>(items: &mut Vec<T>, item: T) {
    match items.iter().position(|known| *known == item) {
        Some(index) => {
            items.remove(index);
        }
        None => items.push(item),
    }
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;
    use crate::metric::{CLICKS, CTR};

    fn state(query: &str) -> ReportState {
        ReportState::read(query).0
    }

    fn check(result: ReportState, expected: &str) {
        assert_eq!(result.href(), format!("/report{expected}"));
    }

    fn column(name: &str) -> Column {
        Column::parse(name).unwrap()
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn headers_sort_and_turn_round() {
        check(state("offset=50").sorted(column("clicks"), SortStep::Only), "?sort=-clicks");
        check(state("sort=-clicks").sorted(column("clicks"), SortStep::Only), "?sort=clicks");
        check(state("sort=clicks").sorted(column("clicks"), SortStep::Only), "?sort=-clicks");
        // A report by day is in order of days already, so that the first click turns it round.
        check(state("").sorted(column("day"), SortStep::Only), "?sort=-day");
        check(state("sort=-clicks").sorted(column("day"), SortStep::Also), "?sort=-clicks,day");
        check(state("sort=-clicks,day").sorted(column("day"), SortStep::Also), "?sort=-clicks,-day");
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn columns_come_and_go_with_their_order() {
        let by = |name| By::parse(name).unwrap();
        check(state("offset=50").toggled_by(by("campaign")), "?by=day,campaign");
        check(state("by=day,ad&sort=ad,-clicks").toggled_by(by("ad")), "?sort=-clicks");
        check(state("metrics=clicks,ctr&sort=-ctr").toggled_metric(CTR), "?metrics=clicks");
        check(state("metrics=clicks").toggled_metric(CLICKS), "?metrics=");
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn filters_and_pages() {
        let filter = Filter::parse("ad:eq:x").unwrap();
        check(state("offset=50").with_filter(filter.clone()).with_filter(filter.clone()), "?filter=ad:eq:x");
        check(state("filter=ad:eq:x&filter=ad:ne:y").without_filter(&filter), "?filter=ad:ne:y");
        check(state("filter=ad:eq:x&filter=ad:ne:y").without_filters(), "");
        check(state("limit=25").next_page().next_page(), "?limit=25&offset=50");
        check(state("offset=20").previous_page(), "");
        check(state("offset=100").with_limit(100), "?limit=100");
    }
}
