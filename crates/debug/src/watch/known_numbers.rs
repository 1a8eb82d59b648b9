//! Names of numbers of Windows: errors, window messages, styles of window classes.

/// Error numbers of Win32.
const ERRORS: [(u16, &str); 44] = [
    (0, "ERROR_SUCCESS"),
    (1, "ERROR_INVALID_FUNCTION"),
    (2, "ERROR_FILE_NOT_FOUND"),
    (3, "ERROR_PATH_NOT_FOUND"),
    (4, "ERROR_TOO_MANY_OPEN_FILES"),
    (5, "ERROR_ACCESS_DENIED"),
    (6, "ERROR_INVALID_HANDLE"),
    (8, "ERROR_NOT_ENOUGH_MEMORY"),
    (13, "ERROR_INVALID_DATA"),
    (14, "ERROR_OUTOFMEMORY"),
    (15, "ERROR_INVALID_DRIVE"),
    (18, "ERROR_NO_MORE_FILES"),
    (19, "ERROR_WRITE_PROTECT"),
    (20, "ERROR_BAD_UNIT"),
    (21, "ERROR_NOT_READY"),
    (23, "ERROR_CRC"),
    (31, "ERROR_GEN_FAILURE"),
    (32, "ERROR_SHARING_VIOLATION"),
    (33, "ERROR_LOCK_VIOLATION"),
    (38, "ERROR_HANDLE_EOF"),
    (50, "ERROR_NOT_SUPPORTED"),
    (53, "ERROR_BAD_NETPATH"),
    (55, "ERROR_DEV_NOT_EXIST"),
    (80, "ERROR_FILE_EXISTS"),
    (87, "ERROR_INVALID_PARAMETER"),
    (109, "ERROR_BROKEN_PIPE"),
    (110, "ERROR_OPEN_FAILED"),
    (112, "ERROR_DISK_FULL"),
    (120, "ERROR_CALL_NOT_IMPLEMENTED"),
    (122, "ERROR_INSUFFICIENT_BUFFER"),
    (123, "ERROR_INVALID_NAME"),
    (126, "ERROR_MOD_NOT_FOUND"),
    (127, "ERROR_PROC_NOT_FOUND"),
    (145, "ERROR_DIR_NOT_EMPTY"),
    (170, "ERROR_BUSY"),
    (183, "ERROR_ALREADY_EXISTS"),
    (193, "ERROR_BAD_EXE_FORMAT"),
    (234, "ERROR_MORE_DATA"),
    (258, "WAIT_TIMEOUT"),
    (259, "ERROR_NO_MORE_ITEMS"),
    (487, "ERROR_INVALID_ADDRESS"),
    (997, "ERROR_IO_PENDING"),
    (1168, "ERROR_NOT_FOUND"),
    (1460, "ERROR_TIMEOUT"),
];

/// Values of HRESULT that are no Win32 errors.
const RESULTS: [(u32, &str); 12] = [
    (0x0000_0001, "S_FALSE"),
    (0x8000_4001, "E_NOTIMPL"),
    (0x8000_4002, "E_NOINTERFACE"),
    (0x8000_4003, "E_POINTER"),
    (0x8000_4004, "E_ABORT"),
    (0x8000_4005, "E_FAIL"),
    (0x8000_FFFF, "E_UNEXPECTED"),
    (0x8001_0106, "RPC_E_CHANGED_MODE"),
    (0x8002_0006, "DISP_E_UNKNOWNNAME"),
    (0x8004_0154, "REGDB_E_CLASSNOTREG"),
    (0x8004_01F0, "CO_E_NOTINITIALIZED"),
    (0x8000_000A, "E_PENDING"),
];

/// Window messages.
const MESSAGES: [(u16, &str); 62] = [
    (0x0000, "WM_NULL"),
    (0x0001, "WM_CREATE"),
    (0x0002, "WM_DESTROY"),
    (0x0003, "WM_MOVE"),
    (0x0005, "WM_SIZE"),
    (0x0006, "WM_ACTIVATE"),
    (0x0007, "WM_SETFOCUS"),
    (0x0008, "WM_KILLFOCUS"),
    (0x000a, "WM_ENABLE"),
    (0x000b, "WM_SETREDRAW"),
    (0x000c, "WM_SETTEXT"),
    (0x000d, "WM_GETTEXT"),
    (0x000e, "WM_GETTEXTLENGTH"),
    (0x000f, "WM_PAINT"),
    (0x0010, "WM_CLOSE"),
    (0x0011, "WM_QUERYENDSESSION"),
    (0x0012, "WM_QUIT"),
    (0x0014, "WM_ERASEBKGND"),
    (0x0015, "WM_SYSCOLORCHANGE"),
    (0x0018, "WM_SHOWWINDOW"),
    (0x001a, "WM_SETTINGCHANGE"),
    (0x001d, "WM_FONTCHANGE"),
    (0x001f, "WM_CANCELMODE"),
    (0x0020, "WM_SETCURSOR"),
    (0x0021, "WM_MOUSEACTIVATE"),
    (0x002b, "WM_DRAWITEM"),
    (0x002c, "WM_MEASUREITEM"),
    (0x0030, "WM_SETFONT"),
    (0x0031, "WM_GETFONT"),
    (0x0046, "WM_WINDOWPOSCHANGING"),
    (0x0047, "WM_WINDOWPOSCHANGED"),
    (0x004e, "WM_NOTIFY"),
    (0x0053, "WM_HELP"),
    (0x0081, "WM_NCCREATE"),
    (0x0082, "WM_NCDESTROY"),
    (0x0084, "WM_NCHITTEST"),
    (0x0085, "WM_NCPAINT"),
    (0x0087, "WM_GETDLGCODE"),
    (0x0100, "WM_KEYDOWN"),
    (0x0101, "WM_KEYUP"),
    (0x0102, "WM_CHAR"),
    (0x0104, "WM_SYSKEYDOWN"),
    (0x0105, "WM_SYSKEYUP"),
    (0x0106, "WM_SYSCHAR"),
    (0x0110, "WM_INITDIALOG"),
    (0x0111, "WM_COMMAND"),
    (0x0112, "WM_SYSCOMMAND"),
    (0x0113, "WM_TIMER"),
    (0x0114, "WM_HSCROLL"),
    (0x0115, "WM_VSCROLL"),
    (0x0200, "WM_MOUSEMOVE"),
    (0x0201, "WM_LBUTTONDOWN"),
    (0x0202, "WM_LBUTTONUP"),
    (0x0203, "WM_LBUTTONDBLCLK"),
    (0x0204, "WM_RBUTTONDOWN"),
    (0x0205, "WM_RBUTTONUP"),
    (0x020a, "WM_MOUSEWHEEL"),
    (0x0215, "WM_CAPTURECHANGED"),
    (0x0219, "WM_DEVICECHANGE"),
    (0x0300, "WM_CUT"),
    (0x0301, "WM_COPY"),
    (0x0302, "WM_PASTE"),
];

/// Styles of window classes.
const CLASS_STYLES: [(u32, &str); 12] = [
    (0x0001, "CS_VREDRAW"),
    (0x0002, "CS_HREDRAW"),
    (0x0008, "CS_DBLCLKS"),
    (0x0020, "CS_OWNDC"),
    (0x0040, "CS_CLASSDC"),
    (0x0080, "CS_PARENTDC"),
    (0x0200, "CS_NOCLOSE"),
    (0x0800, "CS_SAVEBITS"),
    (0x1000, "CS_BYTEALIGNCLIENT"),
    (0x2000, "CS_BYTEALIGNWINDOW"),
    (0x4000, "CS_GLOBALCLASS"),
    (0x2_0000, "CS_DROPSHADOW"),
];

/// First message of a program's own, first of registered names.
const WM_USER: u32 = 0x400;
const WM_APP: u32 = 0x8000;
const REGISTERED: u32 = 0xc000;

/// An error of Win32, or an HRESULT: `0x8007xxxx` holds one of Win32.
pub(super) fn error_name(code: u32) -> String {
    let win32 = |code: u32| ERRORS.iter().find(|(known, _)| u32::from(*known) == code).map(|(_, name)| *name);
    let of_facility = || win32(code & 0xffff).filter(|_| code >> 16 == 0x8007);
    let result = || RESULTS.iter().find(|(known, _)| *known == code && code > 1).map(|(_, name)| *name);
    match win32(code).or_else(of_facility).or_else(result) {
        Some(name) => format!("{code:#010x} {name}"),
        None => format!("{code:#010x}"),
    }
}

/// A window message.
pub(super) fn message_name(code: u32) -> String {
    match MESSAGES.iter().find(|(known, _)| u32::from(*known) == code) {
        Some((_, name)) => (*name).to_owned(),
        None if (REGISTERED..=0xffff).contains(&code) => format!("{code:#06x} (a registered message)"),
        None if (WM_APP..REGISTERED).contains(&code) => format!("WM_APP+{:#x}", code - WM_APP),
        None if (WM_USER..WM_APP).contains(&code) => format!("WM_USER+{:#x}", code - WM_USER),
        None => format!("{code:#06x}"),
    }
}

/// Styles of a window class, and in hexadecimal what has no name.
pub(super) fn class_style(flags: u32) -> String {
    let mut left = flags;
    let mut names = Vec::new();
    for (flag, name) in CLASS_STYLES {
        if left & flag == flag {
            left &= !flag;
            names.push(name.to_owned());
        }
    }
    if left != 0 || names.is_empty() {
        names.push(format!("{left:#x}"));
    }
    names.join(" | ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_names() {
        assert_eq!(message_name(0x10), "WM_CLOSE");
        assert_eq!(message_name(0x401), "WM_USER+0x1");
        assert_eq!(message_name(0xc012), "0xc012 (a registered message)");
        assert_eq!(class_style(0x23), "CS_VREDRAW | CS_HREDRAW | CS_OWNDC");
        assert_eq!(class_style(0x5), "CS_VREDRAW | 0x4");
        assert_eq!(class_style(0), "0x0");
        assert_eq!(error_name(5), "0x00000005 ERROR_ACCESS_DENIED");
        assert_eq!(error_name(0x8007_0005), "0x80070005 ERROR_ACCESS_DENIED");
        assert_eq!(error_name(0x8000_4005), "0x80004005 E_FAIL");
        assert_eq!(error_name(0xdead_0000), "0xdead0000");
    }
}
