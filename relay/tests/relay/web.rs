//! The web client's files and their headers, asked of the router without a socket.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode};
use bytes::Bytes;
use sotto_relay::web::{Files, router};
use tower::ServiceExt as _;

fn files() -> Files {
    let files = [
        ("index.html", "<!doctype html>"),
        ("sw.js", "worker"),
        ("manifest.webmanifest", "{}"),
        ("assets/0a1b/app.js", "script"),
        ("assets/0a1b/app.js.br", "compressed script"),
        ("assets/0a1b/app_bg.wasm", "wasm"),
        ("assets/0a1b/app_bg.wasm.br", "compressed wasm"),
        ("assets/0a1b/app.css", "css"),
    ];
    Files::Given(files.map(|(path, text)| (path.to_owned(), Bytes::from(text))).into())
}

async fn ask(
    files: Files,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
) -> (StatusCode, HeaderMap, String) {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = router(files, Router::new()).oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let (head, body) = response.into_parts();
    let body = to_bytes(body, 1_000_000).await.unwrap();
    (head.status, head.headers, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn each_file_has_its_type_and_its_time() {
    const FOREVER: &str = "public, max-age=31536000, immutable";
    for (path, content_type, caching, body) in [
        ("/", "text/html; charset=utf-8", "no-cache", "<!doctype html>"),
        ("/join", "text/html; charset=utf-8", "no-cache", "<!doctype html>"),
        ("/sw.js", "text/javascript; charset=utf-8", "no-cache", "worker"),
        ("/manifest.webmanifest", "application/manifest+json", "no-cache", "{}"),
        ("/assets/0a1b/app.js", "text/javascript; charset=utf-8", FOREVER, "script"),
        ("/assets/0a1b/app_bg.wasm", "application/wasm", FOREVER, "wasm"),
        ("/assets/0a1b/app.css", "text/css; charset=utf-8", FOREVER, "css"),
    ] {
        let (status, headers, text) = ask(files(), "GET", path, &[]).await;
        assert_eq!((status, text.as_str()), (StatusCode::OK, body), "{path}");
        assert_eq!(headers["content-type"], content_type, "{path}");
        assert_eq!(headers["cache-control"], caching, "{path}");
        assert_eq!(headers["vary"], "Accept-Encoding", "{path}");
        assert_eq!(headers["content-length"], body.len().to_string(), "{path}");
        assert!(!headers.contains_key("content-encoding"), "{path}");

        let (status, head, text) = ask(files(), "HEAD", path, &[]).await;
        assert_eq!((status, text.as_str()), (StatusCode::OK, ""), "HEAD {path}");
        assert_eq!(head["content-length"], body.len().to_string(), "HEAD {path}");

        let tag = headers["etag"].to_str().unwrap();
        for known in [tag.to_owned(), format!("\"other\", W/{tag}"), "*".to_owned()] {
            let (status, headers, text) = ask(files(), "GET", path, &[("if-none-match", &known)]).await;
            assert_eq!((status, text.as_str()), (StatusCode::NOT_MODIFIED, ""), "{path} {known}");
            assert_eq!(headers["etag"], tag);
        }
        let (status, ..) = ask(files(), "GET", path, &[("if-none-match", "\"other\"")]).await;
        assert_eq!(status, StatusCode::OK);
    }
}

#[tokio::test]
async fn compressed_files_go_to_those_who_take_them() {
    for (accepted, encoding, body) in [
        ("br", Some("br"), "compressed wasm"),
        ("gzip, deflate, br;q=0.5", Some("br"), "compressed wasm"),
        ("gzip", None, "wasm"),
        ("br;q=0", None, "wasm"),
        ("brotli", None, "wasm"),
    ] {
        let (_, headers, text) =
            ask(files(), "GET", "/assets/0a1b/app_bg.wasm", &[("accept-encoding", accepted)]).await;
        let sent = headers.get("content-encoding").map(|value| value.to_str().unwrap());
        assert_eq!((sent, text.as_str()), (encoding, body), "{accepted}");
        assert_eq!(headers["content-type"], "application/wasm");
    }
    let (_, plain, _) = ask(files(), "GET", "/assets/0a1b/app.js", &[]).await;
    let (_, compressed, _) = ask(files(), "GET", "/assets/0a1b/app.js", &[("accept-encoding", "br")]).await;
    assert_ne!(plain["etag"], compressed["etag"]);
    let (_, _, text) = ask(files(), "GET", "/assets/0a1b/app.css", &[("accept-encoding", "br")]).await;
    assert_eq!(text, "css", "no compressed sibling");
}

#[tokio::test]
async fn nothing_else_is_there() {
    for path in [
        "/nothing",
        "/index.html",
        "/assets",
        "/assets/",
        "/assets/../index.html",
        "/assets/..%2findex.html",
        "/assets/%2e%2e/index.html",
        "/../../etc/passwd",
        "//etc/passwd",
        "/assets//etc/passwd",
        "/assets/0a1b/app.js.br",
        "/assets/0a1b/.git",
    ] {
        assert_eq!(ask(files(), "GET", path, &[]).await.0, StatusCode::NOT_FOUND, "{path}");
        assert_eq!(ask(Files::Embedded, "GET", path, &[]).await.0, StatusCode::NOT_FOUND, "{path}");
    }
    for method in ["POST", "PUT", "DELETE", "OPTIONS"] {
        let (status, headers, _) = ask(files(), method, "/", &[]).await;
        assert_eq!(
            (status, &headers["allow"]),
            (StatusCode::METHOD_NOT_ALLOWED, &"GET, HEAD".parse().unwrap())
        );
    }
}

#[tokio::test]
async fn every_answer_carries_the_security_headers() {
    const CONTENT_SECURITY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'; style-src 'self'; img-src 'self' blob: data:; font-src 'self'; media-src 'self' blob:; worker-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types default";
    for path in ["/", "/join", "/assets/0a1b/app.js", "/nothing"] {
        let (_, headers, _) = ask(files(), "GET", path, &[]).await;
        for (name, expected) in [
            ("content-security-policy", CONTENT_SECURITY),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-embedder-policy", "require-corp"),
            ("cross-origin-resource-policy", "same-origin"),
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
        ] {
            assert_eq!(headers[name], expected, "{path}");
        }
        assert!(headers["permissions-policy"].to_str().unwrap().contains("camera=()"), "{path}");
    }
}

#[tokio::test]
async fn a_relay_without_the_web_client_says_so() {
    let (status, headers, text) = ask(Files::Given([].into()), "GET", "/", &[]).await;
    assert_eq!(
        (status, &headers["content-type"]),
        (StatusCode::OK, &"text/html; charset=utf-8".parse().unwrap())
    );
    assert!(text.contains("without the web client") && text.contains("cargo xtask run"), "{text}");
    let (status, ..) = ask(Files::Given([].into()), "GET", "/sw.js", &[]).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
}
