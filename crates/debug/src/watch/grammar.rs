//! The grammar of watch expressions: one function for each line of it.
//!
//! ```text
//! watch       = expression { "," format }
//! expression  = context expression
//!             | ( "BY" | "WO" | "DW" | "QW" ) expression
//!             | conditional
//! conditional = binary [ "?" expression ":" conditional ]
//! binary      = unary { operator unary }        || && | ^ & == != < <= > >= << >> + - * / %, weakest first, as in C
//! unary       = ( "-" | "+" | "~" | "!" | "*" | "&" ) unary
//!             | "(" type ")" unary
//!             | "sizeof" ( "(" type ")" | unary )
//!             | context unary
//!             | postfix
//! postfix     = primary { "." name | "->" name | "[" expression [ ".." expression ] "]" }
//! primary     = number | character | name | register | line | "poi" "(" expression ")" | "(" expression ")"
//! type        = { "const" | "volatile" } ( words of C | [ "struct" | "union" | "class" | "enum" ] name )
//!               { "*" | "const" | "volatile" } { "[" number "]" }
//!
//! context     = "{" function "}" | "{" [function] "," [source] "," [module] [ "," process ] "}"
//! name        = [ [ process "!" ] module "!" ] word { "::" word };  any of the parts `in backquotes` may hold anything
//! register    = ( "@" | "$" ) word;  a bare word is a register too, when no variable in scope has its name
//! line        = "@" digits, behind a context also "." digits: the code of that line
//! format      = a letter or word of format.rs, or a number of elements
//! ```
//!
//! A comma and an assignment are no operators: looking changes nothing. `(a) * b` and such, which C can only tell apart
//! by knowing what `a` is, is a cast when `a` is a type and no variable: whoever parses says so. `sizeof(a)` of a plain name
//! is always read as `sizeof` of an expression; evaluating it takes the type where there is no such variable.

use super::{
    ast::{BINARY, Expression, ExpressionKind, MemoryOperator, Name, TypeName, Unary},
    error::{Span, WatchError},
    format::Format,
    lexer::{Token, Word, words},
};
use ExpressionKind as Kind;

/// Levels of nesting; each takes some of the program's own stack, once for each row of operators.
const DEEPEST: usize = 64;
/// Operators that lean to the left: `a + b + c`, `a.b.c`, `a[1][2]`. Each makes the tree one level deeper.
const MOST_OPERATORS: usize = 100;

/// The words that C's own types are made of.
pub(super) const TYPE_WORDS: [&str; 17] = [
    "void", "bool", "char", "wchar_t", "short", "int", "long", "signed", "unsigned", "float", "double", "__int8",
    "__int16", "__int32", "__int64", "char16_t", "char32_t",
];

/// Whether a word can only be part of a type.
fn is_reserved(word: &str) -> bool {
    TYPE_WORDS.contains(&word)
        || matches!(word, "const" | "volatile" | "struct" | "union" | "class" | "enum" | "sizeof")
}

/// A watch expression as a tree, and how its value is to be shown.
#[derive(Clone, PartialEq, Debug)]
pub struct Watch {
    /// What is asked for.
    pub expression: Expression,
    /// How it is shown.
    pub format: Format,
}

impl std::fmt::Display for Watch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}{}", self.expression, self.format)
    }
}

/// Reads a watch expression. `is_type` says whether a plain name is that of a type, and of no variable.
///
/// # Errors
/// Where it cannot be understood, and what is expected there.
pub fn parse(text: &str, is_type: &dyn Fn(&str) -> bool) -> Result<Watch, WatchError> {
    let tokens = words(text)?;
    let mut parser = Parser { text, tokens, at: 0, depth: 0, operators: 0, is_type };
    let expression = parser.expression()?;
    let format = parser.formats()?;
    Ok(Watch { expression, format })
}

struct Parser<'a> {
    text: &'a str,
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
    operators: usize,
    is_type: &'a dyn Fn(&str) -> bool,
}

type Parsed = Result<Expression, WatchError>;

impl Parser<'_> {
    fn token(&self) -> &Token {
        // The last token is the end, behind which nobody looks.
        &self.tokens[self.at.min(self.tokens.len() - 1)]
    }

    fn span(&self) -> Span {
        self.token().span
    }

    fn advance(&mut self) {
        self.at = (self.at + 1).min(self.tokens.len() - 1);
    }

    fn is_mark(&self, mark: &str) -> bool {
        matches!(self.token().word, Word::Mark(found) if found == mark)
    }

    fn take(&mut self, mark: &str) -> bool {
        let is_there = self.is_mark(mark);
        if is_there {
            self.advance();
        }
        is_there
    }

    fn expect(&mut self, mark: &str, why: &str) -> Result<(), WatchError> {
        if self.take(mark) { Ok(()) } else { Err(self.unexpected(&format!("'{mark}' {why}"))) }
    }

    fn unexpected(&self, expected: &str) -> WatchError {
        let span = self.span();
        let found = match &self.token().word {
            Word::End => "here it ends".to_owned(),
            _ => format!("here is '{}'", self.text.get(span.start..span.end).unwrap_or_default()),
        };
        WatchError::syntax(span, format!("{expected} is expected; {found}"))
    }

    /// The plain name that stands here.
    fn plain(&self) -> Option<&str> {
        match &self.token().word {
            Word::Name(Name { process: None, module: None, path }) => Some(path),
            _ => None,
        }
    }

    fn deeper<T>(&mut self, inner: impl FnOnce(&mut Self) -> Result<T, WatchError>) -> Result<T, WatchError> {
        if self.depth == DEEPEST {
            return Err(WatchError::syntax(self.span(), format!("it is nested deeper than {DEEPEST} levels")));
        }
        self.depth += 1;
        let result = inner(self);
        self.depth -= 1;
        result
    }

    /// Counts an operator that leans to the left.
    fn count(&mut self) -> Result<(), WatchError> {
        self.operators += 1;
        let message = || format!("it has more than {MOST_OPERATORS} operators");
        if self.operators > MOST_OPERATORS { Err(WatchError::syntax(self.span(), message())) } else { Ok(()) }
    }

    fn node(&self, start: Span, kind: Kind) -> Expression {
        let end = self.tokens.get(self.at.wrapping_sub(1)).map_or(start, |token| token.span);
        Expression { kind, span: start.to(end) }
    }

    fn expression(&mut self) -> Parsed {
        self.deeper(Self::expression_inside)
    }

    fn expression_inside(&mut self) -> Parsed {
        let start = self.span();
        if let Word::Context(context) = self.token().word.clone() {
            self.advance();
            let operand = self.line_or(Self::expression)?;
            return Ok(self.node(start, Kind::In(context, Box::new(operand))));
        }
        if let Some(operator) = self.memory_operator() {
            self.advance();
            let operand = self.expression()?;
            return Ok(self.node(start, Kind::Memory(operator, Box::new(operand))));
        }
        self.conditional()
    }

    /// `BY` and the like are operators only before an operand, so that variables may be called so.
    fn memory_operator(&self) -> Option<MemoryOperator> {
        let word = self.plain()?;
        let operator = MemoryOperator::ALL.into_iter().find(|operator| operator.symbol() == word)?;
        let next = &self.tokens.get(self.at + 1)?.word;
        let is_operand =
            !matches!(next, Word::End | Word::Mark(_)) || matches!(next, Word::Mark("(" | "*" | "&" | "~" | "!"));
        is_operand.then_some(operator)
    }

    /// Behind a context `.301` is a line.
    fn line_or(&mut self, other: fn(&mut Self) -> Parsed) -> Parsed {
        let start = self.span();
        if self.is_mark(".")
            && let Some(Token { word: Word::Integer { value, .. }, .. }) = self.tokens.get(self.at + 1)
            && let Ok(line) = u32::try_from(*value)
        {
            self.advance();
            self.advance();
            return Ok(self.node(start, Kind::Line(line)));
        }
        other(self)
    }

    fn conditional(&mut self) -> Parsed {
        let start = self.span();
        let condition = self.binary(0)?;
        if !self.take("?") {
            return Ok(condition);
        }
        let yes = self.expression()?;
        self.expect(":", "behind the first choice of '?'")?;
        let no = self.deeper(Self::conditional)?;
        Ok(self.node(start, Kind::Conditional(Box::new([condition, yes, no]))))
    }

    /// A row of operators that bind alike, and the stronger ones between them.
    fn binary(&mut self, level: usize) -> Parsed {
        let Some(row) = BINARY.get(level) else { return self.unary() };
        let start = self.span();
        let mut left = self.binary(level + 1)?;
        while let Some((_, operator)) = row.iter().find(|(mark, _)| self.is_mark(mark)) {
            self.count()?;
            self.advance();
            let right = self.binary(level + 1)?;
            left = self.node(start, Kind::Binary(*operator, Box::new(left), Box::new(right)));
        }
        Ok(left)
    }

    fn unary(&mut self) -> Parsed {
        self.deeper(Self::unary_inside)
    }

    fn unary_inside(&mut self) -> Parsed {
        const ALL: [Unary; 6] =
            [Unary::Negate, Unary::Plus, Unary::Complement, Unary::Not, Unary::Dereference, Unary::Address];
        let start = self.span();
        if let Some(operator) = ALL.into_iter().find(|operator| self.is_mark(operator.symbol())) {
            self.advance();
            let operand = self.unary()?;
            return Ok(self.node(start, Kind::Unary(operator, Box::new(operand))));
        }
        if self.is_mark("&&") {
            return Err(WatchError::syntax(start, "'&&' needs an operand before it; an address has no address"));
        }
        if let Word::Context(context) = self.token().word.clone() {
            self.advance();
            let operand = self.line_or(Self::unary)?;
            return Ok(self.node(start, Kind::In(context, Box::new(operand))));
        }
        if let Some(type_name) = self.cast() {
            let operand = self.unary()?;
            return Ok(self.node(start, Kind::Cast(type_name, Box::new(operand))));
        }
        if self.plain() == Some("sizeof") {
            return self.size_of();
        }
        self.postfix()
    }

    fn size_of(&mut self) -> Parsed {
        let start = self.span();
        self.advance();
        if self.is_mark("(") {
            let before = self.at;
            self.advance();
            if let Some((type_name, is_certain)) = self.type_name()
                && is_certain
                && self.take(")")
            {
                return Ok(self.node(start, Kind::SizeOfType(type_name)));
            }
            self.at = before;
        }
        let operand = self.unary()?;
        Ok(self.node(start, Kind::SizeOf(Box::new(operand))))
    }

    /// `(type)` before an operand; nothing is taken when it is none.
    fn cast(&mut self) -> Option<TypeName> {
        let before = self.at;
        let found = self.cast_inside();
        if found.is_none() {
            self.at = before;
        }
        found
    }

    fn cast_inside(&mut self) -> Option<TypeName> {
        if !self.take("(") {
            return None;
        }
        let (type_name, is_certain) = self.type_name()?;
        if !type_name.extents.is_empty() || !self.take(")") {
            return None;
        }
        let is_operand = match &self.token().word {
            Word::End => false,
            Word::Mark("(" | "!" | "~") => true,
            Word::Mark("-" | "+" | "*" | "&") => is_certain || (self.is_type)(&type_name.path),
            Word::Mark(_) => false,
            _ => true,
        };
        is_operand.then_some(type_name)
    }

    /// A type, and whether it can be nothing else; `None` where no type stands.
    fn type_name(&mut self) -> Option<(TypeName, bool)> {
        let mut found = TypeName::default();
        let mut is_certain = self.qualifiers();
        let tags = ["struct", "union", "class", "enum"];
        if let Some(tag) = tags.into_iter().find(|tag| self.plain() == Some(*tag)) {
            found.tag = Some(tag);
            is_certain = true;
            self.advance();
        }
        let own = if found.tag.is_none() { self.type_words() } else { Vec::new() };
        if own.is_empty() {
            let Word::Name(Name { process: None, module, path }) = self.token().word.clone() else { return None };
            (found.module, found.path) = (module, path);
            self.advance();
        } else {
            found.path = own.join(" ");
            is_certain = true;
        }
        loop {
            is_certain |= self.qualifiers();
            if !self.take("*") {
                break;
            }
            found.pointers += 1;
            // `(a *)`: nothing that could be multiplied follows.
            is_certain |= self.is_mark(")") || self.is_mark("*");
        }
        while let Some(extent) = self.extent() {
            found.extents.push(extent);
        }
        Some((found, is_certain))
    }

    fn qualifiers(&mut self) -> bool {
        let mut has_any = false;
        while matches!(self.plain(), Some("const" | "volatile")) {
            self.advance();
            has_any = true;
        }
        has_any
    }

    /// `unsigned long`, in the order of C's own names.
    fn type_words(&mut self) -> Vec<&'static str> {
        let mut found = Vec::new();
        while let Some(word) = self.plain().and_then(|word| TYPE_WORDS.into_iter().find(|known| *known == word)) {
            found.push(word);
            self.advance();
            self.qualifiers();
        }
        found
    }

    fn extent(&mut self) -> Option<u64> {
        let rest = self.tokens.get(self.at..self.at + 3)?;
        match (&rest[0].word, &rest[1].word, &rest[2].word) {
            (Word::Mark("["), Word::Integer { value, .. }, Word::Mark("]")) => {
                let value = *value;
                self.at += 3;
                Some(value)
            }
            _ => None,
        }
    }

    fn postfix(&mut self) -> Parsed {
        let start = self.span();
        let mut of = self.primary()?;
        loop {
            if self.is_mark("[") || self.is_mark(".") || self.is_mark("->") {
                self.count()?;
            }
            if self.take("[") {
                let first = self.expression()?;
                let last = if self.take("..") { Some(self.expression()?) } else { None };
                self.expect("]", "behind an index")?;
                let kind = match last {
                    Some(last) => Kind::Slice(Box::new([of, first, last])),
                    None => Kind::Index(Box::new([of, first])),
                };
                of = self.node(start, kind);
            } else if self.is_mark(".") || self.is_mark("->") {
                let is_arrow = self.is_mark("->");
                self.advance();
                let Some(name) = self.plain().map(str::to_owned) else {
                    return Err(self.unexpected("the name of a member"));
                };
                self.advance();
                of = self.node(start, Kind::Member { of: Box::new(of), name, is_arrow });
            } else {
                return Ok(of);
            }
        }
    }

    fn primary(&mut self) -> Parsed {
        let start = self.span();
        if self.take("(") {
            let inside = self.expression()?;
            self.expect(")", "behind what was opened with '('")?;
            return Ok(inside);
        }
        if self.plain() == Some("poi")
            && matches!(self.tokens.get(self.at + 1), Some(token) if token.word == Word::Mark("("))
        {
            self.advance();
            self.advance();
            let operand = self.expression()?;
            self.expect(")", "behind the address of 'poi'")?;
            return Ok(self.node(start, Kind::Poi(Box::new(operand))));
        }
        let kind = match self.token().word.clone() {
            Word::Integer { value, is_unsigned, is_long } => Kind::Integer { value, is_unsigned, is_long },
            Word::Float(number) => Kind::Float(number),
            Word::Character { code, is_wide } => Kind::Character { code, is_wide },
            Word::Name(_) if self.plain().is_some_and(is_reserved) => return Err(self.unexpected("a value")),
            Word::Name(name) => Kind::Name(name),
            Word::Register(name) => Kind::Register(name),
            Word::Line(line) => Kind::Line(line),
            _ => return Err(self.unexpected("a value")),
        };
        self.advance();
        Ok(self.node(start, kind))
    }

    /// What follows commas; it is read from the text, because `!` and words like `8` mean something else there.
    fn formats(&mut self) -> Result<Format, WatchError> {
        let mut format = Format::default();
        let start = self.span().start;
        match &self.token().word {
            Word::End => return Ok(format),
            Word::Mark(",") => {}
            Word::Mark("=") => return Err(self.unexpected("an operator")),
            _ => return Err(self.unexpected("an operator, or a comma and a format,")),
        }
        let mut at = start;
        for part in self.text.get(start..).unwrap_or_default().split(',').skip(1) {
            at += 1;
            format.add(part, Span { start: at, end: at + part.len() })?;
            at += part.len();
        }
        Ok(format)
    }
}

#[cfg(test)]
mod tests;
