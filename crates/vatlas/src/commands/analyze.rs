//! `vatlas analyze FILE`: what a support engineer asks first, on one screen.

mod document;
mod screen;

use crate::{
    failure::{Exit, Failure},
    json,
    open::TargetArgs,
    output::Output,
};
use sha2::{Digest, Sha256};
use vatlas_debug::analysis::{AnalysisLimits, analyze};

const EXAMPLES: &str = "\
Examples:
  vatlas analyze crash.dmp
  vatlas analyze crash.dmp --symbols symbols/ --images images
  vatlas analyze crash.dmp --threads         every frame of the other threads
  vatlas analyze crash.dmp --signature       what crashes of the same kind have in common
  vatlas analyze crash.dmp --json | jq '.answer.suspicions[] | {kind, reason}'";

/// Arguments.
#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(flatten)]
    target: TargetArgs,
    /// List the stacks of all other threads in full
    #[arg(long)]
    threads: bool,
    /// Print the signature only: its hash, then its functions
    #[arg(long, conflicts_with = "threads")]
    signature: bool,
}

/// Answers about a dump, with nothing else asked.
pub fn run_of(target: TargetArgs, output: &mut Output) -> Result<Exit, Failure> {
    run(&Args { target, threads: false, signature: false }, output)
}

/// Answers.
pub fn run(args: &Args, output: &mut Output) -> Result<Exit, Failure> {
    let opened = args.target.open(output)?;
    let index = opened.index()?;
    let finder = opened.finder()?;
    let analysis = analyze(&*opened.target, &index, &finder, AnalysisLimits::default());
    let is_answered = !args.signature || !analysis.signature.is_empty();
    if output.json {
        let answer = match args.signature {
            true => document::signature(&analysis),
            false => document::analysis(&analysis),
        };
        output.document(&json::document("analyze", opened.input(), answer));
    } else if args.signature {
        screen::signature(&analysis, output);
    } else {
        screen::show(&analysis, args.threads, output);
    }
    finder.warn(output);
    match is_answered {
        true => Ok(opened.exit()),
        false => Err(Failure::could_not("there is no signature: no frame is known")),
    }
}

/// The first 16 digits of the SHA-256 of the functions, one a line; `None` without any.
fn hash(signature: &[String]) -> Option<String> {
    let digest = Sha256::digest(signature.join("\n"));
    let digits: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    (!signature.is_empty()).then_some(digits)
}

/// Whether every function has a name: without, crashes that differ may have the same signature.
fn is_named(signature: &[String]) -> bool {
    !signature.is_empty() && !signature.iter().any(|entry| entry.ends_with("!?"))
}

#[cfg(test)]
mod tests {
    use super::hash;

    #[test]
    fn hashes_do_not_change() {
        // printf 'dial!turn\ndial!main' | sha256sum
        let signature = ["dial!turn".to_owned(), "dial!main".to_owned()];
        assert_eq!(hash(&signature).as_deref(), Some("0c878319d1e68451"));
        assert_eq!(hash(&[]), None);
    }
}
