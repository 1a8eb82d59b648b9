//! What is written in a file: bytes in, structures out, and every problem met on the way.
//!
//! This crate applies no rule of an operating system and opens no file. Lengths and offsets in a file are
//! claims; each is checked against the bytes before anything is allocated for it.

pub mod ce_log;
pub mod code_view;
pub mod exports;
pub mod fix_ups;
pub mod function_table;
pub mod fx_image;
pub mod image_bytes;
pub mod kdmp;
pub mod kernel_dump;
pub mod minidump;
pub mod pe;
pub mod pe_image;
pub mod pe_layout;
pub mod pe_load;
pub mod rom;
pub mod version_resource;
