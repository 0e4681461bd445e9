//! An nginx in front of something.

use crate::program::{ServiceError, free_port, is_root, program, serve};
use std::process::{Child, Command};
use tempfile::TempDir;

/// A proxy that stops when this is dropped.
pub struct Nginx {
    server: Child,
    port: u16,
    _folder: TempDir,
}

impl Nginx {
    /// Starts one. `http` gives what stands in `http { … }`, for the port that it is to listen on.
    ///
    /// # Errors
    /// [`ServiceError`], with the remedy.
    pub fn start(http: impl FnOnce(u16) -> String) -> Result<Self, ServiceError> {
        let failed = |source| ServiceError::Folder { program: "nginx", source };
        let folder = tempfile::Builder::new().prefix("sotto-nginx-").tempdir().map_err(failed)?;
        let port = free_port("nginx")?;
        // Its workers would else be somebody who may not look into the folder.
        let user = if is_root() { "user root;" } else { "" };
        let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|what| format!("{what}_temp_path temporary-{what};\n"))
            .concat();
        let settings = format!(
            "daemon off; worker_processes 1; pid pid; error_log errors; {user}\nevents {{}}\nhttp {{\naccess_log off;\n{temporary}{}\n}}\n",
            http(port)
        );
        let file = folder.path().join("nginx.conf");
        std::fs::write(&file, settings).map_err(failed)?;
        let mut command = Command::new(program("nginx")?);
        command.arg("-p").arg(folder.path()).arg("-e").arg("errors").arg("-c").arg(&file);
        let server = serve("nginx", &mut command, port)?;
        Ok(Self { server, port, _folder: folder })
    }

    /// Where it listens.
    #[must_use]
    pub fn authority(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // Its workers end with it, but only if it is asked and not killed.
        let asked = Command::new("kill").arg(self.server.id().to_string()).status();
        if !asked.is_ok_and(|status| status.success()) {
            // It may have ended by itself.
            let _ = self.server.kill();
        }
        let _ = self.server.wait();
    }
}
