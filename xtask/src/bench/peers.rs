//! Other programs that do the same work, when they are installed.

use super::process::Run;
use super::table::{Measured, Quantity};
use std::fmt;
use std::path::PathBuf;

/// A program to compare with.
pub struct Peer {
    name: &'static str,
    place: Option<PathBuf>,
}

impl Peer {
    /// Looks in the folder that `VATLAS_PEERS` names, then along `PATH`.
    pub fn find(name: &'static str) -> Self {
        let file = format!("{name}{}", std::env::consts::EXE_SUFFIX);
        let first = std::env::var_os("VATLAS_PEERS").map(PathBuf::from);
        let path = std::env::var_os("PATH").unwrap_or_default();
        let folders = first.into_iter().chain(std::env::split_paths(&path));
        Self { name, place: folders.map(|folder| folder.join(&file)).find(|place| place.is_file()) }
    }

    /// Measures the peer, or says that there is none.
    pub fn measure<T: Into<Quantity>>(&self, measure: impl FnOnce(Run) -> Result<T, String>) -> Measured {
        match &self.place {
            Some(place) => measure(Run::new(place)).into(),
            None => Measured::Not("absent".to_owned()),
        }
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.place {
            Some(_) => write!(f, "{}", self.name),
            None => write!(f, "{} is neither in the folder VATLAS_PEERS nor on PATH", self.name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_that_is_not_installed_is_said_to_be_absent() {
        let peer = Peer::find("no-such-peer");
        let measured = peer.measure(|_| -> Result<u64, String> { panic!("an absent peer is not measured") });
        assert_eq!(measured, Measured::Not("absent".to_owned()));
    }

    #[test]
    fn a_peer_on_the_path_is_measured() {
        let peer = Peer::find("cargo");
        assert_eq!(peer.measure(|_| Ok(7_u64)), Measured::Is(Quantity::Bytes(7)));
    }
}
