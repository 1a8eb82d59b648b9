//! `NtQueryVolumeInformationFile`: what volume or device a file object is on.

use crate::files::Files;
use crate::files::host::{ConsoleEnd, ConsoleKind, Host};
use crate::files::object::{Device, FileHandle};
use crate::files::query::CLUSTER_BYTES;
use crate::files::raw::{Raw, text_bytes};
use crate::files::status;
use crate::files::transfer::{Answer, SECTOR_BYTES};
use crate::memory::NtStatus;

const FS_VOLUME: u32 = 1;
const FS_SIZE: u32 = 3;
const FS_DEVICE: u32 = 4;
const FS_ATTRIBUTE: u32 = 5;
const FS_FULL_SIZE: u32 = 7;
/// Class, size of its structure.
const CLASSES: [(u32, u32); 5] =
    [(FS_VOLUME, 24), (FS_SIZE, 24), (FS_DEVICE, 8), (FS_ATTRIBUTE, 16), (FS_FULL_SIZE, 32)];

/// `FILE_DEVICE_DISK` and others; with the disk goes `FILE_DEVICE_IS_MOUNTED`.
const DEVICE_DISK: (u32, u32) = (7, 0x20);
const DEVICE_NAMED_PIPE: (u32, u32) = (0x11, 0);
const DEVICE_NULL: (u32, u32) = (0x15, 0);
const DEVICE_CONSOLE: (u32, u32) = (0x50, 0);

/// Our choice: "VATL".
const SERIAL_NUMBER: u32 = 0x5641_544c;
/// Case is preserved, names are Unicode; no streams, access lists, compression, links.
const FILE_SYSTEM_ATTRIBUTES: u32 = 0x2 | 0x4;
const FILE_SYSTEM: &str = "NTFS";
const MOST_NAME_UNITS: u32 = 255;

impl Files {
    /// What `NtQueryVolumeInformationFile` writes into a buffer of `length` bytes. `GetFileType` follows the device
    /// type: a console is a character device, a redirected one a pipe.
    ///
    /// # Errors
    /// `INVALID_INFO_CLASS`, `INFO_LENGTH_MISMATCH`; `INVALID_DEVICE_REQUEST` for a device without a volume.
    pub fn query_volume(&mut self, handle: FileHandle, class: u32, length: u32) -> Result<Answer, NtStatus> {
        let known = CLASSES.iter().find(|(known, _)| *known == class);
        let &(_, size) = known.ok_or(status::INVALID_INFO_CLASS)?;
        if length < size {
            return Err(status::INFO_LENGTH_MISMATCH);
        }
        let device = self.object(handle, 0)?.device;
        if class == FS_DEVICE {
            let (kind, characteristics) = self.device_type(device);
            return Ok(Answer::success(Raw::default().u32(kind).u32(characteristics).0));
        }
        if !matches!(device, Device::Disk(_) | Device::Volume) {
            return Err(status::INVALID_DEVICE_REQUEST);
        }
        let bytes = match class {
            // A time, the serial number, no label, no object identifiers, one byte of padding.
            FS_VOLUME => Raw::default().i64(self.made.0).u32(SERIAL_NUMBER).u32(0).u8(0).u8(0),
            FS_ATTRIBUTE => {
                let raw = Raw::default().u32(FILE_SYSTEM_ATTRIBUTES).u32(MOST_NAME_UNITS);
                raw.u32(text_bytes(FILE_SYSTEM)).text(FILE_SYSTEM)
            }
            _ => self.space_bytes(class == FS_FULL_SIZE)?,
        };
        Ok(Answer::cut(bytes.0, length))
    }

    fn space_bytes(&mut self, is_full: bool) -> Result<Raw, NtStatus> {
        let space = self.store().space()?;
        let (total, free) = (space.total / CLUSTER_BYTES, space.free / CLUSTER_BYTES);
        let raw = Raw::default().u64(total).u64(free);
        let raw = if is_full { raw.u64(free) } else { raw };
        let sectors = u32::try_from(CLUSTER_BYTES / SECTOR_BYTES).unwrap_or(1);
        Ok(raw.u32(sectors).u32(SECTOR_BYTES as u32))
    }

    fn device_type(&mut self, device: Device) -> (u32, u32) {
        match device {
            Device::Disk(_) | Device::Volume => DEVICE_DISK,
            Device::Null => DEVICE_NULL,
            Device::Pipe(_) | Device::PipeFolder => DEVICE_NAMED_PIPE,
            Device::Console(end) => match self.host.console().kind(end) {
                ConsoleKind::Terminal | ConsoleKind::Character => DEVICE_CONSOLE,
                ConsoleKind::Pipe => DEVICE_NAMED_PIPE,
            },
        }
    }

    /// What the host has behind a file object of the console; `None` for others. `GetConsoleMode` is for terminals.
    pub fn console_kind(&mut self, handle: FileHandle) -> Option<(ConsoleEnd, ConsoleKind)> {
        match self.object(handle, 0).ok()?.device {
            Device::Console(end) => Some((end, self.host.console().kind(end))),
            _ => None,
        }
    }
}
