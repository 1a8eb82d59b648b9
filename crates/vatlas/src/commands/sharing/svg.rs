//! The same picture as one self-contained SVG: a row of cells for each process, tool tips with the frames.

use super::{
    file_name,
    picture::{Look, is_fixed},
};
use crate::draw::{
    palette::Rgb,
    text::{escaped, short_address},
};
use std::fmt::Write;
use vatlas_debug::sharing::{ImageView, PageUse, SharedImage};

const CELL: usize = 12;
const MARGIN: usize = 24;
const LABEL: usize = 270;
/// Pages in a row.
const ROW: usize = 64;

const STYLE: &str = "<style>text{font:12px system-ui,'Segoe UI',Roboto,sans-serif;fill:#1d2125}\
.h{font-size:16px;font-weight:600}.s{fill:#5a626c}.paper{fill:#fff}.f{fill:#1d2125}\
rect.c{stroke:#fff;stroke-width:1}</style>\n";

struct Page {
    out: String,
    y: usize,
}

impl Page {
    fn words(&mut self, class: &str, x: usize, words: &str) {
        let (y, words) = (self.y, escaped(words));
        let _ = writeln!(self.out, "<text class=\"{class}\" x=\"{x}\" y=\"{y}\">{words}</text>");
    }

    fn cell(&mut self, x: usize, look: Look, tip: &str) {
        let (y, Rgb(red, green, blue), tip) = (self.y, look.colour(), escaped(tip));
        let _ = writeln!(
            self.out,
            "<rect class=\"c\" x=\"{x}\" y=\"{y}\" width=\"{CELL}\" height=\"{CELL}\" \
             fill=\"#{red:02x}{green:02x}{blue:02x}\"><title>{tip}</title></rect>"
        );
    }

    fn image(&mut self, image: &SharedImage) {
        self.y += 30;
        self.words("h", MARGIN, file_name(image));
        self.y += 18;
        let (frames, unshared) = (image.frames(), image.frames_unshared());
        let linked = image.facts.preferred.map(|at| format!(", linked for {}", short_address(at))).unwrap_or_default();
        self.words("s", MARGIN, &format!("{frames} frames; {unshared} if nothing were shared{linked}"));
        self.y += 8;
        for first in (0..image.pages()).step_by(ROW) {
            let pages = first..image.pages().min(first + ROW);
            for view in &image.views {
                self.view(image, view, pages.clone());
            }
            for page in pages.clone().filter(|page| is_fixed(image, *page)) {
                let (x, y) = (MARGIN + LABEL + (page - first) * CELL + CELL / 2, self.y + 5);
                let _ = writeln!(self.out, "<circle class=\"f\" cx=\"{x}\" cy=\"{y}\" r=\"2\"/>");
            }
            self.y += 14;
        }
    }

    fn view(&mut self, image: &SharedImage, view: &ImageView, pages: std::ops::Range<usize>) {
        self.y += 11;
        let id = view.id.map(|id| id.to_string()).unwrap_or_default();
        let moved = if image.is_moved(view) { ", moved" } else { "" };
        let name = view.name.as_deref().unwrap_or("a process");
        self.words("", MARGIN, &format!("{name} ({id}) at {}{moved}", short_address(view.base)));
        self.y -= 10;
        let first = pages.start;
        for page in pages {
            let Some(look) = Look::of(image, view, page) else { continue };
            self.cell(MARGIN + LABEL + (page - first) * CELL, look, &tip(image, view, page, look));
        }
        self.y += CELL + 3;
    }

    fn legend(&mut self) {
        self.y += 30;
        for look in Look::ALL {
            self.cell(MARGIN, look, look.words());
            self.y += 10;
            self.words("", MARGIN + 20, look.words());
            self.y += 8;
        }
        self.y += 10;
        self.words("", MARGIN, "A dot: addresses are in the page; it is written when the image is moved.");
    }
}

fn tip(image: &SharedImage, view: &ImageView, page: usize, look: Look) -> String {
    let section = u32::try_from(page).ok().and_then(|page| image.section_of(page));
    let section = section.map_or("headers", |section| section.name.as_str());
    let frame = match view.pages.get(page) {
        Some(PageUse::Shared(frame) | PageUse::Copied(Some(frame))) => format!(", frame {:#x}", frame.0),
        _ => String::new(),
    };
    format!("page {page}, {section}{frame}: {}", look.words())
}

/// The drawing of all images.
pub fn draw(images: &[SharedImage]) -> String {
    let mut page = Page { out: String::new(), y: MARGIN };
    page.words("h", MARGIN, "Who shares the frames of images");
    for image in images {
        page.image(image);
    }
    page.legend();
    let (width, height) = (2 * MARGIN + LABEL + ROW * CELL, page.y + MARGIN);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" \
         height=\"{height}\" role=\"img\">\n<title>Who shares the frames of images</title>\n{STYLE}\
         <rect class=\"paper\" width=\"{width}\" height=\"{height}\"/>\n{}</svg>\n",
        page.out
    )
}
