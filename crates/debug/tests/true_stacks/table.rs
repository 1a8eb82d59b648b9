//! The table of an experiment: stops and true stacks of each program, by class, and what the others have in common.

use crate::classes::Class;
use crate::programs::{Given, Kernel, Program};
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
        let is_row = |row: &(Program, _)| is_same(&row.0, program);
        let row = self.rows.iter().position(is_row).unwrap_or_else(|| {
            self.rows.push((*program, BTreeMap::new()));
            self.rows.len() - 1
        });
        let count = self.rows[row].1.entry(class).or_default();
        *count = (count.0 + 1, count.1 + usize::from(difference.is_none()));
        if let Some(difference) = difference {
            let Program { kernel, file, symbols, .. } = program;
            let cause = format!("{kernel:?} {file} {symbols:?}: {class:?}: {difference}");
            *self.causes.entry((program.symbols == Given::Nothing, cause)).or_default() += 1;
        }
    }

    /// Stops of a class.
    pub fn stops(&self, class: Class) -> usize {
        self.rows.iter().filter_map(|row| row.1.get(&class)).map(|count| count.0).sum()
    }

    /// Stops and true stacks, of a kernel's programs with or without symbols.
    pub fn of(&self, kernel: Kernel, with_symbols: bool) -> Count {
        self.sum(|program| program.kernel == kernel && has_symbols(program) == with_symbols, &CLASSES)
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
            let text = if stops == 0 { "-".to_owned() } else { format!("{right} of {stops}") };
            write!(f, " | {text}")?;
        }
        let (stops, right) = self.sum(is_meant, &CLASSES);
        writeln!(f, " | {:.2} % |", 100.0 * right as f64 / stops.max(1) as f64)
    }
}

impl fmt::Display for Kernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nt => "NT",
            Self::Ce => "CE",
        })
    }
}

fn has_symbols(program: &Program) -> bool {
    program.symbols != Given::Nothing
}

fn is_same(one: &Program, other: &Program) -> bool {
    (one.kernel, one.file, one.symbols) == (other.kernel, other.file, other.symbols)
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| system | program | symbols | body | prologue | epilogue | stub | all | |")?;
        writeln!(f, "| --- | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |")?;
        for (program, _) in &self.rows {
            let symbols = match program.symbols {
                Given::Nothing => "none",
                Given::Image => "DWARF",
                Given::Pdb => "PDB",
            };
            let name = format!("{} | {} | {symbols}", program.kernel, program.file);
            self.line(f, &name, &|other| is_same(program, other))?;
        }
        for kernel in [Kernel::Nt, Kernel::Ce] {
            let all = |with: bool| move |program: &Program| program.kernel == kernel && has_symbols(program) == with;
            self.line(f, &format!("{kernel} | all | yes"), &all(true))?;
            self.line(f, &format!("{kernel} | all | none"), &all(false))?;
        }
        self.line(f, "both | all | yes", &has_symbols)?;
        self.line(f, "both | all | none", &|program| !has_symbols(program))?;
        let mut causes: Vec<_> = self.causes.iter().collect();
        causes.sort_by_key(|((is_without, cause), count)| (*is_without, std::cmp::Reverse(**count), cause.clone()));
        causes.iter().take(SHOWN).try_for_each(|((_, cause), count)| writeln!(f, "{count:5} {cause}"))
    }
}
