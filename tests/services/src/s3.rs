//! An object store that speaks S3: moto's server.

use crate::program::{ServiceError, free_port, serve};
use crate::python::find_python_tool;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command};

/// A server that stops when this is dropped. It keeps everything in memory.
pub struct S3 {
    server: Option<Child>,
    port: u16,
}

impl S3 {
    /// Starts a server.
    ///
    /// # Errors
    /// [`ServiceError`], with the remedy.
    pub fn start() -> Result<Self, ServiceError> {
        let mut s3 = Self { server: None, port: free_port("moto_server")? };
        s3.resume()?;
        Ok(s3)
    }

    /// Starts it again after [`S3::stop`], on the same port, and empty.
    ///
    /// # Errors
    /// [`ServiceError`], with the remedy.
    pub fn resume(&mut self) -> Result<(), ServiceError> {
        let program = find_python_tool("moto_server").ok_or(ServiceError::Missing("moto_server"))?;
        let mut command = Command::new(program);
        command.args(["--host", "127.0.0.1", "--port", &self.port.to_string()]);
        self.server = Some(serve("moto_server", &mut command, self.port)?);
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

    /// Makes a bucket.
    ///
    /// # Errors
    /// [`ServiceError`], with what the server said.
    pub fn make_bucket(&self, name: &str) -> Result<(), ServiceError> {
        let failed = |text: String| ServiceError::Failed { program: "moto_server", text };
        let ask = || {
            let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
            write!(
                stream,
                "PUT /{name} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
                self.port
            )?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer)?;
            Ok(answer)
        };
        let answer: String = ask().map_err(|error: std::io::Error| failed(error.to_string()))?;
        if answer.starts_with("HTTP/1.1 200") { Ok(()) } else { Err(failed(answer)) }
    }

    /// Its address, and the variables that a program needs to use it.
    #[must_use]
    pub fn environment(&self) -> [(&'static str, String); 4] {
        [
            ("SOTTO_RELAY_BLOBS_ENDPOINT", format!("http://127.0.0.1:{}", self.port)),
            ("AWS_ACCESS_KEY_ID", "test".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "test".to_owned()),
            ("AWS_REGION", "us-east-1".to_owned()),
        ]
    }
}

impl Drop for S3 {
    fn drop(&mut self) {
        self.stop();
    }
}
