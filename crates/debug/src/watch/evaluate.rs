//! Evaluates an expression: one function for each kind of node.

use super::{
    arithmetic,
    ast::{Binary, Context, Expression, ExpressionKind as Kind, MemoryOperator, TypeName, Unary},
    error::{Span, WatchError, WatchErrorKind},
    operand::{Home, Number, Operand},
    registers::{Found, marked},
    scope::{Inside, Scope, View},
    store::TypeStore,
    symbols::{Names, module},
};
use crate::{
    symbol_provider::SymbolProvider,
    value::{Bytes, Integer, Place, ValueReader},
};
use std::{cell::RefCell, collections::HashMap, rc::Rc};
use vatlas_space::{AddressSpace, Machine, Process, ProcessIndex, Source, Step, Target, Va};
use vatlas_symbols::{Type, TypeId, types::BasicKind};

pub(super) type Evaluation = Result<Operand, WatchError>;

/// Evaluates expressions over one target; what it has looked up it keeps.
pub(super) struct Evaluator<'a> {
    pub target: &'a dyn Target,
    pub names: Names<'a>,
    plain: RefCell<HashMap<u64, Rc<TypeStore>>>,
    remarks: RefCell<Vec<String>>,
}

impl<'a> Evaluator<'a> {
    pub fn new(target: &'a dyn Target, provider: &'a dyn SymbolProvider) -> Self {
        Self { target, names: Names::new(provider), plain: RefCell::default(), remarks: RefCell::default() }
    }

    pub fn process(&self, index: ProcessIndex, span: Span) -> Result<&'a Process, WatchError> {
        let found = self.target.processes().get(index.0);
        found.ok_or_else(|| WatchError::unknown(span, "the target has no such process"))
    }

    pub fn machine(&self) -> Machine {
        self.target.host().map_or(Machine::Other(0), |host| host.machine)
    }

    pub fn pointer_size(&self, process: ProcessIndex) -> u64 {
        self.target.processes().get(process.0).map_or(8, |process| process.width.bytes() as u64)
    }

    /// Types of no file, with pointers as the code of the frame has them.
    pub fn plain(&self, inside: &Inside<'_>) -> Rc<TypeStore> {
        let of_frame = inside.frame().and_then(|frame| frame.registers.machine.width());
        let size = of_frame.map_or_else(|| self.pointer_size(inside.process), |width| width.bytes() as u64);
        Rc::clone(self.plain.borrow_mut().entry(size).or_insert_with(|| Rc::new(TypeStore::plain(size))))
    }

    pub fn remark(&self, text: String) {
        const MOST: usize = 8;
        let mut remarks = self.remarks.borrow_mut();
        if remarks.len() < MOST && !remarks.contains(&text) {
            remarks.push(text);
        }
    }

    pub fn take_remarks(&self) -> Vec<String> {
        self.remarks.take()
    }

    pub fn space(&self, process: ProcessIndex) -> Option<&'a dyn AddressSpace> {
        self.target.space(process)
    }

    pub fn bytes(&self, place: &Place, size: u64, process: ProcessIndex) -> Bytes {
        let store = TypeStore::plain(8);
        ValueReader::new(&store, self.space(process), None).bytes(place, size)
    }

    /// Why the processor could not read an operand now; `None` where it could, and in the process's view.
    pub fn unseen(&self, operand: &Operand, scope: &Scope) -> Option<String> {
        let va = operand.place.va().filter(|_| scope.view == View::Processor && operand.process != scope.current)?;
        let process = self.target.processes().get(operand.process.0)?;
        let highest = process.layout.map(vatlas_rules::layout::layout).map(|layout| layout.highest_user);
        let is_shared = match process.home {
            // Every slot stays visible; only slot 0 changes with the process that runs.
            Some(home) => home.other_form(va).is_none() || va >= home.range().first(),
            None => highest.is_some_and(|highest| va > highest),
        };
        let name = process.name.clone().unwrap_or_else(|| "the process".to_owned());
        (!is_shared).then(|| format!("{name} is not current: the processor does not see its memory"))
    }

    /// In the processor's view a bare address of slot 0 is one of the process that is current, whichever is asked about:
    /// the operand in that process.
    pub fn bare(&self, operand: Operand, inside: &Inside<'_>, span: Span) -> Operand {
        let scope = inside.scope;
        if scope.view == View::Process || operand.home != Home::Computed {
            return operand;
        }
        let current = self.target.processes().get(scope.current.0);
        let Some((current, home)) = current.and_then(|process| Some((process, process.home?))) else { return operand };
        match self.as_address(&operand, span) {
            Ok(va) if home.slot_form(va) != va => {
                let name = current.name.as_deref().unwrap_or("the current process");
                self.remark(format!("{va} lies in slot 0, which shows {name} while it is current"));
                Operand { process: scope.current, ..operand }
            }
            _ => operand,
        }
    }

    pub fn expression(&self, expression: &Expression, inside: &Inside<'_>) -> Evaluation {
        let span = expression.span;
        match &expression.kind {
            Kind::Integer { value, is_unsigned, is_long } => Ok(self.literal(*value, *is_unsigned, *is_long, inside)),
            Kind::Float(number) => Ok(Operand::float(&self.plain(inside), *number, inside.process)),
            Kind::Character { code, is_wide } => Ok(self.character(*code, *is_wide, inside)),
            Kind::Name(name) => self.name(name, span, inside),
            Kind::Register(name) => self.register(name, span, inside),
            Kind::Line(line) => self.line(*line, span, inside),
            Kind::Unary(Unary::Address, operand) => self.address(operand, span, inside),
            Kind::Unary(Unary::Dereference, operand) => {
                let operand = self.bare(self.expression(operand, inside)?, inside, span);
                self.dereferenced(&operand, span)
            }
            Kind::Unary(operator, operand) => self.unary(*operator, operand, span, inside),
            Kind::Binary(operator, left, right) => self.binary(*operator, left, right, span, inside),
            Kind::Conditional(parts) => {
                let condition = self.truth(&parts[0], inside)?;
                self.expression(&parts[if condition { 1 } else { 2 }], inside)
            }
            Kind::Cast(name, operand) => {
                let operand = self.expression(operand, inside)?;
                self.cast(name, &operand, span, inside)
            }
            Kind::SizeOfType(name) => {
                let (store, id) = self.type_named(name, span, inside)?;
                self.size(&Operand::new(store, id, Place::here(Bytes::default()), inside.process), span, inside)
            }
            Kind::SizeOf(operand) => self.size_of(operand, span, inside),
            Kind::Member { of, name, is_arrow } => self.member(of, name, *is_arrow, span, inside),
            Kind::Index(parts) => self.index(&parts[0], &parts[1], span, inside),
            Kind::Slice(parts) => self.slice(parts, span, inside),
            Kind::Memory(operator, operand) => self.memory(*operator, operand, inside),
            Kind::Poi(operand) => self.poi(operand, inside),
            Kind::In(context, operand) => self.in_context(context, operand, span, inside),
        }
    }

    /// A literal has the first of C's types that holds it; a decimal one never one without a sign by itself.
    fn literal(&self, value: u64, is_unsigned: bool, is_long: bool, inside: &Inside<'_>) -> Operand {
        let fits_int = i32::try_from(value).is_ok() || (is_unsigned && u32::try_from(value).is_ok());
        let (width, is_signed) = match () {
            () if fits_int && !is_long => (32, !is_unsigned),
            () if u32::try_from(value).is_ok() && !is_long => (32, false),
            () => (64, !is_unsigned && i64::try_from(value).is_ok()),
        };
        Operand::integer(&self.plain(inside), Integer::new(value.into(), width, is_signed), inside.process)
    }

    fn character(&self, code: u32, is_wide: bool, inside: &Inside<'_>) -> Operand {
        let store = self.plain(inside);
        let (kind, size, name) = match is_wide {
            true => (BasicKind::Char16, 2, "wchar_t"),
            false => (BasicKind::Char, 1, "char"),
        };
        let id = store.basic(kind, size, name);
        Operand::computed(&store, id, &code.to_le_bytes()[..size as usize], inside.process)
    }

    pub fn in_register(&self, number: Integer, of: String, inside: &Inside<'_>) -> Operand {
        let mut operand = Operand::integer(&self.plain(inside), number, inside.process);
        let source = Source::Stream("thread context");
        operand.steps.push(Step::new(format!("{of} holds {:#x}", number.bits), source));
        operand.home = Home::Register(of);
        operand
    }

    fn register(&self, name: &str, span: Span, inside: &Inside<'_>) -> Evaluation {
        let process = self.process(inside.process, span)?;
        match marked(inside.scope, process, self.space(inside.process), name) {
            Some(Found::Number(number, of)) => Ok(self.in_register(number, of, inside)),
            Some(Found::Missing(why)) => Err(WatchError::missing(span, format!("@{name}: {why}"))),
            None if inside.scope.frame.is_none() => {
                Err(WatchError::missing(span, format!("@{name}: no registers were captured")))
            }
            None => {
                let message = format!("'@{name}' is no register that was captured, and no pseudo-register");
                let all = "@pc @sp @err @tib @peb @tid @pid @vframe".split(' ').map(str::to_owned).collect();
                Err(WatchError::unknown(span, message).suggest(all))
            }
        }
    }

    /// The address of the code of a line: in the function of the context, else in its source file.
    fn line(&self, line: u32, span: Span, inside: &Inside<'_>) -> Evaluation {
        let va = self.address_of_line(line, span, inside)?;
        let store = self.plain(inside);
        let mut operand = Operand::pointer(&store, store.void(), va, inside.process);
        operand
            .steps
            .push(Step::new(format!("the code of line {line} begins at {va}"), Source::Deduced("line records")));
        Ok(operand)
    }

    /// A number; what has none is an error.
    pub fn number(&self, operand: &Operand, span: Span) -> Result<Number, WatchError> {
        let operand = self.decayed(operand, span)?;
        let (_, of) = operand.stripped(span)?;
        let reader = ValueReader::new(&*operand.store, self.space(operand.process), None);
        use crate::value::ValueKind as Value;
        match reader.read(operand.id, &operand.place).kind {
            Value::Integer(number) | Value::Bool(number) => Ok(Number::Integer(number)),
            Value::Char(number) => {
                let is_signed =
                    matches!(&of, Type::Basic { name, .. } if !name.starts_with("unsigned") && number.width == 8);
                Ok(Number::Integer(Integer { is_signed, ..number }))
            }
            Value::Enumeration { number, .. } => Ok(Number::Integer(number)),
            Value::Hresult(code) => Ok(Number::Integer(Integer::new(code.into(), 32, true))),
            Value::Float(number) => Ok(Number::Float(number)),
            Value::Pointer(pointer) => {
                let width = self.pointer_width(&operand);
                Ok(Number::Integer(Integer::new(pointer.to.0.into(), width, false)))
            }
            Value::Missing(bytes) => {
                let why = bytes.reason.unwrap_or_else(|| "not at hand".to_owned());
                let at = operand.place.va().map(|va| format!(" at {va}")).unwrap_or_default();
                Err(WatchError::missing(span, format!("the {}{at}: {why}", operand.type_name())))
            }
            _ => Err(WatchError::of_type(span, format!("{} is no number", operand.type_name()))),
        }
    }

    pub fn pointer_width(&self, operand: &Operand) -> u32 {
        if vatlas_symbols::Types::pointer_size(&*operand.store) == 4 { 32 } else { 64 }
    }

    /// The number that an address is given by.
    pub fn as_address(&self, operand: &Operand, span: Span) -> Result<Va, WatchError> {
        match self.number(operand, span)? {
            Number::Integer(number) => {
                Ok(Va(Integer::new(number.number(), self.pointer_width(operand).max(number.width.min(64)), false).bits
                    as u64))
            }
            Number::Float(_) => Err(WatchError::of_type(span, "a floating-point number is no address")),
        }
    }

    pub fn truth(&self, expression: &Expression, inside: &Inside<'_>) -> Result<bool, WatchError> {
        let operand = self.expression(expression, inside)?;
        self.number(&operand, expression.span).map(arithmetic::is_true)
    }

    pub fn of_number(&self, number: Number, inside: &Inside<'_>) -> Operand {
        let store = self.plain(inside);
        match number {
            Number::Integer(number) => Operand::integer(&store, number, inside.process),
            Number::Float(number) => Operand::float(&store, number, inside.process),
        }
    }

    fn unary(&self, operator: Unary, of: &Expression, span: Span, inside: &Inside<'_>) -> Evaluation {
        let operand = self.expression(of, inside)?;
        let number = self.number(&operand, of.span)?;
        let result = arithmetic::unary(operator, number).map_err(|message| WatchError::of_type(span, message))?;
        Ok(self.of_number(result, inside))
    }

    fn binary(
        &self,
        operator: Binary,
        left: &Expression,
        right: &Expression,
        span: Span,
        inside: &Inside<'_>,
    ) -> Evaluation {
        if let Binary::And | Binary::Or = operator {
            let first = self.truth(left, inside)?;
            let is_decided = first == (operator == Binary::Or);
            let result = if is_decided { first } else { self.truth(right, inside)? };
            return Ok(self.of_number(arithmetic::truth(result), inside));
        }
        // Long sums lean to the left: taken from a list, they need no deep stack.
        let mut rest = Vec::new();
        let mut first = left;
        let mut current = (operator, right, span);
        while let Kind::Binary(inner, further, last) = &first.kind
            && !matches!(inner, Binary::And | Binary::Or)
        {
            rest.push(current);
            current = (*inner, last, first.span);
            first = further;
        }
        rest.push(current);
        let mut result = self.expression(first, inside)?;
        let mut so_far = first.span;
        for (operator, right, span) in rest.into_iter().rev() {
            let other = self.expression(right, inside)?;
            result = self.joined(operator, (&result, so_far), (&other, right.span), span, inside)?;
            so_far = span;
        }
        Ok(result)
    }

    fn joined(
        &self,
        operator: Binary,
        (left, left_span): (&Operand, Span),
        (right, right_span): (&Operand, Span),
        span: Span,
        inside: &Inside<'_>,
    ) -> Evaluation {
        if let Some(result) = self.pointer_arithmetic(operator, (left, left_span), (right, right_span), span)? {
            return Ok(result);
        }
        let (a, b) = (self.number(left, left_span)?, self.number(right, right_span)?);
        let result = arithmetic::binary(operator, a, b).map_err(|message| WatchError::of_type(span, message))?;
        Ok(self.of_number(result, inside))
    }

    fn size_of(&self, of: &Expression, span: Span, inside: &Inside<'_>) -> Evaluation {
        let operand = match (self.expression(of, inside), &of.kind) {
            (Err(error), Kind::Name(name)) if error.kind == WatchErrorKind::Unknown => {
                let name = TypeName { module: name.module.clone(), path: name.path.clone(), ..TypeName::default() };
                let (store, id) = self.type_named(&name, of.span, inside).map_err(|_| error)?;
                Operand::new(store, id, Place::here(Bytes::default()), inside.process)
            }
            (operand, _) => operand?,
        };
        self.size(&operand, span, inside)
    }

    fn size(&self, operand: &Operand, span: Span, inside: &Inside<'_>) -> Evaluation {
        let size = operand.size();
        let size = size.ok_or_else(|| WatchError::of_type(span, format!("{} has no size", operand.type_name())))?;
        let number = Integer::new(size.into(), self.pointer_width(operand), false);
        Ok(Operand::integer(&self.plain(inside), number, inside.process))
    }

    fn memory(&self, operator: MemoryOperator, of: &Expression, inside: &Inside<'_>) -> Evaluation {
        let operand = self.bare(self.expression(of, inside)?, inside, of.span);
        let va = self.as_address(&operand, of.span)?;
        let store = self.plain(inside);
        let name = ["BYTE", "WORD", "DWORD", "QWORD"][operator.size().trailing_zeros() as usize];
        let id = store.basic(BasicKind::Unsigned, operator.size(), name);
        Ok(Operand::new(store, id, Place::Memory(va), operand.process))
    }

    fn poi(&self, of: &Expression, inside: &Inside<'_>) -> Evaluation {
        let operand = self.bare(self.expression(of, inside)?, inside, of.span);
        let va = self.as_address(&operand, of.span)?;
        let store = self.plain(inside);
        let id = store.pointer_to(store.void());
        Ok(Operand::new(store, id, Place::Memory(va), operand.process))
    }

    fn in_context(&self, context: &Context, of: &Expression, span: Span, inside: &Inside<'_>) -> Evaluation {
        let mut inner = inside.clone();
        if let Some(process) = &context.process {
            inner.process = self.process_called(process, span)?;
        }
        if let Some(wanted) = &context.module {
            if let Err(error) = module(self.process(inner.process, span)?, wanted, span) {
                let elsewhere = context.process.is_none().then(|| self.process_of_program(wanted)).flatten();
                inner.process = elsewhere.ok_or(error)?;
            }
            inner.module = Some(wanted.clone());
        }
        if let Some(function) = &context.function {
            inner.function = Some(function.clone());
        }
        if let Some(source) = &context.source {
            inner.source = Some(source.clone());
        }
        self.expression(of, &inner)
    }

    /// On Windows CE up to 5, where all slots are visible at all times, a program names its process: of several the one
    /// with the lowest number (ee480681).
    fn process_of_program(&self, name: &str) -> Option<ProcessIndex> {
        let numbered = self.target.processes().iter().enumerate();
        let called = numbered.filter_map(|(index, process)| {
            let is_called = process.name.as_deref().is_some_and(|own| own.eq_ignore_ascii_case(name));
            Some((process.home.filter(|_| is_called)?.number, ProcessIndex(index)))
        });
        called.min_by_key(|(number, _)| *number).map(|(_, index)| index)
    }

    /// A type by the name in a cast.
    pub fn type_named(
        &self,
        name: &TypeName,
        span: Span,
        inside: &Inside<'_>,
    ) -> Result<(Rc<TypeStore>, TypeId), WatchError> {
        let (store, base) = self.base_type(name, span, inside)?;
        let mut id = base;
        for _ in 0..name.pointers {
            id = store.pointer_to(id);
        }
        for extent in name.extents.iter().rev() {
            let each = vatlas_symbols::type_text::size_of(&*store, id);
            let each = each.ok_or_else(|| WatchError::of_type(span, "the elements have no size"))?;
            id = store.array_of(id, *extent, each);
        }
        Ok((store, id))
    }

    fn base_type(
        &self,
        name: &TypeName,
        span: Span,
        inside: &Inside<'_>,
    ) -> Result<(Rc<TypeStore>, TypeId), WatchError> {
        let plain = self.plain(inside);
        if let Some(id) = plain.of_c(&name.path).filter(|_| name.module.is_none() && name.tag.is_none()) {
            return Ok((plain, id));
        }
        let process = self.process(inside.process, span)?;
        let pointer_size = self.pointer_size(inside.process);
        let modules: Vec<_> = match &name.module {
            Some(wanted) => vec![module(process, wanted, span)?],
            None => {
                let home = self.home_module(inside, span)?;
                home.into_iter().chain(&process.modules).collect()
            }
        };
        let found = modules.into_iter().find_map(|module| self.names.find_type(module, &name.path, pointer_size));
        if let Some(found) = found {
            return Ok(found);
        }
        let known = plain.of_windows(&name.path).filter(|_| name.module.is_none());
        let unknown = || WatchError::unknown(span, format!("there is no type '{}'", name.path));
        known.map(|id| (plain, id)).ok_or_else(unknown)
    }

    /// Whether a plain name is that of a type, and of no variable: for the parser.
    pub fn is_type(&self, name: &str, inside: &Inside<'_>) -> bool {
        let type_name = TypeName { path: name.to_owned(), ..TypeName::default() };
        let is_variable = || {
            self.name(&super::ast::Name { path: name.to_owned(), ..Default::default() }, Span::default(), inside)
                .is_ok()
        };
        self.base_type(&type_name, Span::default(), inside).is_ok() && !is_variable()
    }
}
