//! The guest's console: standard input, output and error of this program, as bytes.

use crate::host_files::store_error;
use std::io::{self, ErrorKind, IsTerminal, Read, Write};
use vatlas_machine::files::{Console, ConsoleEnd, ConsoleInput, ConsoleKind, StoreError};

/// Three streams and what each is shown as.
pub struct HostConsole {
    input: Box<dyn Read>,
    output: Box<dyn Write>,
    errors: Box<dyn Write>,
    /// Of input, output and error.
    kinds: [ConsoleKind; 3],
}

impl HostConsole {
    /// The streams of this process. Those that are terminals are the guest's console; all others are shown as character
    /// devices, so that a guest does the same whatever they are.
    pub fn of_process() -> Self {
        let kind = |is_terminal| if is_terminal { ConsoleKind::Terminal } else { ConsoleKind::Character };
        let kinds = [io::stdin().is_terminal(), io::stdout().is_terminal(), io::stderr().is_terminal()].map(kind);
        let (input, output, errors) = (Box::new(io::stdin()), Box::new(io::stdout()), Box::new(io::stderr()));
        Self { input, output, errors, kinds }
    }

    /// No input, and nobody sees what is written.
    pub fn closed() -> Self {
        let (input, output, errors) = (Box::new(io::empty()), Box::new(io::sink()), Box::new(io::sink()));
        Self { input, output, errors, kinds: [ConsoleKind::Character; 3] }
    }
}

impl Console for HostConsole {
    fn kind(&mut self, end: ConsoleEnd) -> ConsoleKind {
        self.kinds[end as usize]
    }

    fn read(&mut self, bytes: &mut [u8]) -> Result<ConsoleInput, StoreError> {
        loop {
            return match self.input.read(bytes) {
                Ok(0) => Ok(ConsoleInput::End),
                Ok(count) => Ok(ConsoleInput::Bytes(count)),
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => Err(store_error(error)),
            };
        }
    }

    fn write(&mut self, end: ConsoleEnd, bytes: &[u8]) -> Result<(), StoreError> {
        let stream = if end == ConsoleEnd::Error { &mut self.errors } else { &mut self.output };
        // What a guest has written is seen although it never ends its line.
        stream.write_all(bytes).and_then(|()| stream.flush()).map_err(store_error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A stream that keeps what it gets, or is broken.
    struct Sink(bool);

    impl Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if self.0 { Ok(bytes.len()) } else { Err(ErrorKind::BrokenPipe.into()) }
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn bytes_in_and_out() {
        let input = Box::new(&b"ab\xff"[..]);
        let (output, errors) = (Box::new(Sink(true)), Box::new(Sink(false)));
        let mut console = HostConsole { input, output, errors, kinds: [ConsoleKind::Pipe; 3] };
        let mut bytes = [0; 2];
        assert_eq!((console.read(&mut bytes), bytes), (Ok(ConsoleInput::Bytes(2)), *b"ab"));
        assert_eq!((console.read(&mut bytes), bytes[0]), (Ok(ConsoleInput::Bytes(1)), 0xff));
        assert_eq!(console.read(&mut bytes), Ok(ConsoleInput::End));
        assert_eq!(console.write(ConsoleEnd::Output, b"x"), Ok(()));
        assert_eq!(console.write(ConsoleEnd::Error, b"x"), Err(StoreError::Closed));
        let is_console = HostConsole::of_process().kind(ConsoleEnd::Input) == ConsoleKind::Terminal;
        assert_eq!(is_console, io::stdin().is_terminal());
    }
}
