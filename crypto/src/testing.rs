//! Not an interface: what Sotto's own known answers, fuzz targets and golden bytes need to see of the inside.
//!
//! Only names for what is here anyway: nothing in this module does anything itself, so nothing tested here differs from what
//! is shipped.

pub use crate::entry::{open as open_entry, seal as seal_entry};
pub use crate::kdf::expand;
pub use crate::padding::{pad, unpad};
pub use crate::provider::{CLASSICAL, GroupState, HYBRID, Primitives, Provider};
pub use crate::sign::verify;
pub use crate::wrap::{WrapKey, check_public_key, check_x25519, seal as seal_wrap};
