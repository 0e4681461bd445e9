//! The programs that tests need beside our own: real ones, started for the tests alone, on ports of their own, and gone with
//! them.

mod dice;
mod faulty_line;
mod nats;
mod postgres;
mod program;

pub use dice::Dice;
pub use faulty_line::FaultyLine;
pub use nats::Nats;
pub use postgres::Postgres;
pub use program::{ServiceError, find};
