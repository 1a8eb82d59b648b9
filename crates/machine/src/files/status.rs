//! The status codes that calls on files, the console and pipes end in, with their names and last errors.

use crate::memory::NtStatus;

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $error:literal;)*) => {
        $($(#[$doc])* pub const $name: NtStatus = NtStatus($code);)*
        /// Code, name, and what `RtlNtStatusToDosError` makes of it.
        pub const TABLE: &[(NtStatus, &str, u32)] = &[$(($name, concat!("STATUS_", stringify!($name)), $error)),*];
    };
}

codes! {
    /// The call did what was asked.
    SUCCESS = 0, 0;
    /// The operation goes on; the caller waits.
    PENDING = 0x103, 997;
    /// More data is there than the buffer holds.
    BUFFER_OVERFLOW = 0x8000_0005, 234;
    /// A folder has no more entries.
    NO_MORE_FILES = 0x8000_0006, 18;
    /// The host failed in a way that has no name here.
    UNSUCCESSFUL = 0xc000_0001, 31;
    /// No such class of information.
    INVALID_INFO_CLASS = 0xc000_0003, 87;
    /// The buffer is too short for the class of information.
    INFO_LENGTH_MISMATCH = 0xc000_0004, 24;
    /// The number names no file object.
    INVALID_HANDLE = 0xc000_0008, 6;
    /// A parameter is wrong.
    INVALID_PARAMETER = 0xc000_000d, 87;
    /// No entry of the folder matches.
    NO_SUCH_FILE = 0xc000_000f, 2;
    /// The device does not know the operation.
    INVALID_DEVICE_REQUEST = 0xc000_0010, 1;
    /// The place is at or past the end.
    END_OF_FILE = 0xc000_0011, 38;
    /// The file cannot be mapped.
    INVALID_FILE_FOR_SECTION = 0xc000_0020, 193;
    /// The handle does not have the access, or the file forbids it.
    ACCESS_DENIED = 0xc000_0022, 5;
    /// The buffer is too small.
    BUFFER_TOO_SMALL = 0xc000_0023, 122;
    /// The name is that of an object that is no file.
    OBJECT_TYPE_MISMATCH = 0xc000_0024, 6;
    /// The name has forbidden characters or a forbidden form.
    OBJECT_NAME_INVALID = 0xc000_0033, 123;
    /// The last name of the path does not exist.
    OBJECT_NAME_NOT_FOUND = 0xc000_0034, 2;
    /// The name exists already.
    OBJECT_NAME_COLLISION = 0xc000_0035, 183;
    /// A name before the last of the path does not exist, or is no folder.
    OBJECT_PATH_NOT_FOUND = 0xc000_003a, 3;
    /// The path does not begin with a backslash and has no root.
    OBJECT_PATH_SYNTAX_BAD = 0xc000_003b, 161;
    /// Another open of the file does not share what is asked.
    SHARING_VIOLATION = 0xc000_0043, 32;
    /// The range is locked by another file object.
    FILE_LOCK_CONFLICT = 0xc000_0054, 33;
    /// The lock cannot be had now.
    LOCK_NOT_GRANTED = 0xc000_0055, 33;
    /// The file is being deleted.
    DELETE_PENDING = 0xc000_0056, 5;
    /// The range is not locked.
    RANGE_NOT_LOCKED = 0xc000_007e, 158;
    /// The host's disk is full.
    DISK_FULL = 0xc000_007f, 112;
    /// The system has no more of something.
    INSUFFICIENT_RESOURCES = 0xc000_009a, 1450;
    /// The host could not read or write.
    DEVICE_DATA_ERROR = 0xc000_009c, 23;
    /// The pipe has as many instances as it may.
    INSTANCE_NOT_AVAILABLE = 0xc000_00ab, 231;
    /// Every instance of the pipe has its client.
    PIPE_NOT_AVAILABLE = 0xc000_00ac, 231;
    /// The pipe's state does not allow the operation.
    INVALID_PIPE_STATE = 0xc000_00ad, 230;
    /// A client's end does not know the operation.
    ILLEGAL_FUNCTION = 0xc000_00af, 1;
    /// The server has cut the connection.
    PIPE_DISCONNECTED = 0xc000_00b0, 233;
    /// The other end is closed.
    PIPE_CLOSING = 0xc000_00b1, 232;
    /// A client is there already.
    PIPE_CONNECTED = 0xc000_00b2, 535;
    /// No client is there yet.
    PIPE_LISTENING = 0xc000_00b3, 536;
    /// The read mode does not fit the type of the pipe.
    INVALID_READ_MODE = 0xc000_00b4, 230;
    /// The last name is a folder, and a file was asked for.
    FILE_IS_A_DIRECTORY = 0xc000_00ba, 5;
    /// The host does not have it.
    NOT_SUPPORTED = 0xc000_00bb, 50;
    /// Two files are not on one device.
    NOT_SAME_DEVICE = 0xc000_00d4, 17;
    /// A pipe that does not wait has nothing to read.
    PIPE_EMPTY = 0xc000_00d9, 232;
    /// A folder is not empty.
    DIRECTORY_NOT_EMPTY = 0xc000_0101, 145;
    /// The last name is a file, and a folder was asked for.
    NOT_A_DIRECTORY = 0xc000_0103, 267;
    /// The host has no more open files to give.
    TOO_MANY_OPENED_FILES = 0xc000_011f, 4;
    /// The file is read-only or mapped as a program.
    CANNOT_DELETE = 0xc000_0121, 5;
    /// The handle was closed by its last owner.
    FILE_CLOSED = 0xc000_0128, 6;
    /// The other end of the pipe is gone and nothing is left to read.
    PIPE_BROKEN = 0xc000_014b, 109;
    /// A range of bytes that wraps around.
    INVALID_LOCK_RANGE = 0xc000_01a1, 307;
    /// A view of the file is mapped.
    USER_MAPPED_FILE = 0xc000_0243, 1224;
}
