//! Prints an expression so that reading it again gives the same one.

use super::{
    ast::{Context, Expression, ExpressionKind, Name, TypeName, Unary},
    grammar::TYPE_WORDS,
    lexer::{continues_name, is_plain_qualifier, starts_name},
};
use std::fmt::{self, Write};

/// Levels of binding: what the grammar calls expression, conditional, the rows of binary operators, unary, postfix.
const EXPRESSION: usize = 0;
const CONDITIONAL: usize = 1;
const BINARY: usize = 2;
const UNARY: usize = 12;
const POSTFIX: usize = 13;
const PRIMARY: usize = 14;

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        print(self, EXPRESSION, f)
    }
}

fn level(expression: &Expression) -> usize {
    use ExpressionKind as Kind;
    match &expression.kind {
        Kind::Memory(..) | Kind::In(..) => EXPRESSION,
        Kind::Conditional(_) => CONDITIONAL,
        Kind::Binary(operator, ..) => BINARY + operator.level(),
        Kind::Unary(..) | Kind::Cast(..) | Kind::SizeOf(_) | Kind::SizeOfType(_) => UNARY,
        Kind::Member { .. } | Kind::Index(_) | Kind::Slice(_) => POSTFIX,
        _ => PRIMARY,
    }
}

/// Prints an expression where one that binds at least as strongly as `least` must stand.
fn print(expression: &Expression, least: usize, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    if level(expression) < least {
        f.write_char('(')?;
        bare(expression, f)?;
        return f.write_char(')');
    }
    bare(expression, f)
}

fn bare(expression: &Expression, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    use ExpressionKind as Kind;
    match &expression.kind {
        Kind::Integer { value, is_unsigned, is_long } => {
            let (unsigned, long) = (if *is_unsigned { "u" } else { "" }, if *is_long { "ll" } else { "" });
            write!(f, "{value}{unsigned}{long}")
        }
        Kind::Float(number) => write!(f, "{number:?}"),
        Kind::Character { code, is_wide } => character(*code, *is_wide, f),
        Kind::Name(name) => write!(f, "{name}"),
        Kind::Register(name) => write!(f, "@{name}"),
        Kind::Line(line) => write!(f, "@{line}"),
        Kind::Unary(operator, operand) => {
            f.write_str(operator.symbol())?;
            // `&&` would be read as one mark.
            let is_twice = *operator == Unary::Address && matches!(operand.kind, Kind::Unary(Unary::Address, _));
            print(operand, if is_twice { POSTFIX } else { UNARY }, f)
        }
        Kind::Binary(operator, left, right) => {
            let level = BINARY + operator.level();
            print(left, level, f)?;
            write!(f, " {} ", operator.symbol())?;
            print(right, level + 1, f)
        }
        Kind::Conditional(parts) => {
            print(&parts[0], BINARY, f)?;
            f.write_str(" ? ")?;
            print(&parts[1], EXPRESSION, f)?;
            f.write_str(" : ")?;
            print(&parts[2], CONDITIONAL, f)
        }
        Kind::Cast(type_name, operand) => {
            // Behind `(name)` these could also stand between two operands.
            let is_doubtful = matches!(operand.kind, Kind::Unary(operator, _) if "+-*&".contains(operator.symbol()));
            write!(f, "({type_name})")?;
            print(operand, if is_doubtful { POSTFIX } else { UNARY }, f)
        }
        Kind::SizeOfType(type_name) => write!(f, "sizeof({type_name})"),
        Kind::SizeOf(operand) => {
            f.write_str("sizeof(")?;
            print(operand, EXPRESSION, f)?;
            f.write_char(')')
        }
        Kind::Member { of, name, is_arrow } => {
            print(of, POSTFIX, f)?;
            write!(f, "{}{}", if *is_arrow { "->" } else { "." }, Segment(name))
        }
        Kind::Index(parts) => bracketed(&parts[0], &parts[1..], f),
        Kind::Slice(parts) => bracketed(&parts[0], &parts[1..], f),
        Kind::Memory(operator, operand) => {
            // Before a sign it would be a variable of this name.
            match operand.to_string() {
                text if text.starts_with(['-', '+']) => write!(f, "{} ({text})", operator.symbol()),
                text => write!(f, "{} {text}", operator.symbol()),
            }
        }
        Kind::Poi(operand) => write!(f, "poi({operand})"),
        Kind::In(context, operand) => {
            write!(f, "{context} ")?;
            print(operand, EXPRESSION, f)
        }
    }
}

fn bracketed(of: &Expression, inside: &[Expression], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    print(of, POSTFIX, f)?;
    for (index, part) in inside.iter().enumerate() {
        f.write_str(if index == 0 { "[" } else { ".." })?;
        print(part, EXPRESSION, f)?;
    }
    f.write_char(']')
}

fn character(code: u32, is_wide: bool, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str(if is_wide { "L'" } else { "'" })?;
    match char::from_u32(code) {
        Some(letter @ ('\'' | '\\')) => write!(f, "\\{letter}")?,
        Some(letter) if !letter.is_control() => f.write_char(letter)?,
        _ => write!(f, "\\x{code:x}")?,
    }
    f.write_char('\'')
}

/// A part of a name, in backquotes where it would be read as something else.
struct Segment<'a>(&'a str);

impl fmt::Display for Segment<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_plain = self.0.starts_with(starts_name) && self.0.chars().all(continues_name);
        if is_plain { f.write_str(self.0) } else { write!(f, "`{}`", self.0.replace('`', "``")) }
    }
}

/// The name of a module or process, in backquotes where it needs them.
struct Qualifier<'a>(&'a str);

impl fmt::Display for Qualifier<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if is_plain_qualifier(self.0) {
            write!(f, "{}!", self.0)
        } else {
            write!(f, "`{}`!", self.0.replace('`', "``"))
        }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for qualifier in [&self.process, &self.module].into_iter().flatten() {
            write!(f, "{}", Qualifier(qualifier))?;
        }
        let path = self.path.strip_prefix("::").unwrap_or(&self.path);
        let mut segments = path.split("::");
        let is_plain = segments.all(|segment| segment.starts_with(starts_name) && segment.chars().all(continues_name));
        if is_plain { f.write_str(&self.path) } else { write!(f, "`{}`", self.path.replace('`', "``")) }
    }
}

impl fmt::Display for TypeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(tag) = self.tag {
            write!(f, "{tag} ")?;
        }
        let is_own = self.module.is_none() && self.path.split(' ').all(|word| TYPE_WORDS.contains(&word));
        match is_own {
            true => f.write_str(&self.path)?,
            false => write!(f, "{}", Name { process: None, module: self.module.clone(), path: self.path.clone() })?,
        }
        if self.pointers > 0 {
            write!(f, " {}", "*".repeat(self.pointers))?;
        }
        self.extents.iter().try_for_each(|extent| write!(f, "[{extent}]"))
    }
}

impl fmt::Display for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let part = |part: &Option<String>| match part {
            Some(part) if part.contains([',', ' ', '{', '}']) => format!("\"{part}\""),
            Some(part) => part.clone(),
            None => String::new(),
        };
        write!(f, "{{{},{},{}", part(&self.function), part(&self.source), part(&self.module))?;
        if self.process.is_some() {
            write!(f, ",{}", part(&self.process))?;
        }
        f.write_char('}')
    }
}
