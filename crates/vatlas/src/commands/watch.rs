//! `vatlas watch FILE EXPRESSION...`: the values of expressions in a process, a thread and a frame.

mod rendering;

use crate::{
    failure::{Exit, Failure},
    json,
    output::Output,
    subject::{Provider, Subject, SubjectArgs},
};
use clap::ValueEnum;
use rendering::Rendering;
use serde_json::json;
use vatlas_debug::{
    stack::{stack_starts, walk},
    usage_index::UsageIndex,
    value::ValueLimits,
    watch::{FrameContext, Local, Scope, View, WatchError, WatchErrorKind, Watched, Watcher},
};
use vatlas_space::{Process, ProcessIndex, Target, Thread, Va};

const EXAMPLES: &str = "\
Expressions are those of C, without assignments and calls; docs/watch.md has the grammar:
  counters[1].value, *p, p->next, &x, (struct counter *)0x403000, sizeof(int)
  module!name, process!module!name, {function,source,module} name
  eax, @eax, $pc, @err, @tib; BY esp, WO esp, DW esp, QW rsp; poi(esp+4); values[2..5]
  behind a comma a format: x d u o c s su hr wm m mw md ma f e g, or a number of elements

Examples:
  vatlas watch app.exe 'counters[1]' sizeof(counters)
  vatlas watch app.exe counters,2 'counters[0].name' 'counters[0].limit,x'
  vatlas watch crash.dmp @eip esp 'DW esp' 'esp,md' --thread 1704
  vatlas watch counters.dmp --locals --symbols symbols/
  vatlas watch all.dmp coredll!g_state --all-processes";

/// Whose memory addresses mean.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum ViewName {
    /// Every process is read in its own space
    Process,
    /// What the processor could read at this moment
    Processor,
    /// What it could read if the process that is asked about ran
    Chosen,
}

/// Arguments.
#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(flatten)]
    subject: SubjectArgs,
    /// Expressions
    #[arg(value_name = "EXPRESSION", required_unless_present = "locals")]
    expressions: Vec<String>,
    /// In every process, side by side
    #[arg(long, conflicts_with = "process")]
    all_processes: bool,
    /// The thread; without it that of the exception, or the first
    #[arg(long, value_name = "ID", value_parser = crate::process_choice::id)]
    thread: Option<u32>,
    /// The frame of the thread's stack, from 0, the innermost
    #[arg(long, value_name = "NUMBER", default_value = "0")]
    frame: usize,
    /// Arguments and variables of the frame, too
    #[arg(long)]
    locals: bool,
    /// Whose view of memory
    #[arg(long, value_name = "VIEW", default_value = "process")]
    view: ViewName,
    /// Levels of members that are shown
    #[arg(long, value_name = "LEVELS", default_value = "4")]
    depth: usize,
    /// Show what pointers lead to, too
    #[arg(long)]
    expand: bool,
}

/// The answer to one expression in one process.
struct Answer<'a> {
    asked: &'a str,
    process: ProcessIndex,
    result: Result<Watched, WatchError>,
}

/// Answers.
pub fn run(args: &Args, output: &mut Output) -> Result<Exit, Failure> {
    let subject = args.subject.open(output)?;
    let provider = subject.provider()?;
    let target = subject.target();
    let scopes = scopes(args, &subject, &provider)?;
    let mut watcher = Watcher::new(target, &provider);
    watcher.limits =
        ValueLimits { depth: args.depth, pointers: if args.expand { 3 } else { 0 }, ..ValueLimits::default() };
    let ask = |asked, scope: &Scope| Answer { asked, process: scope.process, result: watcher.watch(asked, scope) };
    let each = args.expressions.iter().flat_map(|asked| scopes.iter().map(move |scope| ask(asked, scope)));
    let answers: Vec<Answer<'_>> = each.collect();
    let locals = scopes.first().filter(|_| args.locals).map(|scope| watcher.locals(scope));
    provider.warn(output);
    if let Some(failure) = failure(&answers) {
        return Err(failure);
    }
    if let (Some([]), []) = (locals.as_deref(), answers.as_slice()) {
        return Err(no_locals(scopes.first()));
    }
    let rendering = Rendering { target, is_one_process: scopes.len() == 1 };
    if output.json {
        let scope = scopes.first();
        let answer = json!({
            "thread": scope.and_then(|scope| scope.thread).map(|thread| thread.0),
            "frame": args.frame,
            "values": answers.iter().map(|answer| rendering.answer_json(answer)).collect::<Vec<_>>(),
            "locals": locals.as_ref().map(|locals| locals.iter().map(|local| rendering.local_json(local)).collect::<Vec<_>>()),
        });
        output.document(&json::document("watch", subject.opened().input(), answer));
    } else {
        rendering.show(&answers, locals.as_deref(), output);
    }
    Ok(exit(&answers, locals.as_deref(), subject.opened().exit()))
}

/// A single question that has no answer is a failure; so is any that is no expression.
fn failure(answers: &[Answer<'_>]) -> Option<Failure> {
    let error =
        |answer: &Answer<'_>| answer.result.as_ref().err().cloned().map(|error| (answer.asked.to_owned(), error));
    let is_syntax = |(_, error): &(String, WatchError)| error.kind == WatchErrorKind::Syntax;
    let syntax = answers.iter().filter_map(error).find(is_syntax);
    let (asked, error) = match answers {
        [single] => syntax.or_else(|| error(single)),
        _ => syntax,
    }?;
    let failure = match error.kind {
        WatchErrorKind::Syntax => Failure::usage(error.message.clone()),
        _ => Failure::could_not(error.message.clone()),
    };
    let failure = failure.hint(rendering::place(&asked, &error));
    let corrections = error.suggestions.iter().map(|text| (text.clone(), String::new()));
    Some(failure.corrections(corrections.collect()))
}

fn no_locals(scope: Option<&Scope>) -> Failure {
    match scope.and_then(|scope| scope.frame.as_ref()) {
        None => Failure::could_not("no registers were captured: nobody knows which function runs")
            .hint("without --locals expressions about global variables are answered"),
        Some(frame) => Failure::could_not(format!("no variables are known at {}", frame.pc))
            .hint("PDB files and DWARF have them; 'vatlas stack' shows the frames, --frame chooses one"),
    }
}

fn exit(answers: &[Answer<'_>], locals: Option<&[Local]>, whole: Exit) -> Exit {
    let found = answers.iter().filter_map(|answer| answer.result.as_ref().ok());
    let locals = locals.unwrap_or_default().iter().map(|local| &local.watched);
    let all: Vec<(bool, bool)> =
        found.chain(locals).map(|watched| super::types::availability(&watched.value)).collect();
    let is_incomplete = answers.iter().any(|answer| answer.result.is_err()) || all.iter().any(|(_, missing)| *missing);
    match (all.iter().any(|(known, _)| *known), is_incomplete) {
        (false, true) => Exit::CouldNot,
        (true, true) => Exit::Partial,
        _ => whole,
    }
}

/// Where each question is asked: in one process, or in all.
fn scopes(args: &Args, subject: &Subject, provider: &Provider<'_>) -> Result<Vec<Scope>, Failure> {
    let target = subject.target();
    let view = if args.view == ViewName::Process { View::Process } else { View::Processor };
    let current = target.ce().and_then(|ce| ce.current_process).unwrap_or(target.current());
    let chosen = subject.opened().process;
    let current = if args.view == ViewName::Chosen { chosen } else { current };
    let scope = |process| Scope { process, current, view, ..Scope::default() };
    if args.all_processes {
        let all = (0..target.processes().len()).map(|index| scope(ProcessIndex(index)));
        return Ok(all.collect());
    }
    let process = target.processes().get(chosen.0);
    let process = process.ok_or_else(|| Failure::could_not("the dump holds no process"))?;
    let mut scope = scope(chosen);
    if let Some(thread) = thread(args, target, process)? {
        scope.thread = Some(thread.id);
        scope.frame = frame(args, target, provider, chosen, thread)?;
    }
    Ok(vec![scope])
}

/// The thread that is asked for, that of the exception, or the first.
fn thread<'t>(args: &Args, target: &dyn Target, process: &'t Process) -> Result<Option<&'t Thread>, Failure> {
    if let Some(id) = crate::process_choice::thread(target, process, args.thread)? {
        return Ok(process.thread(id));
    }
    let crashed = target.exception().and_then(|exception| process.thread(exception.thread));
    Ok(crashed.or(process.threads.first()))
}

/// The frame of a thread; of a WOW64 thread that of its 32-bit side, which is the program's.
fn frame(
    args: &Args,
    target: &dyn Target,
    provider: &Provider<'_>,
    process: ProcessIndex,
    thread: &Thread,
) -> Result<Option<FrameContext>, Failure> {
    let Some(index) = UsageIndex::new(target, process) else { return Ok(None) };
    let starts = stack_starts(target, index.process(), thread);
    let Some(start) = starts.iter().rev().find(|start| start.registers.is_some()) else { return Ok(None) };
    let stack = walk(&index, provider, start, args.frame.saturating_add(1));
    let Some(frame) = stack.frames.get(args.frame) else {
        let message = format!("there is no frame {}: the stack has {}", args.frame, stack.frames.len());
        return Err(Failure::could_not(message).hint("'vatlas stack' shows the frames"));
    };
    let pointer = ["ebp", "rbp", "fp"].iter().find_map(|name| frame.registers.get(name));
    let frame_base = frame.frame_base().or(pointer.map(Va));
    Ok(Some(FrameContext { pc: frame.lookup_va(), registers: frame.registers.clone(), frame_base }))
}
