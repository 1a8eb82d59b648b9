//! Coloured characters: a line that changes its style only where it must.

use crate::draw::palette::Rgb;
use anstyle::{Ansi256Color, Color, RgbColor, Style};
use std::fmt::Write;

/// How many colours a terminal has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Colours {
    /// None: letters only.
    None,
    /// The 256 of xterm.
    Palette256,
    /// 24 bits.
    True,
}

/// A character with the colours of its ink and of its ground; `None` is the terminal's own.
#[derive(Clone, Copy, PartialEq)]
pub struct Glyph {
    character: char,
    ink: Option<Rgb>,
    ground: Option<Rgb>,
}

/// Two pixels above each other in one character.
pub fn pair(upper: Rgb, lower: Rgb) -> Glyph {
    Glyph { character: '▀', ink: Some(upper), ground: Some(lower) }
}

/// A letter on a coloured ground.
pub fn badge(letter: char, ground: Rgb) -> Glyph {
    Glyph { character: letter, ink: Some(ground.ink()), ground: Some(ground) }
}

/// A line in the making.
pub struct Line {
    text: String,
    colours: Colours,
    style: Style,
}

impl Line {
    /// An empty line.
    pub fn new(colours: Colours) -> Self {
        Self { text: String::new(), colours, style: Style::new() }
    }

    /// Appends a character; without colours its style is dropped.
    pub fn push(&mut self, glyph: Glyph) {
        let style = Style::new().fg_color(self.colour(glyph.ink)).bg_color(self.colour(glyph.ground));
        self.switch(style);
        self.text.push(glyph.character);
    }

    /// Appends text in the terminal's own colours.
    pub fn text(&mut self, text: &str) {
        self.switch(Style::new());
        self.text.push_str(text);
    }

    /// The line, in the terminal's own colours again.
    pub fn finish(mut self) -> String {
        self.switch(Style::new());
        self.text
    }

    fn switch(&mut self, style: Style) {
        if style == self.style {
            return;
        }
        // Both colours are always given, so a style needs no reset before the next one.
        let code = if style.is_plain() { self.style.render_reset().to_string() } else { style.render().to_string() };
        let _ = write!(self.text, "{code}");
        self.style = style;
    }

    fn colour(&self, colour: Option<Rgb>) -> Option<Color> {
        let colour = colour?;
        match self.colours {
            Colours::None => None,
            Colours::Palette256 => Some(Ansi256Color(colour.xterm()).into()),
            Colours::True => Some(RgbColor(colour.0, colour.1, colour.2).into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(colours: Colours, expected: &str) {
        let mut line = Line::new(colours);
        line.push(pair(Rgb(255, 0, 0), Rgb(0, 0, 0)));
        line.push(pair(Rgb(255, 0, 0), Rgb(0, 0, 0)));
        line.text("x");
        assert_eq!(line.finish(), expected);
    }

    #[test]
    fn styles_change_only_where_they_must() {
        check(Colours::None, "▀▀x");
        check(Colours::Palette256, "\u{1b}[38;5;196m\u{1b}[48;5;16m▀▀\u{1b}[0mx");
        check(Colours::True, "\u{1b}[38;2;255;0;0m\u{1b}[48;2;0;0;0m▀▀\u{1b}[0mx");
    }
}
