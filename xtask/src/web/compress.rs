//! Brotli siblings: `app.js.br` beside `app.js`, so that the relay never compresses.

use anyhow::{Context, Result};
use brotli::CompressorWriter;
use std::io::Write;

/// Window of 2^24 bytes: the largest that browsers take.
const WINDOW_BITS: u32 = 24;

/// The compressed bytes.
pub fn brotli(bytes: &[u8], quality: u32) -> Result<Vec<u8>> {
    let mut writer = CompressorWriter::new(Vec::new(), 64 * 1024, quality, WINDOW_BITS);
    writer.write_all(bytes).context("brotli failed")?;
    writer.flush().context("brotli failed")?;
    Ok(writer.into_inner())
}
