//! Tells the crate where the built web client lies, and makes an empty folder where there is none yet, so that the relay
//! can be compiled alone. `cargo xtask web` fills it.

use std::path::PathBuf;
use std::{env, fs, io};

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-env-changed=SOTTO_WEB_DIR");
    println!("cargo::rerun-if-changed=../migrations");
    let folder = match env::var_os("SOTTO_WEB_DIR") {
        Some(folder) => PathBuf::from(folder),
        None => PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default()).join("../target/web"),
    };
    fs::create_dir_all(&folder)?;
    let folder = folder.canonicalize()?;
    println!("cargo::rerun-if-changed={}", folder.display());
    println!("cargo::rustc-env=SOTTO_WEB_DIR={}", folder.display());
    Ok(())
}
