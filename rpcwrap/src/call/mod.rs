//! The only way from any protocol to a method: found, allowed, limited, run and counted.

pub(crate) mod access;
pub(crate) mod attempt;
pub(crate) mod describe;
pub(crate) mod dispatch;
pub(crate) mod in_flight;
pub(crate) mod large;
pub(crate) mod registry;
pub(crate) mod slice;
pub(crate) mod watchdog;
