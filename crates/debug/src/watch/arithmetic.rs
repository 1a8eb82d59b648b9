//! Arithmetic of C on numbers.

use super::{
    ast::{Binary, Unary},
    operand::Number,
};
use crate::value::Integer;
use std::cmp::Ordering;

/// Integers are computed with at least so many bits: `int`.
const INT: u32 = 32;

/// `int` for what is narrower.
pub(super) fn promoted(number: Integer) -> Integer {
    if number.width < INT { Integer::new(number.number(), INT, true) } else { number }
}

/// Both operands in the type that C computes with: the wider one; of equal width the one without a sign.
fn usual(a: Integer, b: Integer) -> (Integer, Integer) {
    let (a, b) = (promoted(a), promoted(b));
    let (width, is_signed) = match a.width.cmp(&b.width) {
        Ordering::Greater => (a.width, a.is_signed),
        Ordering::Less => (b.width, b.is_signed),
        Ordering::Equal => (a.width, a.is_signed && b.is_signed),
    };
    let convert = |number: Integer| Integer::new(number.number(), width, is_signed);
    (convert(a), convert(b))
}

/// The number as a floating-point one.
pub(super) fn as_float(number: Number) -> f64 {
    match number {
        Number::Integer(number) if number.is_signed => number.number() as f64,
        Number::Integer(number) => number.bits as f64,
        Number::Float(number) => number,
    }
}

/// Whether a number counts as true.
pub(super) fn is_true(number: Number) -> bool {
    match number {
        Number::Integer(number) => number.bits != 0,
        Number::Float(number) => number != 0.0,
    }
}

/// `int` 0 or 1.
pub(super) fn truth(value: bool) -> Number {
    Number::Integer(Integer::new(value.into(), INT, true))
}

/// An operator before a number.
///
/// # Errors
/// It has no meaning for the number.
pub(super) fn unary(operator: Unary, number: Number) -> Result<Number, String> {
    Ok(match (operator, number) {
        (Unary::Not, number) => truth(!is_true(number)),
        (Unary::Plus, Number::Integer(number)) => Number::Integer(promoted(number)),
        (Unary::Negate, Number::Integer(number)) => {
            let number = promoted(number);
            Number::Integer(Integer::new(number.number().wrapping_neg(), number.width, number.is_signed))
        }
        (Unary::Complement, Number::Integer(number)) => {
            let number = promoted(number);
            Number::Integer(Integer::new(!number.number(), number.width, number.is_signed))
        }
        (Unary::Plus, number) => number,
        (Unary::Negate, Number::Float(number)) => Number::Float(-number),
        (operator, _) => return Err(format!("'{}' has no meaning for a floating-point number", operator.symbol())),
    })
}

/// An operator between two numbers; `&&` and `||` are not among them, they leave out their second operand.
///
/// # Errors
/// Division by zero, a shift by more than there is, bits of a floating-point number.
pub(super) fn binary(operator: Binary, a: Number, b: Number) -> Result<Number, String> {
    match (a, b) {
        (Number::Integer(a), Number::Integer(b)) => integers(operator, a, b),
        _ => floats(operator, as_float(a), as_float(b)),
    }
}

fn compared(operator: Binary, order: Option<Ordering>) -> Option<Number> {
    let is = |wanted: &[Ordering]| order.is_some_and(|order| wanted.contains(&order));
    let value = match operator {
        Binary::Equal => is(&[Ordering::Equal]),
        Binary::NotEqual => !is(&[Ordering::Equal]),
        Binary::Less => is(&[Ordering::Less]),
        Binary::LessEqual => is(&[Ordering::Less, Ordering::Equal]),
        Binary::Greater => is(&[Ordering::Greater]),
        Binary::GreaterEqual => is(&[Ordering::Greater, Ordering::Equal]),
        _ => return None,
    };
    Some(truth(value))
}

fn floats(operator: Binary, a: f64, b: f64) -> Result<Number, String> {
    if let Some(truth) = compared(operator, a.partial_cmp(&b)) {
        return Ok(truth);
    }
    Ok(Number::Float(match operator {
        Binary::Add => a + b,
        Binary::Subtract => a - b,
        Binary::Multiply => a * b,
        Binary::Divide => a / b,
        other => return Err(format!("'{}' has no meaning for floating-point numbers", other.symbol())),
    }))
}

fn integers(operator: Binary, a: Integer, b: Integer) -> Result<Number, String> {
    if let Binary::ShiftLeft | Binary::ShiftRight = operator {
        return shifted(operator, promoted(a), b);
    }
    let (a, b) = usual(a, b);
    let order = if a.is_signed { a.number().cmp(&b.number()) } else { a.bits.cmp(&b.bits) };
    if let Some(truth) = compared(operator, Some(order)) {
        return Ok(truth);
    }
    if b.bits == 0 && matches!(operator, Binary::Divide | Binary::Remainder) {
        return Err("this divides by zero".to_owned());
    }
    let (x, y) = (a.number(), b.number());
    let number = match operator {
        Binary::Add => x.wrapping_add(y),
        Binary::Subtract => x.wrapping_sub(y),
        Binary::Multiply => x.wrapping_mul(y),
        Binary::Divide if a.is_signed => x.wrapping_div(y),
        Binary::Remainder if a.is_signed => x.wrapping_rem(y),
        Binary::Divide => (a.bits / b.bits) as i128,
        Binary::Remainder => (a.bits % b.bits) as i128,
        Binary::BitAnd => x & y,
        Binary::BitOr => x | y,
        Binary::BitXor => x ^ y,
        other => return Err(format!("'{}' is no operator between numbers", other.symbol())),
    };
    Ok(Number::Integer(Integer::new(number, a.width, a.is_signed)))
}

fn shifted(operator: Binary, a: Integer, by: Integer) -> Result<Number, String> {
    let by = u32::try_from(by.number()).ok().filter(|by| *by < a.width);
    let by = by.ok_or_else(|| format!("a number of {} bits can be shifted by 0 to {} bits", a.width, a.width - 1))?;
    let number = match operator {
        Binary::ShiftLeft => a.number().wrapping_shl(by),
        // Windows compilers keep the sign.
        _ if a.is_signed => a.number() >> by,
        _ => (a.bits >> by) as i128,
    };
    Ok(Number::Integer(Integer::new(number, a.width, a.is_signed)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn int(number: i128) -> Number {
        Number::Integer(Integer::new(number, 32, true))
    }

    fn check(operator: Binary, a: Number, b: Number, expected: Result<Number, &str>) {
        assert_eq!(binary(operator, a, b), expected.map_err(str::to_owned), "{a:?} {operator:?} {b:?}");
    }

    #[test]
    fn numbers_wrap_and_compare_as_in_c() {
        let unsigned = |number| Number::Integer(Integer::new(number, 32, false));
        let byte = Number::Integer(Integer::new(0xff, 8, false));
        let long = |number| Number::Integer(Integer::new(number, 64, true));
        check(Binary::Add, int(i32::MAX.into()), int(1), Ok(int(i32::MIN.into())));
        check(Binary::Subtract, unsigned(0), int(1), Ok(unsigned(u32::MAX.into())));
        check(Binary::Less, int(-1), unsigned(1), Ok(truth(false)));
        check(Binary::Less, int(-1), int(1), Ok(truth(true)));
        check(Binary::Less, long(-1), unsigned(1), Ok(truth(true)));
        check(Binary::Add, byte, byte, Ok(int(0x1fe)));
        check(Binary::Multiply, long(1 << 40), int(4), Ok(long(1 << 42)));
        check(Binary::Divide, int(-7), int(2), Ok(int(-3)));
        check(Binary::Remainder, int(-7), int(2), Ok(int(-1)));
        check(Binary::Divide, int(1), int(0), Err("this divides by zero"));
        check(Binary::Divide, int(i32::MIN.into()), int(-1), Ok(int(i32::MIN.into())));
        check(Binary::ShiftRight, int(-8), int(1), Ok(int(-4)));
        check(Binary::ShiftRight, unsigned(0x8000_0000), int(31), Ok(unsigned(1)));
        check(Binary::ShiftLeft, int(1), int(32), Err("a number of 32 bits can be shifted by 0 to 31 bits"));
        check(Binary::BitXor, int(6), int(3), Ok(int(5)));
        check(Binary::Add, Number::Float(1.5), int(1), Ok(Number::Float(2.5)));
        check(Binary::Equal, Number::Float(f64::NAN), Number::Float(f64::NAN), Ok(truth(false)));
        check(Binary::BitAnd, Number::Float(1.0), int(1), Err("'&' has no meaning for floating-point numbers"));
    }

    #[test]
    fn operators_before_a_number() {
        let byte = Number::Integer(Integer::new(1, 8, false));
        assert_eq!(unary(Unary::Complement, byte), Ok(int(-2)));
        assert_eq!(unary(Unary::Negate, byte), Ok(int(-1)));
        assert_eq!(unary(Unary::Not, Number::Float(0.0)), Ok(truth(true)));
        assert!(unary(Unary::Complement, Number::Float(0.0)).is_err());
    }
}
