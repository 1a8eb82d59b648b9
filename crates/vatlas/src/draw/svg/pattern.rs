//! Fills of the SVG: the colour tells the kind, the pattern tells the state, so that colour is never alone.

use crate::draw::palette::{self, Rgb};
use std::fmt::Write;
use vatlas_debug::{
    map::MapEntry,
    picture::{Sort, is_guard},
    usage::UsageKind,
};
use vatlas_space::RegionState;

/// How a part of the picture is filled.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fill {
    /// The board shows.
    Free,
    /// Solid.
    Committed(UsageKind),
    /// Light with diagonal lines.
    Reserved(UsageKind),
    /// Dark cross lines.
    Guard(UsageKind),
    /// Light with dots: used, state not known, or not known at all.
    Unknown(UsageKind),
    /// A stretch that was left out.
    LeftOut,
}

const WHITE: Rgb = Rgb(255, 255, 255);
const INK: Rgb = Rgb(0x1d, 0x21, 0x25);

impl Fill {
    /// The fill of a row; `None` for addresses without one.
    pub fn of(entry: Option<&MapEntry>, left_out: bool) -> Self {
        let sort = Sort::of(entry);
        match sort.state {
            _ if left_out => Self::LeftOut,
            _ if entry.is_some_and(is_guard) => Self::Guard(sort.kind),
            RegionState::Committed => Self::Committed(sort.kind),
            RegionState::Reserved => Self::Reserved(sort.kind),
            RegionState::Free if !sort.is_used() => Self::Free,
            RegionState::Free | RegionState::Unknown => Self::Unknown(sort.kind),
        }
    }

    /// All fills that a map needs, in the order of a legend.
    pub fn legend(entries: &[MapEntry]) -> Vec<Self> {
        let used: Vec<Self> = entries.iter().map(|entry| Self::of(Some(entry), false)).collect();
        let kinds = UsageKind::ALL.iter();
        let all = kinds
            .flat_map(|&kind| [Self::Committed(kind), Self::Reserved(kind), Self::Guard(kind), Self::Unknown(kind)]);
        let mut shown: Vec<Self> = all.filter(|fill| used.contains(fill)).collect();
        shown.extend([Self::Free, Self::LeftOut]);
        shown
    }

    /// Words for the legend.
    pub fn meaning(self) -> String {
        match self {
            Self::Free => "free".into(),
            Self::Committed(kind) => format!("{} {}, committed", kind.letter(), kind.word()),
            Self::Reserved(kind) => format!("{} {}, reserved", kind.letter(), kind.word()),
            Self::Guard(kind) => format!("{} {}, guard page", kind.letter(), kind.word()),
            Self::Unknown(UsageKind::Unknown) => "not known".into(),
            Self::Unknown(kind) => format!("{} {}, state not known", kind.letter(), kind.word()),
            Self::LeftOut => "long gap, left out".into(),
        }
    }

    /// Value of a `fill` attribute.
    pub fn paint(self) -> String {
        match self {
            Self::Free => "none".into(),
            Self::Committed(kind) => palette::colour(kind).hex(),
            Self::Reserved(kind) => format!("url(#r{})", kind.word()),
            Self::Guard(kind) => format!("url(#g{})", kind.word()),
            Self::Unknown(kind) => format!("url(#u{})", kind.word()),
            Self::LeftOut => "url(#gap)".into(),
        }
    }
}

/// The `defs` element with all patterns.
pub fn definitions() -> String {
    let mut out = String::from("<defs>\n");
    for kind in UsageKind::ALL {
        let own = palette::colour(kind);
        let light = own.mixed(WHITE, if kind == UsageKind::Unknown { 14 } else { 30 }).hex();
        let (word, strong, dark) = (kind.word(), own.hex(), own.mixed(INK, 25).hex());
        pattern(
            &mut out,
            &format!("r{word}"),
            6,
            &light,
            &format!("<path d=\"M-1 1L1 -1M-1 7L7 -1M5 7L7 5\" stroke=\"{strong}\" stroke-width=\"1.6\"/>"),
        );
        pattern(
            &mut out,
            &format!("g{word}"),
            4,
            &strong,
            &format!("<path d=\"M0 0L4 4M4 0L0 4\" stroke=\"{dark}\"/>"),
        );
        pattern(
            &mut out,
            &format!("u{word}"),
            6,
            &light,
            &format!("<circle cx=\"3\" cy=\"3\" r=\"1.1\" fill=\"{strong}\"/>"),
        );
    }
    pattern(
        &mut out,
        "gap",
        8,
        &WHITE.hex(),
        &format!("<path d=\"M0 4L4 2L8 4\" fill=\"none\" stroke=\"{}\"/>", INK.hex()),
    );
    out.push_str("</defs>\n");
    out
}

fn pattern(out: &mut String, id: &str, size: usize, ground: &str, drawing: &str) {
    let _ = writeln!(
        out,
        "<pattern id=\"{id}\" width=\"{size}\" height=\"{size}\" patternUnits=\"userSpaceOnUse\">\
         <rect width=\"{size}\" height=\"{size}\" fill=\"{ground}\"/>{drawing}</pattern>"
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draw::sample;

    #[test]
    fn states_differ_in_more_than_colour() {
        let entries = sample::small32();
        let legend = Fill::legend(&entries);
        let stack = UsageKind::Stack;
        for fill in [Fill::Committed(stack), Fill::Reserved(stack), Fill::Guard(stack), Fill::Free, Fill::LeftOut] {
            assert!(legend.contains(&fill), "{fill:?}");
        }
        assert!(legend.contains(&Fill::Unknown(UsageKind::System)));
        assert!(!legend.contains(&Fill::Committed(UsageKind::Unknown)));
    }

    #[test]
    fn every_pattern_that_is_used_is_defined() {
        let definitions = definitions();
        for fill in
            UsageKind::ALL.iter().flat_map(|&kind| [Fill::Reserved(kind), Fill::Guard(kind), Fill::Unknown(kind)])
        {
            let id = fill.paint().replace("url(#", "id=\"").replace(')', "\"");
            assert!(definitions.contains(&id), "{id}");
        }
    }
}
