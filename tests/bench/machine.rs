//! Where and with what a run was made: the line above a table. It must not know what was measured.

use std::fs;
use std::process::Command;

/// CPU model and count, kernel, compilers, date and the load at this moment, in one line.
pub(crate) fn describe() -> String {
    let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let (model, cores) = cpu(&cpuinfo);
    format!(
        "{model}, {cores} cores · Linux {} · {} · {} · {} · load average {} before the run",
        kernel.trim(),
        output("rustc", &["--version"]),
        output("go", &["version"]),
        output("date", &["-u", "+%F"]),
        load.split(' ').next().unwrap_or_default(),
    )
}

fn cpu(cpuinfo: &str) -> (&str, usize) {
    let model = cpuinfo.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let cores = cpuinfo.lines().filter(|line| line.starts_with("processor")).count();
    (model.map_or("unknown CPU", |(_, model)| model.trim()), cores)
}

fn output(program: &str, arguments: &[&str]) -> String {
    match Command::new(program).args(arguments).output() {
        Ok(output) => String::from_utf8_lossy(&output.stdout).trim().to_owned(),
        Err(_) => format!("no {program}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_model_and_cores_come_from_cpuinfo() {
        let cpuinfo = "processor\t: 0\nmodel name\t: Fast 9000\n\nprocessor\t: 1\nmodel name\t: Fast 9000\n";
        assert_eq!(cpu(cpuinfo), ("Fast 9000", 2));
        assert_eq!(cpu(""), ("unknown CPU", 0));
    }
}
