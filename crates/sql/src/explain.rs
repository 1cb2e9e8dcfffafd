//! How a statement is answered, in words.

use crate::plan::{Node, Plan};

/// A line per step, those below further in; `routes` says of each scan where its cells come from.
pub(crate) fn lines(plan: &Plan, routes: &[Vec<String>]) -> Vec<String> {
    let mut lines = Vec::new();
    for (number, (node, _)) in plan.queries.iter().enumerate() {
        lines.push(format!("sub-query {number}:"));
        step((plan, routes), node, 1, &mut lines);
    }
    step((plan, routes), &plan.root, 0, &mut lines);
    lines
}

fn step(told: (&Plan, &[Vec<String>]), node: &Node, depth: usize, lines: &mut Vec<String>) {
    let (plan, routes) = told;
    let mut say = |text: String| lines.push(format!("{}{text}", "  ".repeat(depth)));
    match node {
        Node::Values(rows) => say(format!("{} rows of constants", rows.len())),
        Node::Table(table) => say(format!("rows of {}", table.name())),
        Node::Facts(number) => {
            say(scan(plan, *number));
            routes.get(*number).into_iter().flatten().for_each(|line| say(format!("  {line}")));
        }
        Node::Filter(..) => say("leave out by a condition".to_owned()),
        Node::Project(_, exprs) => say(format!("show {} columns", exprs.len())),
        Node::Join(join) => {
            let kind = if join.outer { "outer join" } else { "join" };
            say(format!("{kind} by {} keys", join.keys.len()));
        }
        Node::Aggregate(aggregate) => {
            let (keys, sets) = (aggregate.keys.len(), aggregate.sets.len());
            say(format!("group by {keys} keys in {sets} sets, {} aggregates", aggregate.calls.len()));
        }
        Node::Window(_, calls) => say(format!("{} window functions", calls.len())),
        Node::Sort(_, keys) => say(format!("sort by {} keys", keys.len())),
        Node::Limit(_, offset, limit) => {
            let limit = limit.map_or("all".to_owned(), |limit| limit.to_string());
            say(format!("from row {offset} on {limit} rows"));
        }
        Node::Distinct(_) => say("leave out repetitions".to_owned()),
        Node::Union(inputs) => say(format!("{} inputs one after the other", inputs.len())),
    }
    for below in below(node) {
        step(told, below, depth + 1, lines);
    }
}

fn below(node: &Node) -> Vec<&Node> {
    match node {
        Node::Values(_) | Node::Table(_) | Node::Facts(_) => Vec::new(),
        Node::Filter(input, _) | Node::Project(input, _) | Node::Window(input, _) => vec![input],
        Node::Sort(input, _) | Node::Limit(input, ..) | Node::Distinct(input) => vec![input],
        Node::Join(join) => vec![&join.left, &join.right],
        Node::Aggregate(aggregate) => vec![&aggregate.input],
        Node::Union(inputs) => inputs.iter().collect(),
    }
}

fn scan(plan: &Plan, number: usize) -> String {
    let scan = &plan.scans[number];
    let parameters = scan.parameters().into_iter().filter(|(_, value)| !value.is_empty());
    let asked: Vec<String> = parameters.map(|(name, value)| format!("{name}={value}")).collect();
    match scan.whole {
        None => format!("cells of ad_stats, added up: {}", asked.join(" ")),
        Some(why) => format!("all cells of ad_stats, as {why}: {}", asked.join(" ")),
    }
}
