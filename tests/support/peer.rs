//! Where the programs are that judge us: other implementations, which a Rust toolchain does not bring.
//!
//! `tests/run` installs them. A missing one is an error that says so, never a test that passes.

use crate::process::Process;
use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
    time::Duration,
};

const GO_BUILD_LIMIT: Duration = Duration::from_secs(300);
const JAVA_BUILD_LIMIT: Duration = Duration::from_secs(120);

/// A program from the system: one on `PATH`, or in `/usr/sbin`, where Debian keeps daemons.
///
/// # Errors
/// It is not there.
pub fn tool(name: &str) -> Result<PathBuf, String> {
    let path = env::var_os("PATH").unwrap_or_default();
    let candidates = env::split_paths(&path).chain([PathBuf::from("/usr/sbin")]);
    let found = candidates.map(|directory| directory.join(name)).find(|program| program.is_file());
    found.ok_or_else(|| missing(name))
}

/// The Python interpreter of the environment with PyMongo's `bson`.
///
/// # Errors
/// The environment has not been made.
pub fn python_with_modules() -> Result<PathBuf, String> {
    let python = built_with()?.join("peers/venv/bin/python");
    if python.is_file() {
        Ok(python)
    } else {
        Err(missing("a Python environment with the modules of the tests"))
    }
}

/// The Java program of `tests/interop/jprotobuf`, built once per run against jprotobuf-rpc-core.
///
/// # Errors
/// There is no Java compiler or no such library, or it does not build.
pub fn jprotobuf() -> Result<Command, String> {
    static BUILT: OnceLock<Result<String, String>> = OnceLock::new();
    let class_path = BUILT.get_or_init(build_jprotobuf).clone()?;
    let mut command = Command::new(tool("java")?);
    command.args(["-cp", &class_path, "Judge"]);
    Ok(command)
}

fn build_jprotobuf() -> Result<String, String> {
    let jars = built_with()?.join("peers/jprotobuf");
    if !jars.join("complete").is_file() {
        return Err(missing("jprotobuf-rpc-core"));
    }
    let classes = jars.join("classes");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("interop/jprotobuf/Judge.java");
    let class_path = format!("{}:{}/*", classes.display(), jars.display());
    let mut command = Command::new(tool("javac")?);
    command.args(["-nowarn", "-cp", &class_path, "-d"]).arg(&classes).arg(source);
    let mut javac = Process::start(&mut command).map_err(|error| error.to_string())?;
    match javac.wait(JAVA_BUILD_LIMIT) {
        Ok(status) if status.success() => Ok(class_path),
        Ok(status) => Err(format!("javac: {status}\n{javac}")),
        Err(error) => Err(format!("{error}\n{javac}")),
    }
}

/// A release of Go. Programs built by either are peers in the field; what suits both suits those between.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Go {
    /// 1.19, of Debian 12.
    Oldest,
    /// The newest there is.
    Newest,
}

impl Go {
    /// A program of the Go module `tests/interop/go`, built once per run from the standard library alone.
    ///
    /// # Errors
    /// There is no such Go, or it does not build the module.
    pub fn program(self, name: &str) -> Result<PathBuf, String> {
        static OLDEST: OnceLock<Result<PathBuf, String>> = OnceLock::new();
        static NEWEST: OnceLock<Result<PathBuf, String>> = OnceLock::new();
        let built = match self {
            Self::Oldest => &OLDEST,
            Self::Newest => &NEWEST,
        };
        Ok(built.get_or_init(|| self.build("go")).clone()?.join(name))
    }

    /// The program of the Go module `tests/interop/go_msgpack`, built once per run with the modules it needs.
    ///
    /// # Errors
    /// There is no such Go, the modules have not been downloaded, or it does not build.
    pub fn msgpack_program(self) -> Result<PathBuf, String> {
        static OLDEST: OnceLock<Result<PathBuf, String>> = OnceLock::new();
        static NEWEST: OnceLock<Result<PathBuf, String>> = OnceLock::new();
        let built = match self {
            Self::Oldest => &OLDEST,
            Self::Newest => &NEWEST,
        };
        Ok(built.get_or_init(|| self.build("go_msgpack")).clone()?.join("msgpack"))
    }

    /// The program of all versions of go-msgpack, built with it.
    ///
    /// # Errors
    /// As [`msgpack_program`](Self::msgpack_program).
    pub fn msgpack_forms_program(self) -> Result<PathBuf, String> {
        Ok(self.msgpack_program()?.with_file_name("msgpackforms"))
    }

    fn build(self, module: &str) -> Result<PathBuf, String> {
        let release = match self {
            Self::Oldest => "oldest",
            Self::Newest => "newest",
        };
        let root = built_with()?.join("peers/go").join(release);
        let go = root.join("bin/go");
        if !go.is_file() {
            return Err(missing(&format!("the {release} Go")));
        }
        let programs = root.with_extension("bin");
        let peers = root.ancestors().nth(2).ok_or("the Go is in no directory of peers")?.to_owned();
        let module = Path::new(env!("CARGO_MANIFEST_DIR")).join("interop").join(module);
        let mut command = Command::new(go);
        // The trailing separator makes it a directory for all of them.
        command.args(["build", "-buildvcs=false", "-o"]).arg(programs.join("")).arg("./...");
        command.current_dir(module).env("CGO_ENABLED", "0").env("GOTOOLCHAIN", "local").env_remove("GOROOT");
        // What a module needs has been downloaded before.
        command.env("GOPATH", peers.join("gopath")).env("GOPROXY", "off").env_remove("GOMODCACHE");
        let mut go = Process::start(&mut command).map_err(|error| error.to_string())?;
        match go.wait(GO_BUILD_LIMIT) {
            Ok(status) if status.success() => Ok(programs),
            Ok(status) => Err(format!("go build: {status}\n{go}")),
            Err(error) => Err(format!("{error}\n{go}")),
        }
    }
}

/// An example of this workspace, built in the same profile as the running test.
///
/// # Errors
/// It has not been built; cargo builds the examples of another package only when told to.
pub fn example(name: &str) -> Result<PathBuf, String> {
    let test = test_program()?;
    let profile = test.ancestors().nth(2).ok_or("this test is in no profile's directory")?;
    let example = profile.join("examples").join(name);
    if example.is_file() {
        return Ok(example);
    }
    Err(format!("no {}: run cargo build -p rpcwrap-examples --example {name}", example.display()))
}

/// A program of this workspace, built in the same profile as the running test.
///
/// # Errors
/// It has not been built; cargo builds the programs of another package only when told to.
pub fn program(name: &str) -> Result<PathBuf, String> {
    let test = test_program()?;
    let program = test.ancestors().nth(2).ok_or("this test is in no profile's directory")?.join(name);
    if program.is_file() {
        return Ok(program);
    }
    Err(format!("no {}: run cargo build -p {name}", program.display()))
}

/// The target directory this test was built into.
fn built_with() -> Result<PathBuf, String> {
    let test = test_program()?;
    Ok(test.ancestors().nth(3).ok_or("this test is in no target directory")?.to_owned())
}

/// `<target>/<profile>/deps/<this test>`
fn test_program() -> Result<PathBuf, String> {
    env::current_exe().map_err(|error| format!("where this test is: {error}"))
}

fn missing(what: &str) -> String {
    format!("{what} is missing: run tests/run, which installs it")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tool_on_the_path_is_found() {
        assert!(tool("sh").unwrap().is_file());
    }

    #[test]
    fn a_missing_tool_is_an_error_that_says_what_to_do() {
        let error = tool("no-such-tool").unwrap_err();
        assert_eq!(error, "no-such-tool is missing: run tests/run, which installs it");
    }

    #[test]
    fn a_missing_example_is_an_error_that_says_what_to_do() {
        let error = example("no-such-example").unwrap_err();
        assert!(error.ends_with("cargo build -p rpcwrap-examples --example no-such-example"), "{error}");
    }
}
