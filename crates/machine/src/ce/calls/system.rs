//! Calls about the system: time, debug output, `KernelIoControl`.

use super::super::call::{Call, Done, Handler, Reply, TRUE, value};
use super::super::error::CeError;
use super::super::memory::utf16;
use crate::ce::{CeVersion, Device};

pub(crate) const ROWS: &[(&str, Handler)] = &[
    ("GetTickCount", |device, _| value(device.state.tick as u32)),
    ("QueryPerformanceCounter", performance_counter),
    ("QueryPerformanceFrequency", performance_frequency),
    ("GetSystemTimeAsFileTime", system_time),
    ("OutputDebugStringW", output_debug_string),
    ("NKvDbgPrintfW", debug_print),
    ("GetSystemInfo", system_info),
    ("GetVersionExW", version),
    ("KernelIoControl", kernel_io_control),
    ("KernelLibIoControl", |_, _| Err(CeError::NOT_SUPPORTED)),
    ("GetCallStackSnapshot", call_stack),
];

/// Counts instructions.
fn performance_counter(device: &mut Device, call: &Call) -> Reply {
    let per_tick = u64::from(device.state.instructions_per_tick);
    let count = device.state.tick * per_tick + per_tick.saturating_sub(device.state.scheduler.until_tick.into());
    device.write(call.thread, call.arguments[0], &count.to_le_bytes())?;
    TRUE
}

fn performance_frequency(device: &mut Device, call: &Call) -> Reply {
    let frequency = u64::from(device.state.instructions_per_tick) * 1000;
    device.write(call.thread, call.arguments[0], &frequency.to_le_bytes())?;
    TRUE
}

fn system_time(device: &mut Device, call: &Call) -> Reply {
    let now = device.now();
    device.write(call.thread, call.arguments[0], &now.to_le_bytes())?;
    value(0)
}

fn output_debug_string(device: &mut Device, call: &Call) -> Reply {
    let text = device.read_text(call.thread, call.arguments[0])?;
    device.print(&text);
    value(0)
}

/// `NKvDbgPrintfW(format, arguments)`.
fn debug_print(device: &mut Device, call: &Call) -> Reply {
    let [format, mut next, ..] = call.arguments;
    let format: Vec<char> = device.read_text(call.thread, format)?.chars().collect();
    let mut text = String::new();
    let mut at = 0;
    while let Some(letter) = format.get(at).copied() {
        at += 1;
        if letter != '%' {
            text.push(letter);
            continue;
        }
        let conversion = Conversion::read(&format, &mut at);
        if conversion.kind == '%' {
            text.push('%');
            continue;
        }
        let argument = device.read_word(call.thread, next)?;
        next = next.wrapping_add(4);
        text.push_str(&conversion.print(device, call, argument)?);
    }
    device.print(&text);
    value(0)
}

/// A conversion of a format: `%-08.8lX`.
#[derive(Default)]
struct Conversion {
    is_left: bool,
    has_zeroes: bool,
    has_prefix: bool,
    is_narrow: bool,
    width: usize,
    precision: Option<usize>,
    kind: char,
}

impl Conversion {
    fn read(format: &[char], at: &mut usize) -> Self {
        const WIDEST: usize = 256;
        let mut it = Self::default();
        let mut is_behind_dot = false;
        while let Some(letter) = format.get(*at).copied() {
            *at += 1;
            match letter {
                '-' => it.is_left = true,
                '#' => it.has_prefix = true,
                '0' if it.width == 0 && !is_behind_dot => it.has_zeroes = true,
                '0'..='9' => {
                    let digit = letter as usize - '0' as usize;
                    let place = if is_behind_dot { it.precision.get_or_insert(0) } else { &mut it.width };
                    *place = (*place * 10 + digit).min(WIDEST);
                }
                '.' => {
                    is_behind_dot = true;
                    it.precision = Some(0);
                }
                'h' => it.is_narrow = true,
                'l' | 'w' | ' ' | '+' => {}
                _ => {
                    it.kind = letter;
                    break;
                }
            }
        }
        it
    }

    fn print(&self, device: &mut Device, call: &Call, argument: u32) -> Result<String, CeError> {
        let body = match self.kind {
            'd' | 'i' => (argument as i32).to_string(),
            'u' => argument.to_string(),
            'x' if self.has_prefix => format!("0x{argument:x}"),
            'X' if self.has_prefix => format!("0X{argument:X}"),
            'x' => format!("{argument:x}"),
            'X' => format!("{argument:X}"),
            'p' => format!("{argument:08X}"),
            'c' | 'C' => char::from_u32(argument & 0xffff).unwrap_or('?').to_string(),
            's' | 'S' if argument == 0 => "(NULL)".to_owned(),
            's' if !self.is_narrow => device.read_text(call.thread, argument)?,
            's' | 'S' => device.read_narrow_text(call.thread, argument)?,
            other => format!("%{other}"),
        };
        let is_text = matches!(self.kind, 's' | 'S');
        let body = match self.precision {
            Some(most) if is_text => body.chars().take(most).collect(),
            Some(least) => format!("{body:0>least$}"),
            None => body,
        };
        let width = self.width;
        Ok(match (self.is_left, self.has_zeroes && !is_text) {
            (true, _) => format!("{body:<width$}"),
            (false, true) => format!("{body:0>width$}"),
            (false, false) => format!("{body:>width$}"),
        })
    }
}

fn system_info(device: &mut Device, call: &Call) -> Reply {
    // SYSTEM_INFO: x86, pages of 4 KB, addresses of programs, one processor of type 486, granularity 64 KB.
    let words: [u32; 9] = [0, 0x1000, 0x1_0000, 0x7fff_ffff, 1, 1, 486, 0x1_0000, 0x0000_0006];
    device.write(call.thread, call.arguments[0], words.map(u32::to_le_bytes).as_flattened())?;
    value(0)
}

fn version(device: &mut Device, call: &Call) -> Reply {
    const PLATFORM: u32 = 3;
    let (major, minor) = match device.state.version {
        CeVersion::Ce3 => (3, 0),
        CeVersion::Ce4 => (4, 20),
        CeVersion::Ce5 => (5, 0),
    };
    let words: [u32; 4] = [major, minor, 0, PLATFORM];
    device.write(call.thread, call.arguments[0].wrapping_add(4), words.map(u32::to_le_bytes).as_flattened())?;
    TRUE
}

/// `IOCTL_HAL_GET_DEVICEID` is not answered; `IOCTL_HAL_GET_DEVICE_INFO` gives platform type and OEM text, `REBOOT` stops
/// nothing.
fn kernel_io_control(device: &mut Device, call: &Call) -> Reply {
    const GET_DEVICE_INFO: u32 = 0x0101_0004;
    const PLATFORM_TYPE: u32 = 257;
    const OEM_INFO: u32 = 258;
    let [code, input, input_size, output, output_size, returned, ..] = call.arguments;
    if code != GET_DEVICE_INFO {
        return Err(CeError::NOT_SUPPORTED);
    }
    if input_size < 4 {
        return Err(CeError::INVALID_PARAMETER);
    }
    let text = match device.read_word(call.thread, input)? {
        PLATFORM_TYPE => "Virtual device",
        OEM_INFO => "vatlas",
        _ => return Err(CeError::INVALID_PARAMETER),
    };
    let bytes = utf16(text);
    if (output_size as usize) < bytes.len() {
        return Err(CeError::INSUFFICIENT_BUFFER);
    }
    device.write(call.thread, output, &bytes)?;
    device.write_optional(call.thread, returned, bytes.len() as u32)?;
    TRUE
}

/// The processes that the calling thread came through, newest first: `(CALLSTACK, process handle, return address)`.
fn call_stack(device: &mut Device, call: &Call) -> Reply {
    let [buffer, most, ..] = call.arguments;
    let calls: Vec<(u32, u8, u32)> = device
        .thread(call.thread)
        .calls
        .iter()
        .rev()
        .take(most as usize)
        .map(|call| (call.at, call.process, call.return_address))
        .collect();
    for (number, (at, process, back)) in (0..).zip(&calls) {
        let handle = device.process(*process).map_or(0, |process| process.handle);
        let words = [*at, handle, *back].map(u32::to_le_bytes);
        device.write(call.thread, buffer.wrapping_add(12 * number), words.as_flattened())?;
    }
    Ok(Done::Value(calls.len() as u64))
}
