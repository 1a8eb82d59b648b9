//! Format specifiers: what stands behind a comma, and means how a value is shown.
//!
//! ```text
//! d i  signed decimal      u  unsigned     o  octal           x X  hexadecimal     h, l before them: 16, 32 bits
//! f e g  floating point    c  character    s  text of char    s8  UTF-8            su  UTF-16
//! hr   HRESULT or error    wc class style  wm window message  !    as it is        10  so many elements
//! m mb 16 bytes, digits and characters     mw 8 words         md  4 double words   mq  2 quad words
//! ma   64 characters       mu 32 UTF-16 characters
//! ```

use super::error::{Span, WatchError};
use std::fmt;

/// How a value is shown.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Format {
    /// In which form.
    pub code: Option<FormatCode>,
    /// `h`, `l`: so many bytes of the number.
    pub size: Option<u8>,
    /// Elements that a pointer is expanded to.
    pub count: Option<u64>,
    /// Nothing is added to the plain value.
    pub is_raw: bool,
}

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $first:literal $(| $other:literal)*,)*) => {
        /// A form of a value.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        pub enum FormatCode {
            $($(#[$doc])* $name,)*
        }

        impl FormatCode {
            /// All forms.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// How it is written.
            pub const fn symbol(self) -> &'static str {
                match self {
                    $(Self::$name => $first,)*
                }
            }

            fn parse(text: &str) -> Option<Self> {
                match text {
                    $($first $(| $other)* => Some(Self::$name),)*
                    _ => None,
                }
            }
        }
    };
}

codes! {
    /// Signed decimal.
    Signed = "d" | "i",
    /// Unsigned decimal.
    Unsigned = "u",
    /// Octal.
    Octal = "o",
    /// Hexadecimal.
    Hexadecimal = "x",
    /// Hexadecimal with capital letters.
    Capital = "X",
    /// Floating point, usual form.
    Fixed = "f",
    /// Floating point with an exponent.
    Exponent = "e",
    /// Floating point, the shorter form.
    General = "g",
    /// Character.
    Character = "c",
    /// Text of one byte per character.
    Text = "s" | "st",
    /// Text in UTF-8.
    Utf8 = "s8",
    /// Text in UTF-16.
    Utf16 = "su",
    /// HRESULT or error number of Windows.
    Error = "hr",
    /// Style flags of a window class.
    ClassStyle = "wc",
    /// Window message.
    Message = "wm",
    /// 16 bytes as digits and characters.
    Bytes = "mb" | "m",
    /// 8 words.
    Words = "mw",
    /// 4 double words.
    Dwords = "md",
    /// 2 quad words.
    Qwords = "mq",
    /// 64 characters of one byte.
    Ascii = "ma",
    /// 32 characters of two bytes.
    Wide = "mu",
}

impl Format {
    /// Adds what stands behind one comma.
    pub(super) fn add(&mut self, text: &str, span: Span) -> Result<(), WatchError> {
        let word = text.trim();
        if word == "!" {
            self.is_raw = true;
            return Ok(());
        }
        let inner = word.strip_prefix('[').and_then(|inner| inner.strip_suffix(']')).unwrap_or(word);
        if let Some(count) = number(inner) {
            self.count = Some(count);
            return Ok(());
        }
        let (size, code) = match word.split_at_checked(1) {
            Some(("h", rest)) if "diuoxX".contains(rest) && rest.len() == 1 => (Some(2), rest),
            Some(("l", rest)) if "diuoxX".contains(rest) && rest.len() == 1 => (Some(4), rest),
            _ => (None, word),
        };
        let Some(code) = FormatCode::parse(code) else {
            let all: Vec<_> = FormatCode::ALL.iter().map(|code| code.symbol()).collect();
            let message = format!("'{word}' is no format; there are {}, a number of elements and !", all.join(" "));
            return Err(WatchError::syntax(span, message));
        };
        if self.code.is_some() {
            return Err(WatchError::syntax(span, "only one form can be shown at once"));
        }
        (self.code, self.size) = (Some(code), size);
        Ok(())
    }
}

fn number(text: &str) -> Option<u64> {
    match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(code) = self.code {
            let size = match self.size {
                Some(2) => "h",
                Some(_) => "l",
                None => "",
            };
            write!(f, ",{size}{}", code.symbol())?;
        }
        if let Some(count) = self.count {
            write!(f, ",{count}")?;
        }
        if self.is_raw { f.write_str(",!") } else { Ok(()) }
    }
}
