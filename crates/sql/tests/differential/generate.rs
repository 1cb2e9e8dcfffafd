//! Statements for both sides: mostly the same text, else one that means the same.

mod expr;
mod shapes;

use crate::dice::Dice;

/// A statement, or a part of one, for us and for SQLite.
#[derive(Debug, Clone)]
pub(crate) struct Pair {
    pub(crate) ours: String,
    pub(crate) theirs: String,
    /// Whether the order of rows is asked for, and leaves nothing open.
    pub(crate) ordered: bool,
}

impl Pair {
    /// The same text for both.
    pub(crate) fn same(text: impl Into<String>) -> Pair {
        let text = text.into();
        Pair { ours: text.clone(), theirs: text, ordered: false }
    }

    pub(crate) fn two(ours: impl Into<String>, theirs: impl Into<String>) -> Pair {
        Pair { ours: ours.into(), theirs: theirs.into(), ordered: false }
    }

    /// Text around several parts, which stand for `{}` in it.
    pub(crate) fn around(text: &str, parts: &[&Pair]) -> Pair {
        let fill = |side: fn(&Pair) -> &str| {
            let mut filled = String::new();
            let mut rest = text.split("{}");
            filled.push_str(rest.next().unwrap_or_default());
            for (part, after) in parts.iter().zip(rest) {
                filled.push_str(side(part));
                filled.push_str(after);
            }
            filled
        };
        Pair::two(fill(|pair| &pair.ours), fill(|pair| &pair.theirs))
    }

    /// Parts with something between them.
    pub(crate) fn list(parts: &[Pair], between: &str) -> Pair {
        let join = |side: fn(&Pair) -> &str| parts.iter().map(side).collect::<Vec<_>>().join(between);
        Pair::two(join(|pair| &pair.ours), join(|pair| &pair.theirs))
    }
}

/// A statement.
pub(crate) fn statement(dice: &mut Dice) -> Pair {
    shapes::statement(dice)
}
