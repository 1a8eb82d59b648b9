//! Where a log comes from: a file, a file that grows, standard input.

use crate::{failure::Failure, open::words, output::Output};
use std::{
    fs::File,
    io::{Read, Seek, SeekFrom},
    path::Path,
    sync::mpsc::{RecvTimeoutError, sync_channel},
    time::Duration,
};
use vatlas_images::ce_log::text_of;
use vatlas_rules::module_list::{self, ModuleList};

/// Bytes that are read at once.
const PIECE: usize = 1 << 18;

/// After such a silence a crash that has all it needs is told.
const SILENCE: Duration = Duration::from_millis(400);

/// A piece of a log.
#[derive(Clone, Copy, Debug)]
pub enum Piece<'a> {
    /// Bytes.
    Bytes(&'a [u8]),
    /// Nothing came for a while.
    Pause,
    /// Nothing will come any more.
    End,
}

/// Takes a piece; whether more is wanted.
type Taker<'a> = &'a mut dyn FnMut(Piece<'_>) -> bool;

/// Reads a log to its end; when it is followed, a file never ends.
///
/// # Errors
/// It cannot be read.
pub fn read(path: &Path, follow: bool, take: Taker<'_>) -> Result<(), Failure> {
    let failed = |error: std::io::Error| Failure::could_not(format!("{}: {}", path.display(), words(&error)));
    if path.as_os_str() == "-" {
        let done = if follow { follow_stream(take) } else { to_end(std::io::stdin().lock(), take).map(|_| ()) };
        done.map_err(|error| Failure::could_not(format!("standard input: {error}")))?;
        take(Piece::End);
        return Ok(());
    }
    let mut file = File::open(path).map_err(failed)?;
    if file.metadata().map_err(failed)?.is_dir() {
        return Err(Failure::could_not(format!("{}: is a folder, not a file", path.display())));
    }
    let mut wants_more = to_end(&mut file, take).map_err(failed)?;
    while follow && wants_more {
        std::thread::sleep(SILENCE);
        // A log that was begun anew is shorter than what was read of it.
        let at = file.stream_position().map_err(failed)?;
        if file.metadata().map_err(failed)?.len() < at {
            file.seek(SeekFrom::Start(0)).map_err(failed)?;
        }
        let before = file.stream_position().map_err(failed)?;
        wants_more = to_end(&mut file, take).map_err(failed)?;
        if file.stream_position().map_err(failed)? == before {
            wants_more = take(Piece::Pause);
        }
    }
    take(Piece::End);
    Ok(())
}

/// Reads until the end; whether more is wanted.
fn to_end(mut input: impl Read, take: Taker<'_>) -> std::io::Result<bool> {
    let mut piece = vec![0; PIECE];
    loop {
        match input.read(&mut piece) {
            Ok(0) => return Ok(true),
            Ok(size) => {
                if !take(Piece::Bytes(piece.get(..size).unwrap_or_default())) {
                    return Ok(false);
                }
            }
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Reads standard input on a thread of its own, so that a silence is noticed.
fn follow_stream(take: Taker<'_>) -> std::io::Result<()> {
    let (sender, receiver) = sync_channel::<std::io::Result<Vec<u8>>>(4);
    std::thread::spawn(move || {
        let sent = to_end(std::io::stdin().lock(), &mut |piece| match piece {
            Piece::Bytes(bytes) => sender.send(Ok(bytes.to_vec())).is_ok(),
            Piece::Pause | Piece::End => true,
        });
        if let Err(error) = sent {
            // Nobody listens any more when this fails.
            let _ = sender.send(Err(error));
        }
    });
    loop {
        let wants_more = match receiver.recv_timeout(SILENCE) {
            Ok(Ok(bytes)) => take(Piece::Bytes(&bytes)),
            Ok(Err(error)) => return Err(error),
            Err(RecvTimeoutError::Timeout) => take(Piece::Pause),
            Err(RecvTimeoutError::Disconnected) => return Ok(()),
        };
        if !wants_more {
            return Ok(());
        }
    }
}

/// A list of more bytes is none.
const MOST_LIST_BYTES: u64 = 16 << 20;

/// So many lines are warned about.
const MOST_WARNINGS: usize = 20;

/// The user's module list, and whether every line of it could be read.
///
/// # Errors
/// The list cannot be read at all.
pub fn module_list(path: &Path, output: &Output) -> Result<(ModuleList, bool), Failure> {
    let failed = |cause: String| Failure::could_not(format!("--modules {}: {cause}", path.display()));
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(MOST_LIST_BYTES + 1).read_to_end(&mut bytes));
    read.map_err(|error| failed(words(&error)))?;
    if bytes.len() as u64 > MOST_LIST_BYTES {
        return Err(failed("more than 16 MB are no module list".to_owned()));
    }
    let (list, problems) = module_list::parse(&text_of(&bytes));
    for problem in problems.iter().take(MOST_WARNINGS) {
        output.remark(&format!("warning: {}: {problem}", path.display()));
    }
    Ok((list, problems.is_empty()))
}
