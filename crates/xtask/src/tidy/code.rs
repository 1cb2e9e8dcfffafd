//! Rust source without what only looks like code: comments and the insides of literals.

/// `text` with comments and literals replaced by spaces. Line breaks stay, so that lines keep their numbers.
pub(super) fn only(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while at < chars.len() {
        let end = literal_or_comment(&chars, at).unwrap_or(at);
        if end > at {
            out.extend(chars[at..end].iter().map(|&c| if c == '\n' { '\n' } else { ' ' }));
            at = end;
        } else {
            out.push(chars[at]);
            at += 1;
        }
    }
    out
}

/// Where the comment or literal that starts at `at` ends, if one starts there.
fn literal_or_comment(chars: &[char], at: usize) -> Option<usize> {
    let rest = &chars[at..];
    match rest {
        ['/', '/', ..] => Some(at + rest.iter().position(|&c| c == '\n').unwrap_or(rest.len())),
        ['/', '*', ..] => Some(at + block_comment(rest)),
        ['"', ..] => Some(at + quoted(rest)),
        ['r', '"' | '#', ..] if !continues_a_word(chars, at) => raw_string(rest).map(|len| at + len),
        ['\'', '\\', ..] => Some(at + quoted(rest)),
        ['\'', _, '\'', ..] => Some(at + 3),
        _ => None,
    }
}

/// `br"…"` counts as raw too, while the `r` in `var` does not.
fn continues_a_word(chars: &[char], at: usize) -> bool {
    let before = |back: usize| at.checked_sub(back).map(|i| chars[i]);
    let is_word = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    match before(1) {
        Some('b' | 'c') => is_word(before(2)),
        c => is_word(c),
    }
}

fn block_comment(rest: &[char]) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while at < rest.len() {
        match &rest[at..] {
            ['/', '*', ..] => {
                depth += 1;
                at += 2;
            }
            ['*', '/', ..] => {
                depth -= 1;
                at += 2;
                if depth == 0 {
                    break;
                }
            }
            _ => at += 1,
        }
    }
    at
}

/// A literal in the quotes it starts with, with backslash escapes.
fn quoted(rest: &[char]) -> usize {
    let mut at = 1;
    while at < rest.len() && rest[at] != rest[0] {
        at += if rest[at] == '\\' { 2 } else { 1 };
    }
    (at + 1).min(rest.len())
}

/// `r"…"`, `r#"…"#`; not `r#type`.
fn raw_string(rest: &[char]) -> Option<usize> {
    let hashes = rest[1..].iter().take_while(|&&c| c == '#').count();
    if rest.get(1 + hashes) != Some(&'"') {
        return None;
    }
    let end: Vec<char> = std::iter::once('"').chain(std::iter::repeat_n('#', hashes)).collect();
    let body = 2 + hashes;
    let found = rest[body..].windows(end.len()).position(|window| window == end)?;
    Some(body + found + end.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_literals_vanish_and_code_stays() {
        let check = |text: &str, expected: &str| {
            let squeezed = only(text).split_whitespace().collect::<Vec<_>>().join(" ");
            assert_eq!(squeezed, expected, "{text}");
            assert_eq!(only(text).lines().count(), text.lines().count());
        };
        check("a // { b\nc", "a c");
        check("a /* { /* } */ \n */ b", "a b");
        check(r#"f("{", "\"{", x)"#, "f( , , x)");
        check("f(r\"\\\", x)", "f( , x)");
        check("f(br#\"\"{\"#, var)", "f(b , var)");
        check("let r#type: &'a str = '{' + '\\'' + b'\\\\';", "let r#type: &'a str = + + b ;");
        check("'outer: loop { break 'outer }", "'outer: loop { break 'outer }");
    }
}
