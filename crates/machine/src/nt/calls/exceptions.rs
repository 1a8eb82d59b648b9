//! Exceptions that programs raise, and errors that end them.

use crate::memory::NtStatus;
use crate::nt::call::{Call, Handler};
use crate::nt::exception::{ExceptionRecord, RECORD_BYTES};
use crate::nt::{Done, Reply, System, status};

pub(super) const SERVICES: &[(&str, Handler)] =
    &[("NtRaiseException", raise_exception), ("NtRaiseHardError", raise_hard_error)];

/// Most parameters of a hard error.
const MOST_PARAMETERS: u32 = 4;
/// Text of a hard error that is kept, in bytes.
const MOST_TEXT: u16 = 1024;

/// `NtRaiseException(Record, Context, FirstChance)`.
fn raise_exception(system: &mut System, call: &Call) -> Reply {
    let [record, context, is_first, ..] = call.arguments;
    let bytes: [u8; RECORD_BYTES] = system.read_array(call.space, record)?;
    let record = ExceptionRecord::decode(&bytes).ok_or(NtStatus::INVALID_PARAMETER)?;
    let context = system.read_context(call, context)?;
    system.set_context(call.thread, &context);
    system.dispatch_exception(call.thread, &record, is_first & 0xff != 0);
    Ok(Done::Later)
}

/// `NtRaiseHardError(Status, Count, UnicodeStringMask, Parameters, ResponseOptions, Response)`: nobody can answer here,
/// so the error is kept, and when it names a DLL or a function that is missing the process ends with it.
fn raise_hard_error(system: &mut System, call: &Call) -> Reply {
    let [code, count, strings, parameters, _, response, ..] = call.arguments;
    if count > MOST_PARAMETERS {
        return Err(NtStatus::INVALID_PARAMETER_2);
    }
    let mut texts = Vec::new();
    for number in 0..count {
        let value = system.read_u32(call.space, parameters.wrapping_add(4 * number))?;
        if strings >> number & 1 == 0 {
            texts.push(format!("{value:08x}"));
            continue;
        }
        let length = system.read_u16(call.space, value)?.min(MOST_TEXT);
        let buffer = system.read_u32(call.space, value.wrapping_add(4))?;
        texts.push(system.read_text(call.space, buffer, length)?);
    }
    let error = NtStatus(code);
    system.note_hard_error(call.process, error, &texts);
    // `ResponseReturnToCaller`.
    system.write_optional(call.space, response, 0)?;
    if let [name, dll, place] = &texts[..] {
        system.note_missing_import(&format!("{dll}!{name}"), place);
    }
    let ends = [status::ENTRYPOINT_NOT_FOUND, status::DLL_NOT_FOUND, status::ORDINAL_NOT_FOUND];
    if ends.contains(&error) {
        system.terminate_process(call.process, code);
        return Ok(Done::Later);
    }
    Ok(Done::Status(status::SUCCESS))
}
