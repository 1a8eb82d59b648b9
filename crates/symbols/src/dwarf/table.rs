//! What one unit declares: functions, variables, types and the scopes that they lie in, found in one pass.

use super::{
    look::{Entry, Look, OpenUnit, is, text},
    units::AddressMap,
};
use gimli::{DwTag, constants as dw};
use std::sync::OnceLock;

/// Ranges that a unit may have besides some for each of its bytes: lists may be shared by many entries.
const RANGES: usize = 4096;
/// Stands for no row.
const NONE: u32 = u32::MAX;

/// What a row is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum RowKind {
    Namespace,
    Function,
    Record,
    Enumeration,
    Alias,
    Basic,
}

/// An entry with a name that others may lie in.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    /// Offset in the unit.
    pub offset: u32,
    /// Offset behind its family.
    end: u32,
    /// The row that it lies in.
    parent: u32,
    /// The row that its declaration lies in: what its name begins with.
    scope: u32,
    pub kind: RowKind,
    /// Whether its body is elsewhere.
    pub is_declaration: bool,
    pub is_named: bool,
    /// Of its name with scopes; without a name that of its scopes, 0 without any.
    pub hash: u64,
}

/// A function with code.
#[derive(Debug)]
pub(super) struct FunctionRow {
    /// Offset in the unit.
    pub offset: u32,
    /// Its first address.
    pub entry: u32,
    pub names: OnceLock<super::names::FunctionNames>,
    pub body: OnceLock<super::body::Body>,
}

/// A variable with an address.
#[derive(Clone, Copy, Debug)]
pub(super) struct DataRow {
    pub rva: u32,
    /// Offset in the unit.
    pub offset: u32,
}

/// What a unit declares.
#[derive(Debug, Default)]
pub(super) struct UnitTable {
    /// By offset.
    pub rows: Vec<Row>,
    pub functions: Vec<FunctionRow>,
    /// Numbers of functions by address.
    pub map: AddressMap,
    pub data: Vec<DataRow>,
    /// Offsets of variables and constants that have a value and no address.
    pub constants: Vec<u32>,
    /// Why the rest could not be read, and where.
    pub problem: Option<(usize, String)>,
}

impl UnitTable {
    /// Reads a unit.
    pub fn read<'a>(look: &Look<'a>, unit: &OpenUnit<'a>) -> Self {
        let length = look.units.rows.get(unit.index).map_or(0, |row| row.end - row.start);
        let mut reader =
            Reader { look, unit, table: Self::default(), pieces: Vec::new(), ranges: RANGES + 16 * length };
        reader.entries();
        let Reader { mut table, pieces, .. } = reader;
        table.map = AddressMap::new(pieces, Vec::new());
        table
    }

    /// The row of an entry.
    pub fn row(&self, offset: usize) -> Option<&Row> {
        let index = self.rows.binary_search_by_key(&offset, |row| row.offset as usize).ok()?;
        self.rows.get(index)
    }

    /// The row that another was declared in.
    pub fn scope(&self, row: &Row) -> Option<&Row> {
        self.rows.get(row.scope as usize)
    }

    /// The row that an entry was declared in, whether it has a row itself or not.
    pub fn scope_of(&self, offset: usize) -> Option<&Row> {
        if let Some(row) = self.row(offset) {
            return self.scope(row);
        }
        let before = self.rows.partition_point(|row| (row.offset as usize) < offset).checked_sub(1);
        let mut row = before.and_then(|index| self.rows.get(index));
        // A row lies behind the one that it is in, so this ends.
        while let Some(other) = row.filter(|row| row.end as usize <= offset) {
            row = self.rows.get(other.parent as usize).filter(|parent| parent.offset < other.offset);
        }
        row
    }
}

/// Continues a hash: FNV-1a of the name with `::` between the scopes.
pub(super) fn hash(scope: u64, name: &str) -> u64 {
    const BASIS: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x100_0000_01b3;
    let (start, colons) = if scope == 0 { (BASIS, "") } else { (scope, "::") };
    let bytes = colons.bytes().chain(name.bytes());
    bytes.fold(start, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(PRIME))
}

/// A family that is open while a unit is passed through.
struct Scope {
    depth: isize,
    row: u32,
}

struct Reader<'l, 'a> {
    look: &'l Look<'a>,
    unit: &'l OpenUnit<'a>,
    table: UnitTable,
    pieces: Vec<(u32, u32, u32)>,
    ranges: usize,
}

impl<'a> Reader<'_, 'a> {
    fn entries(&mut self) {
        let mut at = 0;
        if let Err(cause) = self.try_entries(&mut at) {
            self.table.problem = Some((at, cause.to_string()));
        } else if self.ranges == 0 {
            self.table.problem = Some((0, "has more address ranges than its size allows".to_owned()));
        }
    }

    fn try_entries(&mut self, at: &mut usize) -> gimli::Result<()> {
        let mut raw = self.unit.unit.entries_raw(None)?;
        let mut entry = Entry::null();
        let mut scopes: Vec<Scope> = Vec::new();
        *at = raw.next_offset().0;
        raw.read_entry(&mut entry)?;
        while raw.next_depth() > 0 && !raw.is_empty() {
            *at = raw.next_offset().0;
            if !raw.read_entry(&mut entry)? {
                continue;
            }
            let Ok(offset) = u32::try_from(*at) else { break };
            self.close(&mut scopes, entry.depth(), offset);
            let parent = scopes.last().map_or(NONE, |scope| scope.row);
            if let Some(row) = self.entry(&entry, offset, parent)
                && entry.has_children()
            {
                scopes.push(Scope { depth: entry.depth(), row });
            }
        }
        Ok(())
    }

    /// Ends the families that an entry at `offset` is not in.
    fn close(&mut self, scopes: &mut Vec<Scope>, depth: isize, offset: u32) {
        while let Some(scope) = scopes.pop_if(|scope| scope.depth >= depth) {
            if let Some(row) = self.table.rows.get_mut(scope.row as usize) {
                row.end = offset;
            }
        }
    }

    /// Notes an entry; gives its row if it has one.
    fn entry(&mut self, entry: &Entry<'a>, offset: u32, parent: u32) -> Option<u32> {
        match entry.tag() {
            dw::DW_TAG_variable | dw::DW_TAG_constant => {
                self.variable(entry, offset);
                None
            }
            tag => {
                let row = self.row(entry, offset, parent, kind(tag)?);
                if tag == dw::DW_TAG_subprogram {
                    self.function(entry, offset);
                }
                row
            }
        }
    }

    fn row(&mut self, entry: &Entry<'a>, offset: u32, parent: u32, kind: RowKind) -> Option<u32> {
        let index = u32::try_from(self.table.rows.len()).ok().filter(|index| *index != NONE)?;
        let is_declaration = is(entry, dw::DW_AT_declaration);
        let end = if entry.has_children() { u32::MAX } else { offset };
        let row = Row { offset, end, parent, scope: parent, kind, is_declaration, is_named: true, hash: 0 };
        let name = entry.attr_value(dw::DW_AT_name).and_then(|name| text(&self.look.dwarf, &self.unit.unit, name));
        let outer = self.table.rows.get(parent as usize).map_or(0, |row| row.hash);
        let row = match (name, kind) {
            (Some(name), RowKind::Basic) => Row { hash: hash(0, &super::names::basic(&name)), ..row },
            (Some(name), _) => Row { hash: hash(outer, &name), ..row },
            (None, RowKind::Namespace) => Row { hash: hash(outer, super::names::ANONYMOUS_NAMESPACE), ..row },
            (None, _) => match self.declaration(entry) {
                Some(other) => Row { scope: other.scope, is_named: other.is_named, hash: other.hash, ..row },
                None => Row { is_named: false, hash: outer, ..row },
            },
        };
        self.table.rows.push(row);
        Some(index)
    }

    /// The row of the entry that this one continues, where it is in the same unit and before it.
    fn declaration(&self, entry: &Entry<'a>) -> Option<&Row> {
        let attributes = [dw::DW_AT_specification, dw::DW_AT_abstract_origin];
        match attributes.into_iter().find_map(|attribute| entry.attr_value(attribute))? {
            gimli::AttributeValue::UnitRef(offset) => self.table.row(offset.0),
            _ => None,
        }
    }

    fn function(&mut self, entry: &Entry<'a>, offset: u32) {
        let pieces = self.look.pieces(&self.unit.unit, entry, &mut self.ranges);
        let Some((start, _)) = pieces.first().copied() else { return };
        let Ok(index) = u32::try_from(self.table.functions.len()) else { return };
        self.pieces.extend(pieces.iter().map(|(start, end)| (*start, *end, index)));
        let (names, body) = (OnceLock::new(), OnceLock::new());
        self.table.functions.push(FunctionRow { offset, entry: start, names, body });
    }

    fn variable(&mut self, entry: &Entry<'a>, offset: u32) {
        match entry.attr_value(dw::DW_AT_location).and_then(|location| location.exprloc_value()) {
            Some(expression) => {
                let va = self.address(expression);
                if let Some(rva) = va.and_then(|va| self.look.image.rva(va)) {
                    self.table.data.push(DataRow { rva, offset });
                }
            }
            None if entry.has_attr(dw::DW_AT_const_value) => self.table.constants.push(offset),
            None => {}
        }
    }

    /// The address of a variable that has one and nothing else.
    fn address(&self, expression: gimli::Expression<super::sections::Slice<'a>>) -> Option<u64> {
        let unit = &self.unit.unit;
        let mut operations = expression.operations(unit.encoding());
        let address = match operations.next().ok()?? {
            gimli::Operation::Address { address } => address,
            gimli::Operation::AddressIndex { index } => self.look.dwarf.address(unit, index).ok()?,
            _ => return None,
        };
        match operations.next().ok()? {
            None => Some(address),
            Some(gimli::Operation::PlusConstant { value }) => {
                operations.next().ok()?.is_none().then(|| address.wrapping_add(value))
            }
            Some(_) => None,
        }
    }
}

fn kind(tag: DwTag) -> Option<RowKind> {
    Some(match tag {
        dw::DW_TAG_namespace => RowKind::Namespace,
        dw::DW_TAG_subprogram => RowKind::Function,
        dw::DW_TAG_structure_type | dw::DW_TAG_class_type | dw::DW_TAG_union_type | dw::DW_TAG_interface_type => {
            RowKind::Record
        }
        dw::DW_TAG_enumeration_type => RowKind::Enumeration,
        dw::DW_TAG_typedef => RowKind::Alias,
        dw::DW_TAG_base_type | dw::DW_TAG_unspecified_type => RowKind::Basic,
        _ => return None,
    })
}
