//! The command `foliograph`: `args.rs` has its words, `commands/` a file for each command.
//!
//! What it promises to whoever calls it: data on stdout, an `error:` line and perhaps a `hint:` line on stderr, and exit
//! codes (0 done, 1 failed, 2 wrong usage, 3 damage found, 4 nothing found). Never a panic.

mod args;
mod commands;
mod condition;
mod failure;
mod input;
mod json;
mod naming;
mod output;
mod progress;
mod sink;
mod size;
mod store;
mod svg;

use std::process::ExitCode;

use clap::Parser;
use clap::error::ErrorKind;

use args::Cli;
use commands::Context;
use failure::{Exit, Failure};
use output::{Output, say_error};

fn main() -> ExitCode {
    match Cli::try_parse() {
        Ok(cli) => finish(run(&cli)),
        Err(error) => usage(&error),
    }
}

fn run(cli: &Cli) -> Result<(), Failure> {
    let mut out = Output::stdout(cli.global.json, cli.global.quiet);
    let done = commands::run(&cli.command, &mut Context { global: &cli.global, out: &mut out });
    // What was found before an error is data, too; but the error is what counts.
    match (done, out.flush()) {
        (Err(failure), _) => Err(failure),
        (Ok(()), flushed) => flushed,
    }
}

fn finish(done: Result<(), Failure>) -> ExitCode {
    match done {
        Ok(()) | Err(Failure::BrokenPipe) => ExitCode::SUCCESS,
        Err(Failure::Said(exit)) => ExitCode::from(exit as u8),
        Err(Failure::Error { exit, message, hint }) => {
            say_error(&message, hint.as_deref());
            ExitCode::from(exit as u8)
        }
    }
}

/// A command line that cannot be understood: one line and a hint. Help and version are no errors.
fn usage(error: &clap::Error) -> ExitCode {
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        // A reader that goes away ends help as quietly as anything else.
        let _ = error.print();
        return ExitCode::SUCCESS;
    }
    let text = error.to_string();
    let text = text.strip_prefix("error: ").unwrap_or(&text);
    let first: Vec<&str> = text.lines().take_while(|line| !line.trim().is_empty()).map(str::trim).collect();
    let message = match error.kind() {
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => "there is no command".to_owned(),
        _ => first.join(" "),
    };
    let tip = text.lines().find_map(|line| line.trim().strip_prefix("tip: "));
    say_error(
        &message,
        Some(
            tip.unwrap_or(
                "`foliograph --help` lists the commands, `foliograph COMMAND --help` their options",
            ),
        ),
    );
    ExitCode::from(Exit::Usage as u8)
}
