//! Call-frame information: `.debug_frame` and `.eh_frame` (DWARF 5 section 6.4; System V ABI for `.eh_frame`).

use super::{
    location,
    look::Look,
    registers,
    sections::{Sections, Slice},
};
use crate::{
    cfi::{CfaRule, CfiExpression, CfiOperation, RegisterRule, UnwindRow},
    pdb::SharedBytes,
};
use gimli::{
    BaseAddresses, CieOrFde, DebugFrame, EhFrame, EndianSlice, LittleEndian, Operation, SectionId, UnwindContext,
    UnwindExpression, UnwindSection, UnwindTableRow,
};
use vatlas_space::Rva;

/// Where the description of a function's frame is.
#[derive(Clone, Copy, Debug)]
struct Row {
    start: u32,
    end: u32,
    /// In `.eh_frame`, else in `.debug_frame`.
    in_eh_frame: bool,
    offset: usize,
}

/// The functions whose frames are described.
#[derive(Debug, Default)]
pub(super) struct Frames {
    /// By address.
    rows: Vec<Row>,
}

/// The two sections, ready to be read.
struct FrameSections<'a> {
    debug: DebugFrame<Slice<'a>>,
    eh: EhFrame<Slice<'a>>,
    bases: BaseAddresses,
}

impl<'a> FrameSections<'a> {
    fn new(sections: &Sections, bytes: &'a SharedBytes, look: &Look<'a>) -> Self {
        let slice = |id| EndianSlice::new(sections.bytes(bytes, id), LittleEndian);
        let mut debug = DebugFrame::from(slice(SectionId::DebugFrame));
        debug.set_address_size(look.image.pointer_size);
        let mut eh = EhFrame::from(slice(SectionId::EhFrame));
        eh.set_address_size(look.image.pointer_size);
        let bases = BaseAddresses::default().set_eh_frame(look.image.va(sections.rva(SectionId::EhFrame)));
        Self { debug, eh, bases }
    }
}

impl Frames {
    /// Finds the functions that are described.
    pub fn read<'a>(sections: &Sections, bytes: &'a SharedBytes, look: &Look<'a>) -> Self {
        let read = FrameSections::new(sections, bytes, look);
        let mut rows = Vec::new();
        // What was read before the damage is kept.
        let _ = add(&read.debug, &read.bases, look, false, &mut rows);
        let _ = add(&read.eh, &read.bases, look, true, &mut rows);
        rows.sort_by_key(|row| (row.start, row.in_eh_frame));
        Self { rows }
    }

    /// The rules that hold at an address.
    pub fn at<'a>(&self, rva: u32, sections: &Sections, bytes: &'a SharedBytes, look: &Look<'a>) -> Option<UnwindRow> {
        let count = self.rows.partition_point(|row| row.start <= rva);
        // A function is described in both sections at most.
        let row = self.rows[..count].iter().rev().take(2).rfind(|row| row.end > rva)?;
        let read = FrameSections::new(sections, bytes, look);
        match row.in_eh_frame {
            false => unwind_row(&read.debug, &read.bases, row.offset.into(), rva, look),
            true => unwind_row(&read.eh, &read.bases, row.offset.into(), rva, look),
        }
    }
}

fn add<'a, Section: UnwindSection<Slice<'a>>>(
    section: &Section,
    bases: &BaseAddresses,
    look: &Look<'a>,
    in_eh_frame: bool,
    rows: &mut Vec<Row>,
) -> gimli::Result<()> {
    let mut entries = section.entries(bases);
    while let Some(entry) = entries.next()? {
        let CieOrFde::Fde(partial) = entry else { continue };
        let Ok(fde) = partial.parse(Section::cie_from_offset) else { continue };
        if let Some((start, end)) = look.image.piece(fde.initial_address(), fde.end_address()) {
            rows.push(Row { start, end, in_eh_frame, offset: fde.offset() });
        }
    }
    Ok(())
}

fn unwind_row<'a, Section: UnwindSection<Slice<'a>>>(
    section: &Section,
    bases: &BaseAddresses,
    offset: Section::Offset,
    rva: u32,
    look: &Look<'a>,
) -> Option<UnwindRow> {
    let fde = section.fde_from_offset(bases, offset, Section::cie_from_offset).ok()?;
    let mut context = UnwindContext::new();
    let row = fde.unwind_info_for_address(section, bases, &mut context, look.image.va(rva)).ok()?;
    let reader = RowReader { section, look, encoding: fde.cie().encoding() };
    let mut read = reader.row(row)?;
    read.return_address = registers::name(look.image.machine, fde.cie().return_address_register().0);
    read.is_interrupted = fde.is_signal_trampoline();
    Some(read)
}

struct RowReader<'l, 'a, Section> {
    section: &'l Section,
    look: &'l Look<'a>,
    encoding: gimli::Encoding,
}

impl<'a, Section: UnwindSection<Slice<'a>>> RowReader<'_, 'a, Section> {
    fn row(&self, row: &UnwindTableRow<usize>) -> Option<UnwindRow> {
        let (start, end) = self.look.image.piece(row.start_address(), row.end_address())?;
        let name = |register: gimli::Register| registers::name(self.look.image.machine, register.0);
        let cfa = match row.cfa() {
            gimli::CfaRule::RegisterAndOffset { register, offset } => {
                CfaRule::Register { register: name(*register), offset: *offset }
            }
            gimli::CfaRule::Expression(expression) => match self.expression(expression, false) {
                Ok(expression) => CfaRule::Expression(expression),
                Err(cause) => CfaRule::Unknown(cause),
            },
        };
        let registers = row.registers().map(|(register, rule)| (name(*register), self.rule(rule)));
        Some(UnwindRow {
            start: Rva(start),
            size: end - start,
            cfa,
            return_address: name(gimli::Register(0)),
            registers: registers.collect(),
            is_interrupted: false,
        })
    }

    fn rule(&self, rule: &gimli::RegisterRule<usize>) -> RegisterRule {
        let computed = |expression, rule: fn(CfiExpression) -> RegisterRule| match self.expression(expression, true) {
            Ok(expression) => rule(expression),
            Err(cause) => RegisterRule::Unknown(cause),
        };
        match rule {
            gimli::RegisterRule::Undefined => RegisterRule::Undefined,
            gimli::RegisterRule::SameValue => RegisterRule::Same,
            gimli::RegisterRule::Offset(offset) => RegisterRule::AtCfa(*offset),
            gimli::RegisterRule::ValOffset(offset) => RegisterRule::Cfa(*offset),
            gimli::RegisterRule::Register(register) => {
                RegisterRule::Register(registers::name(self.look.image.machine, register.0))
            }
            gimli::RegisterRule::Expression(expression) => computed(expression, RegisterRule::At),
            gimli::RegisterRule::ValExpression(expression) => computed(expression, RegisterRule::Value),
            gimli::RegisterRule::Architectural => RegisterRule::Unknown("as the processor's manual says".to_owned()),
            gimli::RegisterRule::Constant(value) => {
                RegisterRule::Value(CfiExpression(vec![CfiOperation::Push(*value as i64)]))
            }
        }
    }

    /// An expression in our operations. Those of registers begin with the CFA on the stack (DWARF 5 section 6.4.2.3).
    fn expression(&self, expression: &UnwindExpression<usize>, has_cfa: bool) -> Result<CfiExpression, String> {
        let expression = expression.get(self.section).map_err(|cause| cause.to_string())?;
        let mut operations = expression.operations(self.encoding);
        let mut read: Vec<CfiOperation> = has_cfa.then_some(CfiOperation::Cfa).into_iter().collect();
        while let Some(operation) = operations.next().map_err(|cause| cause.to_string())? {
            self.operation(&operation, &mut read)
                .ok_or_else(|| format!("computed with {}", location::word(&operation)))?;
        }
        Ok(CfiExpression(read))
    }

    fn operation(&self, operation: &Operation<Slice<'a>>, read: &mut Vec<CfiOperation>) -> Option<()> {
        let name = |register: gimli::Register| registers::name(self.look.image.machine, register.0);
        match operation {
            Operation::Nop => {}
            Operation::RegisterOffset { register, offset, .. } => {
                read.push(CfiOperation::Register(name(*register)));
                if *offset != 0 {
                    read.extend([CfiOperation::Push(*offset), CfiOperation::Add]);
                }
            }
            Operation::UnsignedConstant { value } => read.push(CfiOperation::Push(*value as i64)),
            Operation::SignedConstant { value } => read.push(CfiOperation::Push(*value)),
            Operation::PlusConstant { value } => {
                read.extend([CfiOperation::Push(*value as i64), CfiOperation::Add]);
            }
            Operation::CallFrameCFA => read.push(CfiOperation::Cfa),
            Operation::Plus => read.push(CfiOperation::Add),
            Operation::Minus => read.push(CfiOperation::Subtract),
            Operation::Mul => read.push(CfiOperation::Multiply),
            Operation::And => read.push(CfiOperation::And),
            Operation::Shl => read.push(CfiOperation::ShiftLeft),
            Operation::Ge => read.push(CfiOperation::IsAtLeast),
            Operation::Deref { size, .. } if *size == self.look.image.pointer_size => {
                read.push(CfiOperation::Dereference);
            }
            _ => return None,
        }
        Some(())
    }
}
