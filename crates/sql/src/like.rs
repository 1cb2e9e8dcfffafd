//! Patterns of `LIKE`: `%` is anything, `_` one character.

/// A pattern, as what stands between its `%`.
#[derive(Debug)]
pub(crate) struct Pattern {
    pieces: Vec<Piece>,
}

/// Characters in a row.
#[derive(Debug, Default)]
struct Piece {
    /// As they are written, where all are to be there.
    text: String,
    /// None: any.
    characters: Vec<Option<char>>,
    has_any: bool,
}

impl Pattern {
    pub(crate) fn new(pattern: &str, escape: Option<char>) -> Pattern {
        let mut pieces = vec![Piece::default()];
        let mut characters = pattern.chars();
        while let Some(character) = characters.next() {
            let one = match character {
                escaped if Some(escaped) == escape => Some(characters.next().unwrap_or(escaped)),
                '%' => {
                    pieces.push(Piece::default());
                    continue;
                }
                '_' => None,
                other => Some(other),
            };
            if let Some(piece) = pieces.last_mut() {
                piece.has_any |= one.is_none();
                piece.text.extend(one);
                piece.characters.push(one);
            }
        }
        Pattern { pieces }
    }

    /// How many characters are compared at most, beyond once through the text: a piece with `_` in it is tried at
    /// each place, others are found in one go.
    pub(crate) fn tries(&self, text: &str) -> usize {
        let tried = self.pieces.iter().filter(|piece| piece.has_any);
        tried.map(|piece| piece.characters.len().saturating_mul(text.len())).fold(0, usize::saturating_add)
    }

    /// Whether a text is like it.
    pub(crate) fn fits(&self, text: &str) -> bool {
        let [first, rest @ ..] = self.pieces.as_slice() else { return false };
        let Some(length) = first.begins(text) else { return false };
        let text = &text[length..];
        let [between @ .., last] = rest else { return text.is_empty() };
        let Some(start) = last.ends(text) else { return false };
        let mut text = &text[..start];
        for piece in between {
            let Some(end) = piece.find_end(text) else { return false };
            text = &text[end..];
        }
        true
    }
}

impl Piece {
    /// How many bytes of the beginning of a text it is.
    fn begins(&self, text: &str) -> Option<usize> {
        if !self.has_any {
            return text.starts_with(&self.text).then_some(self.text.len());
        }
        let mut rest = text.chars();
        for wanted in &self.characters {
            let found = rest.next()?;
            if wanted.is_some_and(|wanted| wanted != found) {
                return None;
            }
        }
        Some(text.len() - rest.as_str().len())
    }

    /// Where it begins if a text ends with it.
    fn ends(&self, text: &str) -> Option<usize> {
        if !self.has_any {
            return text.ends_with(&self.text).then(|| text.len() - self.text.len());
        }
        let (start, _) = text.char_indices().rev().nth(self.characters.len().checked_sub(1)?)?;
        self.begins(&text[start..]).map(|_| start)
    }

    /// Where it ends the first time that it is there.
    fn find_end(&self, text: &str) -> Option<usize> {
        if !self.has_any {
            return text.find(&self.text).map(|at| at + self.text.len());
        }
        text.char_indices().find_map(|(at, _)| self.begins(&text[at..]).map(|length| at + length))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        fn check(text: &str, pattern: &str, expected: bool) {
            assert_eq!(Pattern::new(pattern, Some('\\')).fits(text), expected, "{text} {pattern}");
        }
        check("summer", "sum%", true);
        check("summer", "%mm%r", true);
        check("summer", "s_mmer", true);
        check("summer", "s__mmer", false);
        check("summer", "summer_", false);
        check("summer", "%_summer", false);
        check("summer", "%_ummer", true);
        check("summer", "sum%mer", true);
        check("sumer", "sum%mer", false);
        check("summer", "%m_e%", true);
        check("summer", "%m_r%", true);
        check("summer", "%m_m%", false);
        check("summer", "%%summer%%", true);
        check("", "%", true);
        check("", "", true);
        check("a", "", false);
        check("", "_", false);
        check("", "%_%", false);
        check("100%", "100\\%", true);
        check("1000", "100\\%", false);
        check("a_b", "a\\_b", true);
        check("axb", "a\\_b", false);
        check("aaab", "%a%b", true);
        check("여름", "여_", true);
        check("여름밤", "%_밤", true);
        check(&"a".repeat(5_000), &format!("{}b", "%a".repeat(100)), false);
    }

    #[test]
    fn what_is_tried() {
        fn check(pattern: &str, expected: usize) {
            assert_eq!(Pattern::new(pattern, None).tries("summer"), expected, "{pattern}");
        }
        check("%mm%", 0);
        check("%m_%er", 12);
    }
}
