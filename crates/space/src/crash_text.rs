//! A crash as Windows CE prints it on a serial line: the fields of the text, and where each stands in it.

use crate::address::FileOffset;

/// Where a piece of text stands.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct TextPlace {
    /// Line, from 1.
    pub line: u64,
    /// Column in characters, from 1.
    pub column: u32,
    /// Its first byte.
    pub first: FileOffset,
    /// The byte behind its last.
    pub end: FileOffset,
}

/// What the system printed behind an address: the module that it lies in.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum PrintedModule {
    /// `(coredll.dll+0x00014680)`: a module, and bytes from the base of its image.
    Inside {
        /// Name as printed.
        module: String,
        /// Bytes from the base.
        offset: u32,
    },
    /// `(???+0x50616548)`: no module has the address.
    Outside,
}

/// `NAME=VALUE` of a crash text.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CrashField {
    /// Name as printed, `PC`.
    pub name: String,
    /// The number.
    pub value: u32,
    /// The module printed behind it.
    pub module: Option<PrintedModule>,
    /// `pth=` or `pprc=` in brackets: the address of the kernel's structure behind a handle.
    pub structure: Option<u32>,
    /// The process named behind it in quotes.
    pub process: Option<String>,
    /// From the name to the last bracket or quote.
    pub place: TextPlace,
}

/// How a crash is printed.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum CrashForm {
    /// Up to CE 5: `Data Abort: Thread=... Proc=... 'name'`, `AKY=... PC=... RA=... BVA=... FSR=...`.
    Ce5,
    /// CE 6 and 7: `Exception 'Data Abort' (4): Thread-Id=...`, `PC=... RA=... SP=..., BVA=...`.
    Ce6,
    /// One line without process: `Exception 003 PC=... BVA=...`.
    Short,
    /// Fields whose heading is not in the log.
    Headless,
}

impl CrashForm {
    /// A word for programs.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ce5 => "ce5",
            Self::Ce6 => "ce6",
            Self::Short => "short",
            Self::Headless => "headless",
        }
    }
}

/// What a debugger prints in front of each line: `654322 PID:c8a002a TID:c8b002a`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DebuggerPrefix {
    /// Milliseconds since the device started.
    pub ticks: u64,
    /// Process that printed.
    pub process: u32,
    /// Thread that printed.
    pub thread: u32,
}

/// One crash of a log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CrashText {
    /// How it is printed.
    pub form: CrashForm,
    /// What happened in the system's words, `Data Abort`; `None` without a heading.
    pub kind: Option<String>,
    /// The number of the exception, where one is printed: the processor's vector, -1 for a raised exception.
    pub number: Option<i64>,
    /// Whether the number is printed in hexadecimal with `0x`, as CE 7 does.
    pub is_number_hex: bool,
    /// What a debugger printed in front of it.
    pub prefix: Option<DebuggerPrefix>,
    /// The fields in the order of the text.
    pub fields: Vec<CrashField>,
    /// From the heading to the end of the last field; other output may stand between.
    pub place: TextPlace,
}

impl CrashText {
    /// The field of this name.
    pub fn field(&self, name: &str) -> Option<&CrashField> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// The program counter: `PC`, or the name that a processor has for it.
    pub fn pc(&self) -> Option<&CrashField> {
        ["PC", "Eip", "EIP", "Epc", "EPC", "Fir"].iter().find_map(|name| self.field(name))
    }

    /// The number of a field.
    pub fn value(&self, name: &str) -> Option<u32> {
        self.field(name).map(|field| field.value)
    }

    /// The process whose code ran, as printed.
    pub fn process(&self) -> Option<&str> {
        let field = self.field("Proc").or_else(|| self.field("Proc-Id"))?;
        field.process.as_deref()
    }

    /// Whether a program raised the exception itself: `RaiseException`, `Raised Exception`.
    pub fn is_raised(&self) -> bool {
        let is_word = |kind: &str| kind.starts_with("Raise");
        self.number == Some(-1) || self.kind.as_deref().is_some_and(is_word)
    }
}

/// Another line of a log that says how a crash went on, or what system it is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum LogNote {
    /// `Booting Windows CE version 6.00 for (x86)`.
    Boot {
        /// `6.00`.
        version: String,
        /// `x86`; empty when the line ends before.
        processor: String,
    },
    /// `Terminating thread 8feff024`: the kernel ends a thread, named by its structure.
    TerminatingThread {
        /// Address of the structure.
        thread: u32,
    },
    /// `Secondary thread in proc 00400002 faulted, Exception code = c0000005, Exception Address = 00000000!`
    SecondaryThread {
        /// Process, by handle.
        process: u32,
        /// Code of the exception.
        code: u32,
        /// Where it happened.
        address: u32,
    },
    /// `URtlDispatchException: returning failure. Flags=0`: no handler took the exception.
    NotHandled,
}
