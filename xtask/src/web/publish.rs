//! Lays the files out as they are served.
//!
//! Files named in [`TEMPLATES`] lie at the root, with `{{assets}}` replaced; all else lies in `assets/<hash>/`. Style sheets become one,
//! in the order of their names.

use super::compress::brotli;
use anyhow::{Context, Result};
use sha2::{Digest, Sha256};
use std::fs;
use std::path::Path;
use std::thread;

const TEMPLATES: [&str; 2] = ["index.html", "manifest.webmanifest"];
const STYLE_SHEET: &str = "app.css";
const PLACEHOLDER: &str = "{{assets}}";

/// One file.
pub struct Asset {
    /// Its path below its folder.
    pub name: String,
    /// What is in it.
    pub bytes: Vec<u8>,
}

/// All files of the web client.
pub struct Site {
    templates: Vec<Asset>,
    assets: Vec<Asset>,
}

impl Site {
    /// Sorts the static files into templates, style sheets and the rest.
    pub fn new(files: Vec<Asset>) -> Result<Self> {
        let mut site = Self { templates: Vec::new(), assets: Vec::new() };
        let mut styles = Vec::new();
        for file in files {
            if TEMPLATES.contains(&file.name.as_str()) {
                site.templates.push(file);
            } else if file.name.ends_with(".css") {
                styles.extend_from_slice(&file.bytes);
            } else {
                site.assets.push(file);
            }
        }
        site.assets.push(Asset { name: STYLE_SHEET.to_owned(), bytes: styles });
        Ok(site)
    }

    /// Adds files to the assets.
    pub fn add(&mut self, assets: Vec<Asset>) {
        self.assets.extend(assets);
    }

    /// Writes everything, with its compressed siblings, in place of what was there. Returns a line on the size of each large file.
    pub fn write(self, folder: &Path, quality: u32) -> Result<Vec<String>> {
        let hash = self.content_hash();
        let base = format!("/assets/{hash}");
        let mut files = Vec::new();
        for template in self.templates {
            let text = String::from_utf8(template.bytes).context("a template is not UTF-8")?;
            let bytes = text.replace(PLACEHOLDER, &base).into_bytes();
            files.push(Asset { name: template.name, bytes });
        }
        for asset in self.assets {
            files.push(Asset { name: format!("assets/{hash}/{}", asset.name), bytes: asset.bytes });
        }

        let compressed = compress_all(&files, quality)?;
        let fresh = folder.with_extension("new");
        remove_folder(&fresh)?;
        let mut sizes = Vec::new();
        for (file, small) in files.iter().zip(&compressed) {
            let path = fresh.join(&file.name);
            fs::create_dir_all(path.parent().unwrap_or(&fresh))?;
            fs::write(&path, &file.bytes)?;
            fs::write(fresh.join(format!("{}.br", file.name)), small)?;
            if file.bytes.len() > 4096 {
                let name = file.name.rsplit('/').next().unwrap_or_default();
                sizes.push(format!(
                    "{name}: {} kB, {} kB compressed",
                    file.bytes.len() / 1000,
                    small.len() / 1000
                ));
            }
        }
        remove_folder(folder)?;
        fs::rename(&fresh, folder).context("the finished web client cannot be moved to its place")?;
        Ok(sizes)
    }

    fn content_hash(&self) -> String {
        let mut hash = Sha256::new();
        for asset in self.templates.iter().chain(&self.assets) {
            hash.update(&asset.name);
            hash.update(Sha256::digest(&asset.bytes));
        }
        let mut digits = hex(&hash.finalize());
        digits.truncate(16);
        digits
    }
}

/// Compresses the files side by side: one of them takes most of the time.
fn compress_all(files: &[Asset], quality: u32) -> Result<Vec<Vec<u8>>> {
    thread::scope(|scope| {
        let workers: Vec<_> = files.iter().map(|file| scope.spawn(|| brotli(&file.bytes, quality))).collect();
        workers
            .into_iter()
            .map(|worker| worker.join().unwrap_or_else(|_| anyhow::bail!("brotli failed")))
            .collect()
    })
}

fn remove_folder(folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("{} cannot be removed", folder.display()))?;
    }
    Ok(())
}

/// Lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
