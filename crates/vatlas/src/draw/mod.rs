//! Drawing: pictures of an address space for the terminal, as SVG and as a web page.

pub mod html;
pub mod palette;
pub mod svg;
pub mod terminal;
pub mod text;

#[cfg(test)]
mod sample;
