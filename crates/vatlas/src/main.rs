//! The program `vatlas`: command line, tables and pictures. The only crate that opens files and prints.

mod as_files;
mod cache_folder;
mod ce_rom;
mod ce_words;
mod cli;
mod commands;
mod device_folder;
mod draw;
mod explanation;
mod failure;
mod host;
mod host_console;
mod host_files;
mod host_page_file;
mod index_cache;
mod json;
mod machine_arguments;
mod open;
mod open_machine;
mod output;
mod process_choice;
mod progress;
mod safe_write;
mod source_text;
mod subject;
mod symbol_args;
mod symbol_finder;
mod symbol_words;
mod system_file;
mod system_page;
mod table;
mod value_words;
mod words;

use failure::Failure;
use output::Output;
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = match cli::Cli::of_process() {
        Ok(cli) => cli,
        Err(error) => return cli::report(&error),
    };
    let mut output = Output::new(&cli.global);
    let result = commands::run(&cli.command, &mut output);
    let result = match (result, output.finish()) {
        (Ok(_), Err(error)) => Err(Failure::could_not(format!("standard output: {error}"))),
        (result, _) => result,
    };
    match result {
        Ok(exit) => exit.code(),
        Err(failure) => {
            failure.report(&cli.global);
            failure.exit.code()
        }
    }
}
