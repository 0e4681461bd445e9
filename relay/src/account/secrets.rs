//! The relay's own secrets, in a file beside the database and not in it: whoever has the database alone can try neither
//! names nor passwords.

use super::identity::RelayIdentity;
use super::opaque::{Opaque, SETUP_BYTES, generate_setup};
use super::randomness::{keyed_hash, random};
use super::room_token::RoomTokens;
use crate::clock::Clock;
use crate::push::{PUSH_KEYS_BYTES, PushKeys};
use sotto_protocol::account::AccountErrorCode;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use zeroize::Zeroizing;

const FIRST_LINE: &[u8] = b"sotto-relay secrets 1\n";
/// The setup of OPAQUE, the key of names, the key of tokens, the keys of web push.
const BYTES: usize = SETUP_BYTES + 32 + 32 + PUSH_KEYS_BYTES;

/// Why there are none.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SecretsError {
    /// The file cannot be read or made.
    #[error("cannot use {}: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It is not such a file.
    #[error("{} is not a file of secrets", path.display())]
    Damaged {
        /// Which.
        path: PathBuf,
    },
    /// The database's accounts were made under other secrets.
    #[error("the accounts in the database belong to other secrets than those in {}", path.display())]
    Others {
        /// Which.
        path: PathBuf,
    },
    /// There is no file, and the database belongs to one.
    #[error("{} is not there, and the database belongs to secrets that were", path.display())]
    Missing {
        /// Which.
        path: PathBuf,
    },
    /// The database does not answer.
    #[error("the accounts in the database cannot be read")]
    Database,
}

impl SecretsError {
    /// What to do about it.
    pub(crate) fn help(&self) -> &'static str {
        match self {
            Self::File { .. } => "check the file's permissions and the disk's space",
            Self::Damaged { .. } | Self::Others { .. } | Self::Missing { .. } => {
                "restore relay.secrets from the backup that belongs to this database, or give all relays of one \
                 database the same file with --secrets; without it nobody can log in"
            }
            Self::Database => "check that the database server runs, or the disk and the file's permissions",
        }
    }
}

/// The secrets of a relay.
pub(super) struct Secrets {
    pub opaque: Opaque,
    names: Zeroizing<[u8; 32]>,
    tokens: Zeroizing<[u8; 32]>,
    pub push: Arc<PushKeys>,
}

impl Secrets {
    /// Those in the file; fresh ones where there is none.
    pub(super) fn open(path: &Path) -> Result<Self, SecretsError> {
        let failed = |source| SecretsError::File { path: path.to_owned(), source };
        let content = match read(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                make(path).map_err(failed)?;
                read(path).map_err(failed)?
            }
            other => other.map_err(failed)?,
        };
        Self::from_file(&content).ok_or_else(|| SecretsError::Damaged { path: path.to_owned() })
    }

    /// What the database remembers to know them again.
    pub(super) fn check_value(&self) -> [u8; 32] {
        keyed_hash(&self.names, &[b"sotto relay check"])
    }

    /// A name as the database keeps it.
    pub(super) fn name_hash(&self, name: &str) -> [u8; 32] {
        keyed_hash(&self.names, &[b"sotto relay name", name.as_bytes()])
    }

    /// An invite code as the database keeps it.
    pub(super) fn code_hash(&self, code: &str) -> [u8; 32] {
        keyed_hash(&self.names, &[b"sotto relay code", code.as_bytes()])
    }

    /// By which relays of one database know each other's hints.
    pub(super) fn hint_key(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(keyed_hash(&self.tokens, &[b"sotto relay hints"]))
    }

    /// What makes and checks room tokens.
    pub(super) fn room_tokens(&self, clock: Clock) -> Result<RoomTokens, AccountErrorCode> {
        RoomTokens::new(&self.tokens, clock)
    }

    /// Which relay this is.
    pub(super) fn identity(&self, tokens: &RoomTokens) -> Result<RelayIdentity, AccountErrorCode> {
        RelayIdentity::new(&self.tokens, tokens)
    }

    /// For what is sealed for the relay itself.
    pub(super) fn token_key(&self) -> &[u8; 32] {
        &self.tokens
    }

    fn from_file(content: &[u8]) -> Option<Self> {
        let bytes = content.strip_prefix(FIRST_LINE).filter(|bytes| bytes.len() == BYTES)?;
        let (setup, keys) = bytes.split_at_checked(SETUP_BYTES)?;
        let (names, keys) = keys.split_at_checked(32)?;
        let (tokens, push) = keys.split_at_checked(32)?;
        Some(Self {
            opaque: Opaque::from_setup(setup)?,
            names: Zeroizing::new(names.try_into().ok()?),
            tokens: Zeroizing::new(tokens.try_into().ok()?),
            push: Arc::new(PushKeys::from_file(push)?),
        })
    }
}

/// What the database remembers of the secrets in that file, which is only read.
///
/// # Errors
/// There is none, or it is damaged.
pub(crate) fn check_value_in(path: &Path) -> Result<[u8; 32], SecretsError> {
    let content = read(path).map_err(|source| SecretsError::File { path: path.to_owned(), source })?;
    let secrets = Secrets::from_file(&content);
    secrets
        .map(|secrets| secrets.check_value())
        .ok_or_else(|| SecretsError::Damaged { path: path.to_owned() })
}

fn read(path: &Path) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut content = Zeroizing::new(Vec::with_capacity(FIRST_LINE.len() + BYTES + 1));
    File::open(path)?.take((FIRST_LINE.len() + BYTES + 1) as u64).read_to_end(&mut content)?;
    Ok(content)
}

/// Makes the file whole or not at all; one that somebody else made meanwhile stays.
fn make(path: &Path) -> io::Result<()> {
    let no_randomness = |_| io::Error::other("the system gave no random bytes");
    let setup = generate_setup().map_err(no_randomness)?;
    let keys = Zeroizing::new(random::<64>().map_err(no_randomness)?);
    let push = PushKeys::generate().ok_or_else(|| io::Error::other("the system gave no random bytes"))?;
    let content = Zeroizing::new([FIRST_LINE, &setup, &keys[..], &push].concat());
    let unfinished = path.with_extension(format!("secrets.{}.new", std::process::id()));
    let mut file =
        OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&unfinished)?;
    file.write_all(&content)?;
    file.sync_all()?;
    let outcome = fs::hard_link(&unfinished, path);
    fs::remove_file(&unfinished)?;
    match outcome {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        other => other?,
    }
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => File::open(folder)?.sync_all(),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn secrets_are_made_once_for_their_owner_alone_and_stay() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("relay.secrets");
        let first = Secrets::open(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing unfinished stays");
        let again = Secrets::open(&path).unwrap();
        assert_eq!(first.name_hash("ada"), again.name_hash("ada"));
        assert_ne!(first.name_hash("ada"), first.name_hash("bob"));
        assert_ne!(first.name_hash("ada"), first.code_hash("ada"));
        assert_eq!(first.opaque.nobody(), again.opaque.nobody());
        assert_eq!(first.push.public(), again.push.public());
        let other = Secrets::open(&folder.path().join("other.secrets")).unwrap();
        assert_ne!(first.name_hash("ada"), other.name_hash("ada"));
    }

    #[test]
    fn a_damaged_file_is_refused_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("relay.secrets");
        for content in [&b""[..], b"sotto-relay secrets 1\n", &[0; 300], &[7; 20]] {
            fs::write(&path, content).unwrap();
            assert!(matches!(Secrets::open(&path), Err(SecretsError::Damaged { .. })));
            assert_eq!(fs::read(&path).unwrap(), content);
        }
    }
}
