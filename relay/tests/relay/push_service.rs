//! A push service, and devices that have subscriptions at it. The real ones are other people's machines.

use crate::support::{PATIENCE, random};
use aes_gcm::aead::{Aead as _, KeyInit as _};
use aes_gcm::{Aes128Gcm, Nonce};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac as _};
use p256::ecdsa::signature::Verifier as _;
use p256::ecdsa::{Signature, VerifyingKey};
use p256::elliptic_curve::sec1::ToSec1Point as _;
use p256::{PublicKey, SecretKey};
use sha2::Sha256;
use sotto_protocol::{PushSubscription, read_push_payload};
use sotto_relay::{Config, PushHosts};
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// Once in this time, in these tests.
pub const EVERY: Duration = Duration::from_millis(600);

/// A relay that wakes devices, on this machine, too.
pub fn wakes(config: &mut Config) {
    config.push.contact = Some("mailto:ops@example.org".parse().unwrap());
    config.push.hosts = PushHosts::Any;
    config.push.reaches_private = true;
    config.push.every = EVERY;
    config.push.retry_after = Duration::from_millis(50);
}

/// A message as it came.
pub struct Received {
    pub path: String,
    pub headers: BTreeMap<String, String>,
    pub body: Vec<u8>,
    pub at: Instant,
}

#[derive(Default)]
struct Plan {
    /// Status lines and headers; `201 Created` when there are none left.
    answers: VecDeque<&'static str>,
    connections: usize,
    is_silent: bool,
}

pub struct PushService {
    pub authority: String,
    plan: Arc<Mutex<Plan>>,
    received: UnboundedReceiver<Received>,
}

impl PushService {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let authority = listener.local_addr().unwrap().to_string();
        let (sender, received) = unbounded_channel();
        let plan = Arc::new(Mutex::new(Plan::default()));
        let shared = Arc::clone(&plan);
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                shared.lock().unwrap().connections += 1;
                tokio::spawn(serve(stream, Arc::clone(&shared), sender.clone()));
            }
        });
        Self { authority, plan, received }
    }

    /// What is answered to the next messages.
    pub fn answer(&self, answers: &[&'static str]) {
        self.plan.lock().unwrap().answers.extend(answers);
    }

    /// From now on nothing is answered at all.
    pub fn fall_silent(&self) {
        self.plan.lock().unwrap().is_silent = true;
    }

    pub fn connections(&self) -> usize {
        self.plan.lock().unwrap().connections
    }

    pub async fn next(&mut self) -> Received {
        let next = tokio::time::timeout(PATIENCE, self.received.recv()).await;
        next.expect("nobody is woken").unwrap()
    }

    /// Nothing comes, for longer than it would take.
    pub async fn expect_silence(&mut self) {
        if let Ok(received) = tokio::time::timeout(EVERY * 2, self.received.recv()).await {
            panic!("somebody is woken: {}", received.unwrap().path);
        }
    }
}

async fn serve(mut stream: TcpStream, plan: Arc<Mutex<Plan>>, received: UnboundedSender<Received>) {
    let mut bytes = Vec::new();
    loop {
        let end = loop {
            if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
                break end;
            }
            if !read_more(&mut stream, &mut bytes).await {
                return;
            }
        };
        let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
        let mut lines = head.split("\r\n");
        let path = lines.next().unwrap().strip_prefix("POST ").unwrap();
        let path = path.strip_suffix(" HTTP/1.1").unwrap().to_owned();
        let header =
            |line: &str| line.split_once(": ").map(|(name, value)| (name.to_owned(), value.to_owned()));
        let headers: BTreeMap<_, _> = lines.filter_map(header).collect();
        let length: usize = headers["content-length"].parse().unwrap();
        while bytes.len() < end + 4 + length {
            if !read_more(&mut stream, &mut bytes).await {
                return;
            }
        }
        let body = bytes[end + 4..end + 4 + length].to_vec();
        bytes.drain(..end + 4 + length);
        let _ = received.send(Received { path, headers, body, at: Instant::now() });
        let answer = {
            let mut plan = plan.lock().unwrap();
            if plan.is_silent { None } else { Some(plan.answers.pop_front().unwrap_or("201 Created")) }
        };
        let Some(answer) = answer else { return std::future::pending().await };
        let answer = format!("HTTP/1.1 {answer}\r\ncontent-length: 2\r\n\r\nok");
        if stream.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
    }
}

async fn read_more(stream: &mut TcpStream, bytes: &mut Vec<u8>) -> bool {
    let mut buffer = [0; 4096];
    match stream.read(&mut buffer).await {
        Ok(0) | Err(_) => false,
        Ok(count) => {
            bytes.extend_from_slice(&buffer[..count]);
            true
        }
    }
}

/// A browser's registration.
pub struct Device {
    pub endpoint: String,
    secret: SecretKey,
    auth: [u8; 16],
}

impl Device {
    pub fn at(service: &PushService, name: &str) -> Self {
        Self::of(format!("http://{}/push/{name}", service.authority))
    }

    pub fn of(endpoint: String) -> Self {
        let secret = loop {
            // One number in 2^32 is none.
            if let Ok(secret) = SecretKey::from_slice(&random::<32>()) {
                break secret;
            }
        };
        Self { endpoint, secret, auth: random() }
    }

    pub fn p256dh(&self) -> [u8; 65] {
        self.secret.public_key().to_sec1_point(false).as_bytes().try_into().unwrap()
    }

    pub fn subscription(&self, tag: u8) -> PushSubscription {
        PushSubscription {
            endpoint: self.endpoint.clone(),
            p256dh: self.p256dh(),
            auth: self.auth,
            tag: [tag; 16],
        }
    }

    /// Checks a message as a push service does, opens it as a browser does (RFC 8291, section 3), and gives the tag.
    pub fn open(&self, message: &Received, key: &[u8; 65]) -> u8 {
        assert!(self.endpoint.ends_with(&message.path), "{} for {}", message.path, self.endpoint);
        check_head(&self.endpoint, message, key);
        assert_eq!(message.body.len(), 86 + 17 + 1 + 16, "always of one length");
        let (salt, rest) = message.body.split_at(16);
        assert_eq!(rest[..5], [0, 0, 16, 0, 65]);
        let (sender, record) = rest[5..].split_at(65);
        let theirs = PublicKey::from_sec1_bytes(sender).unwrap();
        let shared = p256::ecdh::diffie_hellman(self.secret.to_nonzero_scalar(), theirs.as_affine());
        let prk = hmac(&self.auth, &[shared.raw_secret_bytes()]);
        let ikm = hmac(&prk, &[b"WebPush: info\0", &self.p256dh(), sender, &[1]]);
        let prk = hmac(salt, &[&ikm]);
        let key = hmac(&prk, &[b"Content-Encoding: aes128gcm\0\x01"]);
        let nonce = hmac(&prk, &[b"Content-Encoding: nonce\0\x01"]);
        let nonce: [u8; 12] = nonce[..12].try_into().unwrap();
        let cipher = Aes128Gcm::new_from_slice(&key[..16]).unwrap();
        let plain = cipher.decrypt(&Nonce::from(nonce), record).expect("the device opens it");
        let (last, payload) = plain.split_last().unwrap();
        assert_eq!(*last, 2);
        let tag = read_push_payload(payload).unwrap();
        assert_eq!(tag, [tag[0]; 16]);
        tag[0]
    }
}

fn hmac(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = <Hmac<Sha256> as hmac::KeyInit>::new_from_slice(key).unwrap();
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().into()
}

/// RFC 8030, section 5, and RFC 8292.
fn check_head(endpoint: &str, message: &Received, key: &[u8; 65]) {
    let headers = &message.headers;
    let of = |name: &str| headers[name].as_str();
    assert_eq!([of("content-encoding"), of("ttl"), of("urgency")], ["aes128gcm", "86400", "normal"]);
    let topic = of("topic");
    let is_url_safe = topic.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    assert!(topic.len() <= 32 && is_url_safe, "{topic}");
    let origin = endpoint.split("/push/").next().unwrap();
    assert!(origin.ends_with(of("host")));
    assert!(!headers.contains_key("cookie") && !headers.contains_key("user-agent"));
    let (token, named) = of("authorization").strip_prefix("vapid t=").unwrap().split_once(", k=").unwrap();
    let bytes = |text: &str| URL_SAFE_NO_PAD.decode(text).unwrap();
    assert_eq!(bytes(named), key);
    let (input, signature) = token.rsplit_once('.').unwrap();
    let signature = Signature::from_slice(&bytes(signature)).unwrap();
    VerifyingKey::from_sec1_bytes(key).unwrap().verify(input.as_bytes(), &signature).unwrap();
    let (head, claims) = input.split_once('.').unwrap();
    assert_eq!(bytes(head), br#"{"typ":"JWT","alg":"ES256"}"#);
    let claims = String::from_utf8(bytes(claims)).unwrap();
    let rest = claims.strip_prefix(&format!(r#"{{"aud":"{origin}","exp":"#)).expect(&claims);
    let until: u64 =
        rest.strip_suffix(r#","sub":"mailto:ops@example.org"}"#).expect(&claims).parse().unwrap();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    assert!(now < until && until <= now + 24 * 60 * 60, "{until}");
}
