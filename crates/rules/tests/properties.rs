//! What holds for every layout, every limit and every address.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use proptest::prelude::*;
use vatlas_rules::{
    Layout, PlaceFacts,
    ce::slot::{Slot, mapped, offset_of, slot_of, zero_based},
    layout, module_list, parse_address, place,
};
use vatlas_space::{LayoutChoice, LayoutName, Va};

/// Areas go from 0 to the last address without gap or overlap.
fn assert_tiles(layout: &Layout) {
    assert_eq!(layout.areas[0].range.first(), Va(0), "{}", layout.name);
    for pair in layout.areas.windows(2) {
        assert_eq!(pair[0].range.next(), Some(pair[1].range.first()), "{}: {}", layout.name, pair[1].name);
    }
    assert_eq!(layout.areas.last().unwrap().range.last(), layout.name.width().last(), "{}", layout.name);
}

#[test]
fn areas_tile_every_layout() {
    let limits = [None, Some(0), Some(0x7ffe_ffff), Some(0xbffe_ffff), Some(0x7ff_fffe_ffff), Some(u64::MAX)];
    for name in LayoutName::ALL {
        for limit in limits {
            assert_tiles(&layout(LayoutChoice { name, highest_user: limit.map(Va) }));
        }
    }
}

#[test]
fn every_area_says_what_it_is_and_why() {
    for name in LayoutName::ALL {
        for area in layout(LayoutChoice::usual(name)).areas {
            let texts = [&*area.name, &area.purpose, area.holds, area.never_holds, &area.because];
            assert!(texts.iter().all(|text| !text.is_empty()), "{name} {}", area.name);
            assert!(!area.support.is_empty(), "{name} {}", area.name);
        }
    }
}

fn any_layout() -> impl Strategy<Value = LayoutName> {
    prop::sample::select(LayoutName::ALL.to_vec())
}

/// Numbers of any size; small ones are as frequent as large ones.
fn any_address() -> impl Strategy<Value = u64> {
    (any::<u64>(), 0u32..64).prop_map(|(value, shift)| value >> shift)
}

proptest! {
    #[test]
    fn areas_tile_with_any_limit(name in any_layout(), limit in any_address()) {
        assert_tiles(&layout(LayoutChoice { name, highest_user: Some(Va(limit)) }));
    }

    #[test]
    fn the_area_of_an_address_contains_it(name in any_layout(), va in any_address()) {
        let place = place(Va(va), LayoutChoice::usual(name), &PlaceFacts::default());
        prop_assert!(place.area.range.contains(Va(va)));
        prop_assert!(!place.likely.is_empty());
        prop_assert!(place.likely.windows(2).all(|pair| pair[0].confidence >= pair[1].confidence));
    }

    #[test]
    fn slot_0_form_and_slot_form_are_inverses(number in 2u8..=32, offset in 0u64..0x0200_0000) {
        let slot = Slot::new(number).unwrap();
        let in_slot = mapped(Va(offset), slot);
        prop_assert_eq!(slot_of(in_slot), Some(slot));
        prop_assert_eq!(u64::from(offset_of(in_slot)), offset);
        prop_assert_eq!(zero_based(in_slot), Va(offset));
        prop_assert_eq!(mapped(zero_based(in_slot), slot), in_slot);
    }

    #[test]
    fn other_addresses_have_one_form(va in 0x0200_0000u64..0x1_0000_0000, number in 2u8..=32) {
        let slot = Slot::new(number).unwrap();
        prop_assert_eq!(mapped(Va(va), slot), Va(va));
        let is_process = (0x0400_0000..0x4200_0000).contains(&va);
        prop_assert_eq!(zero_based(Va(va)) != Va(va), is_process);
    }

    #[test]
    fn forms_lead_back(va in 0u64..0x1_0000_0000, name in any_layout()) {
        let choice = LayoutChoice::usual(name);
        let facts = PlaceFacts::default();
        for form in place(Va(va), choice, &facts).other_forms.iter().filter(|form| form.form.is_same_byte()) {
            let back = place(form.va, choice, &facts);
            let leads_back = back.other_forms.iter().any(|other| other.va == Va(va));
            // A null pointer in a process slot has a slot-0 form, but no process is to be named for it.
            prop_assert!(leads_back || form.va.0 < 0x1_0000, "{:?}", form);
        }
    }

    #[test]
    fn a_written_address_is_read_back(va in any::<u32>(), name in any_layout()) {
        prop_assert_eq!(parse_address(&format!("{va:08X}"), name).unwrap().va, Va(va.into()));
        prop_assert_eq!(parse_address(&format!("{va:#x}"), name).unwrap().va, Va(va.into()));
    }

    #[test]
    fn no_text_makes_the_parsers_panic(text in "\\PC{0,60}", name in any_layout()) {
        let _ = parse_address(&text, name);
        let (list, problems) = module_list::parse(&text);
        prop_assert!(list.modules.len() + list.processes.len() + problems.len() <= text.lines().count());
    }

    #[test]
    fn corrections_are_addresses_of_the_layout(text in "[0-9A-F]{9,20}", name in any_layout()) {
        if let Err(error) = parse_address(&text, name) {
            for correction in error.corrections {
                prop_assert_eq!(parse_address(&correction.text, name).unwrap().va, correction.va);
                prop_assert!(correction.va <= name.width().last());
            }
        }
    }
}
