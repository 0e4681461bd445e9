//! A NATS server.

use crate::program::{ServiceError, free_port, program, serve};
use std::process::{Child, Command};

/// A server that stops when this is dropped.
pub struct Nats {
    server: Option<Child>,
    port: u16,
}

impl Nats {
    /// Starts a server.
    ///
    /// # Errors
    /// [`ServiceError`], with the remedy.
    pub fn start() -> Result<Self, ServiceError> {
        let mut nats = Self { server: None, port: free_port("nats-server")? };
        nats.resume()?;
        Ok(nats)
    }

    /// Starts it again after [`Nats::stop`], on the same port.
    ///
    /// # Errors
    /// [`ServiceError`], with the remedy.
    pub fn resume(&mut self) -> Result<(), ServiceError> {
        let mut command = Command::new(program("nats-server")?);
        command.args(["--addr", "127.0.0.1", "--port", &self.port.to_string()]);
        self.server = Some(serve("nats-server", &mut command, self.port)?);
        Ok(())
    }

    /// Kills it.
    pub fn stop(&mut self) {
        if let Some(mut server) = self.server.take() {
            // It may have ended by itself.
            let _ = server.kill();
            let _ = server.wait();
        }
    }

    /// Its address.
    #[must_use]
    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }
}

impl Drop for Nats {
    fn drop(&mut self) {
        self.stop();
    }
}
