//! Connecting to a relay, and why it does not work: what answers, and what that means for its reader.

use crate::output::one_line;
use sotto_client_core::RelayAddress;
use sotto_protocol::limits::HANDSHAKE_FRAME_MAX_BYTES;
use std::{io, time::Duration};
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async_with_config,
    tungstenite::{
        Error,
        http::{Response, StatusCode, header},
        protocol::WebSocketConfig,
    },
};

/// How long one attempt to connect may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// The longest that an answer may have the client wait before it connects again.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(300);

const BEHIND_PROXY: &str = "If the relay is behind a reverse proxy, its operator has to let the proxy pass WebSocket upgrades and the \
                            Host header on (docs/SELF_HOSTING.md). Otherwise check the address (--relay URL).";

/// A connection to a relay.
pub type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Why there is no connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// Nothing answers.
    Silent,
    /// The host has no address.
    UnknownHost,
    /// TLS failed: the reason.
    Tls(String),
    /// Another address is named: its origin, where one can be read.
    Redirect(Option<String>),
    /// Something answers that knows no WebSockets.
    NoUpgrade(u16),
    /// A web page answers.
    WebPage,
    /// A proxy answers, and nothing behind it.
    Gateway(u16),
    /// There are too many connections, perhaps from here.
    Busy(Duration),
    /// The relay's path is not there.
    NoRelay(u16),
    /// It is not HTTP, or breaks off.
    Garbled,
}

impl Refusal {
    /// What happened.
    pub fn message(&self, relay: &RelayAddress) -> String {
        let at = relay.origin();
        match self {
            Self::Silent | Self::UnknownHost => format!("the relay at {at} cannot be reached"),
            Self::Tls(why) => format!("no secure connection to {at} can be made: {why}"),
            Self::Redirect(Some(to)) => format!("{at} does not answer as a relay: it redirects to {to}"),
            Self::Redirect(None) => {
                format!("{at} does not answer as a relay: it redirects to another address")
            }
            Self::NoUpgrade(status) => {
                format!("what answers at {at} takes no WebSocket connections (HTTP status {status})")
            }
            Self::WebPage => format!("a web page answers at {at}, and no relay"),
            Self::Gateway(status) => {
                format!("a proxy answers at {at}, and the relay behind it does not (HTTP status {status})")
            }
            Self::Busy(_) => format!("{at} takes no more connections for now"),
            Self::NoRelay(status) => {
                format!("what answers at {at} is no relay that this client knows (HTTP status {status})")
            }
            Self::Garbled => format!("what answers at {at} is no relay"),
        }
    }

    /// What to do about it.
    pub fn remedy(&self) -> String {
        match self {
            Self::Silent => "Check that it is running and that the address is right (--relay URL).".into(),
            Self::UnknownHost => "Check the host's name (--relay URL) and that this device is online.".into(),
            Self::Tls(_) => {
                "Check this device's clock and the address; if both are right, tell the operator of the relay.".into()
            }
            Self::Redirect(Some(to)) => format!("If that is the relay, name that address: --relay {to}"),
            Self::Redirect(None) | Self::NoRelay(_) | Self::Garbled => {
                "Check the address (--relay URL): it is scheme, host and port of the relay, without a path.".into()
            }
            Self::NoUpgrade(_) => BEHIND_PROXY.into(),
            Self::WebPage => {
                "If the network that you are in asks for a login, log in first. Otherwise check the address (--relay URL).".into()
            }
            Self::Gateway(_) => "Tell the operator of the relay, or try again later.".into(),
            Self::Busy(wait) => format!("It says to try again in {} s.", wait.as_secs()),
        }
    }

    /// How long to wait before the next attempt, at least.
    pub const fn wait(&self) -> Duration {
        match self {
            Self::Busy(wait) => *wait,
            _ => Duration::ZERO,
        }
    }
}

/// Connects.
///
/// # Errors
/// [`Refusal`].
pub async fn connect(relay: &RelayAddress) -> Result<Socket, Refusal> {
    let mut config = WebSocketConfig::default();
    config.max_message_size = Some(HANDSHAKE_FRAME_MAX_BYTES);
    config.max_frame_size = Some(HANDSHAKE_FRAME_MAX_BYTES);
    match timeout(CONNECT_TIMEOUT, connect_async_with_config(relay.socket_url(), Some(config), true)).await {
        Ok(Ok((socket, _))) => Ok(socket),
        Ok(Err(error)) => Err(refusal(&error)),
        Err(_) => Err(Refusal::Silent),
    }
}

fn refusal(error: &Error) -> Refusal {
    match error {
        Error::Http(response) => of_response(response),
        Error::Io(error) => of_io(error),
        Error::Tls(error) => Refusal::Tls(one_line(&error.to_string())),
        _ => Refusal::Garbled,
    }
}

fn of_io(error: &io::Error) -> Refusal {
    let is_tls = error.get_ref().is_some_and(|source| source.is::<rustls::Error>());
    match error.kind() {
        _ if is_tls => Refusal::Tls(one_line(&error.to_string())),
        io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => Refusal::Garbled,
        io::ErrorKind::ConnectionRefused | io::ErrorKind::ConnectionReset | io::ErrorKind::TimedOut => {
            Refusal::Silent
        }
        // Looking a name up fails with kinds that differ by system.
        _ if error.to_string().contains("lookup address") => Refusal::UnknownHost,
        _ => Refusal::Silent,
    }
}

fn of_response<T>(response: &Response<T>) -> Refusal {
    let text = |name| response.headers().get(name).and_then(|value| value.to_str().ok());
    let status = response.status();
    match status {
        _ if status.is_redirection() => Refusal::Redirect(text(header::LOCATION).and_then(origin_of)),
        StatusCode::BAD_GATEWAY | StatusCode::GATEWAY_TIMEOUT => Refusal::Gateway(status.as_u16()),
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
            match text(header::RETRY_AFTER).and_then(|seconds| seconds.parse().ok()) {
                Some(seconds) => Refusal::Busy(Duration::from_secs(seconds).min(RETRY_AFTER_MAX)),
                // A relay says how long; a proxy in front of none does not.
                None => Refusal::Gateway(status.as_u16()),
            }
        }
        StatusCode::NOT_FOUND => Refusal::NoRelay(status.as_u16()),
        _ if status.is_success() => Refusal::WebPage,
        _ => Refusal::NoUpgrade(status.as_u16()),
    }
}

/// The address of a relay in a redirect: what it goes on with is nothing that a terminal should be shown.
fn origin_of(location: &str) -> Option<String> {
    let (scheme, rest) = location.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    RelayAddress::parse(&format!("{scheme}://{authority}")).ok().map(|relay| relay.origin().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(status: u16, headers: &[(&str, &str)], expected: &Refusal) {
        let mut response = Response::builder().status(status);
        for (name, value) in headers {
            response = response.header(*name, *value);
        }
        assert_eq!(of_response(&response.body(()).unwrap()), *expected, "{status}");
    }

    #[test]
    fn what_answers_in_place_of_a_relay_is_told_apart() {
        let to = Refusal::Redirect(Some("https://chat.example.org".into()));
        check(301, &[("location", "https://chat.example.org/x?y")], &to);
        check(308, &[("location", "HTTPS://Chat.example.org")], &to);
        check(302, &[("location", "/login")], &Refusal::Redirect(None));
        check(302, &[("location", "https://user:secret@chat.example.org/")], &Refusal::Redirect(None));
        check(302, &[], &Refusal::Redirect(None));
        check(426, &[], &Refusal::NoUpgrade(426));
        check(400, &[], &Refusal::NoUpgrade(400));
        check(200, &[], &Refusal::WebPage);
        check(502, &[], &Refusal::Gateway(502));
        check(503, &[], &Refusal::Gateway(503));
        check(503, &[("retry-after", "7")], &Refusal::Busy(Duration::from_secs(7)));
        check(429, &[("retry-after", "99999999999")], &Refusal::Busy(RETRY_AFTER_MAX));
        check(404, &[], &Refusal::NoRelay(404));
    }

    #[test]
    fn each_says_what_to_do() {
        let relay = RelayAddress::parse("https://chat.example.org").unwrap();
        for refusal in [
            Refusal::Silent,
            Refusal::UnknownHost,
            Refusal::Tls("the certificate has expired".into()),
            Refusal::Redirect(None),
            Refusal::NoUpgrade(426),
            Refusal::WebPage,
            Refusal::Gateway(502),
            Refusal::Busy(Duration::from_secs(7)),
            Refusal::NoRelay(404),
            Refusal::Garbled,
        ] {
            assert!(refusal.message(&relay).contains(relay.origin()) && refusal.remedy().ends_with('.'));
        }
    }
}
