//! fio on the same file: found or not, and what it measured.

use super::{DEPTH, SIZE};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A ring, used as the device uses it: a batch with one submission and one wait, the file registered, buffers not.
pub const RING: &[&str] = &[
    "--ioengine=io_uring",
    "--iodepth=32",
    "--iodepth_batch_submit=32",
    "--iodepth_batch_complete_min=32",
    "--iodepth_batch_complete_max=32",
    "--registerfiles=1",
];

/// The same past the kernel's cache.
pub const RING_DIRECT: &[&str] = &[
    "--ioengine=io_uring",
    "--iodepth=32",
    "--iodepth_batch_submit=32",
    "--iodepth_batch_complete_min=32",
    "--iodepth_batch_complete_max=32",
    "--registerfiles=1",
    "--direct=1",
];

const _: () = assert!(DEPTH == 32, "what fio is told");

/// fio, which is there.
pub struct Fio {
    file: PathBuf,
}

impl Fio {
    /// fio for this file, if it is installed.
    pub fn found(file: &Path) -> Option<Fio> {
        let version = Command::new("fio").arg("--version").output();
        match version {
            Ok(output) if output.status.success() => {
                println!("against {}", String::from_utf8_lossy(&output.stdout).trim());
                Some(Fio { file: file.to_owned() })
            }
            _ => {
                eprintln!("!!!!! fio is not installed: its lines are left out");
                None
            }
        }
    }

    /// Reads random pages for a moment; nanoseconds a page.
    pub fn page(&self, arguments: &[&str]) -> f64 {
        let output = Command::new("fio")
            .args(["--name=pages", "--rw=randread", "--readonly", "--norandommap", "--invalidate=0"])
            .args(["--gtod_reduce=1", "--thread", "--time_based", "--runtime=400ms", "--iomem_align=4096"])
            .args(["--minimal", "--terse-version=3"])
            .arg(format!("--bs={}", SIZE.bytes()))
            .arg(format!("--filename={}", self.file.display()))
            .args(arguments)
            .stderr(Stdio::inherit())
            .output()
            .expect("fio ran before");
        assert!(output.status.success(), "fio {arguments:?} failed");
        // Field 8 of a terse line is the read rate in operations a second.
        let line = String::from_utf8_lossy(&output.stdout);
        let rate = line.lines().find_map(|line| line.split(';').nth(7)?.parse::<f64>().ok());
        1e9 / rate.expect("fio says its rate")
    }
}
