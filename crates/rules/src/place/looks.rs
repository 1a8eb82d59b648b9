//! Remarks on values that look like something else than an address.

use super::Place;
use crate::{
    statement::Support::{self, Documented},
    value_look::{fill_pattern, text_in},
};
use vatlas_space::PointerWidth;

const LOOK: &[Support] = &[];

pub(super) fn add(place: &mut Place) {
    if let Some(text) = text_in(place.va, place.width()) {
        let wide = place.va.0 & 0xff00 == 0;
        let code = if wide { "UTF-16" } else { "ASCII" };
        place.remark(
            format!("reads as the text \"{text}\": perhaps data that was taken for a pointer"),
            format!("its bytes in memory order, lowest first, are printable {code}"),
            LOOK,
        );
    }
    if let Some((meaning, above)) = fill_pattern(place.va, place.width()) {
        let offset = if above == 0 { String::new() } else { format!(" + {above:X}") };
        let digits = PointerWidth::Bits32.digits();
        let value = place.va.0 - above;
        place.remark(
            format!("looks like {value:0digits$X}{offset}, {meaning}"),
            "a pointer that is read from memory which was freed or never set looks like this",
            &[Documented],
        );
    }
}
