//! A small real room, as its members wrote it: GroupInfo, commits, cards, doors, capsules, links, messages, rewind and repair.
//!
//! MLS draws its own randomness and looks at the clock, so a room is not made twice alike. The file is a recording: it stays as long
//! as readers take it and a room made anew has the same shape.

mod bad;
mod secrets;

use self::secrets::MlsSecrets;
use super::{
    ADA, Area, BOB, CLEO, CborMap, Change, NOW_MS, Person, Reader, Refused, With, diagnostic, hex, secret,
};
use serde_json::{Value, json};
use sotto_crypto::{
    Secret,
    identity::RoomFingerprint,
    link::{InviteLink, InviteSecret},
    message::{Content, Draft},
    room::{
        EpochSecrets, Handshake, History, Invite, JoinRequest, Joining, Past, Place, Publication, Room,
        RoomChange, Suite,
    },
    testing::{expand, next_past, observe, open_committed, open_entry, seal_message, wrap_secret},
};
use sotto_protocol::{Chain, EntryId, EntryKind, RoomId, encode, entry_hash};

/// Readers of this area.
pub const READERS: &[(&str, Reader)] =
    &[("GroupInfo", read_group_info), ("handshake", read_handshake), ("card of a link", read_card_of_link)];

/// The file of a room in the suite that is there by choice.
pub fn classical() -> Area {
    area("room-0001", Suite::Classical)
}

/// The file of a room in the suite that is there by default.
pub fn hybrid() -> Area {
    area("room-004e", Suite::Hybrid)
}

fn area(name: &'static str, suite: Suite) -> Area {
    let mut area =
        Area::new(name, "MLS; Rules of rooms, version 1; Doors, cards, capsules, links; Wedge and repair");
    let mut story = Story::begin(suite);
    story.epoch_0(&mut area);
    story.commits(&mut area, "the owner shares history (epoch 1)", &RoomChange::SetHistory(History::Shared));
    let invite = Invite::of_secret(&link_secret(), ADA.certificate().account(), None).unwrap();
    let change = RoomChange::AddInvite(Box::new(invite), NOW_MS);
    let invited = story.commits(&mut area, "the owner opens an invite (epoch 2)", &change);
    let joined = story.bob_joins(&mut area, &invited);
    story.confirms(&mut area, &joined);
    story.hands_history_on(&mut area);
    story.bob_speaks(&mut area);
    let bad = story.cleo_joins(&mut area, &joined.handshake);
    story.rewinds(&mut area, &bad);
    story.removes(&mut area);
    bad::cards_that_lie(&mut area, &story, &invited);
    // Rules know no suite, and a hybrid commit is long.
    if suite == Suite::Classical {
        bad::bad_joins(&mut area, &story);
    }
    area
}

fn link_secret() -> InviteSecret {
    InviteSecret::from_seed(secret(0x05))
}

fn members(roster: &sotto_crypto::room::Roster) -> Value {
    roster
        .iter()
        .map(|(leaf, entry)| {
            json!({
                "leaf": leaf, "account": hex(entry.account.as_bytes()), "device key": hex(entry.device_key),
                "display name": entry.display_name, "joined": entry.joined, "stay": hex(entry.stay), "updated": entry.updated, "door id": hex(entry.door.as_bytes()),
                "via": entry.via.map(|via| hex(via.as_bytes())),
            })
        })
        .collect()
}

fn seen(seen: &sotto_crypto::testing::Observed) -> Value {
    json!({
        "GroupContext": hex(&seen.context), "confirmation tag, with its length": hex(&seen.confirmation_tag),
        "room-state": diagnostic(&encode(&seen.state)), "members": members(&seen.roster),
    })
}

/// A joiner draws its own.
fn without_stays(mut members: Value) -> Value {
    for member in members.as_array_mut().unwrap() {
        member.as_object_mut().unwrap().remove("stay");
    }
    members
}

fn past_json(past: &Past) -> Value {
    json!({ "last": hex(past.last), "whole": hex(past.whole) })
}

fn read_group_info(_: &With<'_>, bytes: &[u8]) -> Result<Value, Refused> {
    Ok(seen(&observe(bytes, None)?))
}

fn read_handshake(with: &With<'_>, bytes: &[u8]) -> Result<Value, Refused> {
    let (room, epoch) = (RoomId::new(with.array("room")), with.number("epoch"));
    let kind = EntryKind::from_code(with.number("kind") as u8).unwrap();
    let (_, commit) = open_entry(&with.secret("handshake secret"), &room, kind, epoch, bytes)?;
    let past = with.at("past");
    let past = Past { last: past.array("last"), whole: past.array("whole") };
    Ok(seen(&observe(&with.bytes("GroupInfo"), Some((kind, &commit, past)))?))
}

fn read_card_of_link(with: &With<'_>, bytes: &[u8]) -> Result<Value, Refused> {
    let link = InviteLink::from_fragment(with.text("link"))?;
    let (wrap, epoch) = (with.bytes("wrap"), with.number("epoch"));
    let joining = JoinRequest { link: &link, card: bytes, wrap: &wrap, epoch, own: &CLEO.own() }.join()?;
    Ok(json!({
        "chain": [joining.chain.seq, hex(joining.chain.hash)], "door id": hex(joining.door.as_bytes()),
        "is the inviter there": joining.is_inviter_present, "members, the joiner included": without_stays(members(joining.room.roster())),
    }))
}

/// The room as its owner has it.
struct Story {
    suite: Suite,
    room: Room,
    chain: Chain,
    /// The epoch before the last one, as the owner had it.
    before: Option<Room>,
}

/// Somebody who came in.
struct Came {
    joining: Joining,
    handshake: Handshake,
    seq: u64,
}

impl Story {
    fn begin(suite: Suite) -> Self {
        let room = Room::create(suite, "Garden", &ADA.own()).unwrap();
        let chain = Chain::start(&room.id());
        Self { suite, room, chain, before: None }
    }

    fn epoch_0(&self, area: &mut Area) {
        area.value(
            "who takes part",
            json!({}),
            json!({
                "room": hex(self.room.id().as_bytes()), "the owner": ADA.to_json(), "a guest": BOB.to_json(),
                "another newcomer": CLEO.to_json(), "s of the invite": hex([0x05; 32]), "H_0": hex(self.chain.hash),
            }),
        );
        area.value("epoch 0, the owner alone", json!({}), self.epoch(&self.room));
    }

    /// Everything that an epoch has.
    fn epoch(&self, room: &Room) -> Value {
        let secrets = room.secrets().unwrap();
        let mls = MlsSecrets::of(room);
        mls.check(self.suite, room, &secrets);
        json!({
            "epoch": room.epoch(), "secrets": secrets_json(&secrets), "access key": hex(secrets.access_key().public()),
            "join key": hex(secrets.join_key().public()), "MLS": mls.to_json(),
            "epoch authenticator": hex(room.epoch_authenticator()),
            "room fingerprint at this point": {
                "seq": self.chain.seq, "H_seq": hex(self.chain.hash),
                "digits": RoomFingerprint::of(&room.id(), room.epoch(), &room.epoch_authenticator(), &self.chain).digits(),
            },
        })
    }

    fn append(&mut self, kind: EntryKind, entry: &[u8]) -> u64 {
        let seq = self.chain.seq + 1;
        self.chain = self.chain.then(seq, kind, &entry_hash(entry));
        seq
    }

    /// The owner commits a change, and merges it.
    fn commits(&mut self, area: &mut Area, name: &str, change: &RoomChange) -> Handshake {
        let before = self.again();
        let handshake = self.room.commit(change, self.chain).unwrap();
        self.append(handshake.kind, &handshake.entry);
        self.room.merge_pending().unwrap();
        self.published(area, name, &before, &handshake, &self.room);
        self.before = Some(before);
        handshake
    }

    /// The room as it stands, once more.
    fn again(&self) -> Room {
        Room::load(self.room.id(), ADA.device(), &self.room.save().unwrap()).unwrap()
    }

    /// A handshake: what went to the relay with it, and what is in that.
    fn published(&self, area: &mut Area, name: &str, before: &Room, handshake: &Handshake, after: &Room) {
        let (secrets, next) = (before.secrets().unwrap(), after.secrets().unwrap());
        let room = after.id();
        let (_, commit) =
            open_entry(secrets.handshake.seed(), &room, handshake.kind, before.epoch(), &handshake.entry)
                .unwrap();
        let card = open_card(&next, &room, &handshake.card);
        let info = group_info(&card);
        area.value(
            &format!("{name}: the handshake"),
            json!({ "epoch": before.epoch() }),
            json!({
                "entry": hex(&handshake.entry), "MLSMessage": hex(&*commit), "cut": handshake.cut,
                "published": published_json(&handshake.publication()), "history link": handshake.history.as_ref().map(hex),
                "access key": hex(handshake.access_key), "join key": hex(handshake.join_key), "card": diagnostic(&card),
            }),
        );
        area.value(&format!("{name}: the epoch"), json!({}), self.epoch(after));
        let gives = seen(&observe(&info, None).unwrap());
        area.read(&format!("{name}: the GroupInfo"), "GroupInfo", json!({}), &info, gives.clone());
        if let Some(known) = group_info_of(before) {
            let with = json!({
                "room": hex(room.as_bytes()), "kind": handshake.kind.code(), "epoch": before.epoch(),
                "handshake secret": hex(secrets.handshake.seed().expose()), "GroupInfo": hex(known),
                "past": past_json(&next_past(before)),
            });
            area.read(&format!("{name}: the entry"), "handshake", with, &handshake.entry, gives);
        }
        self.parts(area, name, &next, handshake, after);
        let place = |_| Place::Unknown;
        assert!(after.audit(&handshake.publication(), place).unwrap().is_empty(), "{name}");
    }

    /// The sealed parts, each by its own reader.
    fn parts(&self, area: &mut Area, name: &str, next: &EpochSecrets, handshake: &Handshake, after: &Room) {
        let (room, epoch) = (hex(after.id().as_bytes()), after.epoch());
        let card_key = expand::<32>(wrap_secret(next), b"sotto/1 card", &[]).unwrap();
        let with = json!({ "card key": hex(card_key.as_slice()), "room": room, "epoch": epoch });
        let card = open_card(next, &after.id(), &handshake.card);
        area.read(
            &format!("{name}: the card"),
            "card",
            with,
            &handshake.card,
            json!({ "shows": diagnostic(&card) }),
        );
        let door = ADA.own().door(&after.id()).unwrap();
        let own = handshake.doors.iter().find(|listed| listed.id == door).unwrap();
        let with = json!({ "seed": hex([ADA.door; 32]), "room": room, "epoch": epoch, "door id": hex(door.as_bytes()) });
        let gives = json!({ "card key": hex(card_key.as_slice()) });
        area.read(&format!("{name}: the owner's wrap"), "door's wrap", with, &own.wrap, gives);
        let capsule_key = expand::<32>(wrap_secret(next), b"sotto/1 capsule", &[]).unwrap();
        let context = [&after.id().as_bytes()[..], &epoch.to_be_bytes()].concat();
        let (key, sealed) = (Secret::new(*capsule_key), handshake.capsule.as_ref().unwrap());
        let record = open_committed(&key, b"sotto/1 capsule sealing", &context, sealed).unwrap();
        let with = json!({ "capsule key": hex(capsule_key.as_slice()), "room": room, "epoch": epoch });
        area.read(
            &format!("{name}: the capsule"),
            "capsule",
            with,
            sealed,
            json!({ "shows": diagnostic(&record) }),
        );
        let tag = after.own_capsule_tag().unwrap();
        let wrap = handshake.capsule_wraps.iter().find(|wrap| wrap.tag == tag).unwrap();
        let with = json!({
            "recovery seed": hex([ADA.recovery.unwrap(); 32]), "room": room, "epoch": epoch, "tag": hex(tag),
        });
        let gives = json!({ "capsule key": hex(capsule_key.as_slice()) });
        area.read(
            &format!("{name}: the owner's wrap of the capsule"),
            "capsule's wrap",
            with,
            &wrap.wrap,
            gives,
        );
        if let Some(link) = &handshake.history {
            linked(area, &format!("{name}: the history link"), next, after, epoch - 1, link);
        }
    }

    fn bob_joins(&mut self, area: &mut Area, invited: &Handshake) -> Came {
        let name = "a guest comes in by the link (epoch 3)";
        let came = self.joins(area, name, &BOB, invited);
        let (_, joining) = (&came.handshake, &came.joining);
        assert_eq!(
            joining.room.secrets().unwrap(),
            self.room.secrets().unwrap(),
            "all have the same secrets"
        );
        came
    }

    fn joins(&mut self, area: &mut Area, name: &str, who: &Person, opened: &Handshake) -> Came {
        let (room, epoch) = (self.room.id(), self.room.epoch());
        let link = InviteLink { room, secret: link_secret(), inviter: ADA.certificate().account(), epoch: 2 };
        let door = link.door().unwrap();
        let wrap = &opened.doors.iter().find(|listed| listed.id == door).unwrap().wrap;
        let own = who.own();
        let joining = JoinRequest { link: &link, card: &opened.card, wrap, epoch, own: &own }.join().unwrap();
        let with = json!({ "link": link.to_fragment().as_str(), "wrap": hex(wrap), "epoch": epoch });
        let gives = read_card_of_link(&With(&with), &opened.card).unwrap();
        let case = format!("{name}: the card behind the link, as another newcomer reads it");
        area.read(&case, "card of a link", with, &opened.card, gives);
        area.refuse_changed(&case, Change::Xor(60, 1), "a bit of the card is flipped");
        area.refuse_with(&case, "epoch", epoch + 1, "the relay says that it is of another epoch");
        let other = InviteLink { epoch: epoch + 1, ..link.clone() };
        area.refuse_with(&case, "link", other.to_fragment().as_str(), "the card is older than the link");
        let handshake = joining.handshake.clone();
        let before = self.again();
        let staged = self.room.stage(handshake.kind, &handshake.entry, &handshake.access_key).unwrap();
        self.room.merge(staged).unwrap();
        let seq = self.append(handshake.kind, &handshake.entry);
        self.published(area, name, &before, &handshake, &self.room);
        self.before = Some(before);
        Came { joining, handshake, seq }
    }

    fn confirms(&self, area: &mut Area, came: &Came) {
        let confirm = self.room.confirm(came.seq, &entry_hash(&came.handshake.entry)).unwrap().unwrap();
        let key = self.before.as_ref().unwrap().secrets().unwrap().access_key().public();
        let with = json!({
            "room": hex(self.room.id().as_bytes()), "seq": came.seq, "entry": hex(&came.handshake.entry), "key": hex(key),
        });
        let statement =
            sotto_protocol::confirm_statement(&self.room.id(), came.seq, &entry_hash(&came.handshake.entry));
        let gives = json!({ "statement": hex(statement) });
        area.read(
            "the owner confirms the guest's join",
            "confirm statement",
            with,
            &confirm.signature,
            gives,
        );
    }

    /// What the joiner could not make: the repair of the history link.
    fn hands_history_on(&self, area: &mut Area) {
        let link = self.room.history_link().unwrap().unwrap();
        let secrets = self.room.secrets().unwrap();
        linked(
            area,
            "the owner adds the history link beside the join",
            &secrets,
            &self.room,
            self.room.epoch() - 1,
            &link,
        );
        assert_eq!(self.room.audit_history(Some(&link)).unwrap(), None);
        let again = self.room.republish(self.chain).unwrap();
        assert!(self.room.audit(&again, |_| Place::Hash(self.chain.hash)).unwrap().is_empty());
        area.value(
            "the owner publishes epoch 3 again (repair)",
            json!({ "chain": [self.chain.seq, hex(self.chain.hash)] }),
            json!({ "published": published_json(&again), "history link": hex(&link) }),
        );
    }

    fn bob_speaks(&mut self, area: &mut Area) {
        let secrets = self.room.secrets().unwrap();
        let content = Content::text("hello, garden").encode().unwrap();
        let (leaf, room, epoch) = (1, self.room.id(), self.room.epoch());
        let draft = Draft { leaf, id: [0x33; 16], sent_at_ms: NOW_MS, chain: self.chain, content: &content };
        let id = EntryId::new([0x22; 16]);
        let entry = seal_message(&secrets.message, &BOB.device(), &room, epoch, &draft, id).unwrap();
        let with = json!({
            "message secret": hex(secrets.message.seed().expose()), "room": hex(room.as_bytes()), "epoch": epoch,
            "roster": [
                { "leaf": 0, "device key": hex(ADA.device().public()) },
                { "leaf": 1, "device key": hex(BOB.device().public()) },
            ],
        });
        let gives = json!({
            "entry id": hex(id.as_bytes()), "device key": hex(BOB.device().public()), "message id": hex([0x33; 16]),
            "sent at": NOW_MS, "chain": [self.chain.seq, hex(self.chain.hash)], "content": hex(&content),
        });
        area.read("the guest says something", "message", with, &entry, gives);
        self.append(EntryKind::Message, &entry);
    }

    fn cleo_joins(&mut self, area: &mut Area, opened: &Handshake) -> Came {
        self.joins(area, "another newcomer comes in (epoch 4)", &CLEO, opened)
    }

    /// The owner goes back to the epoch before the last join, by either key.
    fn rewinds(&mut self, area: &mut Area, bad: &Came) {
        let before = self.before.take().unwrap();
        let hash = entry_hash(&bad.handshake.entry);
        let admin = ADA.own().admin_key(&before.id()).unwrap();
        for (name, key) in [("by access key", None), ("by room-admin key", Some(&admin))] {
            let (rewind, published) = before.make_rewind(bad.seq, &hash, key, self.chain).unwrap();
            let bytes = rewind.to_bytes();
            let gives = json!({
                "statement": hex(rewind.statement(&before.id())), "signer": hex(rewind.signer()),
                "entry id": hex(sotto_protocol::Rewind::entry_id(&bytes).as_bytes()),
            });
            let with = json!({ "room": hex(before.id().as_bytes()) });
            area.read(&format!("the owner voids the last join {name}"), "rewind", with, &bytes, gives);
            area.value(
                &format!("what goes with the rewind {name}"),
                json!({ "bad entry": hex(&bad.handshake.entry), "rewind": diagnostic(&bytes) }),
                json!({ "published": published_json(&published) }),
            );
            if key.is_none() {
                self.append(EntryKind::Rewind, &bytes);
            }
        }
        self.room = before;
    }

    fn removes(&mut self, area: &mut Area) {
        let change = RoomChange::RemoveMember(BOB.certificate().account(), None);
        let handshake = self.commits(area, "the owner removes the guest (epoch 4 again)", &change);
        assert!(handshake.cut, "nobody signed that they leave");
    }
}

fn linked(area: &mut Area, name: &str, next: &EpochSecrets, room: &Room, epoch: u64, link: &[u8]) {
    let with = json!({
        "next message secret": hex(next.message.seed().expose()), "room": hex(room.id().as_bytes()), "epoch": epoch,
    });
    let record = sotto_crypto::testing::read_history_link(&next.message, &room.id(), epoch, link).unwrap();
    area.read(name, "history link", with, link, json!({ "shows": diagnostic(&record) }));
}

fn secrets_json(secrets: &EpochSecrets) -> Value {
    json!({
        "message": hex(secrets.message.seed().expose()), "handshake": hex(secrets.handshake.seed().expose()),
        "access": hex(secrets.access.seed().expose()), "join": hex(secrets.join.seed().expose()),
        "status": hex(secrets.status.seed().expose()), "wrap": hex(wrap_secret(secrets).expose()),
    })
}

/// What is published for an epoch. Of what the cases below have whole, or everybody computes, the hashes are enough.
fn published_json(published: &Publication) -> Value {
    let hashed = |bytes: &Vec<u8>| hex(entry_hash(bytes));
    let doors: Vec<_> = published
        .doors
        .iter()
        .map(|door| {
            json!({ "id": hex(door.id.as_bytes()), "SHA-256 of the wrap": hashed(&door.wrap), "key": hex(door.key) })
        })
        .collect();
    let wraps: Vec<_> = published
        .capsule_wraps
        .iter()
        .map(|wrap| json!({ "tag": hex(wrap.tag), "SHA-256 of the wrap": hashed(&wrap.wrap) }))
        .collect();
    json!({
        "SHA-256 of the card": hashed(&published.card), "doors": doors,
        "SHA-256 of the capsule": published.capsule.as_ref().map(hashed), "capsule wraps": wraps,
        "room-admin keys": published.admin_keys.iter().map(hex).collect::<Vec<_>>(),
    })
}

fn open_card(secrets: &EpochSecrets, room: &RoomId, sealed: &[u8]) -> Vec<u8> {
    let key = Secret::new(*expand::<32>(wrap_secret(secrets), b"sotto/1 card", &[]).unwrap());
    open_committed(&key, b"sotto/1 card sealing", room.as_bytes(), sealed).unwrap().to_vec()
}

fn group_info(card: &[u8]) -> Vec<u8> {
    CborMap::read(card).bytes(1)
}

/// The GroupInfo that a member writes of its epoch; none for epoch 0, which has no card.
fn group_info_of(room: &Room) -> Option<Vec<u8>> {
    (room.epoch() > 0).then(|| {
        let published = room.republish(Chain::start(&room.id())).unwrap();
        group_info(&open_card(&room.secrets().unwrap(), &room.id(), &published.card))
    })
}
