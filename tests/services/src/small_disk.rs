//! A disk that gets full soon.

use crate::program::run;
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

/// A `tmpfs`, gone when this is dropped.
pub struct SmallDisk(TempDir);

impl SmallDisk {
    /// Mounts one of so many megabytes; none where the tests have no right to.
    #[must_use]
    #[allow(clippy::print_stdout, reason = "whoever reads the test's output is to know")]
    pub fn mount(megabytes: u32) -> Option<Self> {
        let folder = tempfile::tempdir().ok()?;
        let options = format!("size={megabytes}m,mode=755");
        let mut mount = Command::new("mount");
        let mounted = run("mount", mount.args(["-t", "tmpfs", "-o", &options, "tmpfs"]).arg(folder.path()));
        if let Err(error) = &mounted {
            println!("not tested, for there is no right to mount a small disk: {error}");
        }
        mounted.is_ok().then(|| Self(folder))
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// Mounts it otherwise: `ro`, or `size=64m`. Whether that could be done.
    #[must_use]
    pub fn remount(&self, how: &str) -> bool {
        let mut mount = Command::new("mount");
        run("mount", mount.args(["-o", &format!("remount,{how}")]).arg(self.path())).is_ok()
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let mut umount = Command::new("umount");
        // What stays mounted goes with the machine.
        let _ = run("umount", umount.arg("--lazy").arg(self.path()));
    }
}
