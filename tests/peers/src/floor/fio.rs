//! The same by fio, where it is installed: a program that is not ours, so that our own floor is believed.

use crate::Result;
use std::path::Path;
use std::process::Command;

/// Random reads a second out of a file, past the kernel's cache; `None` where fio is not installed.
pub fn random_reads(file: &Path, engine: &str, depth: u32, len: usize) -> Result<Option<f64>> {
    let mut fio = Command::new("fio");
    fio.args(["--name=floor", "--output-format=json", "--rw=randread", "--direct=1", "--readonly"]);
    fio.args(["--time_based", "--runtime=1", "--randrepeat=0", "--norandommap"]);
    fio.arg(format!("--filename={}", file.display()));
    fio.arg(format!("--ioengine={engine}")).arg(format!("--iodepth={depth}")).arg(format!("--bs={len}"));
    let output = match fio.output() {
        Ok(output) => output,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(e.into()),
    };
    let complaint = || format!("fio failed: {}", String::from_utf8_lossy(&output.stderr));
    if !output.status.success() {
        return Err(complaint().into());
    }
    // Warnings may stand before the answer.
    let begin = output.stdout.iter().position(|byte| *byte == b'{').ok_or_else(complaint)?;
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout[begin..])?;
    let rate = answer["jobs"][0]["read"]["iops"].as_f64();
    Ok(Some(rate.ok_or("fio says no rate")?))
}
