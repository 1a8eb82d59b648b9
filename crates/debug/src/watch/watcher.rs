//! Asks: a text becomes a value, with its place and how it was found.

use super::{
    error::{Span, WatchError, WatchErrorKind},
    evaluate::Evaluator,
    grammar::parse,
    operand::{Home, Operand},
    scope::{Inside, Scope},
    show::missing,
};
use crate::{
    symbol_provider::SymbolProvider,
    symbolize::slot_zero_form,
    value::{Bytes, Value, ValueLimits, words},
};
use std::fmt;
use vatlas_space::{ProcessIndex, Step, Target, Va};
use vatlas_symbols::variable::VariableKind;

/// Locals that are shown.
const MOST_LOCALS: usize = 1000;

/// Evaluates watch expressions over a target, and keeps what it looked up.
pub struct Watcher<'a> {
    evaluator: Evaluator<'a>,
    /// How much of a value is read.
    pub limits: ValueLimits,
}

impl fmt::Debug for Watcher<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watcher").field("limits", &self.limits).finish_non_exhaustive()
    }
}

/// The value of an expression.
#[derive(Clone, PartialEq, Debug)]
pub struct Watched {
    /// The expression as it was understood.
    pub expression: String,
    /// The value.
    pub value: Value,
    /// The value in the format that was asked for.
    pub text: String,
    /// Where it lives.
    pub home: Home,
    /// The process that it came from.
    pub process: ProcessIndex,
    /// On Windows CE up to 5 the slot-0 form of an address in the slot of a process.
    pub slot_zero: Option<Va>,
    /// On Windows CE up to 5 the slot form of an address of slot 0, where the process's slot is known.
    pub slot_form: Option<Va>,
    /// The symbol file whose type it has.
    pub origin: Option<String>,
    /// How it was found.
    pub steps: Vec<Step>,
    /// What is odd about it.
    pub remarks: Vec<String>,
}

/// A variable of a frame.
#[derive(Clone, PartialEq, Debug)]
pub struct Local {
    /// Its name.
    pub name: String,
    /// Argument, variable, static variable.
    pub kind: VariableKind,
    /// Which function of the frame: 0 the innermost, others are those that it was put into.
    pub function: usize,
    /// The value.
    pub watched: Watched,
}

impl<'a> Watcher<'a> {
    /// Asks a target, with symbols from a provider.
    pub fn new(target: &'a dyn Target, provider: &'a dyn SymbolProvider) -> Self {
        Self { evaluator: Evaluator::new(target, provider), limits: ValueLimits::default() }
    }

    /// The value of an expression in a scope.
    ///
    /// # Errors
    /// It is no expression, a name means nothing, or an operation is not one for these types. Bytes that are not at hand are
    /// no error: then the value is [`crate::value::ValueKind::Missing`].
    pub fn watch(&self, text: &str, scope: &Scope) -> Result<Watched, WatchError> {
        let inside = Inside::new(scope);
        let is_type = |name: &str| self.evaluator.is_type(name, &inside);
        let watch = parse(text, &is_type)?;
        let span = watch.expression.span;
        self.evaluator.take_remarks();
        let operand = match self.evaluator.expression(&watch.expression, &inside) {
            Ok(operand) => operand,
            Err(error) if error.kind == WatchErrorKind::Missing => {
                return Ok(self.absent(watch.to_string(), &error, scope, &inside));
            }
            Err(error) => return Err(error),
        };
        let (value, shown) = self.evaluator.show(&operand, watch.format, scope, self.limits, span)?;
        Ok(self.watched(watch.to_string(), &operand, value, shown))
    }

    fn watched(&self, expression: String, operand: &Operand, value: Value, text: String) -> Watched {
        let process = self.evaluator.target.processes().get(operand.process.0);
        let has_slots = process.and_then(|process| process.layout).is_some_and(|layout| layout.name.has_slots());
        let home = process.and_then(|process| process.home);
        let in_slot = |va: Va| home.map(|home| home.slot_form(va)).filter(|form| *form != va);
        Watched {
            expression,
            slot_zero: value.va.filter(|_| has_slots).and_then(slot_zero_form),
            slot_form: value.va.and_then(in_slot),
            value,
            text,
            home: operand.home.clone(),
            process: operand.process,
            origin: operand.store.origin().map(ToString::to_string),
            steps: operand.steps.clone(),
            remarks: self.evaluator.take_remarks(),
        }
    }

    /// The expression is right, but what it needs is not at hand.
    fn absent(&self, expression: String, error: &WatchError, scope: &Scope, inside: &Inside<'_>) -> Watched {
        let store = self.evaluator.plain(inside);
        let id = store.void();
        let place = crate::value::Place::here(Bytes::default());
        let operand = Operand { home: Home::Computed, ..Operand::new(store, id, place, scope.process) };
        let value = missing(&operand, Bytes::missing(0, error.message.clone()));
        let value = Value { type_name: String::new(), size: None, ..value };
        let text = words(&value, self.evaluator.style(&operand));
        self.watched(expression, &operand, value, text)
    }

    /// The variables and arguments of a frame, arguments of each function before its variables.
    pub fn locals(&self, scope: &Scope) -> Vec<Local> {
        let inside = Inside::new(scope);
        let Some(found) = self.evaluator.variables(&inside) else { return Vec::new() };
        let local = |variable: &vatlas_symbols::Variable| {
            let operand = self.evaluator.variable_operand(&found, variable, &inside);
            let shown = self.evaluator.show(&operand, super::Format::default(), scope, self.limits, Span::default());
            let (value, text) = shown.unwrap_or_else(|error| {
                let value = missing(&operand, Bytes::missing(0, error.message));
                let text = words(&value, self.evaluator.style(&operand));
                (value, text)
            });
            let watched = self.watched(variable.name.clone(), &operand, value, text);
            Local { name: variable.name.clone(), kind: variable.kind, function: variable.frame, watched }
        };
        found.variables.iter().take(MOST_LOCALS).map(local).collect()
    }
}
