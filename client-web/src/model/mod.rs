//! What the views show, as plain data.

pub mod drawing;
pub mod face;
pub mod grouping;
pub mod recency;
pub mod route;
pub mod source;
pub mod window;
