//! What is wrong with the settings, and where it was written.

use std::{error::Error, fmt, path::Path, sync::Arc};

/// A place in a file, counted from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) file: Arc<Path>,
    pub(crate) line: usize,
    pub(crate) column: usize,
}

/// One thing that is wrong; reads as one line, `file:line:column: what` where there is a file.
#[derive(Debug)]
pub(crate) struct Fault {
    place: Option<Place>,
    what: String,
}

impl Fault {
    pub(crate) fn new(place: Option<Place>, what: impl fmt::Display) -> Self {
        Self { place, what: what.to_string().replace('\n', "; ") }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(Place { file, line, column }) = &self.place {
            write!(f, "{}:{line}:{column}: ", file.display())?;
        }
        f.write_str(&self.what)
    }
}

/// All that is wrong, at least one thing; a line each.
#[derive(Debug)]
pub(crate) struct Faults(pub(crate) Vec<Fault>);

impl Faults {
    /// Nothing if there is nothing wrong.
    ///
    /// # Errors
    /// There is.
    pub(crate) fn unless_none(faults: Vec<Fault>) -> Result<(), Self> {
        if faults.is_empty() { Ok(()) } else { Err(Self(faults)) }
    }
}

impl From<Fault> for Faults {
    fn from(fault: Fault) -> Self {
        Self(vec![fault])
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&lines.join("\n"))
    }
}

impl Error for Faults {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_each() {
        let place = Place { file: Path::new("a.toml").into(), line: 2, column: 7 };
        let faults = vec![Fault::new(Some(place), "no\ngood"), Fault::new(None, "bad")];
        assert_eq!(Faults::unless_none(faults).unwrap_err().to_string(), "a.toml:2:7: no; good\nbad");
        assert!(Faults::unless_none(Vec::new()).is_ok());
    }
}
