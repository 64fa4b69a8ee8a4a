//! The two versions of the protocol.

/// Which form a connection's replies have: set by `HELLO`, 2 before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Version {
    /// What every client reads: lines, bulks and arrays.
    #[default]
    Resp2,
    /// With nulls, booleans, doubles, big numbers, maps, sets and verbatim texts.
    Resp3,
}

impl Version {
    /// The version that `HELLO` asks for by this number, if it is one.
    pub const fn from_number(number: u64) -> Option<Self> {
        match number {
            2 => Some(Self::Resp2),
            3 => Some(Self::Resp3),
            _ => None,
        }
    }

    /// 2 or 3.
    pub const fn number(self) -> u64 {
        match self {
            Self::Resp2 => 2,
            Self::Resp3 => 3,
        }
    }
}
