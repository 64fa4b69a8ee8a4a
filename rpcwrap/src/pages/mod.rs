//! Pages: pure functions of a snapshot.
