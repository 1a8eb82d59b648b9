//! Watch expressions: C over debug information, asked in a process, a thread and a frame.
//!
//! A text is cut into words (`lexer.rs`), read as a tree (`grammar.rs`, whose first comment is the grammar), evaluated in a
//! scope (`evaluate.rs`) and shown in a format (`show.rs`). `docs/watch.md` says what a person can write.

mod access;
mod arithmetic;
mod ast;
mod condition;
mod error;
mod evaluate;
mod format;
mod grammar;
mod known_numbers;
mod lexer;
mod lookup;
mod operand;
mod places;
mod print;
mod registers;
mod scope;
mod show;
mod store;
mod symbols;
mod watcher;
mod wide;

pub use ast::{Binary, Context, Expression, ExpressionKind, MemoryOperator, Name, TypeName, Unary};
pub use condition::Condition;
pub use error::{Span, WatchError, WatchErrorKind};
pub use format::{Format, FormatCode};
pub use grammar::{Watch, parse};
pub use operand::Home;
pub use scope::{FrameContext, Scope, View};
pub use watcher::{Local, Watched, Watcher};

#[cfg(test)]
mod tests;
