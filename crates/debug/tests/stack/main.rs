//! Call stacks of real dumps: against what other tools say, and against what was established once.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod corpus;
mod folder_symbols;
