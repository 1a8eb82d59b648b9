//! The map of an address space as one web page that needs nothing else: pictures, facts, filter, search, table.
//!
//! The data travel as JSON; the script shows text through `textContent` only, and the page's own security policy
//! allows no script but this one and no connection at all.

mod data;
mod policy;

use super::{
    palette,
    text::{self, escaped},
};
use std::fmt::Write;
use vatlas_debug::{map::MapEntry, picture::Scale, usage::UsageKind};
use vatlas_space::{RegionState, VaRange};

const BODY: &str = include_str!("html/page.html");
const STYLE: &str = include_str!("html/page.css");
const SCRIPT: &str = concat!(
    "\"use strict\";\n(() => {\n",
    include_str!("html/base.js"),
    include_str!("html/curve.js"),
    include_str!("html/model.js"),
    include_str!("html/paint.js"),
    include_str!("html/square.js"),
    include_str!("html/bands.js"),
    include_str!("html/panel.js"),
    include_str!("html/table.js"),
    include_str!("html/page.js"),
    "})();\n"
);

/// Cells of the band that leaves gaps out; finer than any screen is wide.
const BAND_CELLS: usize = 4096;

/// The page of `entries` inside `range`. Below 4 GB the square shows all 4 GB, a page of memory a pixel.
pub fn map(title: &str, subtitle: &str, entries: &[MapEntry], range: VaRange) -> String {
    let band = Scale::compressed(entries, range, BAND_CELLS);
    let data = data::json(entries, range, &band);
    let mut page = String::with_capacity(data.len() + BODY.len() + STYLE.len() + SCRIPT.len() + 1024);
    let digits = if data::is_wide(range) { 16 } else { 8 };
    let _ = writeln!(
        page,
        "<!DOCTYPE html>\n<html lang=\"en\" data-digits=\"{digits}\">\n<head>\n<meta charset=\"utf-8\">"
    );
    let _ =
        writeln!(page, "<meta http-equiv=\"Content-Security-Policy\" content=\"{}\">", policy::policy(SCRIPT, STYLE));
    page.push_str("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
    let _ = writeln!(page, "<title>{}</title>", escaped(title));
    let _ = writeln!(page, "<style>{STYLE}</style>\n</head>\n<body>");
    let gaps_left_out = band.pieces().len() > 1;
    fill_in(&mut page, |name| match name {
        "TITLE" => escaped(title),
        "SUBTITLE" => escaped(subtitle),
        "FIRST" => text::address(range.first(), range),
        "LAST" => text::address(range.last(), range),
        "USED" if !gaps_left_out => " hidden".into(),
        "COMMITTED" => style_number(UsageKind::Stack, RegionState::Committed).to_string(),
        "RESERVED" => style_number(UsageKind::Stack, RegionState::Reserved).to_string(),
        "UNKNOWN" => style_number(UsageKind::Stack, RegionState::Unknown).to_string(),
        "GUARD" => (UsageKind::ALL.len() * 4 + UsageKind::Stack as usize).to_string(),
        "LEFTOUT" => (UsageKind::ALL.len() * 5).to_string(),
        _ => String::new(),
    });
    let _ = writeln!(page, "<script type=\"application/json\" id=\"data\">{data}</script>");
    let _ = writeln!(page, "<script>{SCRIPT}</script>\n</body>\n</html>");
    page
}

/// Appends the body with the words between `@` replaced, in one pass: what is filled in is not looked at again.
fn fill_in(page: &mut String, value: impl Fn(&str) -> String) {
    for (place, part) in BODY.split('@').enumerate() {
        if place % 2 == 0 {
            page.push_str(part);
        } else {
            page.push_str(&value(part));
        }
    }
}

/// The script's number of a look; the order of states is that of [`data::STATES`].
fn style_number(kind: UsageKind, state: RegionState) -> usize {
    kind as usize * 4 + data::state_number(state)
}

/// `#rrggbb` of a kind, as the script gets it.
fn colour(kind: UsageKind) -> String {
    palette::colour(kind).hex()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draw::sample;

    #[test]
    fn hostile_names_stay_data() {
        let hostile = "</title></script><script>alert(1)</script>@TITLE@";
        let page = map(hostile, hostile, &sample::hostile(), sample::all32());
        assert_eq!(page.matches("<script").count(), 2, "data and script");
        assert_eq!(page.matches("</script").count(), 2);
        assert_eq!(page.matches("<!--").count(), 0);
        assert_eq!(page.matches("alert(1)").count(), 7, "three in titles, four parts of a module");
        assert!(page.chars().all(|c| c == '\n' || !c.is_control()));
        assert!(!page.contains('\u{202e}'));
    }

    #[test]
    fn the_page_needs_nothing_else() {
        let page = map("t", "s", &sample::small32(), sample::all32());
        for outside in ["http:", "https:", "src=", "href=", "url(", "@import", "eval(", "innerHTML"] {
            assert!(!page.contains(outside), "{outside}");
        }
        assert!(page.contains("default-src 'none'; script-src 'sha256-"));
        assert!(!BODY.contains(" style=\"") && !BODY.contains(" onclick"), "the policy forbids them");
    }

    #[test]
    fn every_place_of_the_body_is_filled() {
        let page = map("t", "s", &sample::clusters64(), sample::user64());
        let body = &page[page.find("<body>").unwrap()..page.find("<script type").unwrap()];
        assert!(!body.contains('@') && body.contains("data-style=\"45\"") && !body.contains("class=\"band\" hidden"));
        assert!(map("t", "s", &[], sample::all32()).contains("class=\"band\" hidden"));
    }

    #[test]
    fn twenty_thousand_rows_stay_below_4_mb() {
        let page = map("many", "", &sample::many(10_000), sample::all32());
        assert!(page.len() < 4 << 20, "{} bytes", page.len());
    }
}
