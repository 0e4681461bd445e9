//! People who use their accounts while the relay dies: log-ins, passwords, vaults, letters; and what they were told.

use crate::client::{Person, ProvingPassword, SettingPassword, bearer};
use crate::support::random;
use sotto_protocol::account::{
    AccountError, AccountErrorCode, Acknowledge, Call, Deposit, EndSession, FinishLogin, FinishProof, Inbox,
    ListSessions, PutVault, ReadVault, ReplaceRecord, SessionToken, StartLogin, StartPassword, StartProof,
    StartRegister, VaultEntry, Which,
};
use sotto_protocol::limits::DIRECT_INVITE_BYTES;
use sotto_protocol::{decode, encode};
use sotto_test_services::Dice;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

const ANSWER: Duration = Duration::from_secs(20);
const PAUSE: Duration = Duration::from_millis(10);
/// The vault record that two devices race for.
const RACED: [u8; 32] = [99; 32];

/// Everybody, and what they were told.
pub struct Town {
    authority: String,
    has_faults: bool,
    people: Vec<Mutex<Citizen>>,
    newcomers: Mutex<Vec<Person>>,
    is_over: AtomicBool,
    next: AtomicU64,
    calls: AtomicUsize,
}

struct Citizen {
    person: Person,
    /// Version of the sealed record.
    record_version: u64,
    /// What each record of the vault was acknowledged to be.
    vault: BTreeMap<u8, (u64, Vec<u8>)>,
    /// Who wrote which version of the raced record.
    raced: BTreeMap<u64, Vec<u8>>,
    /// Letters that were acknowledged to be in the inbox, and were not taken out yet.
    letters: BTreeSet<u64>,
    /// Letters that were asked to be taken out, and those of which that was acknowledged.
    asked_out: BTreeSet<u64>,
    taken_out: BTreeSet<u64>,
}

impl Town {
    pub async fn found(authority: &str, count: usize, has_faults: bool) -> Self {
        let mut people = Vec::new();
        for index in 0..count {
            let person = Person::registered(authority, &format!("citizen{index}")).await;
            people.push(Mutex::new(Citizen {
                person,
                record_version: 1,
                vault: BTreeMap::new(),
                raced: BTreeMap::new(),
                letters: BTreeSet::new(),
                asked_out: BTreeSet::new(),
                taken_out: BTreeSet::new(),
            }));
        }
        Self {
            authority: authority.to_owned(),
            has_faults,
            people,
            newcomers: Mutex::default(),
            is_over: AtomicBool::new(false),
            next: AtomicU64::new(1),
            calls: AtomicUsize::new(0),
        }
    }

    pub fn end(&self) {
        self.is_over.store(true, Ordering::Release);
    }

    fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Acquire)
    }

    fn person(&self, index: usize) -> Person {
        self.people[index].lock().unwrap().person.clone()
    }

    fn note<T>(&self, index: usize, note: impl FnOnce(&mut Citizen) -> T) -> T {
        note(&mut self.people[index].lock().unwrap())
    }

    /// The answer that stays, and whether an earlier try may have done it already.
    async fn call<C: Call>(
        &self,
        token: Option<&SessionToken>,
        call: &C,
    ) -> (Result<C::Answer, AccountError>, bool) {
        let mut is_again = false;
        loop {
            match timeout(ANSWER, try_call(&self.authority, token, call)).await.ok().flatten() {
                Some(Err(error)) if error.code.is_passing() => {
                    let is_fault = error.code == AccountErrorCode::Internal;
                    assert!(self.has_faults || !is_fault, "a fault without a reason at {}", C::PATH);
                    is_again |= error.code != AccountErrorCode::TooMany;
                }
                Some(answer) => {
                    self.calls.fetch_add(1, Ordering::Relaxed);
                    return (answer, is_again);
                }
                None => is_again = true,
            }
            sleep(PAUSE).await;
        }
    }

    /// Logs in with that password; none where it is wrong.
    async fn log_in(&self, person: &Person) -> Option<Person> {
        loop {
            let (proving, request) = ProvingPassword::start(&person.password);
            let start = StartLogin { name: person.name.clone(), request };
            let (started, _) = self.call(None, &start).await;
            let started = started.unwrap();
            let confirmation = proving.finish((&person.relay, &self.authority), &started.response)?;
            let (logged_in, is_again) =
                self.call(None, &FinishLogin { state: started.state, confirmation }).await;
            match logged_in {
                Ok(logged_in) => {
                    let mut person = person.clone();
                    person.take(logged_in);
                    return Some(person);
                }
                // The first try was taken, and its answer lost.
                Err(error) if is_again && error.code == AccountErrorCode::LoginRefused => {}
                // The password was changed after the first step: that one is not the account's any more.
                Err(error) if error.code == AccountErrorCode::LoginRefused => return None,
                Err(error) => panic!("{error:?}"),
            }
        }
    }

    async fn prove(&self, person: &mut Person) {
        loop {
            let (proving, request) = ProvingPassword::start(&person.password);
            let started = self.call(Some(&person.token), &StartProof { request }).await.0.unwrap();
            let confirmation = proving
                .finish((&person.relay, &self.authority), &started.response)
                .expect("the password holds");
            let finish = FinishProof { state: started.state, confirmation };
            match self.call(Some(&person.token), &finish).await {
                (Ok(proven), _) => return person.proof = proven.proof,
                (Err(error), true) if error.code == AccountErrorCode::LoginRefused => {}
                (Err(error), _) => panic!("{error:?}"),
            }
        }
    }

    /// Looks after everything that was acknowledged. How many calls there were.
    pub async fn verify(&self) -> usize {
        for citizen in &self.people {
            let Citizen { person, vault, raced, letters, asked_out, taken_out, .. } = {
                let mut citizen = citizen.lock().unwrap();
                let person = citizen.person.clone();
                let empty = Citizen {
                    person,
                    record_version: 0,
                    vault: BTreeMap::new(),
                    raced: BTreeMap::new(),
                    letters: BTreeSet::new(),
                    asked_out: BTreeSet::new(),
                    taken_out: BTreeSet::new(),
                };
                std::mem::replace(&mut *citizen, empty)
            };
            assert!(person.call(&ListSessions {}).await.is_ok(), "the session holds");
            let again = self.log_in(&person).await.expect("the last password that was acknowledged holds");
            for (name, (version, value)) in vault {
                let stored = self.record(&again, [name; 32]).await.expect("a record is lost");
                assert_eq!((stored.version, stored.value), (version, value), "what was acknowledged");
            }
            let stored = self.record(&again, RACED).await;
            if let Some(last) = raced.last_key_value() {
                let stored = stored.expect("the raced record is lost");
                let is_later = stored.version > *last.0;
                assert!(is_later || (&stored.version, &stored.value) == last, "what the last winner wrote");
            }
            let there = self.inbox(&again).await;
            let there: BTreeMap<u64, usize> =
                there.into_iter().fold(BTreeMap::new(), |mut counts, (number, _)| {
                    *counts.entry(number).or_default() += 1;
                    counts
                });
            for number in letters {
                assert!(
                    there.contains_key(&number) || asked_out.contains(&number),
                    "letter {number} is lost"
                );
            }
            assert!(taken_out.iter().all(|number| !there.contains_key(number)), "a letter came back");
        }
        let newcomers = std::mem::take(&mut *self.newcomers.lock().unwrap());
        for person in newcomers.iter().rev().take(20) {
            assert!(self.log_in(person).await.is_some(), "an account is lost");
        }
        self.calls.load(Ordering::Relaxed)
    }

    async fn record(&self, person: &Person, name: [u8; 32]) -> Option<VaultEntry> {
        let read = ReadVault { names: vec![name.into()] };
        self.call(Some(&person.token), &read).await.0.unwrap().records.pop()
    }

    /// Number and id of each letter.
    async fn inbox(&self, person: &Person) -> Vec<(u64, [u8; 16])> {
        let letters = self.call(Some(&person.token), &Inbox {}).await.0.unwrap().letters;
        let number = |letter: &[u8]| u64::from_be_bytes(letter[..8].try_into().unwrap());
        letters.iter().map(|letter| (number(&letter.letter), letter.id)).collect()
    }
}

/// Somebody uses their account.
pub async fn live(town: Arc<Town>, index: usize, mut dice: Dice) {
    while !town.is_over() {
        match dice.below(12) {
            0..=3 => put(&town, index, &mut dice).await,
            4..=6 => deposit(&town, &mut dice).await,
            7 | 8 => read_letters(&town, index, &mut dice).await,
            9 => log_in_anew(&town, index).await,
            10 => change_password(&town, index).await,
            _ => register_somebody(&town).await,
        }
        sleep(Duration::from_millis(dice.below(20))).await;
    }
}

async fn put(town: &Town, index: usize, dice: &mut Dice) {
    let name = dice.below(3) as u8;
    let person = town.person(index);
    let version = town.note(index, |citizen| citizen.vault.get(&name).map_or(0, |(version, _)| *version)) + 1;
    let value = random::<60>().to_vec();
    let record = VaultEntry { name: [name; 32], version, value: value.clone() };
    match town.call(Some(&person.token), &PutVault { record }).await {
        (Ok(_), _) => {}
        // Nobody else writes it: it is ours that is there.
        (Err(error), true) if error == AccountError::conflict(version) => {}
        (Err(error), is_again) => panic!("version {version}: {error:?} ({is_again})"),
    }
    town.note(index, |citizen| citizen.vault.insert(name, (version, value)));
}

async fn deposit(town: &Town, dice: &mut Dice) {
    let to = dice.below(town.people.len() as u64) as usize;
    let number = town.next.fetch_add(1, Ordering::Relaxed);
    let mut letter = vec![7; DIRECT_INVITE_BYTES];
    letter[..8].copy_from_slice(&number.to_be_bytes());
    let account = town.person(to).account_id();
    match town.call(None, &Deposit { account, letter }).await.0 {
        Ok(_) => _ = town.note(to, |citizen| citizen.letters.insert(number)),
        Err(error) => assert_eq!(error.code, AccountErrorCode::InboxFull),
    }
}

async fn read_letters(town: &Town, index: usize, dice: &mut Dice) {
    let person = town.person(index);
    let (owed, settled, gone) = town.note(index, |citizen| {
        let owed: Vec<u64> = citizen.letters.difference(&citizen.asked_out).copied().collect();
        (owed, citizen.letters.clone(), citizen.taken_out.clone())
    });
    let there = town.inbox(&person).await;
    let numbers: BTreeSet<u64> = there.iter().map(|(number, _)| *number).collect();
    assert!(owed.iter().all(|number| numbers.contains(number)), "a letter is lost");
    assert!(numbers.is_disjoint(&gone), "a letter came back");
    // A letter whose acknowledgement was lost is there twice: both go.
    let out: BTreeSet<u64> = numbers.into_iter().filter(|_| !dice.one_in(4)).collect();
    let ids = there.iter().filter(|(number, _)| out.contains(number)).map(|(_, id)| (*id).into()).collect();
    town.note(index, |citizen| citizen.asked_out.extend(&out));
    town.call(Some(&person.token), &Acknowledge { ids }).await.0.unwrap();
    // Only those whose deposit had been acknowledged when the inbox was read: of another one there may be a second copy since.
    town.note(index, |citizen| citizen.taken_out.extend(out.intersection(&settled)));
}

async fn log_in_anew(town: &Town, index: usize) {
    let before = town.person(index);
    let after = town.log_in(&before).await.expect("the password holds");
    town.note(index, |citizen| citizen.person = after);
    let end = EndSession { which: Which::Own, proof: None };
    match town.call(Some(&before.token), &end).await {
        (Ok(_), _) => {}
        (Err(error), true) if error.code == AccountErrorCode::SessionNeeded => {}
        (Err(error), _) => panic!("{error:?}"),
    }
    let ended = town.call(Some(&before.token), &ListSessions {}).await.0;
    assert_eq!(ended.unwrap_err().code, AccountErrorCode::SessionNeeded, "an ended session came back");
}

async fn change_password(town: &Town, index: usize) {
    let mut person = town.person(index);
    town.prove(&mut person).await;
    let version = town.note(index, |citizen| citizen.record_version) + 1;
    let mut after = person.clone();
    after.password = format!("password {version} of {}", person.name);
    let (setting, request) = SettingPassword::start(&after.password);
    let start = StartPassword { proof: person.proof.clone(), request };
    let started = match town.call(Some(&person.token), &start).await.0 {
        Ok(started) => started,
        Err(error) => panic!("{error:?}"),
    };
    let replace = ReplaceRecord {
        proof: person.proof.clone(),
        record: after.record(version),
        login: Some(setting.finish(&after.relay, &started.response)),
        entry: None,
        end_others: false,
    };
    let is_changed = match town.call(Some(&person.token), &replace).await {
        (Ok(_), _) => true,
        // The first try has made the proof worthless, or somebody kept the relay from it.
        (Err(_), true) => town.log_in(&after).await.is_some(),
        (Err(error), false) => panic!("{error:?}"),
    };
    assert!(is_changed, "an answer that stays is either way");
    assert!(town.log_in(&person).await.is_none(), "the old password is worth nothing");
    town.note(index, |citizen| {
        citizen.person.password = after.password;
        citizen.record_version = version;
    });
}

async fn register_somebody(town: &Town) {
    let number = town.next.fetch_add(1, Ordering::Relaxed);
    // The relay that nobody can ask just now is the one that the others have asked.
    let nowhere = Person::nowhere(&town.authority, &format!("newcomer{number}"));
    let person = Person { relay: town.person(0).relay, ..nowhere };
    let (setting, request) = SettingPassword::start(&person.password);
    let start = StartRegister { name: person.name.clone(), request, code: None };
    let started = town.call(None, &start).await.0.unwrap();
    let login = setting.finish(&person.relay, &started.response);
    let registration = person.registration_with(login, &started);
    match town.call(None, &registration).await {
        (Ok(_), _) => {}
        (Err(error), true) if error.code == AccountErrorCode::NameUnavailable => {
            assert!(town.log_in(&person).await.is_some(), "the name is nobody else's");
        }
        (Err(error), _) => panic!("{error:?}"),
    }
    town.newcomers.lock().unwrap().push(person);
}

/// Two devices of one person race for one record.
pub async fn use_other_device(town: Arc<Town>, index: usize) {
    // The password may change meanwhile: then the next one holds.
    let log_in = async || loop {
        if let Some(device) = town.log_in(&town.person(index)).await {
            return device;
        }
    };
    let devices = [log_in().await, log_in().await];
    let race = |device: Person| {
        let town = Arc::clone(&town);
        async move {
            let mut known: u64 = 0;
            while !town.is_over() {
                let (version, value) = (known + 1, random::<40>().to_vec());
                let record = VaultEntry { name: RACED, version, value: value.clone() };
                let (outcome, is_again) = town.call(Some(&device.token), &PutVault { record }).await;
                let is_written = match outcome {
                    Ok(_) => true,
                    Err(error) => {
                        known = error.version.expect("a conflict");
                        // Perhaps by ourselves, unless the other one has come since.
                        let stored = if is_again { town.record(&device, RACED).await } else { None };
                        stored.is_some_and(|stored| stored.version == version && stored.value == value)
                    }
                };
                if is_written {
                    known = version;
                    let before = town.note(index, |citizen| citizen.raced.insert(version, value));
                    assert!(before.is_none(), "version {version} was written twice");
                }
                sleep(Duration::from_millis(25)).await;
            }
        }
    };
    let [one, other] = devices.map(race);
    tokio::join!(one, other);
}

/// The answer, or none where the relay goes away.
async fn try_call<C: Call>(
    authority: &str,
    token: Option<&SessionToken>,
    call: &C,
) -> Option<Result<C::Answer, AccountError>> {
    let body = encode(call);
    // Everybody comes from another place: limits by address are not what this is about.
    let [a, b, c] = random::<3>();
    let bearer = token.map_or_else(String::new, |token| format!("authorization: {}\r\n", bearer(token)));
    let head = format!(
        "POST {} HTTP/1.1\r\nhost: {authority}\r\ncontent-type: application/cbor\r\ncontent-length: {}\r\n\
         connection: close\r\nx-forwarded-for: 10.{a}.{b}.{c}\r\n{bearer}\r\n",
        C::PATH,
        body.len()
    );
    let mut stream = TcpStream::connect(authority).await.ok()?;
    stream.write_all(&[head.as_bytes(), &body].concat()).await.ok()?;
    let mut response = Vec::new();
    stream.read_to_end(&mut response).await.ok()?;
    let end = response.windows(4).position(|window| window == b"\r\n\r\n")?;
    let (head, body) = (std::str::from_utf8(&response[..end]).ok()?, &response[end + 4..]);
    let headers: HashMap<&str, &str> = head.split("\r\n").filter_map(|line| line.split_once(": ")).collect();
    if headers.get("content-length")?.parse() != Ok(body.len()) {
        return None;
    }
    Some(if head.starts_with("HTTP/1.1 200") {
        Ok(decode(body).unwrap())
    } else {
        Err(decode(body).unwrap())
    })
}
