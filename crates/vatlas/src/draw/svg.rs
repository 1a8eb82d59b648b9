//! The map of an address space as one self-contained SVG: strip, Hilbert square, legend; tool tips name the rows.

mod merge;
mod pattern;

use super::text::{self, escaped};
use merge::{Rect, merged};
use pattern::Fill;
use std::{collections::BTreeMap, fmt::Write};
use vatlas_debug::{
    map::MapEntry,
    picture::{Cell, Picture, Sort, Square, Strip},
    usage::UsageKind,
};
use vatlas_space::{RegionState, Va, VaRange};

/// Cells of the square: 65,536, the allocation units of 4 GB.
const ORDER: u32 = 8;
/// User units of a cell of the square.
const CELL: usize = 2;
const MARGIN: usize = 28;
const BAND: usize = 26;
const CAPTURE: usize = 6;
const DETAIL_ROWS: usize = 4;
/// Narrowest picture: the square with the legend beside it.
const MIN_WIDTH: usize = 860;

/// What a path of the picture shows: a row of the map, or addresses without one; left out or not.
type Key = (Option<usize>, bool);

/// The drawing of `entries` inside `range`, `width` user units wide (860 at least, 4,000 at most).
pub fn map(title: &str, entries: &[MapEntry], range: VaRange, width: usize) -> String {
    let width = width.clamp(MIN_WIDTH, 4000);
    let mut page = Page { out: String::new(), entries, range, width, y: MARGIN };
    page.head(title);
    page.strips();
    page.square();
    let height = page.y + MARGIN;
    let summary = escaped(title);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" \
         role=\"img\">\n<title>{summary}</title>\n{STYLE}{}<rect class=\"paper\" width=\"{width}\" height=\"{height}\"/>\n{}\
         </svg>\n",
        pattern::definitions(),
        page.out
    )
}

const STYLE: &str = "<style>\
text{font:12px system-ui,'Segoe UI',Roboto,sans-serif;fill:#1d2125}\
.h{font-size:20px;font-weight:600}.s{fill:#5a626c}.b{font-weight:600}\
.a{font-family:ui-monospace,Consolas,'DejaVu Sans Mono',monospace;font-size:11px;fill:#3c434b}\
.l{font:bold 12px ui-monospace,Consolas,'DejaVu Sans Mono',monospace;text-anchor:middle;paint-order:stroke;stroke:#fff;stroke-width:3px;pointer-events:none}\
.e{text-anchor:end}.m{text-anchor:middle}\
.paper{fill:#fff}.board{fill:#eef0f2}.frame{fill:none;stroke:#9aa2ab;stroke-width:1}\
.tick{stroke:#9aa2ab;stroke-width:1}.cross{stroke:#1d2125;stroke-opacity:.25;stroke-width:1;stroke-dasharray:2 4}\
.p path{shape-rendering:crispEdges}.p path:hover{stroke:#000;stroke-width:1}\
</style>\n";

struct Page<'a> {
    out: String,
    entries: &'a [MapEntry],
    range: VaRange,
    width: usize,
    y: usize,
}

impl Page<'_> {
    fn line(&mut self, markup: &str) {
        self.out.push_str(markup);
        self.out.push('\n');
    }

    fn words(&mut self, class: &str, x: usize, y: usize, words: &str) {
        self.line(&format!("<text class=\"{class}\" x=\"{x}\" y=\"{y}\">{}</text>", escaped(words)));
    }

    fn head(&mut self, title: &str) {
        self.y += 16;
        self.words("h", MARGIN, self.y, title);
        self.y += 22;
        let used = self.entries.iter().filter(|entry| entry.usage.kind() != UsageKind::Free).count();
        let regions = if used == 1 { "row" } else { "rows" };
        let summary =
            format!("{} · {} · {used} {regions} in use", text::range(self.range), text::size(self.range.size()));
        self.words("s", MARGIN, self.y, &summary);
        self.y += 28;
    }

    fn strips(&mut self) {
        let cells = self.width - 2 * MARGIN;
        let strip = Strip::new(self.entries, self.range, cells, DETAIL_ROWS);
        self.caption("The whole range, to scale");
        self.band(strip.overview(), 0, cells);
        self.ticks(cells);
        let pieces = strip.detail().scale().pieces();
        if pieces.len() > 1 {
            self.y += 12;
            self.caption("What is in use; long gaps are left out");
            for row in strip.rows() {
                self.words("a", MARGIN, self.y + 8, &text::address(row.range.first(), self.range));
                self.y += 13;
                self.band(strip.detail(), row.first_cell, row.cells.len());
                self.y += 8;
            }
        }
        self.y += 20;
    }

    fn caption(&mut self, words: &str) {
        self.words("b", MARGIN, self.y, words);
        self.y += 10;
    }

    /// A row of cells and, below it, how much of each is captured.
    fn band(&mut self, picture: &Picture, first: usize, cells: usize) {
        let (y, width) = (self.y, cells);
        self.line(&format!("<rect class=\"board\" x=\"{MARGIN}\" y=\"{y}\" width=\"{width}\" height=\"{BAND}\"/>"));
        let keys: Vec<Key> = (first..first + cells).map(|cell| key(picture, cell)).collect();
        self.paths(&merged(cells, &keys), MARGIN, y, (1, BAND));
        let shares: Vec<u8> = picture.cells()[first..first + cells].iter().map(capture_share).collect();
        let mut paths = [const { String::new() }; 5];
        for Rect { key, x, width, .. } in merged(cells, &shares) {
            let _ = write!(paths[usize::from(key)], "M{} {}h{width}v{CAPTURE}h-{width}z", MARGIN + x, y + BAND + 1);
        }
        let percents = [0, 25, 50, 75, 100];
        for (percent, path) in percents.iter().zip(&paths).skip(1).filter(|(_, path)| !path.is_empty()) {
            self.line(&format!("<path d=\"{path}\" fill=\"#1d2125\" fill-opacity=\".{:02}\"/>", percent * 9 / 10));
        }
        let height = BAND + CAPTURE + 1;
        self.line(&format!("<rect class=\"frame\" x=\"{MARGIN}\" y=\"{y}\" width=\"{width}\" height=\"{height}\"/>"));
        self.y += height;
    }

    fn ticks(&mut self, cells: usize) {
        let y = self.y;
        for tick in 0..=8 {
            self.line(&format!("<path class=\"tick\" d=\"M{} {y}v5\"/>", MARGIN + cells * tick / 8));
        }
        let eighth = self.range.size() / 8;
        for (tick, class) in [(0, "a"), (2, "a m"), (4, "a m"), (6, "a m")] {
            let va = Va(self.range.first().0.saturating_add(eighth.saturating_mul(tick as u64)));
            self.words(class, MARGIN + cells * tick / 8, y + 17, &text::address(va, self.range));
        }
        self.words("a e", MARGIN + cells, y + 17, &text::address(self.range.last(), self.range));
        self.y += 30;
    }

    fn square(&mut self) {
        let square = Square::new(self.entries, self.range, ORDER);
        let edge = square.edge() as usize;
        let side = edge * CELL;
        let scale = square.picture().scale();
        self.caption(&format!(
            "Hilbert square: neighbours stay together; a cell is {}",
            text::size(scale.bytes_per_cell())
        ));
        self.y += 12;
        let [top_left, top_right, bottom_right, bottom_left] = square.quadrants().map(text::short_address);
        self.words("a", MARGIN, self.y, &format!("{top_left} →"));
        self.words("a e", MARGIN + side, self.y, &format!("{top_right} ↓"));
        let top = self.y + 6;
        let keys: Vec<Key> = (0..edge * edge)
            .map(|n| key(square.picture(), square.index((n % edge) as u32, (n / edge) as u32)))
            .collect();
        self.line(&format!("<rect class=\"board\" x=\"{MARGIN}\" y=\"{top}\" width=\"{side}\" height=\"{side}\"/>"));
        self.paths(&merged(edge, &keys), MARGIN, top, (CELL, CELL));
        let middle = side / 2;
        self.line(&format!(
            "<path class=\"cross\" d=\"M{MARGIN} {}h{side}M{} {top}v{side}\"/>",
            top + middle,
            MARGIN + middle
        ));
        self.line(&format!("<rect class=\"frame\" x=\"{MARGIN}\" y=\"{top}\" width=\"{side}\" height=\"{side}\"/>"));
        self.words("a", MARGIN, top + side + 15, &format!("{bottom_left} ↑"));
        self.words("a e", MARGIN + side, top + side + 15, &format!("← {bottom_right}"));
        self.legend(MARGIN + side + 36, top + 10);
        self.y = top + side + 18;
    }

    /// Rectangles of one row of the map as one path with one tool tip; free addresses are the board.
    fn paths(&mut self, rects: &[Rect<Key>], left: usize, top: usize, (width, height): (usize, usize)) {
        let mut paths: BTreeMap<Key, String> = BTreeMap::new();
        for rect in rects {
            let [x, y, w, h] = [left + rect.x * width, top + rect.y * height, rect.width * width, rect.height * height];
            let _ = write!(paths.entry(rect.key).or_default(), "M{x} {y}h{w}v{h}h-{w}z");
        }
        self.line("<g class=\"p\">");
        for ((entry, left_out), path) in paths {
            let entry = entry.and_then(|index| self.entries.get(index));
            let fill = Fill::of(entry, left_out);
            if fill != Fill::Free {
                let tip = tool_tip(entry, left_out);
                self.line(&format!("<path fill=\"{}\" d=\"{path}\"><title>{tip}</title></path>", fill.paint()));
            }
        }
        self.line("</g>");
        self.letters(rects, left, top, (width, height));
    }

    /// The kind's letter on the largest rectangle of each row, where it has room: colour does not stand alone.
    fn letters(&mut self, rects: &[Rect<Key>], left: usize, top: usize, (width, height): (usize, usize)) {
        let mut largest: BTreeMap<usize, &Rect<Key>> = BTreeMap::new();
        for rect in rects {
            if let (Some(entry), false) = rect.key {
                let best = largest.entry(entry).or_insert(rect);
                if rect.width * rect.height > best.width * best.height {
                    *best = rect;
                }
            }
        }
        for (entry, rect) in largest {
            let [w, h] = [rect.width * width, rect.height * height];
            let sort = Sort::of(self.entries.get(entry));
            if w >= 16 && h >= 16 && sort.is_used() {
                let [x, y] = [left + rect.x * width + w / 2, top + rect.y * height + h / 2 + 4];
                self.words("l", x, y, sort.kind.letter().encode_utf8(&mut [0; 4]));
            }
        }
    }

    fn legend(&mut self, x: usize, mut y: usize) {
        self.words("b", x, y, "Legend");
        y += 12;
        for fill in Fill::legend(self.entries) {
            let swatch = format!("x=\"{x}\" y=\"{y}\" width=\"26\" height=\"16\"");
            self.line(&format!("<rect class=\"board\" {swatch}/><rect fill=\"{}\" {swatch}/>", fill.paint()));
            self.line(&format!("<rect class=\"frame\" {swatch}/>"));
            self.words("", x + 36, y + 12, &fill.meaning());
            y += 22;
        }
        for words in ["Grey line below a band: captured bytes,", "the darker the more."] {
            y += 6;
            self.words("s", x, y + 8, words);
            y += 10;
        }
    }
}

fn key(picture: &Picture, cell: usize) -> Key {
    (picture.cells()[cell].entry, picture.scale().piece_of(cell).left_out)
}

/// Quarters of the committed bytes that are captured, rounded up.
fn capture_share(cell: &Cell) -> u8 {
    let quarters = (u128::from(cell.captured) * 4).div_ceil(u128::from(cell.committed.max(1)));
    quarters.min(4) as u8
}

fn tool_tip(entry: Option<&MapEntry>, left_out: bool) -> String {
    let Some(entry) = entry else { return "no row of the map: not known".into() };
    let left_out = if left_out { " (long gap, left out)" } else { "" };
    let mut lines = format!(
        "{}{left_out}\n{} · {}\n{}",
        entry.usage,
        text::range(entry.range),
        text::size(entry.range.size()),
        text::nature(entry)
    );
    if entry.region.state == RegionState::Committed {
        let _ = write!(lines, "\n{}", text::captured(entry));
    }
    lines.lines().map(escaped).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draw::sample;

    fn check_well_formed(svg: &str) {
        let mut open = Vec::new();
        let mut rest = svg;
        while let Some(start) = rest.find('<') {
            assert!(!rest[..start].contains('>'), "loose >");
            let end = start + rest[start..].find('>').unwrap();
            let tag = &rest[start + 1..end];
            assert!(!tag.contains('<'), "tag in a tag: {tag}");
            if let Some(name) = tag.strip_prefix('/') {
                assert_eq!(open.pop(), Some(name));
            } else if !tag.ends_with('/') {
                open.push(tag.split_whitespace().next().unwrap());
            }
            rest = &rest[end + 1..];
        }
        assert!(open.is_empty(), "not closed: {open:?}");
    }

    #[test]
    fn drawings_are_well_formed_whatever_the_names() {
        for (entries, range) in [
            (sample::small32(), sample::all32()),
            (sample::clusters64(), sample::user64()),
            (sample::hostile(), sample::all32()),
            (Vec::new(), sample::all32()),
        ] {
            let svg = map("a <title> & \u{1b}more", &entries, range, 900);
            check_well_formed(&svg);
            assert!(!svg.contains("<script") && svg.contains("a &lt;title&gt; &amp; \u{fffd}more"));
            assert!(svg.chars().all(|c| c == '\n' || !c.is_control()), "control characters");
            assert!(svg.matches("http").count() == 1, "nothing but the name space points outside");
        }
    }

    #[test]
    fn every_row_of_a_small_process_has_a_tool_tip() {
        let svg = map("small", &sample::small32(), sample::all32(), 900);
        for words in ["kernel32.dll .text\n", "stack of thread 1, in use", "kernel half", "shell32.dll headers"] {
            assert!(svg.contains(words), "{words}");
        }
        assert!(svg.contains("0x7c801000-0x7c884fff · 528 KB\ncommitted image, PAGE_EXECUTE_READ\n15.8 KB captured"));
    }

    #[test]
    fn large_maps_stay_small() {
        let svg = map("many", &sample::many(10_000), sample::all32(), 1200);
        assert!(svg.len() < 5 << 20, "{} bytes", svg.len());
        let small = map("small", &sample::small32(), sample::all32(), 900);
        assert!(small.len() < 100 << 10, "{} bytes", small.len());
    }
}
