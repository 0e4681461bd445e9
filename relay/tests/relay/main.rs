//! The relay over real sockets: what a client may rely on, and what it cannot make the relay do.
//!
//! Entries are any bytes behind a valid header, and keys are made here: the relay cannot tell.

#[cfg(test)]
mod access;
#[cfg(test)]
mod doors;
#[cfg(test)]
mod handshakes;
#[cfg(test)]
mod log;
#[cfg(test)]
mod support;
