//! `completions`: a script that completes the command line in a shell.

use std::io::Write;

use clap::CommandFactory;

use super::Context;
use crate::args::{Cli, CompletionsArgs};
use crate::failure::Failure;

/// Runs `completions`.
pub fn run(args: &CompletionsArgs, context: &mut Context<'_>) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "foliograph", &mut script);
    Ok(context.out.writer().write_all(&script)?)
}
