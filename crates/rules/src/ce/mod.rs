//! The rules of Windows CE: slots up to CE 5, one flat space per process from CE 6 on.

pub mod api_call;
pub mod api_sets;
pub mod exception;
pub mod fault_status;
pub mod flat_map;
pub mod kdata;
pub mod slot;
pub mod slot_map;
pub mod structures;
