//! Someone in a browser: real headless Chromium, with a profile of its own, driven as a person would.

use crate::PATIENCE;
use anyhow::{Context as _, Result, bail};
use std::{
    io::{BufRead as _, BufReader},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};
use tempfile::TempDir;
use thirtyfour::{
    By, CapabilitiesHelper as _, ChromiumLikeCapabilities as _, DesiredCapabilities, Key, WebDriver,
    WebElement,
    common::command::{Command as WebDriverCommand, ExtensionCommand},
};

/// A running ChromeDriver.
pub struct Driver {
    child: Child,
    url: String,
}

impl Driver {
    /// Starts one on a free port.
    pub fn start() -> Result<Self> {
        let program = found("SOTTO_CHROMEDRIVER", "chromedriver");
        let mut child = Command::new(&program)
            .args(["--port=0"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| {
                format!("{} does not start: `cargo xtask setup` installs it", program.display())
            })?;
        let mut lines = BufReader::new(child.stdout.take().context("its output")?).lines();
        let port = lines
            .by_ref()
            .map_while(Result::ok)
            .find_map(|line| {
                line.split("on port ")
                    .nth(1)?
                    .trim_end_matches('.')
                    .parse::<u16>()
                    .ok()
                    .filter(|port| *port != 0)
            })
            .context("ChromeDriver names no port")?;
        // Its output must be read, or it blocks.
        std::thread::spawn(move || lines.for_each(drop));
        Ok(Self { child, url: format!("http://127.0.0.1:{port}") })
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn found(variable: &str, name: &str) -> PathBuf {
    std::env::var_os(variable).map_or_else(|| PathBuf::from(format!("/usr/bin/{name}")), PathBuf::from)
}

/// Someone in a browser.
pub struct Browser {
    /// The WebDriver session.
    pub driver: WebDriver,
    _profile: TempDir,
}

impl Browser {
    /// Opens a browser with an empty profile.
    pub async fn open(driver: &Driver) -> Result<Self> {
        let profile = TempDir::new()?;
        let mut capabilities = DesiredCapabilities::chrome();
        capabilities.set_binary(&found("SOTTO_CHROMIUM", "chromium").display().to_string())?;
        for argument in [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--disable-dev-shm-usage",
            "--window-size=1280,900",
        ] {
            capabilities.add_arg(argument)?;
        }
        capabilities.add_arg(&format!("--user-data-dir={}", profile.path().display()))?;
        capabilities.set("goog:loggingPrefs", serde_json::json!({ "browser": "ALL" }))?;
        // The driver's HTTP client shares its library with the relay, which chooses its primitives itself. There may be some already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let driver = WebDriver::new(&driver.url, capabilities).await?;
        Ok(Self { driver, _profile: profile })
    }

    /// Goes to an address.
    pub async fn goes_to(&self, address: &str) -> Result<()> {
        Ok(self.driver.goto(address).await?)
    }

    /// The first element with this `data-testid`, once it is there and visible.
    pub async fn finds(&self, id: &str) -> Result<WebElement> {
        self.finds_css(&format!("[data-testid='{id}']")).await
    }

    /// The first element that a selector matches, once it is there and visible.
    pub async fn finds_css(&self, selector: &str) -> Result<WebElement> {
        let begin = Instant::now();
        loop {
            if let Ok(element) = self.driver.find(By::Css(selector)).await
                && element.is_displayed().await.unwrap_or(false)
            {
                return Ok(element);
            }
            if begin.elapsed() > PATIENCE {
                bail!(
                    "{selector} does not show; the page says:\n{}\nconsole: {:?}",
                    self.page_text().await,
                    self.console().await
                );
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Whether an element is there now.
    pub async fn has(&self, selector: &str) -> bool {
        self.driver.find(By::Css(selector)).await.is_ok()
    }

    /// Clicks.
    pub async fn clicks(&self, id: &str) -> Result<()> {
        Ok(self.finds(id).await?.click().await?)
    }

    /// Replaces what stands in a field.
    pub async fn fills(&self, id: &str, text: &str) -> Result<()> {
        let field = self.finds(id).await?;
        field.clear().await?;
        Ok(field.send_keys(text).await?)
    }

    /// Makes a room.
    pub async fn makes_room(&self, address: &str, room: &str, name: &str) -> Result<()> {
        self.goes_to(address).await?;
        self.clicks("welcome-make").await?;
        self.fills("room-name-field", room).await?;
        self.fills("display-name-field", name).await?;
        self.clicks("make-room-button").await?;
        self.finds("composer").await.map(drop)
    }

    /// Opens an invite link and joins.
    pub async fn joins(&self, link: &str, name: &str) -> Result<()> {
        self.goes_to(link).await?;
        self.fills("display-name-field", name).await?;
        self.clicks("join-button").await?;
        self.finds("composer").await.map(drop)
    }

    /// Says something, with the keyboard.
    pub async fn says(&self, text: &str) -> Result<()> {
        let composer = self.finds("composer").await?;
        composer.send_keys(text).await?;
        Ok(composer.send_keys(Key::Enter).await?)
    }

    /// All messages shown: sender, text and state.
    pub async fn messages(&self) -> Result<Vec<(String, String, String)>> {
        let script = "return [...document.querySelectorAll(\"[data-testid='message']\")].map(message => [\
                      message.dataset.sender, \
                      message.querySelector(\"[data-testid='message-text']\").textContent, \
                      message.dataset.state])";
        Ok(self.driver.execute(script, Vec::new()).await?.convert()?)
    }

    /// The texts of all messages shown.
    pub async fn texts(&self) -> Result<Vec<String>> {
        Ok(self.messages().await?.into_iter().map(|(_, text, _)| text).collect())
    }

    /// Waits until a message is shown.
    pub async fn sees(&self, text: &str) -> Result<()> {
        let begin = Instant::now();
        while !self.texts().await.unwrap_or_default().iter().any(|shown| shown == text) {
            if begin.elapsed() > PATIENCE {
                bail!(
                    "{text:?} does not show; the page says:\n{}\nconsole: {:?}",
                    self.page_text().await,
                    self.console().await
                );
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }

    /// Waits until a script gives true.
    pub async fn waits_for(&self, what: &str, script: &str) -> Result<()> {
        let begin = Instant::now();
        loop {
            let value = self.driver.execute(script, Vec::new()).await;
            if value.ok().and_then(|value| value.convert::<bool>().ok()) == Some(true) {
                return Ok(());
            }
            if begin.elapsed() > PATIENCE {
                bail!("waited in vain: {what}; the page says:\n{}", self.page_text().await);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// What the page says.
    pub async fn page_text(&self) -> String {
        let text = self.driver.execute("return document.body.innerText", Vec::new()).await;
        text.ok().and_then(|text| text.convert().ok()).unwrap_or_default()
    }

    /// Errors and warnings in the console: a Content-Security-Policy that blocks something shows here.
    pub async fn console(&self) -> Vec<String> {
        let log = self.driver.handle().cmd(WebDriverCommand::ExtensionCommand(Box::new(ConsoleLog))).await;
        let Ok(log) = log.and_then(|log| log.value::<serde_json::Value>()) else { return Vec::new() };
        let entries = log.as_array().cloned().unwrap_or_default();
        let is_bad =
            |entry: &&serde_json::Value| matches!(entry["level"].as_str(), Some("SEVERE" | "WARNING"));
        entries
            .iter()
            .filter(is_bad)
            .filter_map(|entry| entry["message"].as_str().map(str::to_owned))
            .collect()
    }

    /// Looks at the page in this width and height, in `light` or `dark`.
    pub async fn looks(&self, width: u32, height: u32, scheme: &str) -> Result<()> {
        let size = serde_json::json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600 });
        self.devtools("Emulation.setDeviceMetricsOverride", size).await?;
        let scheme = serde_json::json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        self.devtools("Emulation.setEmulatedMedia", scheme).await?;
        tokio::time::sleep(Duration::from_millis(400)).await;
        Ok(())
    }

    async fn devtools(&self, command: &str, parameters: serde_json::Value) -> Result<()> {
        let call = DevTools(serde_json::json!({ "cmd": command, "params": parameters }));
        self.driver.handle().cmd(WebDriverCommand::ExtensionCommand(Box::new(call))).await?;
        Ok(())
    }

    /// Closes the browser.
    pub async fn closes(self) -> Result<()> {
        Ok(self.driver.quit().await?)
    }
}

/// ChromeDriver's log of the console.
#[derive(Debug)]
struct ConsoleLog;

impl ExtensionCommand for ConsoleLog {
    fn parameters_json(&self) -> Option<serde_json::Value> {
        Some(serde_json::json!({ "type": "browser" }))
    }

    fn method(&self) -> http::Method {
        http::Method::POST
    }

    fn endpoint(&self) -> Arc<str> {
        "/se/log".into()
    }
}

/// A call of Chromium's DevTools protocol.
#[derive(Debug)]
struct DevTools(serde_json::Value);

impl ExtensionCommand for DevTools {
    fn parameters_json(&self) -> Option<serde_json::Value> {
        Some(self.0.clone())
    }

    fn method(&self) -> http::Method {
        http::Method::POST
    }

    fn endpoint(&self) -> Arc<str> {
        "/goog/cdp/execute".into()
    }
}
