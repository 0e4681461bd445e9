//! What each request about a blob does without its token, with no token at all, with another blob's, with one that is over, and with a
//! session: nothing.

use crate::blob_client::*;
use crate::support::*;
use sotto_protocol::blob::BlobErrorCode as Code;

/// Every method that the path takes, and whether it needs the token.
const METHODS: [(&str, bool); 5] =
    [("PUT", true), ("PATCH", true), ("HEAD", true), ("GET", false), ("DELETE", true)];

fn request(method: &str, token: &str) -> (String, &'static [u8]) {
    let more = match method {
        "PUT" => "upload-length: 100000\r\n",
        "PATCH" => "content-type: application/octet-stream\r\nupload-offset: 70000\r\n",
        _ => "",
    };
    let body: &[u8] = if method == "PATCH" { &[7; 30_000] } else { b"" };
    (format!("{more}{token}"), body)
}

/// Half a blob, as it was when it was begun.
async fn begun(authority: &str) -> Blob {
    let blob = Blob::new(authority);
    assert_eq!(blob.create(100_000).await.status, 201);
    assert_eq!(blob.append(0, &[7; 70_000]).await.offset(), 70_000);
    blob
}

#[tokio::test]
async fn nobody_changes_a_file_without_its_own_token() {
    let relay = TestRelay::start_with(|config| config.blobs.by_address.requests = 1_000_000).await;
    let (blob, other) = (begun(&relay.authority()).await, begun(&relay.authority()).await);
    let over = begun(&relay.authority()).await;
    assert_eq!(over.delete().await.status, 204);
    let random = Blob::new(&relay.authority());
    let twice = format!("{}{}", blob.token_header(), blob.token_header());
    let cases = [
        ("none", String::new(), Code::TokenRefused),
        ("an empty one", "upload-token: \r\n".to_owned(), Code::Malformed),
        ("no base64url", format!("upload-token: {}\r\n", "+".repeat(43)), Code::Malformed),
        ("a longer one", format!("upload-token: {}A\r\n", blob.token), Code::Malformed),
        ("the right one twice", twice, Code::Malformed),
        ("a random one", random.token_header(), Code::TokenRefused),
        ("another blob's", other.token_header(), Code::TokenRefused),
        ("a deleted blob's", over.token_header(), Code::TokenRefused),
    ];
    let mut wrong = Vec::new();
    for (method, _) in METHODS.into_iter().filter(|(_, needs_token)| *needs_token) {
        for (what, token, code) in &cases {
            let (headers, body) = request(method, token);
            let answer = ask(&blob.authority, method, &blob.path(), &headers, body).await;
            // Whoever has no token at all asks for what readers get, and that is not there yet.
            let expected = match (method, *what) {
                ("HEAD", "none") => Code::NotFound,
                ("PUT", _) if *code == Code::TokenRefused && *what != "none" => Code::IdTaken,
                _ => *code,
            };
            // An answer to HEAD has no body that would say more.
            let is_as_expected = if method == "HEAD" {
                answer.status == expected.status()
            } else {
                answer.status == expected.status() && answer.code() == expected
            };
            if !is_as_expected {
                wrong.push(format!("{method} with {what}: expected {expected:?}, got {answer:?}"));
            }
        }
    }
    for (method, _) in METHODS {
        // With a session beside the right token: nothing is to join files with an account.
        let (headers, body) = request(method, &blob.token_header());
        let headers = format!("{headers}authorization: Bearer {}\r\n", random.token);
        let answer = ask(&blob.authority, method, &blob.path(), &headers, body).await;
        if answer.status != 403 {
            wrong.push(format!("{method} with a session: {answer:?}"));
        }
        // The token of one blob at the address of another, which is gone, or never was.
        for place in [&over, &random].into_iter().filter(|_| method != "PUT") {
            let (headers, body) = request(method, &blob.token_header());
            let answer = ask(&blob.authority, method, &place.path(), &headers, body).await;
            if answer.status != 404 {
                wrong.push(format!("{method} elsewhere: {answer:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(blob.read().await.code(), Code::NotFound, "half of it is not to be read");
    let progress = blob.progress().await;
    assert_eq!((progress.status, progress.offset()), (200, 70_000), "nothing of it was done");
    assert_eq!(blob.append(70_000, &[8; 30_000]).await.status, 204);
    let whole = blob.read().await.body;
    assert!(whole.len() == 100_000 && whole[..70_000].iter().all(|byte| *byte == 7));
    assert_eq!(other.progress().await.offset(), 70_000);
}
