//! Times of a library alone: the criterion benchmarks of a crate, run once and read back.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// The benchmarks' results.
pub struct Library {
    /// Where criterion left them, or why it left nothing.
    results: Result<PathBuf, String>,
}

impl Library {
    /// Runs a benchmark program of a package.
    pub fn measure(root: &Path, package: &str, bench: &str) -> Self {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut command = Command::new(cargo);
        command.args(["bench", "--quiet", "--package", package, "--bench", bench]).current_dir(root);
        let results = match command.stdout(Stdio::null()).status() {
            Ok(status) if status.success() => Ok(root.join("target/criterion")),
            Ok(status) => Err(format!("cargo bench: {status}")),
            Err(cause) => Err(format!("cargo bench: {cause}")),
        };
        Self { results }
    }

    /// The median of a benchmark.
    pub fn median(&self, name: &str) -> Result<Duration, String> {
        let file = self.results.clone()?.join(name).join("new/estimates.json");
        let text = std::fs::read_to_string(&file).map_err(|cause| format!("{name}: {cause}"))?;
        median(&text).ok_or_else(|| format!("{name}: no median in the estimates"))
    }
    /// How many elements one iteration is said to work on.
    pub fn elements(&self, name: &str) -> Result<u64, String> {
        let file = self.results.clone()?.join(name).join("new/benchmark.json");
        let text = std::fs::read_to_string(&file).map_err(|cause| format!("{name}: {cause}"))?;
        elements(&text).ok_or_else(|| format!("{name}: says no count of elements"))
    }
}

/// `"throughput":{"Elements":COUNT}` of criterion's description.
fn elements(description: &str) -> Option<u64> {
    let (_, count) = description.split_once("\"Elements\":")?;
    count.split([',', '}']).next()?.trim().parse().ok()
}

/// `"median":{..."point_estimate":NANOSECONDS` of criterion's estimates.
fn median(estimates: &str) -> Option<Duration> {
    let (_, median) = estimates.split_once("\"median\":")?;
    let (_, number) = median.split_once("\"point_estimate\":")?;
    let number = number.split([',', '}']).next()?;
    Some(Duration::from_secs_f64(number.trim().parse::<f64>().ok()? / 1e9))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_read_and_not_the_mean() {
        let text = r#"{"mean":{"point_estimate":9.0},"median":{"confidence_interval":{"lower_bound":1.0},"point_estimate":1500.0,"standard_error":3.0}}"#;
        assert_eq!(median(text), Some(Duration::from_nanos(1500)));
        assert_eq!(median("{}"), None);
        assert_eq!(elements(r#"{"throughput":{"Elements":1000},"x":1}"#), Some(1000));
        assert_eq!(elements(r#"{"throughput":null}"#), None);
    }
}
