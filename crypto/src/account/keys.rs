//! An account's keys: which there are, what each is for, and which a device may keep.

use super::AccountDevice;
use crate::{
    CryptoError, DeviceKey, Secret,
    identity::{AccountId, Certificate, CertificateRequest, DeviceList, IdentityKey},
    room::OwnDevice,
    secret::{generated_secret, secret_type},
    wrap::WrapKey,
};
use core::fmt;
use minicbor::{Decode, Encode};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

/// Most recovery keys that an account remembers, the present one not counted.
pub(super) const PREVIOUS_RECOVERY_KEYS_MAX: usize = 64;

/// Most vault keys of before that an account remembers until its vault is written anew.
pub(super) const VAULT_KEYS_BEFORE_MAX: usize = 8;

/// For keys to which something is sealed.
macro_rules! wrap_key {
    ($name:ident) => {
        impl $name {
            /// The public X-Wing key: 1,216 bytes.
            #[must_use]
            pub fn public(&self) -> Vec<u8> {
                self.wrap_key().public()
            }

            /// SHA-256 of the public key.
            #[must_use]
            pub fn public_hash(&self) -> [u8; 32] {
                Sha256::digest(self.public()).into()
            }

            /// The private X-Wing key.
            pub(crate) fn wrap_key(&self) -> WrapKey {
                WrapKey::from_seed(&self.0)
            }
        }
    };
}

secret_type!(
    /// Opens capsules and direct invites (X-Wing). In the sealed record alone.
    RecoveryKey
);
generated_secret!(RecoveryKey);
wrap_key!(RecoveryKey);
secret_type!(
    /// Opens the account's doors (X-Wing). On every device of the account, and in the vault.
    DoorKey
);
generated_secret!(DoorKey);
wrap_key!(DoorKey);
secret_type!(
    /// Names and seals the account's vault records; 32 bytes. On every device of the account.
    VaultKey
);
generated_secret!(VaultKey);

/// All private keys of an account. They live in the sealed record; a device holds them in memory for as long as somebody
/// logs in, changes the password or adds a device, and then drops them.
#[derive(Clone)]
pub struct AccountKeys {
    pub(super) identity: IdentityKey,
    pub(super) recovery: RecoveryKey,
    pub(super) generation: u32,
    /// The oldest first.
    pub(super) previous: Vec<RecoveryKey>,
    pub(super) vault: VaultKey,
    pub(super) door: DoorKey,
    /// Rises with each change of vault and door key.
    pub(super) device_keys: u32,
    /// Under which the vault is not yet written anew, the latest last.
    pub(super) vaults_before: Vec<VaultKey>,
    /// Which devices are left; `None` while none was ever removed.
    pub(super) devices: Option<DeviceList>,
    /// Of a program: the account that answers for it.
    pub(super) operator: Option<AccountId>,
}

/// What opens direct invites: the recovery keys, the present one first, and whose they are.
#[derive(Clone)]
pub struct RecoveryKeys {
    pub(super) account: AccountId,
    pub(super) keys: Vec<RecoveryKey>,
}

impl AccountKeys {
    /// The keys of a new account.
    ///
    /// # Errors
    /// [`CryptoError::NoRandomness`].
    pub fn generate() -> Result<Self, CryptoError> {
        Self::register(IdentityKey::generate()?)
    }

    /// Makes a guest's identity an account: the same identity, generation 1, all other keys fresh. From then on the
    /// device forgets the identity key.
    ///
    /// # Errors
    /// [`CryptoError::NoRandomness`].
    pub fn register(guest: IdentityKey) -> Result<Self, CryptoError> {
        Ok(Self {
            identity: guest,
            recovery: RecoveryKey::generate()?,
            generation: 1,
            previous: Vec::new(),
            vault: VaultKey::generate()?,
            door: DoorKey::generate()?,
            device_keys: 1,
            vaults_before: Vec::new(),
            devices: None,
            operator: None,
        })
    }

    /// The keys of a program's account: every certificate says so, and who answers for it. That never changes.
    ///
    /// # Errors
    /// [`CryptoError::NoRandomness`].
    pub fn generate_for_program(operator: AccountId) -> Result<Self, CryptoError> {
        Ok(Self { operator: Some(operator), ..Self::generate()? })
    }

    /// Whose keys they are.
    #[must_use]
    pub fn account(&self) -> AccountId {
        AccountId::of(&self.identity.public())
    }

    /// The identity public key: 32 bytes.
    #[must_use]
    pub fn identity_public(&self) -> [u8; 32] {
        self.identity.public()
    }

    /// Rises with each change of the recovery key; 1 at first.
    #[must_use]
    pub const fn generation(&self) -> u32 {
        self.generation
    }

    /// The recovery key of the present generation.
    #[must_use]
    pub const fn recovery(&self) -> &RecoveryKey {
        &self.recovery
    }

    /// All recovery keys, the present one first: old capsules are sealed to old ones.
    pub fn recovery_keys(&self) -> impl Iterator<Item = &RecoveryKey> {
        core::iter::once(&self.recovery).chain(self.previous.iter().rev())
    }

    /// The recovery keys alone, for what opens direct invites: the identity key is not needed there.
    #[must_use]
    pub fn recovery_keys_alone(&self) -> RecoveryKeys {
        RecoveryKeys { account: self.account(), keys: self.recovery_keys().cloned().collect() }
    }

    /// Rises with each change of vault and door key, after a device was removed; 1 at first.
    #[must_use]
    pub const fn device_keys(&self) -> u32 {
        self.device_keys
    }

    /// Which devices are left; `None` while none was ever removed.
    #[must_use]
    pub const fn devices(&self) -> Option<&DeviceList> {
        self.devices.as_ref()
    }

    /// Vault keys under which records may still be that are not yet written anew under the present one, the latest last: a device that
    /// broke off may have left some. Any device of the account goes on.
    #[must_use]
    pub fn vaults_before(&self) -> &[VaultKey] {
        &self.vaults_before
    }

    /// States that a device is the account's.
    ///
    /// # Errors
    /// [`CryptoError::Malformed`] where the name cannot be used.
    pub fn certify(
        &self,
        device_key: [u8; 32],
        display_name: &str,
        not_before_ms: u64,
    ) -> Result<Certificate, CryptoError> {
        let request = CertificateRequest {
            device_key,
            recovery_key_hash: Some(self.recovery.public_hash()),
            display_name,
            generation: self.generation,
            not_before_ms,
            operator: self.operator,
            devices: self.devices,
        };
        Certificate::issue(&self.identity, request)
    }

    /// What a device of the account keeps at rest.
    #[must_use]
    pub fn device_secrets(&self, device: DeviceKey) -> DeviceSecrets {
        DeviceSecrets { account: self.account(), device, vault: self.vault.clone(), door: self.door.clone() }
    }

    /// The same keys with a fresh recovery key, one generation on. The old one is kept for old capsules.
    pub(super) fn with_new_recovery_key(&self) -> Result<Self, CryptoError> {
        if self.previous.len() >= PREVIOUS_RECOVERY_KEYS_MAX {
            return Err(CryptoError::OverLimit {
                what: "recovery keys",
                actual: self.previous.len() + 1,
                max: PREVIOUS_RECOVERY_KEYS_MAX,
            });
        }
        self.with_fresh_recovery_key()
    }

    /// The same where it cannot wait: the oldest of the old ones makes room, and what is sealed to that one opens no more.
    pub(super) fn with_fresh_recovery_key(&self) -> Result<Self, CryptoError> {
        let mut next = self.clone();
        next.previous.push(self.recovery.clone());
        let surplus = next.previous.len().saturating_sub(PREVIOUS_RECOVERY_KEYS_MAX);
        next.previous.drain(..surplus);
        next.recovery = RecoveryKey::generate()?;
        next.generation = self.generation.checked_add(1).ok_or(CryptoError::Malformed("generation"))?;
        Ok(next)
    }

    /// The same keys with a fresh vault key and a fresh door key: those that a removed device knew are worth nothing. `staying` are the
    /// keys of the devices that the account has left: certificates of before are not of its latest list any more.
    pub(super) fn with_new_device_keys(&self, staying: &[[u8; 32]]) -> Result<Self, CryptoError> {
        let device_keys = self.device_keys.checked_add(1).ok_or(CryptoError::Malformed("device keys"))?;
        let mut next = self.without_devices(staying)?;
        next.vaults_before.push(self.vault.clone());
        let surplus = next.vaults_before.len().saturating_sub(VAULT_KEYS_BEFORE_MAX);
        next.vaults_before.drain(..surplus);
        Ok(Self { vault: VaultKey::generate()?, door: DoorKey::generate()?, device_keys, ..next })
    }

    /// The same keys, and a list of devices that has only these left.
    pub(super) fn without_devices(&self, staying: &[[u8; 32]]) -> Result<Self, CryptoError> {
        let devices = DeviceList::after_removal(self.devices.as_ref(), self.account().as_bytes(), staying);
        let devices = Some(devices.ok_or(CryptoError::Malformed("list of devices"))?);
        Ok(Self { devices, ..self.clone() })
    }
}

impl fmt::Debug for RecoveryKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecoveryKeys").field("account", &self.account).finish_non_exhaustive()
    }
}

impl fmt::Debug for AccountKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccountKeys")
            .field("account", &self.account())
            .field("generation", &self.generation)
            .finish_non_exhaustive()
    }
}

/// What a device of an account keeps at rest: neither identity nor recovery key.
#[derive(Debug, Clone)]
pub struct DeviceSecrets {
    /// Whose device it is: a record of the vault, which any device of the account could write, does not make it another's.
    pub account: AccountId,
    /// Signs leaf, commits and messages.
    pub device: DeviceKey,
    /// Names and seals the vault's records.
    pub vault: VaultKey,
    /// Opens the account's doors.
    pub door: DoorKey,
}

#[derive(Encode, Decode)]
#[cbor(map)]
struct StoredDeviceSecrets {
    #[n(0)]
    device: Secret,
    #[n(1)]
    vault: VaultKey,
    #[n(2)]
    door: DoorKey,
    #[n(3)]
    account: AccountId,
}

impl DeviceSecrets {
    /// As they are stored, to be sealed under the storage key.
    #[must_use]
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        sotto_protocol::encode_secret(&StoredDeviceSecrets {
            device: self.device.seed(),
            vault: self.vault.clone(),
            door: self.door.clone(),
            account: self.account,
        })
    }

    /// The device as it makes and joins rooms.
    ///
    /// # Errors
    /// [`CryptoError::BadKey`] where account, certificate, device and recovery key do not belong together.
    pub fn own_device(
        &self,
        certificate: Certificate,
        recovery_public: Vec<u8>,
    ) -> Result<OwnDevice, CryptoError> {
        let device = AccountDevice::checked(certificate.as_bytes(), recovery_public, &self.account)?;
        if *certificate.device_key() != self.device.public() {
            return Err(CryptoError::BadKey);
        }
        Ok(OwnDevice {
            certificate,
            device: self.device.clone(),
            vault_key: self.vault.clone(),
            door_key: self.door.clone(),
            recovery_key: Some(device.recovery_public),
        })
    }

    /// Reads what was stored.
    ///
    /// # Errors
    /// [`CryptoError::Malformed`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, CryptoError> {
        let stored: StoredDeviceSecrets =
            sotto_protocol::decode(bytes).map_err(|_| CryptoError::Malformed("device secrets"))?;
        Ok(Self {
            account: stored.account,
            device: DeviceKey::from_seed(&stored.device),
            vault: stored.vault,
            door: stored.door,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guest_who_registers_stays_the_same_person() {
        let guest = IdentityKey::generate().unwrap();
        let account = AccountId::of(&guest.public());
        let keys = AccountKeys::register(guest).unwrap();
        assert_eq!((keys.account(), keys.generation()), (account, 1));
        let device = DeviceKey::generate().unwrap();
        let certificate = keys.certify(device.public(), "Ada", 1).unwrap();
        assert_eq!(
            (certificate.account(), certificate.is_guest(), certificate.generation()),
            (account, false, 1)
        );
        assert_eq!(certificate.device_key(), &device.public());
    }

    #[test]
    fn a_new_recovery_key_raises_the_generation_and_keeps_the_old_ones() {
        let first = AccountKeys::generate().unwrap();
        let third = first.with_new_recovery_key().unwrap().with_new_recovery_key().unwrap();
        assert_eq!((third.generation(), third.recovery_keys().count()), (3, 3));
        assert_eq!(third.recovery_keys().last(), Some(first.recovery()));
        assert_ne!(third.recovery(), first.recovery());
        assert_eq!(third.account(), first.account());
        let mut keys = first;
        for _ in 0..PREVIOUS_RECOVERY_KEYS_MAX {
            keys = keys.with_new_recovery_key().unwrap();
        }
        assert!(matches!(keys.with_new_recovery_key(), Err(CryptoError::OverLimit { .. })));
        let after_leak = keys.with_fresh_recovery_key().unwrap();
        assert_eq!(after_leak.recovery_keys().count(), PREVIOUS_RECOVERY_KEYS_MAX + 1);
        assert_ne!(after_leak.recovery(), keys.recovery());
    }

    #[test]
    fn device_secrets_survive_and_hold_no_key_of_the_record() {
        let keys = AccountKeys::generate().unwrap();
        let secrets = keys.device_secrets(DeviceKey::generate().unwrap());
        let bytes = secrets.to_bytes();
        let read = DeviceSecrets::from_bytes(&bytes).unwrap();
        assert_eq!((read.vault, read.door), (secrets.vault.clone(), secrets.door.clone()));
        assert_eq!(read.device.public(), secrets.device.public());
        for private in [keys.identity.seed(), keys.recovery.seed().clone()] {
            assert!(!bytes.windows(32).any(|window| window == private.expose()));
        }
        assert!(DeviceSecrets::from_bytes(&bytes[1..]).is_err());
    }

    #[test]
    fn a_device_enters_rooms_only_with_a_certificate_and_a_recovery_key_that_are_its_own() {
        let keys = AccountKeys::generate().unwrap();
        let secrets = keys.device_secrets(DeviceKey::generate().unwrap());
        let certificate = keys.certify(secrets.device.public(), "Ada", 1).unwrap();
        let public = keys.recovery().public();
        assert!(secrets.own_device(certificate.clone(), public.clone()).is_ok());
        let other = keys.device_secrets(DeviceKey::generate().unwrap());
        assert_eq!(other.own_device(certificate.clone(), public).err(), Some(CryptoError::BadKey));
        let public = RecoveryKey::generate().unwrap().public();
        assert_eq!(secrets.own_device(certificate, public).err(), Some(CryptoError::BadKey));
    }

    #[test]
    fn debug_shows_no_secret() {
        let identity = IdentityKey::from_seed(&Secret::new([0x41; 32]));
        let keys = AccountKeys::register(identity).unwrap();
        assert_eq!(format!("{keys:?}"), "AccountKeys { account: AccountId(9a92…), generation: 1, .. }");
        assert_eq!(
            format!("{:?}", keys.device_secrets(DeviceKey::generate().unwrap())),
            "DeviceSecrets { account: AccountId(9a92…), device: DeviceKey(…), vault: VaultKey(…), door: DoorKey(…) }"
        );
        assert_eq!(format!("{:?}", keys.recovery()), "RecoveryKey(…)");
    }
}
