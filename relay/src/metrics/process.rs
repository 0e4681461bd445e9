//! What the system says of this process: Linux's `/proc`. Elsewhere there is nothing to say.

use std::fs;

/// What the process takes.
#[derive(Debug, Default, Clone, Copy, PartialEq)]
pub(super) struct Process {
    /// Of the machine's memory.
    pub resident_bytes: u64,
    /// Of its processors' time, in seconds.
    pub cpu_seconds: f64,
    /// Files and connections.
    pub open_files: u64,
}

impl Process {
    /// As it is now.
    pub(super) fn look() -> Option<Self> {
        let pages = fs::read_to_string("/proc/self/statm").ok()?;
        let pages: u64 = pages.split(' ').nth(1)?.parse().ok()?;
        let open_files = fs::read_dir("/proc/self/fd").ok()?.count();
        Some(Self {
            resident_bytes: pages.saturating_mul(u64::try_from(rustix::param::page_size()).ok()?),
            cpu_seconds: cpu_seconds(&fs::read_to_string("/proc/self/stat").ok()?)?,
            open_files: u64::try_from(open_files).ok()?,
        })
    }
}

/// The fields after the program's name, which may hold anything, count from 3: 14 and 15 are the ticks as user and as system.
fn cpu_seconds(stat: &str) -> Option<f64> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_ascii_whitespace().skip(11);
    let user: u32 = fields.next()?.parse().ok()?;
    let system: u32 = fields.next()?.parse().ok()?;
    let ticks_per_second = u32::try_from(rustix::param::clock_ticks_per_second()).ok()?;
    Some((f64::from(user) + f64::from(system)) / f64::from(ticks_per_second.max(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_process_is_seen() {
        let process = Process::look().unwrap();
        assert!(process.resident_bytes > 1_000_000 && process.open_files >= 3, "{process:?}");
        let ticks = f64::from(u32::try_from(rustix::param::clock_ticks_per_second()).unwrap());
        let stat = "1 (a ) b) S 1 2 3 4 5 6 7 8 9 10 40 60 0 0";
        assert!((cpu_seconds(stat).unwrap() - 100.0 / ticks).abs() < 1e-9);
        assert_eq!(cpu_seconds("nonsense"), None);
    }
}
