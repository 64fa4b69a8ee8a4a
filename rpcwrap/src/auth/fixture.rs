//! What the tests of this folder share.

/// An argon2id hash of `ma kota` that takes no time, of Python's argon2-cffi.
pub(super) const ARGON2ID: &str =
    "$argon2id$v=19$m=8,t=1,p=1$8rJ/yOQkd+k0Nszk+YBOtQ$mx6ixJtBbLfVgTCH2G4ovL+S03BSWU3kjxQUzNz9AJ4";
