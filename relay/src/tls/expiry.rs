//! Until when a certificate is good.

use rustls::pki_types::{CertificateDer, UnixTime};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use webpki::{EndEntityCert, Error, KeyUsage};

/// With fewer days left an operator should know: who renews in time never has so few.
const SHORT_DAYS: i64 = 7;
const DAY_S: i64 = 24 * 60 * 60;

/// How many days a certificate is still good for; less than none where it has ended. Nothing where it cannot be read.
pub(crate) fn days_left(certificate: &CertificateDer<'_>) -> Option<i64> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?.as_secs();
    let ends = i64::try_from(ends_at(certificate)?).ok()?;
    Some((ends - i64::try_from(now).ok()?).div_euclid(DAY_S))
}

/// Whether so many days are few.
pub(crate) const fn is_short(days: i64) -> bool {
    days < SHORT_DAYS
}

/// In seconds since 1970. A verification in a time when no certificate is good fails, and says since when.
fn ends_at(certificate: &CertificateDer<'_>) -> Option<u64> {
    const YEAR_9999: Duration = Duration::from_secs(253_402_300_000);
    let time = UnixTime::since_unix_epoch(YEAR_9999);
    let certificate = EndEntityCert::try_from(certificate).ok()?;
    let verified = certificate.verify_for_usage(&[], &[], &[], time, KeyUsage::server_auth(), None, None);
    match verified.err()? {
        Error::CertExpired { not_after, .. } => Some(not_after.as_secs()),
        _ => None,
    }
}
