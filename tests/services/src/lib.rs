//! The programs that tests need beside our own: real ones, started for the tests alone, on ports of their own, and gone with
//! them; and where the Python tools are that tests run.

mod dice;
mod faulty_line;
mod nats;
mod nginx;
mod port;
mod postgres;
mod program;
mod python;
mod s3;
mod small_disk;

pub use dice::Dice;
pub use faulty_line::FaultyLine;
pub use nats::Nats;
pub use nginx::Nginx;
pub use port::lasting_port;
pub use postgres::Postgres;
pub use program::{ServiceError, find};
pub use python::{find_python_tool, python_environment, python_requirements};
pub use s3::S3;
pub use small_disk::SmallDisk;
