//! Writes the committed seeds, `fuzz/seeds/<target>/*`, anew: `cargo run -p sotto-fuzz-targets --example seeds`.
//!
//! Files whose names begin with `found-` stay: they are inputs that once broke a property.

use sotto_fuzz_targets::{TARGETS, seeds};
use std::{fs, path::Path};

fn main() -> std::io::Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds");
    for (target, _) in TARGETS {
        let folder = folder.join(target);
        fs::create_dir_all(&folder)?;
        for file in fs::read_dir(&folder)? {
            let file = file?;
            if !file.file_name().to_string_lossy().starts_with("found-") {
                fs::remove_file(file.path())?;
            }
        }
        for (index, real) in seeds::of(target).iter().enumerate() {
            for (ending, bytes) in seeds::variants(real) {
                fs::write(folder.join(format!("real-{index}{ending}")), bytes)?;
            }
        }
    }
    Ok(())
}
