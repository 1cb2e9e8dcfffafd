//! From a text to a statement.
//!
//! The parser is a crate; what it must not be given is found before, by its tokens: what is long, and what is deep,
//! as it and all that walks its trees recurse on a small stack.

use sqlparser::ast::Query;
use sqlparser::dialect::GenericDialect;
use sqlparser::keywords::Keyword;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Location, Span, Token, TokenWithSpan, Tokenizer};

use crate::error::{Code, Position, Result, SqlError};
use crate::limits::{MAX_BYTES, MAX_DEPTH, MAX_NESTING, MAX_TOKENS};

/// A statement that was understood as far as its grammar.
#[derive(Debug, Clone)]
pub struct Statement {
    /// What is asked for.
    pub(crate) query: Box<Query>,
    /// Whether only how it would be answered is to be told.
    pub(crate) explain: bool,
    /// Where the parameters stand, in order.
    pub(crate) placeholders: Vec<Location>,
}

/// How a statement may begin; all else would change something, or is none.
const WRITES: [&str; 22] = [
    "insert", "update", "delete", "merge", "create", "alter", "drop", "truncate", "replace", "grant",
    "revoke", "copy", "call", "execute", "attach", "detach", "pragma", "vacuum", "begin", "commit",
    "rollback", "set",
];

impl Statement {
    /// Reads one statement: `SELECT`, `WITH`, `VALUES`, or `EXPLAIN` before one.
    pub fn parse(sql: &str) -> Result<Statement> {
        if sql.len() > MAX_BYTES {
            let text = format!("the statement has {} bytes, at most {MAX_BYTES}", sql.len());
            return Err(SqlError::new(Code::TooComplex, text));
        }
        let tokens = tokens(sql)?;
        check(&tokens)?;
        let first = tokens.iter().find(|token| !matches!(token.token, Token::Whitespace(_)));
        if let Some(TokenWithSpan { token: Token::Word(word), span }) = first
            && WRITES.contains(&word.value.to_ascii_lowercase().as_str())
        {
            let text = format!("{} is not allowed: statements only read", word.value.to_uppercase());
            return Err(SqlError::new(Code::ReadOnly, text).at(*span));
        }
        let is_placeholder = |token: &&TokenWithSpan| matches!(token.token, Token::Placeholder(_));
        let placeholders = tokens.iter().filter(is_placeholder).map(|token| token.span.start).collect();
        let dialect = GenericDialect {};
        let parser = Parser::new(&dialect).with_recursion_limit(MAX_NESTING + 20);
        let mut parser = parser.with_tokens_with_locations(tokens);
        let explain = parser.parse_keyword(Keyword::EXPLAIN);
        if explain {
            let _ = parser.parse_keywords(&[Keyword::PLAN, Keyword::FOR]);
        }
        let query = parser.parse_query().map_err(syntax)?;
        while parser.consume_token(&Token::SemiColon) {}
        let rest = parser.peek_token();
        match rest.token {
            Token::EOF => Ok(Statement { query, explain, placeholders }),
            other => {
                let text = format!("expected the end of the statement, found {other}");
                Err(SqlError::new(Code::Syntax, text).at(rest.span))
            }
        }
    }
}

/// The tokens of a text, or what is wrong with it.
pub(crate) fn tokens(sql: &str) -> Result<Vec<TokenWithSpan>> {
    let dialect = GenericDialect {};
    Tokenizer::new(&dialect, sql).tokenize_with_location().map_err(|error| {
        let Location { line, column } = error.location;
        SqlError { code: Code::Syntax, message: error.message, position: Some(Position { line, column }) }
    })
}

/// Refuses what is too long or too deep.
///
/// Operators of one level make a chain as deep as they are many; a comma begins another.
fn check(tokens: &[TokenWithSpan]) -> Result<()> {
    let too = |what: &str, at: Span| Err(SqlError::new(Code::TooComplex, what.to_owned()).at(at));
    let real = tokens.iter().filter(|token| !matches!(token.token, Token::Whitespace(_)));
    let mut chains = vec![0usize];
    let mut depth = 0;
    for (number, TokenWithSpan { token, span }) in real.enumerate() {
        if number >= MAX_TOKENS {
            return too(&format!("the statement has more than {MAX_TOKENS} words and signs"), *span);
        }
        match token {
            Token::LParen | Token::LBracket | Token::LBrace => chains.push(0),
            Token::RParen | Token::RBracket | Token::RBrace if chains.len() > 1 => {
                depth -= chains.pop().unwrap_or(0);
            }
            Token::Comma => {
                let chain = chains.last_mut().map(std::mem::take);
                depth -= chain.unwrap_or(0);
            }
            token if is_operator(token) => {
                if let Some(chain) = chains.last_mut() {
                    *chain += 1;
                }
                depth += 1;
            }
            _ => {}
        }
        if chains.len() > MAX_NESTING {
            return too(&format!("brackets are more than {MAX_NESTING} deep"), *span);
        }
        if depth + chains.len() > MAX_DEPTH {
            return too(&format!("more than {MAX_DEPTH} operators in a chain: use IN for a list"), *span);
        }
    }
    Ok(())
}

fn is_operator(token: &Token) -> bool {
    match token {
        // Words that take something before or after them into one expression or one query.
        Token::Word(word) => matches!(
            word.keyword,
            Keyword::AND
                | Keyword::OR
                | Keyword::NOT
                | Keyword::IS
                | Keyword::IN
                | Keyword::LIKE
                | Keyword::ILIKE
                | Keyword::BETWEEN
                | Keyword::UNION
                | Keyword::EXCEPT
                | Keyword::INTERSECT
                | Keyword::JOIN
                | Keyword::CASE
                | Keyword::COLLATE
                | Keyword::AT
                | Keyword::INTERVAL
                | Keyword::XOR
        ),
        Token::Number(..)
        | Token::SingleQuotedString(_)
        | Token::DoubleQuotedString(_)
        | Token::Placeholder(_)
        | Token::Comma
        | Token::Period
        | Token::SemiColon
        | Token::EOF
        | Token::RParen
        | Token::RBracket
        | Token::RBrace => false,
        Token::Whitespace(_) => false,
        _ => true,
    }
}

/// The parser tells places in its text only.
fn syntax(error: ParserError) -> SqlError {
    let message = match error {
        ParserError::TokenizerError(message) | ParserError::ParserError(message) => message,
        ParserError::RecursionLimitExceeded => {
            return SqlError::new(Code::TooComplex, "the statement is too deep");
        }
    };
    let found = message.rsplit_once(" at Line: ").and_then(|(text, place)| {
        let (line, column) = place.split_once(", Column: ")?;
        Some((
            text.to_owned(),
            Position { line: line.trim().parse().ok()?, column: column.trim().parse().ok()? },
        ))
    });
    match found {
        Some((text, position)) => SqlError { code: Code::Syntax, message: text, position: Some(position) },
        None => SqlError { code: Code::Syntax, message, position: None },
    }
}
