//! The table of an experiment: stops and true stacks of each program, by class, and what the others have in common.

use crate::classes::Class;
use crate::programs::{Given, Program};
use std::{collections::BTreeMap, fmt};

/// Causes that are shown.
const SHOWN: usize = 60;
const CLASSES: [Class; 4] = [Class::Body, Class::Prologue, Class::Epilogue, Class::Stub];

/// Stops, and how many of them had the true stack.
type Count = (usize, usize);

/// What came out.
#[derive(Default)]
pub struct Table {
    rows: Vec<(Program, BTreeMap<Class, Count>)>,
    /// Those of programs with symbols first.
    causes: BTreeMap<(bool, String), usize>,
}

impl Table {
    /// A stop, and how its walk differs from the truth.
    pub fn note(&mut self, program: &Program, class: Class, difference: Option<String>) {
        let is_row = |row: &(Program, _)| (row.0.file, row.0.symbols) == (program.file, program.symbols);
        let row = self.rows.iter().position(is_row).unwrap_or_else(|| {
            self.rows.push((*program, BTreeMap::new()));
            self.rows.len() - 1
        });
        let count = self.rows[row].1.entry(class).or_default();
        *count = (count.0 + 1, count.1 + usize::from(difference.is_none()));
        if let Some(difference) = difference {
            let cause = format!("{} {:?}: {class:?}: {difference}", program.file, program.symbols);
            *self.causes.entry((program.symbols == Given::Nothing, cause)).or_default() += 1;
        }
    }

    /// Stops of a class.
    pub fn stops(&self, class: Class) -> usize {
        self.rows.iter().filter_map(|row| row.1.get(&class)).map(|count| count.0).sum()
    }

    /// The share of true stacks, of programs with or without symbols.
    pub fn share(&self, with_symbols: bool) -> f64 {
        let (stops, right) = self.sum(|program| (program.symbols != Given::Nothing) == with_symbols, &CLASSES);
        right as f64 / stops.max(1) as f64
    }

    fn sum(&self, is_meant: impl Fn(&Program) -> bool, classes: &[Class]) -> Count {
        let rows = self.rows.iter().filter(|row| is_meant(&row.0));
        let counts = rows.flat_map(|row| classes.iter().filter_map(|class| row.1.get(class)));
        counts.fold((0, 0), |sum, count| (sum.0 + count.0, sum.1 + count.1))
    }

    fn line(&self, f: &mut fmt::Formatter<'_>, name: &str, is_meant: &dyn Fn(&Program) -> bool) -> fmt::Result {
        write!(f, "| {name}")?;
        for classes in CLASSES.iter().map(std::slice::from_ref).chain([&CLASSES[..]]) {
            let (stops, right) = self.sum(is_meant, classes);
            write!(f, " | {right} of {stops}")?;
        }
        let (stops, right) = self.sum(is_meant, &CLASSES);
        writeln!(f, " | {:.2} % |", 100.0 * right as f64 / stops.max(1) as f64)
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| program | body | prologue | epilogue | stub | all | |")?;
        writeln!(f, "| --- | ---: | ---: | ---: | ---: | ---: | ---: |")?;
        for (program, _) in &self.rows {
            let symbols = match program.symbols {
                Given::Nothing => "",
                Given::Image => ", DWARF",
                Given::Pdb => ", PDB",
            };
            let is_row = |other: &Program| (other.file, other.symbols) == (program.file, program.symbols);
            self.line(f, &format!("{}{symbols}", program.file), &is_row)?;
        }
        self.line(f, "all with symbols", &|program| program.symbols != Given::Nothing)?;
        self.line(f, "all without", &|program| program.symbols == Given::Nothing)?;
        let mut causes: Vec<_> = self.causes.iter().collect();
        causes.sort_by_key(|((is_without, cause), count)| (*is_without, std::cmp::Reverse(**count), cause.clone()));
        causes.iter().take(SHOWN).try_for_each(|((_, cause), count)| writeln!(f, "{count:5} {cause}"))
    }
}
