//! The status codes of the kernel's own services, beside those of memory and of files.

use crate::files;
use crate::memory::NtStatus;

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $code:literal;)*) => {
        $($(#[$doc])* pub const $name: NtStatus = NtStatus($code);)*
        /// Code and name of each.
        pub const TABLE: &[(NtStatus, &str)] = &[$(($name, concat!("STATUS_", stringify!($name)))),*];
    };
}

/// Whether a status is an error: its two top bits are set.
pub(crate) const fn is_error(status: NtStatus) -> bool {
    status.0 >> 30 == 3
}

/// What people read for a status: its name where one is known, else the number.
pub(crate) fn text(status: NtStatus) -> String {
    let own = || TABLE.iter().find(|(code, _)| *code == status).map(|(_, name)| *name);
    let of_files = || files::status::TABLE.iter().find(|(code, ..)| *code == status).map(|(_, name, _)| *name);
    match status.name().or_else(own).or_else(of_files) {
        Some(name) => format!("{name} ({:08x})", status.0),
        None => format!("status {:08x}", status.0),
    }
}

codes! {
    /// A driver cannot go while one of its devices is open.
    DEVICE_BUSY = 0x8000_0011;
    /// A driver is loaded already.
    IMAGE_ALREADY_LOADED = 0xc000_010e;
    /// A driver imports what nobody exports.
    DRIVER_ENTRYPOINT_NOT_FOUND = 0xc000_0263;
    /// The call did what was asked; of a wait: the first object.
    SUCCESS = 0;
    /// The first object of a wait is a mutant whose owner ended without releasing it.
    ABANDONED_WAIT_0 = 0x80;
    /// A wait ended because a user APC is delivered.
    USER_APC = 0xc0;
    /// A wait ended because the thread was alerted.
    ALERTED = 0x101;
    /// A wait ended because its time was over.
    TIMEOUT = 0x102;
    /// The name existed; the object that has it was opened.
    OBJECT_NAME_EXISTS = 0x4000_0000;
    /// An image could not be mapped at the address it was linked for.
    IMAGE_NOT_AT_BASE = 0x4000_0003;
    /// An instruction or data at an address that its type forbids.
    DATATYPE_MISALIGNMENT = 0x8000_0002;
    /// A breakpoint.
    BREAKPOINT = 0x8000_0003;
    /// The trap behind one instruction.
    SINGLE_STEP = 0x8000_0004;
    /// The buffer is too short; what fits is there.
    BUFFER_OVERFLOW = 0x8000_0005;
    /// There are no more entries.
    NO_MORE_ENTRIES = 0x8000_001a;
    /// There is no such service.
    NOT_IMPLEMENTED = 0xc000_0002;
    /// There is no such class of information.
    INVALID_INFO_CLASS = 0xc000_0003;
    /// The buffer is not as long as the information.
    INFO_LENGTH_MISMATCH = 0xc000_0004;
    /// The handle names nothing.
    INVALID_HANDLE = 0xc000_0008;
    /// There is no process or thread with the number.
    INVALID_CID = 0xc000_000b;
    /// There is no such system service.
    INVALID_SYSTEM_SERVICE = 0xc000_001c;
    /// The processor has no such instruction.
    ILLEGAL_INSTRUCTION = 0xc000_001d;
    /// The handle does not have the right.
    ACCESS_DENIED = 0xc000_0022;
    /// The buffer is too small.
    BUFFER_TOO_SMALL = 0xc000_0023;
    /// The handle names an object of another type.
    OBJECT_TYPE_MISMATCH = 0xc000_0024;
    /// An exception handler said to go on, but the exception forbids it.
    NONCONTINUABLE_EXCEPTION = 0xc000_0025;
    /// The object is not locked by the caller, or not in the state for the call.
    NOT_LOCKED = 0xc000_002a;
    /// The name has a forbidden form.
    OBJECT_NAME_INVALID = 0xc000_0033;
    /// No object has the name.
    OBJECT_NAME_NOT_FOUND = 0xc000_0034;
    /// Another object has the name.
    OBJECT_NAME_COLLISION = 0xc000_0035;
    /// A part of the name before the last does not exist.
    OBJECT_PATH_NOT_FOUND = 0xc000_003a;
    /// The name is relative, and no directory was given.
    OBJECT_PATH_SYNTAX_BAD = 0xc000_003b;
    /// The mutant is not the caller's.
    MUTANT_NOT_OWNED = 0xc000_0046;
    /// The semaphore would count beyond its maximum.
    SEMAPHORE_LIMIT_EXCEEDED = 0xc000_0047;
    /// The thread is suspended as often as it can be.
    SUSPEND_COUNT_EXCEEDED = 0xc000_004a;
    /// No other thread was ready.
    NO_YIELD_PERFORMED = 0x4000_0024;
    /// Two parameters do not fit each other.
    INVALID_PARAMETER_MIX = 0xc000_0030;
    /// The sixth parameter is wrong.
    INVALID_PARAMETER_6 = 0xc000_00f4;
    /// The process has no token of that kind, or the debugger is not there.
    PORT_NOT_SET = 0xc000_0353;
    /// The operation goes on; the caller waits.
    PENDING = 0x103;
    /// An operation took longer than it may.
    IO_TIMEOUT = 0xc000_00b5;
    /// It failed in a way that has no name.
    UNSUCCESSFUL = 0xc000_0001;
    /// Only a part was copied.
    PARTIAL_COPY = 0x8000_000d;
    /// The file system has no extended attributes.
    EAS_NOT_SUPPORTED = 0xc000_004f;
    /// No file is behind the view.
    FILE_INVALID = 0xc000_0098;
    /// Nothing is mapped at the address.
    INVALID_ADDRESS = 0xc000_0141;
    /// The section is not one of an image.
    SECTION_NOT_IMAGE = 0xc000_0049;
    /// The last thread of a process does not end by itself.
    CANT_TERMINATE_SELF = 0xc000_00db;
    /// The ordinal of a DLL was not found.
    ORDINAL_NOT_FOUND = 0xc000_0138;
    /// The thread is ending.
    THREAD_IS_TERMINATING = 0xc000_004b;
    /// The file is not an image of this processor.
    INVALID_IMAGE_FORMAT = 0xc000_007b;
    /// The thread has no token.
    NO_TOKEN = 0xc000_007c;
    /// Room for what the call must make is missing.
    INSUFFICIENT_RESOURCES = 0xc000_009a;
    /// A mutant's owner took it too often.
    MUTANT_LIMIT_EXCEEDED = 0xc000_0191;
    /// x87: a denormal operand.
    FLOAT_DENORMAL_OPERAND = 0xc000_008d;
    /// x87: a division by zero.
    FLOAT_DIVIDE_BY_ZERO = 0xc000_008e;
    /// x87: the result is not exact.
    FLOAT_INEXACT_RESULT = 0xc000_008f;
    /// x87: an invalid operation.
    FLOAT_INVALID_OPERATION = 0xc000_0090;
    /// x87: the result is too large.
    FLOAT_OVERFLOW = 0xc000_0091;
    /// x87: the register stack over- or underflowed.
    FLOAT_STACK_CHECK = 0xc000_0092;
    /// x87: the result is too small.
    FLOAT_UNDERFLOW = 0xc000_0093;
    /// An index is out of its bounds.
    ARRAY_BOUNDS_EXCEEDED = 0xc000_008c;
    /// A division by zero.
    INTEGER_DIVIDE_BY_ZERO = 0xc000_0094;
    /// `into` with the overflow flag set.
    INTEGER_OVERFLOW = 0xc000_0095;
    /// An instruction of the kernel.
    PRIVILEGED_INSTRUCTION = 0xc000_0096;
    /// The first parameter is wrong.
    INVALID_PARAMETER_1 = 0xc000_00ef;
    /// The second parameter is wrong.
    INVALID_PARAMETER_2 = 0xc000_00f0;
    /// The stack has no room left.
    STACK_OVERFLOW = 0xc000_00fd;
    /// The process is ending.
    PROCESS_IS_TERMINATING = 0xc000_010a;
    /// The handle was duplicated as one that cannot be closed.
    HANDLE_NOT_CLOSABLE = 0xc000_0235;
    /// An SSE exception with more than one cause.
    FLOAT_MULTIPLE_TRAPS = 0xc000_02b5;
    /// The entry point of a DLL was not found.
    ENTRYPOINT_NOT_FOUND = 0xc000_0139;
    /// A DLL was not found.
    DLL_NOT_FOUND = 0xc000_0135;
    /// A DLL did not initialize.
    DLL_INIT_FAILED = 0xc000_0142;
}
