//! The one palette of all pictures: colours that colour-blind people can tell apart, and what they stand for.
//!
//! The colours are those of Okabe and Ito (Color Universal Design, 2008). State is never told by hue:
//! committed is the full colour, reserved the same colour mixed with the ground, or hatched.

use vatlas_debug::usage::UsageKind;

/// A colour: red, green, blue.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Rgb(pub u8, pub u8, pub u8);

const ORANGE: Rgb = Rgb(0xe6, 0x9f, 0x00);
const SKY_BLUE: Rgb = Rgb(0x56, 0xb4, 0xe9);
const BLUISH_GREEN: Rgb = Rgb(0x00, 0x9e, 0x73);
const YELLOW: Rgb = Rgb(0xf0, 0xe4, 0x42);
const BLUE: Rgb = Rgb(0x00, 0x72, 0xb2);
const VERMILION: Rgb = Rgb(0xd5, 0x5e, 0x00);
const REDDISH_PURPLE: Rgb = Rgb(0xcc, 0x79, 0xa7);
const GREY: Rgb = Rgb(0x5c, 0x5c, 0x5c);

/// Ground of pictures in the terminal: free addresses. Dark, and told apart from a black and a white terminal.
pub const GROUND: Rgb = Rgb(0x2b, 0x2d, 0x33);

/// Captured bytes.
pub const LIGHT: Rgb = Rgb(0xd8, 0xda, 0xde);

/// Mark of a stretch that was left out.
pub const LEFT_OUT: Rgb = Rgb(0xa8, 0xac, 0xb4);

/// Colours for the areas of a layout: neighbours in this list differ in lightness as well.
const TINTS: [Rgb; 8] = [BLUE, SKY_BLUE, BLUISH_GREEN, YELLOW, VERMILION, REDDISH_PURPLE, ORANGE, GREY];

/// The colour of a kind of use; free is the ground of a terminal.
pub const fn colour(kind: UsageKind) -> Rgb {
    match kind {
        UsageKind::Image => BLUE,
        UsageKind::Mapped => SKY_BLUE,
        UsageKind::Heap => VERMILION,
        UsageKind::Stack => BLUISH_GREEN,
        UsageKind::Environment => YELLOW,
        UsageKind::Private => ORANGE,
        UsageKind::System => REDDISH_PURPLE,
        UsageKind::Free => GROUND,
        UsageKind::Unknown => GREY,
    }
}

/// A colour for the areas of a layout, by any number; it repeats after eight.
pub const fn tint(number: usize) -> Rgb {
    TINTS[number % TINTS.len()]
}

impl Rgb {
    /// This colour with `percent` of it left, the rest `other`.
    pub const fn mixed(self, other: Self, percent: u32) -> Self {
        const fn channel(own: u8, other: u8, percent: u32) -> u8 {
            ((own as u32 * percent + other as u32 * (100 - percent) + 50) / 100) as u8
        }
        Self(channel(self.0, other.0, percent), channel(self.1, other.1, percent), channel(self.2, other.2, percent))
    }

    /// `#rrggbb`.
    pub fn hex(self) -> String {
        format!("#{:02x}{:02x}{:02x}", self.0, self.1, self.2)
    }

    /// Relative luminance in thousandths (WCAG 2, with a gamma of 2 instead of 2.4: exact enough to choose ink).
    const fn luminance(self) -> u32 {
        let [red, green, blue] = [self.0 as u32, self.1 as u32, self.2 as u32];
        (2126 * red * red + 7152 * green * green + 722 * blue * blue) / 650_250
    }

    /// Black or white, whichever is easier to read on this colour.
    pub const fn ink(self) -> Self {
        if self.luminance() > 200 { Self(0, 0, 0) } else { Self(255, 255, 255) }
    }

    /// The nearest of the 240 fixed colours of a 256-colour terminal: a cube of six steps and 24 greys.
    pub fn xterm(self) -> u8 {
        const STEPS: [u8; 6] = [0, 95, 135, 175, 215, 255];
        let nearest = |value: u8| (0..6).min_by_key(|&step| STEPS[step].abs_diff(value)).unwrap_or_default();
        let [red, green, blue] = [nearest(self.0), nearest(self.1), nearest(self.2)];
        let cube = Self(STEPS[red], STEPS[green], STEPS[blue]);
        let average = (u32::from(self.0) + u32::from(self.1) + u32::from(self.2)) / 3;
        let grey_step = (average.saturating_sub(3) / 10).min(23) as u8;
        let level = 8 + 10 * grey_step;
        if self.distance(Self(level, level, level)) < self.distance(cube) {
            232 + grey_step
        } else {
            (16 + 36 * red + 6 * green + blue) as u8
        }
    }

    fn distance(self, other: Self) -> u32 {
        let square = |own: u8, other: u8| u32::from(own.abs_diff(other)).pow(2);
        square(self.0, other.0) + square(self.1, other.1) + square(self.2, other.2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_own_colour_and_letter() {
        for (index, &kind) in UsageKind::ALL.iter().enumerate() {
            for &other in &UsageKind::ALL[index + 1..] {
                assert_ne!(colour(kind), colour(other));
                assert_ne!(colour(kind).xterm(), colour(other).xterm(), "{} and {}", kind.word(), other.word());
                assert_ne!(kind.letter(), other.letter());
            }
        }
    }

    /// Colours as a person without red (0) or green (1) cones sees them (Vienot, Brettel and Mollon 1999).
    fn dichromat(colour: Rgb, missing: usize) -> Rgb {
        let linear = |value: u8| (f64::from(value) / 255.0).powf(2.2);
        let [red, green, blue] = [linear(colour.0), linear(colour.1), linear(colour.2)];
        let (both, blue) = match missing {
            0 => (0.11238 * red + 0.88762 * green, 0.00401 * red - 0.00401 * green + blue),
            _ => (0.29275 * red + 0.70725 * green, -0.02234 * red + 0.02234 * green + blue),
        };
        let byte = |value: f64| (value.clamp(0.0, 1.0).powf(1.0 / 2.2) * 255.0) as u8;
        Rgb(byte(both), byte(both), byte(blue))
    }

    #[test]
    fn kinds_differ_for_colour_blind_eyes() {
        for missing in [0, 1] {
            for (index, &kind) in UsageKind::ALL.iter().enumerate() {
                for &other in &UsageKind::ALL[index + 1..] {
                    let distance = dichromat(colour(kind), missing).distance(dichromat(colour(other), missing));
                    assert!(distance > 1000, "{} and {}: {distance}", kind.word(), other.word());
                }
            }
        }
    }

    #[test]
    fn the_nearest_terminal_colour() {
        for (colour, expected) in [
            (Rgb(0, 0, 0), 16),
            (Rgb(255, 255, 255), 231),
            (Rgb(255, 0, 0), 196),
            (Rgb(0x80, 0x80, 0x80), 244),
            (Rgb(0x2b, 0x2d, 0x33), 236),
        ] {
            assert_eq!(colour.xterm(), expected, "{}", colour.hex());
        }
    }

    #[test]
    fn mixing_and_ink() {
        assert_eq!(Rgb(200, 0, 0).mixed(Rgb(0, 100, 0), 50), Rgb(100, 50, 0));
        assert_eq!(BLUE.ink(), Rgb(255, 255, 255));
        assert_eq!(YELLOW.ink(), Rgb(0, 0, 0));
    }
}
