//! An analysis as JSON.

use super::{hash, is_named};
use crate::{commands::headline, json, words::crash_json};
use serde_json::{Value, json};
use vatlas_debug::{
    analysis::{Analysis, AnalyzedFrame, AnalyzedStack, InstructionOperand, Suspicion, ThreadGroup},
    explain::Explanation,
    stack::Trust,
    value::{WordStyle, words},
    watch::{Home, Local},
};
use vatlas_space::{PointerWidth, Va};
use vatlas_symbols::{SourceLine, variable::VariableKind};

/// Everything.
pub fn analysis(analysis: &Analysis) -> Value {
    let width = analysis.width;
    let stack = analysis.stack.as_ref();
    json!({
        "headline": analysis.headline,
        "is_failure": analysis.is_failure,
        "crash": analysis.crash.as_ref().map(|crash| crash_json(crash, width)),
        "bad_address": analysis.fault.as_ref().map(|fault| explanation_json(fault, width)),
        "where": stack.and_then(|stack| stack.frames.first()).map(place_json),
        "culprit": analysis.culprit.as_ref().map(|culprit| {
            json!({ "frame": culprit.frame, "is_likely": culprit.is_likely, "reason": culprit.reason })
        }),
        "suspicions": analysis.suspicions.iter().map(suspicion_json).collect::<Value>(),
        "instruction": instruction_json(analysis),
        "stack": stack.map(|stack| stack_json(stack, width)),
        "other_threads": analysis.threads.iter().map(group_json).collect::<Value>(),
        "signature": signature(analysis),
        "missing": analysis.missing,
    })
}

/// The functions and their hash.
pub fn signature(analysis: &Analysis) -> Value {
    let functions = &analysis.signature;
    json!({ "hash": hash(functions), "functions": functions, "is_named": is_named(functions) })
}

fn explanation_json(explanation: &Explanation, width: PointerWidth) -> Value {
    json!({
        "address": json::va(explanation.va, width),
        "headline": headline(explanation),
        "state": explanation.region.state.to_string(),
        "protection": explanation.region.protection.map(|protection| protection.to_string()),
        "usage": explanation.usage.kind().word(),
    })
}

fn suspicion_json(suspicion: &Suspicion) -> Value {
    json!({
        "kind": suspicion.kind.word(),
        "certainty": suspicion.certainty.to_string(),
        "reason": suspicion.reason,
        "evidence": json::steps(&suspicion.evidence),
    })
}

fn line_json(line: Option<&SourceLine>) -> (Option<&str>, Option<u32>) {
    (line.map(|line| &*line.file), line.map(|line| line.line))
}

fn place_json(frame: &AnalyzedFrame) -> Value {
    let name = &frame.name;
    let (file, line) = line_json(name.line.as_ref());
    let innermost = name.inlined.first().map(|(function, _)| function);
    let function = innermost.or(name.function.as_ref());
    json!({ "text": name.with_line(), "module": name.module, "function": function, "file": file, "line": line })
}

fn instruction_json(analysis: &Analysis) -> Option<Value> {
    let (instruction, width) = (analysis.instruction.as_ref()?, analysis.width);
    let own = &instruction.instruction;
    Some(json!({
        "address": json::va(own.va, width),
        "bytes": own.bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>(),
        "text": own.text,
        "goes_to": own.goes_to.map(|va| json::va(va, width)),
        "operands": instruction.operands.iter().map(|operand| operand_json(operand, width)).collect::<Value>(),
    }))
}

fn operand_json(operand: &InstructionOperand, width: PointerWidth) -> Value {
    let registers = operand.registers.iter().map(|(name, value)| (name.clone(), json::va(Va(*value), width)));
    json!({
        "text": operand.text,
        "registers": Value::Object(registers.collect()),
        "is_memory": operand.is_memory,
        "address": operand.va.map(|va| json::va(va, width)),
        "size": operand.size,
        "is_written": operand.is_written,
        "is_bad_address": operand.is_fault,
        "headline": operand.explanation.as_ref().map(|explanation| headline(explanation)),
    })
}

fn stack_json(stack: &AnalyzedStack, width: PointerWidth) -> Value {
    let frames = stack.frames.iter().enumerate();
    json!({
        "thread": stack.thread.map(|thread| thread.0),
        "name": stack.thread_name,
        "machine": stack.machine.to_string(),
        "at_exception": stack.is_at_exception,
        "frames": frames.map(|(number, frame)| frame_json(number, frame, width)).collect::<Value>(),
        "end": { "reason": stack.end.word(), "text": stack.end.to_string(), "is_bottom": stack.end.is_bottom() },
        "without_unwind_data": stack.without_unwind_data,
    })
}

fn frame_json(number: usize, frame: &AnalyzedFrame, width: PointerWidth) -> Value {
    let inlined = frame.name.inlined.iter().map(|(function, line)| {
        let (file, line) = line_json(line.as_ref());
        json!({ "function": function, "file": file, "line": line })
    });
    let frames = frame.frame.lookup.as_ref().map(|lookup| lookup.frames.as_slice()).unwrap_or_default();
    let own = frames.iter().find(|inner| !inner.is_inline && frame.name.function.is_some());
    let (file, line) = line_json(own.and_then(|own| own.line.as_ref()));
    json!({
        "number": number,
        "pc": json::va(frame.frame.pc, width),
        "found_by": frame.frame.found_by.to_string(),
        "trust": frame.frame.trust.to_string(),
        "text": frame.name.text,
        "module": frame.name.module,
        "function": frame.name.function,
        "file": file,
        "line": line,
        "inlined": inlined.collect::<Value>(),
        "is_system": frame.is_system,
        "is_return_address_damaged": frame.frame.return_address.map(|address| address.is_damaged()),
        "locals": frame.locals.iter().map(|local| local_json(frame, local, width)).collect::<Value>(),
    })
}

fn local_json(frame: &AnalyzedFrame, local: &Local, width: PointerWidth) -> Value {
    let value = &local.watched.value;
    let kind = match local.kind {
        VariableKind::Parameter => "argument",
        VariableKind::Local => "variable",
        VariableKind::Static => "static",
    };
    let register = match &local.watched.home {
        Home::Register(name) => Some(name),
        _ => None,
    };
    json!({
        "name": local.name,
        "function": frame.function_of(local),
        "kind": kind,
        "type": value.type_name,
        "value": words(value, WordStyle::new(width)),
        "address": value.va.map(|va| json::va(va, width)),
        "register": register,
    })
}

fn group_json(group: &ThreadGroup) -> Value {
    let threads = group.threads.iter().map(|(id, name)| json!({ "id": id.0, "name": name }));
    let is_shown = |trust: Trust| trust >= Trust::Likely || group.threads.len() == 1;
    let frames = group.frames.iter().filter(|frame| is_shown(frame.trust));
    let frames = frames.map(|frame| json!({ "text": frame.text, "trust": frame.trust.to_string() }));
    json!({ "threads": threads.collect::<Value>(), "frames": frames.collect::<Value>() })
}
