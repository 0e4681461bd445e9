//! Files: sealed chunk by chunk under a random key of their own, and kept by the relay as an opaque blob.

mod reference;

pub use reference::{AttachmentRef, BlobId};
