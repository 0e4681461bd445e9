//! The programs that tests need beside our own: real ones, started for the tests alone, on ports of their own, and gone with
//! them.

mod nats;
mod nginx;
mod postgres;
mod program;

pub use nats::Nats;
pub use nginx::Nginx;
pub use postgres::Postgres;
pub use program::{ServiceError, find};
