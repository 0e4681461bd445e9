//! `cargo xtask run`: from a fresh clone to a relay that serves the web client.

use crate::report::Report;
use crate::setup::ensure_wasm_target;
use crate::web;
use crate::workspace::{call, cargo, root, target_folder};
use anyhow::{Context, Result, bail};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

const START_TIMEOUT: Duration = Duration::from_secs(30);

/// Builds, starts, says where to go, and stays until the relay ends.
pub fn run(listen: &SocketAddr, data: &Path) -> Result<()> {
    check_free(listen)?;
    let mut report = Report::new();
    report.step("WebAssembly target", ensure_wasm_target)?;
    web::build(&mut report, false)?;
    report.step("relay and terminal client: compile", || {
        call(&mut cargo(&["build", "--release", "--package", "sotto-relay", "--package", "sotto-client-cli"]))
    })?;
    let programs = target_folder()?.join("release");
    let mut relay = report.step("relay: start", || {
        let mut command = Command::new(programs.join("sotto-relay"));
        command
            .current_dir(root())
            .arg("serve")
            .arg("--listen")
            .arg(listen.to_string())
            .arg("--data")
            .arg(data);
        let mut relay = command.spawn().context("the relay does not start")?;
        wait_until_reachable(&mut relay, listen)?;
        Ok(relay)
    })?;

    let browsable = browsable(listen);
    let sotto = programs.join("sotto");
    let sotto = sotto.strip_prefix(root()).unwrap_or(&sotto);
    println!("\n  In the browser:   http://{browsable}");
    println!("  In the terminal:  {} --relay http://{browsable} --help", sotto.display());
    println!("  Ctrl-C stops the relay; what was said stays in {}\n", data.display());

    let status = relay.wait().context("the relay cannot be waited for")?;
    if !status.success() {
        bail!("the relay ended with {status}");
    }
    Ok(())
}

/// Says so before minutes of building, not after.
fn check_free(listen: &SocketAddr) -> Result<()> {
    TcpListener::bind(listen).map(drop).with_context(|| {
        format!(
            "{listen} cannot be listened on; stop what listens there, or choose another with --listen ADDR"
        )
    })
}

fn wait_until_reachable(relay: &mut Child, listen: &SocketAddr) -> Result<()> {
    let started = Instant::now();
    let target = browsable(listen);
    while TcpStream::connect_timeout(&target, Duration::from_millis(200)).is_err() {
        if let Some(status) = relay.try_wait()? {
            bail!("the relay ended with {status}");
        }
        if started.elapsed() > START_TIMEOUT {
            bail!("the relay is not reachable at {target} after {} s", START_TIMEOUT.as_secs());
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

/// An address that a browser on this machine can open.
fn browsable(listen: &SocketAddr) -> SocketAddr {
    let mut address = *listen;
    if address.ip().is_unspecified() {
        address.set_ip(if address.is_ipv4() {
            [127, 0, 0, 1].into()
        } else {
            std::net::Ipv6Addr::LOCALHOST.into()
        });
    }
    address
}
