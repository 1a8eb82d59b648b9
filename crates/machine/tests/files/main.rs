//! Files, console and pipes of the machine: tables of calls with their status codes, and information classes as bytes.
#![allow(clippy::unwrap_used, reason = "a test says what it expects by panicking")]

mod any_bytes;
mod console;
mod create;
mod directory;
mod information;
mod pipes;
mod sections;
mod sharing;
mod support;
mod transfer;
