//! What an operator can choose about web push.

use std::str::FromStr;
use std::time::Duration;

/// How devices are woken.
#[derive(Debug, Clone)]
pub struct PushSettings {
    /// Whom a push service may turn to; without it the relay wakes nobody.
    pub contact: Option<PushContact>,
    /// Which push services are spoken to.
    pub hosts: PushHosts,
    /// A device is woken for one room once in this time at most.
    pub every: Duration,
    /// How long one try may take.
    pub timeout: Duration,
    /// How long to wait before the second try; before each further one twice as long.
    pub retry_after: Duration,
    /// Whether push services may also be on this machine or in its network, and without TLS. For tests, and for an operator's
    /// own push service: with it, whoever subscribes can make the relay post to anything that it reaches.
    pub reaches_private: bool,
}

impl Default for PushSettings {
    fn default() -> Self {
        Self {
            contact: None,
            hosts: PushHosts::default(),
            every: Duration::from_secs(10),
            timeout: Duration::from_secs(10),
            retry_after: Duration::from_secs(2),
            reaches_private: false,
        }
    }
}

/// An address of the operator: `mailto:` or `https:` (RFC 8292, section 2.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PushContact(String);

impl PushContact {
    /// The address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for PushContact {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let rest = text.strip_prefix("mailto:").or_else(|| text.strip_prefix("https://"));
        // It stands in JSON as it is.
        let is_plain = text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\');
        match rest {
            Some(rest) if !rest.is_empty() && is_plain && text.len() <= 256 => Ok(Self(text.to_owned())),
            _ => Err("it is mailto:somebody@example.org, or an https address"),
        }
    }
}

/// Which push services are spoken to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PushHosts {
    /// Those of these names.
    Named(Vec<PushHost>),
    /// Any, on port 443.
    Any,
}

/// One of them: `host`, `*.host` for everything below it, and `:port` where it is not 443.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PushHost {
    name: String,
    is_suffix: bool,
    port: u16,
}

const HTTPS_PORT: u16 = 443;
/// Those of the browsers: Chromium and its kin, Firefox, Safari, Edge.
const USUAL_HOSTS: &str = "fcm.googleapis.com,updates.push.services.mozilla.com,web.push.apple.com,*.push.apple.com,*.notify.windows.com";

impl Default for PushHosts {
    fn default() -> Self {
        USUAL_HOSTS.parse().unwrap_or(Self::Named(Vec::new()))
    }
}

impl PushHosts {
    /// Whether that place is spoken to.
    pub(super) fn allow(&self, host: &str, port: u16) -> bool {
        match self {
            Self::Any => port == HTTPS_PORT,
            Self::Named(hosts) => hosts.iter().any(|known| known.is(host, port)),
        }
    }

    /// Whether it is named, and not only the names above it.
    pub(super) fn name_just(&self, host: &str, port: u16) -> bool {
        match self {
            Self::Any => false,
            Self::Named(hosts) => hosts.iter().any(|known| !known.is_suffix && known.is(host, port)),
        }
    }
}

impl FromStr for PushHosts {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.trim() == "any" {
            return Ok(Self::Any);
        }
        let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
        parts.map(str::parse).collect::<Result<_, _>>().map(Self::Named)
    }
}

impl PushHost {
    fn is(&self, host: &str, port: u16) -> bool {
        let below =
            || host.strip_suffix(&self.name).is_some_and(|rest| rest.len() > 1 && rest.ends_with('.'));
        port == self.port && if self.is_suffix { below() } else { host == self.name }
    }
}

impl FromStr for PushHost {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const WRONG: &str = "a push service is host, *.host or host:port; or say `any`";
        let (name, port) = match text.rsplit_once(':') {
            Some((name, port)) => (name, port.parse().map_err(|_| WRONG)?),
            None => (text, HTTPS_PORT),
        };
        let (is_suffix, name) = match name.strip_prefix("*.") {
            Some(name) => (true, name),
            None => (false, name),
        };
        let is_name = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-'));
        if name.is_empty() || !is_name {
            return Err(WRONG);
        }
        Ok(Self { name: name.to_ascii_lowercase(), is_suffix, port })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_named_services_are_spoken_to() {
        let usual = PushHosts::default();
        for (host, port, expected) in [
            ("fcm.googleapis.com", 443, true),
            ("fcm.googleapis.com", 8443, false),
            ("wns2-par02p.notify.windows.com", 443, true),
            ("notify.windows.com", 443, false),
            ("evilnotify.windows.com", 443, false),
            ("fcm.googleapis.com.evil.example", 443, false),
            ("xfcm.googleapis.com", 443, false),
            ("push.example", 443, false),
            ("", 443, false),
        ] {
            assert_eq!(usual.allow(host, port), expected, "{host}:{port}");
        }
        let own: PushHosts = "Push.example:8443, *.ntfy.example".parse().unwrap();
        assert!(own.allow("push.example", 8443) && own.allow("a.ntfy.example", 443));
        assert!(!own.allow("push.example", 443) && !own.allow("fcm.googleapis.com", 443));
        let any: PushHosts = "any".parse().unwrap();
        assert!(any.allow("push.example", 443) && !any.allow("push.example", 22));
        for wrong in ["https://push.example", "push.example/x", "push.example:x", "*.", "[::1]:443"] {
            assert!(wrong.parse::<PushHosts>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_contact_is_an_address_that_json_takes_as_it_is() {
        for good in ["mailto:ops@example.org", "https://example.org/contact"] {
            assert_eq!(good.parse::<PushContact>().unwrap().as_str(), good);
        }
        for bad in ["", "mailto:", "ops@example.org", "http://x", "mailto:a\"b", "mailto:a b", "mailto:a\\b"]
        {
            assert!(bad.parse::<PushContact>().is_err(), "{bad}");
        }
    }
}
