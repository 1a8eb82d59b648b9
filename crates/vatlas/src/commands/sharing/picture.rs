//! The pages of an image as rows of letters, one row a process.
//!
//! ```text
//! #  shared with others   =  the section's own frame, nobody else has it   c  a copy   .  not used
//! *  addresses are in the page
//! ```

use crate::{
    draw::palette::{self, Rgb},
    output::Output,
};
use anstyle::{RgbColor, Style};
use vatlas_debug::{
    sharing::{ImageView, PageUse, SharedImage},
    usage::UsageKind,
};

/// Columns before the pages.
const LABEL: usize = 16;
/// Fewest pages in a row.
const FEWEST: usize = 16;

/// How a page is told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Look {
    Shared,
    Alone,
    Copied,
    NotUsed,
}

impl Look {
    pub const ALL: [Self; 4] = [Self::Shared, Self::Alone, Self::Copied, Self::NotUsed];

    /// Of a page of a view; `None` past its end.
    pub fn of(image: &SharedImage, view: &ImageView, page: usize) -> Option<Self> {
        Some(match view.pages.get(page)? {
            PageUse::Shared(_) if image.sharers(page) > 1 => Self::Shared,
            PageUse::Shared(_) => Self::Alone,
            PageUse::Copied(_) => Self::Copied,
            PageUse::NotUsed => Self::NotUsed,
        })
    }

    const fn letter(self) -> &'static str {
        match self {
            Self::Shared => "#",
            Self::Alone => "=",
            Self::Copied => "c",
            Self::NotUsed => ".",
        }
    }

    pub const fn words(self) -> &'static str {
        match self {
            Self::Shared => "shared: one frame for several processes",
            Self::Alone => "the section's frame, and no other process uses it now",
            Self::Copied => "a copy of the process's own",
            Self::NotUsed => "not used yet",
        }
    }

    pub const fn colour(self) -> Rgb {
        match self {
            Self::Shared => palette::colour(UsageKind::Image),
            Self::Alone => palette::colour(UsageKind::Mapped),
            Self::Copied => palette::colour(UsageKind::Private),
            Self::NotUsed => palette::LEFT_OUT,
        }
    }
}

/// The picture, with what the letters mean.
pub fn draw(image: &SharedImage, output: &Output) -> String {
    let (columns, _) = output.columns_and_lines();
    let width = columns.saturating_sub(LABEL).max(FEWEST);
    let mut text = String::new();
    for first in (0..image.pages()).step_by(width) {
        let pages = first..image.pages().min(first + width);
        line(&mut text, "  sections", &pages.clone().map(|page| section_letter(image, page)).collect::<String>());
        for view in &image.views {
            let row: String = pages.clone().map(|page| cell(image, view, page, output)).collect();
            line(&mut text, &format!("  process {}", view.id.map(|id| id.to_string()).unwrap_or_default()), &row);
        }
        let fixed: String = pages.map(|page| if is_fixed(image, page) { '*' } else { ' ' }).collect();
        line(&mut text, "  addresses", fixed.trim_end());
    }
    let sections = image.facts.sections.iter().map(|part| format!("{} {}", letter_of(&part.name), part.name));
    let looks = Look::ALL.map(|look| format!("{} {}", look.letter(), look.words()));
    text.push_str(&format!(
        "    {}\n    * addresses are in the page; {}\n",
        looks.join("; "),
        sections.collect::<Vec<_>>().join(", ")
    ));
    text
}

fn line(text: &mut String, label: &str, row: &str) {
    let line = format!("{label:<LABEL$}{row}");
    text.push_str(line.trim_end());
    text.push('\n');
}

fn cell(image: &SharedImage, view: &ImageView, page: usize, output: &Output) -> String {
    let Some(look) = Look::of(image, view, page) else { return " ".to_owned() };
    let Rgb(red, green, blue) = look.colour();
    let style = Style::new().fg_color(Some(RgbColor(red, green, blue).into()));
    if output.colour { output.paint(style, look.letter()) } else { look.letter().to_owned() }
}

/// Whether the loader writes to the page when the image is moved.
pub fn is_fixed(image: &SharedImage, page: usize) -> bool {
    u32::try_from(page).is_ok_and(|page| image.facts.fixed.contains_key(&page))
}

/// The first letter of the section's name behind the point; a line for the headers.
fn section_letter(image: &SharedImage, page: usize) -> char {
    let section = u32::try_from(page).ok().and_then(|page| image.section_of(page));
    section.map_or('-', |section| letter_of(&section.name))
}

fn letter_of(name: &str) -> char {
    name.chars().find(char::is_ascii_alphanumeric).unwrap_or('?')
}
