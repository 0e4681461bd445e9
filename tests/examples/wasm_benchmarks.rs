//! Opens the benchmarks of `tests/benchmarks/wasm` in a browser and prints the tables that the page sends back:
//! `cargo run --package sotto-tests --example wasm_benchmarks -- FOLDER`, where FOLDER is what `cargo xtask bench wasm` built.

use anyhow::{Context as _, Result, bail};
use sotto_tests::browser::{Browser, Driver};
use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    sync::mpsc::{Receiver, Sender, channel},
    time::Duration,
};

/// The longest time between two tables.
const PATIENCE: Duration = Duration::from_secs(600);

#[tokio::main]
async fn main() -> Result<()> {
    let folder = PathBuf::from(std::env::args().nth(1).context("name the folder with the page")?);
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = format!("http://{}/index.html", listener.local_addr()?);
    let (sender, posts) = channel();
    std::thread::spawn(move || serve(&listener, &folder, &sender));

    let chrome = Driver::start()?;
    let browser = Browser::open(&chrome).await?;
    browser.goes_to(&address).await?;
    let outcome = tokio::task::spawn_blocking(move || print(&posts)).await?;
    browser.closes().await?;
    outcome
}

/// Prints tables as they come, until there are no more.
fn print(posts: &Receiver<Post>) -> Result<()> {
    loop {
        let post = posts.recv_timeout(PATIENCE).context("the page sends nothing")?;
        match post.path.as_str() {
            "/table" => println!("{}", post.body),
            "/done" => return Ok(()),
            _ => bail!("the page failed: {}", post.body),
        }
    }
}

/// What the page sends.
struct Post {
    path: String,
    body: String,
}

fn serve(listener: &TcpListener, folder: &Path, posts: &Sender<Post>) {
    for stream in listener.incoming().flatten() {
        let _ = answer(stream, folder, posts);
    }
}

/// One request a connection: a file, or something that is sent.
fn answer(mut stream: TcpStream, folder: &Path, posts: &Sender<Post>) -> Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let mut words = line.split_whitespace();
    let (method, path) = (words.next().context("no method")?, words.next().context("no path")?);
    let mut length = 0;
    loop {
        let mut header = String::new();
        reader.read_line(&mut header)?;
        match header.trim().split_once(':') {
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                length = value.trim().parse()?
            }
            Some(_) => {}
            None => break,
        }
    }
    if method == "POST" {
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        respond(&mut stream, "200 OK", "text/plain", &[])?;
        return Ok(posts.send(Post { path: path.to_owned(), body: String::from_utf8(body)? })?);
    }
    let name = path.trim_start_matches('/');
    let is_inside = Path::new(name).components().all(|part| matches!(part, std::path::Component::Normal(_)));
    match fs::read(folder.join(name)) {
        Ok(bytes) if is_inside => respond(&mut stream, "200 OK", media_type(name), &bytes),
        _ => respond(&mut stream, "404 Not Found", "text/plain", &[]),
    }
}

/// Isolated from other origins, so that the page gets the browser's finer clock.
fn respond(stream: &mut TcpStream, status: &str, media_type: &str, body: &[u8]) -> Result<()> {
    let length = body.len();
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Type: {media_type}\r\nContent-Length: {length}\r\nConnection: close\r\n\
         Cross-Origin-Opener-Policy: same-origin\r\nCross-Origin-Embedder-Policy: require-corp\r\n\r\n"
    )?;
    Ok(stream.write_all(body)?)
}

fn media_type(name: &str) -> &'static str {
    match name.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript",
        Some("wasm") => "application/wasm",
        _ => "application/octet-stream",
    }
}
