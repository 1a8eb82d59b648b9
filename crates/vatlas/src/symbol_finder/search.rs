//! The search for the symbols of one module: candidates opened, judged, and the best of each kind chosen.

use super::{
    content::{Content, load},
    folder::with_extension,
    names::Wanted,
    places::Place,
    trail::{Attempt, Candidate, Outcome, Step, Trail},
};
use crate::index_cache::{IndexCache, Use};
use std::{
    collections::{BTreeSet, HashSet},
    ops::ControlFlow,
    path::{Path, PathBuf},
};
use vatlas_space::{Problem, Severity};
use vatlas_symbols::{
    FileKind, SymbolFile,
    identity::{Verdict, judge},
};

/// So many files are opened for a module in one place; a folder may have hundreds of one name.
const MOST_PER_PLACE: usize = 32;

/// So many listings are read for a module: a compiler writes one for each source file.
const MOST_LISTINGS: usize = 512;
/// The extension of listings.
const LISTING: &str = "cod";

/// A search.
pub struct Search<'m> {
    wanted: Wanted<'m>,
    /// Whether the user insists on files of another build.
    force: bool,
    cache: &'m IndexCache,
    seen: HashSet<PathBuf>,
    opened: Vec<Opened>,
    /// Listings that the user named. They say for no module that they belong to it.
    listings: Vec<PathBuf>,
    trail: Trail,
}

/// A candidate that could be read.
struct Opened {
    /// Where it is in the trail: step, attempt.
    at: (usize, usize),
    rank: Rank,
    why: String,
    /// What the cache of indexes did for it.
    index_use: Use,
    files: Vec<Box<dyn SymbolFile>>,
}

/// How well a candidate is known to belong to the module.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Rank {
    Match,
    Unknown,
    Mismatch,
}

impl<'m> Search<'m> {
    /// A search for what is wanted. `force` takes files of another build where nothing else has names.
    pub fn new(wanted: Wanted<'m>, force: bool, cache: &'m IndexCache) -> Self {
        let trail = Trail { names: wanted.names.clone(), ..Trail::default() };
        Self { wanted, force, cache, seen: HashSet::new(), opened: Vec::new(), listings: Vec::new(), trail }
    }

    /// Looks in places, in order, until what was found needs no more.
    pub fn look_in(&mut self, places: &[Place]) {
        for place in places {
            if self.has_enough() {
                self.trail.left_out.push(place.what.clone());
                continue;
            }
            match place.candidates(&self.wanted) {
                Some(candidates) => {
                    self.trail.steps.push(Step { place: place.what.clone(), attempts: Vec::new() });
                    candidates.into_iter().for_each(|candidate| self.attempt(candidate));
                }
                None => self.leave_out(place),
            }
        }
    }

    /// A file that the user named for another module is told; a place that means nothing for this one is not.
    fn leave_out(&mut self, place: &Place) {
        if let Some(path) = place.named_file() {
            if path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case(LISTING)) {
                self.listings.push(path.to_owned());
                return;
            }
            let attempts = vec![Attempt { path: path.display().to_string(), outcome: Outcome::Foreign }];
            self.trail.steps.push(Step { place: place.what.clone(), attempts });
        }
    }

    /// Whether nothing could be added: a PDB, Breakpad file or DWARF of this build with nothing amiss.
    fn has_enough(&self) -> bool {
        let is_whole = |file: &dyn SymbolFile| {
            let is_remarkable = |problem: &Problem| problem.severity == Severity::Damage || is_pdb(file);
            file.origin().kind <= FileKind::Breakpad && has_names(file) && !file.problems().iter().any(is_remarkable)
        };
        let matching = self.opened.iter().filter(|opened| opened.rank == Rank::Match);
        matching.flat_map(|opened| &opened.files).any(|file| is_whole(&**file))
    }

    fn attempt(&mut self, candidate: Candidate) {
        let path = match &candidate {
            Candidate::File(path) | Candidate::Refused(path, _) => path.clone(),
        };
        let step = self.trail.steps.len() - 1;
        let attempts = self.trail.steps[step].attempts.len();
        // One file may be reached by several ways.
        let is_new = self.seen.insert(path.canonicalize().unwrap_or_else(|_| path.clone()));
        if !is_new || attempts > MOST_PER_PLACE || self.has_enough() {
            return;
        }
        let outcome = match candidate {
            Candidate::Refused(_, reason) => Outcome::Refused(reason),
            Candidate::File(_) if attempts == MOST_PER_PLACE => {
                Outcome::Refused(format!("{MOST_PER_PLACE} files were tried here; this and those behind it were not"))
            }
            Candidate::File(path) => self.open(&path, (step, attempts)),
        };
        self.trail.steps[step].attempts.push(Attempt { path: path.display().to_string(), outcome });
    }

    /// Opens a candidate and keeps it; what becomes of it is decided at the end, unless it cannot be used at all.
    fn open(&mut self, path: &Path, at: (usize, usize)) -> Outcome {
        let name = path.display().to_string();
        let content = match load(path) {
            Ok((bytes, _)) => Content::read_cached(&name, path, &bytes, self.cache),
            Err(reason) => return Outcome::Unreadable(reason),
        };
        let content = match content {
            Ok(content) => content,
            Err(problem) => return Outcome::Unreadable(reason_of(&name, problem)),
        };
        let (rank, why) = match judge(self.wanted.module, &content.identity) {
            Verdict::Match(why) => (Rank::Match, why),
            Verdict::Unknown(why) => (Rank::Unknown, why),
            Verdict::Mismatch(why) => (Rank::Mismatch, why),
        };
        if content.files.is_empty() {
            return if rank == Rank::Mismatch { Outcome::Refused(why) } else { Outcome::Nameless };
        }
        if rank != Rank::Mismatch || self.force {
            self.opened.push(Opened { at, rank, why: why.clone(), index_use: content.index_use, files: content.files });
        }
        Outcome::Refused(why)
    }

    /// The files to use and the trail. Of each kind the one that is best known to belong to the module is used.
    pub fn finish(mut self) -> (Vec<Box<dyn SymbolFile>>, Trail) {
        let is_enough = self.has_enough();
        let mut opened = std::mem::take(&mut self.opened);
        opened.sort_by_key(|opened| opened.rank);
        let is_named = |opened: &Opened| opened.rank < Rank::Mismatch && is_named(&opened.files);
        let may_force = !opened.iter().any(is_named);
        let mut used: Vec<Box<dyn SymbolFile>> = Vec::new();
        for Opened { at: (step, attempt), rank, why, index_use, files } in opened {
            if rank == Rank::Mismatch && !may_force {
                continue;
            }
            let kept = files.iter().all(|file| {
                let kind = file.origin().kind;
                used.iter().all(|known| known.origin().kind != kind)
            });
            let outcome = match (kept, rank) {
                (false, _) => Outcome::NotNeeded(format!("another {} is used", files[0].origin().kind)),
                (true, Rank::Match) => Outcome::Used(match index_use.remark() {
                    Some(remark) => format!("{why}; {remark}"),
                    None => why,
                }),
                (true, Rank::Unknown) => Outcome::Unchecked(why),
                (true, Rank::Mismatch) => Outcome::Forced(why),
            };
            if kept {
                used.extend(files);
            }
            self.trail.steps[step].attempts[attempt].outcome = outcome;
        }
        if !is_enough {
            self.add_listings(&mut used);
        }
        (used, self.trail)
    }

    /// Adds listings, which tell lines for the functions that other files name: those that the user named, and those in
    /// the folders of the files that are used, where the linker was told to put its map.
    fn add_listings(&mut self, used: &mut Vec<Box<dyn SymbolFile>>) {
        let naming = used.iter().filter(|file| has_names(&***file)).map(|file| PathBuf::from(&*file.origin().file));
        let folders: BTreeSet<_> = naming.filter_map(|path| path.parent().map(Path::to_owned)).collect();
        if folders.is_empty() {
            return;
        }
        let beside = folders.iter().flat_map(|folder| with_extension(folder, LISTING, MOST_LISTINGS));
        let paths = std::mem::take(&mut self.listings).into_iter().chain(beside).take(MOST_LISTINGS);
        let mut attempts = Vec::new();
        for path in paths {
            let name = path.display().to_string();
            let content = load(&path)
                .and_then(|(bytes, _)| Content::read(&name, &bytes).map_err(|problem| reason_of(&name, problem)));
            let outcome = match content.map(|content| content.files) {
                Ok(files) if files.iter().any(|file| file.listing().is_some()) => {
                    used.extend(files);
                    Outcome::Used("its lines are those of functions with its names and sizes".to_owned())
                }
                Ok(_) => Outcome::Refused("is no listing".to_owned()),
                Err(reason) => Outcome::Unreadable(reason),
            };
            attempts.push(Attempt { path: name, outcome });
        }
        if !attempts.is_empty() {
            self.trail.steps.push(Step { place: "listings".to_owned(), attempts });
        }
    }
}

fn is_pdb(file: &dyn SymbolFile) -> bool {
    file.origin().kind == FileKind::Pdb
}

/// Whether functions that are not exported have names in any of the files.
pub fn is_named(files: &[Box<dyn SymbolFile>]) -> bool {
    files.iter().any(|file| has_names(&**file))
}

/// Whether a file names functions that are not exported. Debug information of an image may be rules for leaving frames
/// alone; a listing has lines for the names of other files.
fn has_names(file: &dyn SymbolFile) -> bool {
    match file.origin().kind {
        FileKind::Listing => false,
        FileKind::Dwarf => {
            let mut has_some = false;
            file.visit(&mut |_| {
                has_some = true;
                ControlFlow::Break(())
            });
            has_some
        }
        kind => kind < FileKind::Exports,
    }
}

/// A problem without the name of its file, which stands beside it.
pub fn reason_of(name: &str, problem: Problem) -> String {
    let place = problem.place.strip_prefix(name).unwrap_or(&problem.place).trim_start_matches([':', ' ']).to_owned();
    let text = Problem { place: place.clone(), ..problem }.to_string();
    if place.is_empty() { text.trim_start_matches([':', ' ']).to_owned() } else { text }
}
