//! What a log says about its device: crashes, and the names of processes and modules.

use std::collections::BTreeMap;
use vatlas_images::ce_log::{LogItem, LogParser, MemoryItem};
use vatlas_space::{CrashText, LogNote, PrintedModule, Va};

/// Names of a log that are kept.
const MOST_NAMES: usize = 512;

/// What a log tells.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct LogNames {
    /// Crashes in its front.
    pub crashes: usize,
    /// Processes of memory listings.
    pub listed: usize,
    /// `6.00` and the processor, as the system said when it started.
    pub boot: Option<(String, String)>,
    /// Names of processes and modules in small letters, with the base where the device printed module and offset.
    pub names: BTreeMap<String, Option<Va>>,
    /// Whether all of it was looked at.
    pub is_whole: bool,
}

impl LogNames {
    /// Reads the front of a log.
    pub fn read(front: &[u8], is_whole: bool) -> Self {
        let mut parser = LogParser::new();
        parser.push(front);
        parser.finish();
        let mut found = Self { is_whole, ..Self::default() };
        parser.take().iter().for_each(|item| found.add(item));
        found
    }

    /// Whether nothing of a device is in it.
    pub fn is_empty(&self) -> bool {
        self.crashes == 0 && self.listed == 0 && self.boot.is_none()
    }

    fn add(&mut self, item: &LogItem) {
        match item {
            LogItem::Crash(crash) => self.add_crash(crash),
            LogItem::Memory(MemoryItem::Process(process)) => {
                self.listed += 1;
                self.name(&process.name, None);
            }
            LogItem::Note(LogNote::Boot { version, processor }, _) => {
                self.boot = Some((version.clone(), processor.clone()));
            }
            _ => {}
        }
    }

    fn add_crash(&mut self, crash: &CrashText) {
        self.crashes += 1;
        for field in &crash.fields {
            if let Some(PrintedModule::Inside { module, offset }) = &field.module {
                self.name(module, field.value.checked_sub(*offset));
            }
            if let Some(process) = &field.process {
                self.name(process, None);
            }
        }
    }

    fn name(&mut self, name: &str, base: Option<u32>) {
        let name = name.to_ascii_lowercase();
        if name.is_empty() || self.names.len() >= MOST_NAMES && !self.names.contains_key(&name) {
            return;
        }
        let known = self.names.entry(name).or_default();
        *known = known.or(base.map(|base| Va(base.into())));
    }

    /// In words: `2 crashes, 3 processes listed`.
    pub fn words(&self) -> String {
        let counted = |count: usize, one: &str, many: &str| match count {
            0 => None,
            1 => Some(format!("1 {one}")),
            count => Some(format!("{count} {many}")),
        };
        let boot = self.boot.as_ref().map(|(version, processor)| format!("starts Windows CE {version} {processor}"));
        let parts = [
            counted(self.crashes, "crash", "crashes"),
            counted(self.listed, "process listed", "processes listed"),
            boot.map(|text| text.trim_end().to_owned()),
        ];
        let text = parts.into_iter().flatten().collect::<Vec<_>>().join(", ");
        if self.is_whole { text } else { format!("{text}, in its first MB") }
    }
}
