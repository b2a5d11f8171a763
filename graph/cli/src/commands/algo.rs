//! `algo`: something computed for every node, a line each, by id, as LDBC Graphalytics writes it.
//!
//! Labels (of components and communities) are ids, however nodes are named.

use std::io::{BufWriter, Write};
use std::path::Path;

use foliograph::algo::{Control, Distance};
use foliograph::{NodeId, ReadError, Snapshot};
use serde_json::{Value as Json, json};

use super::get::shown;
use super::{Context, snapshot};
use crate::args::{AlgoArgs, Algorithm};
use crate::failure::Failure;
use crate::json::key_to_json;
use crate::naming::resolve;
use crate::progress;
use crate::sink::{refuse_store, write_to};

/// Edges to a node that is not reached.
const UNREACHED: u64 = i64::MAX as u64;

/// Runs `algo`.
pub fn run(args: &AlgoArgs, context: &mut Context<'_>) -> Result<(), Failure> {
    check(args)?;
    if let Some(path) = &args.output {
        refuse_store(path, &args.store)?;
    }
    let snapshot = snapshot(context, &args.store)?;
    let source = args.source.as_ref().map(|name| resolve(&snapshot, name)).transpose()?;
    let (bar, control) = progress::watched(context.global, name_of(args.name));
    let answers = Answers::find(&snapshot, source, args, control);
    bar.finish_and_clear();
    let answers = answers?;
    let json = context.out.is_json();
    let path = args.output.as_deref().unwrap_or(Path::new("-"));
    write_to(path, context.out, |out, name| {
        let mut out = BufWriter::with_capacity(64 << 10, out);
        let mut printer = Printer { snapshot: &snapshot, ids: args.ids, json, out: &mut out, name };
        answers.print(&mut printer)?;
        out.flush().map_err(|e| Failure::writing(name, &e))
    })
}

fn name_of(algorithm: Algorithm) -> &'static str {
    match algorithm {
        Algorithm::Bfs => "bfs",
        Algorithm::Sssp => "sssp",
        Algorithm::Pagerank => "pagerank",
        Algorithm::Wcc => "wcc",
        Algorithm::Scc => "scc",
        Algorithm::Cdlp => "cdlp",
        Algorithm::Lcc => "lcc",
        Algorithm::Triangles => "triangles",
    }
}

/// Refuses what an algorithm would not look at.
fn check(args: &AlgoArgs) -> Result<(), Failure> {
    use Algorithm::{Bfs, Cdlp, Pagerank, Sssp};
    let (name, of) = (name_of(args.name), |these: &[Algorithm]| these.contains(&args.name));
    if of(&[Bfs, Sssp]) && args.source.is_none() {
        return Err(Failure::usage(format!("{name} needs --source NODE")));
    }
    let given = [
        ("--source", args.source.is_some(), of(&[Bfs, Sssp])),
        ("--weight", args.weight.is_some(), of(&[Sssp])),
        ("--iterations", args.iterations.is_some(), of(&[Pagerank, Cdlp])),
        ("--damping", args.damping.is_some(), of(&[Pagerank])),
    ];
    if let Some((option, ..)) = given.iter().find(|(_, given, used)| *given && !used) {
        return Err(Failure::usage(format!("{name} has no {option}")));
    }
    match args.damping {
        Some(damping) if !(0.0..=1.0).contains(&damping) => {
            Err(Failure::usage(format!("--damping {damping} is not between 0 and 1")))
        }
        _ => Ok(()),
    }
}

/// What was computed.
enum Answers {
    Hops(foliograph::algo::NodeValues<Option<u64>>),
    Sums(foliograph::algo::NodeValues<Option<Distance>>),
    Numbers(foliograph::algo::NodeValues<f64>),
    Labels(foliograph::algo::NodeValues<NodeId>),
    Counts(foliograph::algo::NodeValues<u64>),
}

/// A question with the options that all have.
macro_rules! ask {
    ($question:expr, $args:expr, $control:expr) => {{
        let mut question = $question.control($control);
        for name in &$args.steps.types {
            question = question.of_type(name);
        }
        question
    }};
}

/// The same for those for which it matters which way edges point.
macro_rules! ask_directed {
    ($question:expr, $args:expr, $control:expr) => {{
        let question = ask!($question, $args, $control);
        match $args.steps.direction {
            Some(way) => question.direction(way.into()),
            None => question,
        }
    }};
}

impl Answers {
    fn find(
        snapshot: &Snapshot,
        source: Option<NodeId>,
        args: &AlgoArgs,
        control: Control<'_>,
    ) -> Result<Answers, ReadError> {
        let source = source.unwrap_or(NodeId(0));
        let weight = args.weight.as_deref().unwrap_or("weight");
        Ok(match args.name {
            Algorithm::Bfs => {
                Answers::Hops(ask_directed!(snapshot.bfs_distances(source), args, control).run()?)
            }
            Algorithm::Sssp => {
                Answers::Sums(ask_directed!(snapshot.sssp(source, weight), args, control).run()?)
            }
            Algorithm::Pagerank => {
                let mut question = ask_directed!(snapshot.page_rank(), args, control);
                if let Some(damping) = args.damping {
                    question = question.damping(damping);
                }
                if let Some(iterations) = args.iterations {
                    question = question.iterations(iterations);
                }
                Answers::Numbers(question.run()?)
            }
            // Whichever way edges point is the same to it, so any --direction is.
            Algorithm::Wcc => Answers::Labels(ask!(snapshot.weakly_connected(), args, control).run()?),
            Algorithm::Scc => {
                Answers::Labels(ask_directed!(snapshot.strongly_connected(), args, control).run()?)
            }
            Algorithm::Cdlp => {
                let mut question = ask_directed!(snapshot.cdlp(), args, control);
                if let Some(iterations) = args.iterations {
                    question = question.iterations(iterations);
                }
                Answers::Labels(question.run()?)
            }
            Algorithm::Lcc => Answers::Numbers(ask_directed!(snapshot.lcc(), args, control).run()?),
            Algorithm::Triangles => Answers::Counts(ask!(snapshot.triangles(), args, control).run()?.corners),
        })
    }

    fn print(&self, printer: &mut Printer<'_>) -> Result<(), Failure> {
        match self {
            Answers::Hops(values) => values.iter().try_for_each(|(node, hops)| {
                let hops = hops.unwrap_or(UNREACHED);
                printer.line(node, &hops.to_string(), json!(hops))
            }),
            Answers::Sums(values) => values.iter().try_for_each(|(node, sum)| match sum {
                None => printer.line(node, "infinity", json!("infinity")),
                Some(sum @ Distance::Int(n)) => printer.line(node, &scientific(sum.as_f64()), json!(n)),
                Some(Distance::Float(x)) => printer.line(node, &scientific(x), json!(x)),
            }),
            Answers::Numbers(values) => {
                values.iter().try_for_each(|(node, x)| printer.line(node, &scientific(x), json!(x)))
            }
            Answers::Labels(values) => values
                .iter()
                .try_for_each(|(node, label)| printer.line(node, &label.to_string(), json!(label.0))),
            Answers::Counts(values) => {
                values.iter().try_for_each(|(node, n)| printer.line(node, &n.to_string(), json!(n)))
            }
        }
    }
}

/// Where lines go, and how nodes are named there.
struct Printer<'a> {
    snapshot: &'a Snapshot,
    ids: bool,
    json: bool,
    out: &'a mut dyn Write,
    name: &'a str,
}

impl Printer<'_> {
    fn line(&mut self, node: NodeId, text: &str, value: Json) -> Result<(), Failure> {
        let written = if self.json {
            let view = self.snapshot.view(node)?.ok_or(ReadError::NoNode(node))?;
            let (label, key) = (self.snapshot.label_name(view.label), key_to_json(view.key.as_ref()));
            let object = json!({ "id": node.0, "label": label, "key": key, "value": value });
            writeln!(self.out, "{object}")
        } else if self.ids {
            writeln!(self.out, "{node} {text}")
        } else {
            let name = shown(&self.snapshot.name(node)?);
            writeln!(self.out, "{name} {text}")
        };
        written.map_err(|e| Failure::writing(self.name, &e))
    }
}

/// As `%.15e` writes it: with a sign and at least two digits in the exponent.
fn scientific(x: f64) -> String {
    let text = format!("{x:.15e}");
    let Some((digits, exponent)) = text.split_once('e') else { return text };
    match exponent.strip_prefix('-') {
        Some(exponent) => format!("{digits}e-{exponent:0>2}"),
        None => format!("{digits}e+{exponent:0>2}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_are_written_as_c_writes_them() {
        let shown = [0.0, 1.0, 347.0, 1302.0, 0.1, 1.5e-7, 1e100, 2.5e-300].map(scientific);
        let wanted = [
            "0.000000000000000e+00",
            "1.000000000000000e+00",
            "3.470000000000000e+02",
            "1.302000000000000e+03",
            "1.000000000000000e-01",
            "1.500000000000000e-07",
            "1.000000000000000e+100",
            "2.500000000000000e-300",
        ];
        assert_eq!(shown, wanted);
    }
}
