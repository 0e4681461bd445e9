//! All of Sotto's cryptography, without I/O.
