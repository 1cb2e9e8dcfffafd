//! How long functions are.

use super::{Finding, SourceFile, code};

/// What fits on a screen, signature and closing brace included.
const MAX_LINES: usize = 70;

pub(super) fn check(files: &[SourceFile]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in files.iter().filter(|file| file.is_rust()) {
        for function in functions(&code::only(&file.text)) {
            if function.lines > MAX_LINES {
                let message =
                    format!("`fn {}` has {} lines, at most {MAX_LINES}", function.name, function.lines);
                findings.push(file.finding(function.line, message));
            }
        }
    }
    findings
}

#[derive(Debug, PartialEq)]
struct Function {
    name: String,
    line: usize,
    lines: usize,
}

/// All functions with a body, inner ones too, in code without comments and literals.
fn functions(code: &str) -> Vec<Function> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices("fn ") {
        let starts_a_word = code[..at].chars().next_back().is_none_or(|c| !c.is_alphanumeric() && c != '_');
        let after = &code[at + "fn ".len()..];
        let name: String = after.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        if !starts_a_word || name.is_empty() {
            continue;
        }
        if let Some(length) = body_end(after) {
            let line = code[..at].matches('\n').count() + 1;
            let lines = after[..length].matches('\n').count() + 1;
            found.push(Function { name, line, lines });
        }
    }
    found
}

/// Where the body ends that follows a signature; none when the signature ends with a semicolon.
fn body_end(signature: &str) -> Option<usize> {
    let mut brackets = 0_i32;
    let mut braces = 0_i32;
    for (at, c) in signature.char_indices() {
        match c {
            '(' | '[' => brackets += 1,
            ')' | ']' => brackets -= 1,
            ';' if brackets == 0 && braces == 0 => return None,
            '{' => braces += 1,
            '}' => {
                braces -= 1;
                // Braces inside brackets belong to a const generic, not to the body.
                if braces == 0 && brackets == 0 {
                    return Some(at);
                }
            }
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::super::file;
    use super::*;

    #[test]
    fn functions_and_their_lengths() {
        let check = |code: &str, expected: &[(&str, usize, usize)]| {
            let found = functions(code);
            let found: Vec<_> = found.iter().map(|f| (f.name.as_str(), f.line, f.lines)).collect();
            assert_eq!(found, expected, "{code}");
        };
        check("fn a() {}", &[("a", 1, 1)]);
        check("\nfn a(\n  x: [u8; 4],\n) -> u8 {\n  if x { y }\n}\nfn b() {}", &[("a", 2, 5), ("b", 7, 1)]);
        check("fn outer() {\n  fn inner() {\n  }\n}", &[("outer", 1, 4), ("inner", 2, 2)]);
        check("trait T { fn a(); fn b() {} }", &[("b", 1, 1)]);
        check("let f: fn (u8) = often ;", &[]);
    }

    #[test]
    fn only_long_ones_are_reported() {
        let body = |lines: usize| format!("fn a() {{{}}}", "\n".repeat(lines - 1));
        assert_eq!(check(&[file("a.rs", &body(MAX_LINES))]), []);
        let found = check(&[file("a.rs", &body(MAX_LINES + 1))]);
        assert_eq!(found[0].to_string(), "a.rs:1: `fn a` has 71 lines, at most 70");
    }
}
