//! Known answers: the very crates and functions that Sotto uses, against published vectors and against other implementations.
//!
//! Every test counts the vectors that it ran and asserts a least number, so that a renamed field or an emptied file is noticed.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where it fails"
)]

mod aes_gcm;
mod ed25519;
mod hkdf;
mod hpke;
mod ml_kem;
mod mls_provider;
mod opaque;
mod protocol;
mod replay;
mod stock;
mod vectors;
mod x25519;
mod x_wing;
