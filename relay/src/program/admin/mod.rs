//! `sotto-relay admin`: what an operator sees and does, in words or as JSON.

mod args;

pub use args::AdminArguments;

use super::{Failure, print};
use args::{AccountsCommand, AdminCommand, InviteCodesCommand, Person, QuotasCommand, RoomsCommand};
use serde::Serialize;
use serde_json::json;
use sotto_protocol::RoomId;
use sotto_relay::upkeep::{AccountSummary, Admin, AdminError, Quotas, Who};

/// Does what the arguments say.
pub async fn run(arguments: AdminArguments) -> Result<(), Failure> {
    let AdminArguments { settings, json, yes, command } = arguments;
    let admin = Admin::open(settings.to_config()).await.map_err(failure)?;
    let show = Show { json };
    let outcome = match command {
        AdminCommand::Accounts { command } => accounts(&admin, &show, yes, command).await,
        AdminCommand::Sessions { person, page } => {
            let who = person.who();
            let sessions = admin.sessions(who.as_ref(), page.after, page.limit).await.map_err(failure)?;
            show.list(&sessions, "account  session                           begun       used", |session| {
                let (number, id) = (session.account, &session.session);
                format!("{number:<8} {id:<33} {:<11} {}", session.created, session.used)
            });
            Ok(())
        }
        AdminCommand::InviteCodes { command } => invite_codes(&admin, &show, command).await,
        AdminCommand::Rooms { command } => rooms(&admin, &show, yes, command).await,
        AdminCommand::Quotas { command } => quotas(&admin, &show, command).await,
        AdminCommand::Stats => {
            let stats = admin.stats().await.map_err(failure)?;
            show.one(&stats, || {
                let lines = stats.named().into_iter().map(|(name, count)| format!("{count:>14}  {name}\n"));
                lines.collect()
            });
            Ok(())
        }
    };
    admin.close().await;
    outcome
}

async fn accounts(admin: &Admin, show: &Show, yes: bool, command: AccountsCommand) -> Result<(), Failure> {
    match command {
        AccountsCommand::List { page } => {
            let accounts = admin.accounts(page.after, page.limit).await.map_err(failure)?;
            show.list(&accounts, ACCOUNTS, account_line);
        }
        AccountsCommand::Show { person } => {
            let account = admin.account(&person.needed()?).await.map_err(failure)?;
            show.one(&account, || format!("{ACCOUNTS}\n{}\n", account_line(&account)));
        }
        AccountsCommand::Delete { person } => {
            let who = person.needed()?;
            let account = admin.account(&who).await.map_err(failure)?;
            confirmed(yes, &format!("account {} and all that the relay has of it", account.number))?;
            let deleted = admin.delete_account(&Who::Number(account.number)).await.map_err(failure)?;
            show.one(&json!({ "deleted": deleted }), || format!("account {} is deleted\n", deleted.number));
        }
        AccountsCommand::EndSessions { person } => {
            let ended = admin.end_sessions(&person.needed()?).await.map_err(failure)?;
            show.one(&json!({ "ended": ended }), || format!("{ended} sessions are ended\n"));
        }
    }
    Ok(())
}

async fn invite_codes(admin: &Admin, show: &Show, command: InviteCodesCommand) -> Result<(), Failure> {
    match command {
        InviteCodesCommand::Create { uses } => {
            let (code, handle) = admin.create_invite_code(uses).await.map_err(failure)?;
            let shown = json!({ "code": code.0, "handle": handle, "uses_left": uses });
            show.one(&shown, || format!("{}\n", code.0));
        }
        InviteCodesCommand::List => {
            let codes = admin.invite_codes().await.map_err(failure)?;
            show.list(&codes, "handle      uses left", |code| {
                format!("{:<11} {}", code.handle, code.uses_left)
            });
        }
        InviteCodesCommand::Revoke { code } => {
            admin.revoke_invite_code(&code).await.map_err(failure)?;
            show.one(&json!({ "revoked": true }), || "the code is good for nothing any more\n".to_owned());
        }
    }
    Ok(())
}

async fn rooms(admin: &Admin, show: &Show, yes: bool, command: RoomsCommand) -> Result<(), Failure> {
    match command {
        RoomsCommand::Show { room } => {
            let summary = admin.room(&room_id(&room)?).await.map_err(failure)?;
            show.one(&summary, || {
                let retention = summary.retention_s.map_or_else(
                    || "as the settings say".to_owned(),
                    |seconds| format!("{} days", seconds / (24 * 60 * 60)),
                );
                let last = summary.last_entry.as_deref().unwrap_or("none");
                format!(
                    "entries      {} ({} of them dropped), {} bytes, the last on {last}\n\
                     epoch        {} (of {})\nopen doors   {}\nretention    {retention}\n",
                    summary.entries,
                    summary.dropped,
                    summary.bytes,
                    summary.epoch,
                    summary.epochs,
                    summary.doors
                )
            });
        }
        RoomsCommand::Delete { room } => {
            let id = room_id(&room)?;
            let summary = admin.room(&id).await.map_err(failure)?;
            confirmed(yes, &format!("the room with its {} entries, for everybody in it", summary.entries))?;
            admin.delete_room(&id).await.map_err(failure)?;
            show.one(&json!({ "deleted": summary }), || "the room is deleted\n".to_owned());
        }
        RoomsCommand::Retention { room, days } => {
            let id = room_id(&room)?;
            let summary = admin.room(&id).await.map_err(failure)?;
            if let Some(days) = days.0.filter(|days| shortens(summary.retention_s, *days)) {
                confirmed(
                    yes,
                    &format!("all messages of the room that are older than {days} days, now and from now on"),
                )?;
            }
            admin.retain(&id, days.0).await.map_err(failure)?;
            show.one(&json!({ "retention_days": days.0 }), || match days.0 {
                Some(days) => format!("messages are kept {days} days\n"),
                None => "messages are kept as the settings say\n".to_owned(),
            });
        }
    }
    Ok(())
}

async fn quotas(admin: &Admin, show: &Show, command: QuotasCommand) -> Result<(), Failure> {
    if let QuotasCommand::Set { database_bytes, vault_records, vault_bytes, inbox_letters } = command {
        let change = |quotas: &mut Quotas| {
            for (quota, given) in [
                (&mut quotas.max_database_bytes, database_bytes),
                (&mut quotas.vault_max_records, vault_records),
                (&mut quotas.vault_max_bytes, vault_bytes),
                (&mut quotas.inbox_max_letters, inbox_letters),
            ] {
                if let Some(given) = given {
                    *quota = given.0;
                }
            }
        };
        admin.set_quotas(change).await.map_err(failure)?;
    }
    let quotas = admin.quotas().await.map_err(failure)?;
    show.one(&quotas, || {
        let shown =
            |quota: Option<u64>| quota.map_or_else(|| "no limit".to_owned(), |quota| quota.to_string());
        format!(
            "database bytes    {}\nvault records     {}\nvault bytes       {}\ninbox letters     {}\n",
            shown(quotas.max_database_bytes),
            shown(quotas.vault_max_records),
            shown(quotas.vault_max_bytes),
            shown(quotas.inbox_max_letters)
        )
    });
    Ok(())
}

/// How things are shown.
struct Show {
    json: bool,
}

impl Show {
    fn one(&self, value: &impl Serialize, text: impl FnOnce() -> String) {
        if self.json {
            // These are texts and numbers.
            print(&(serde_json::to_string(value).unwrap_or_default() + "\n"));
        } else {
            print(&text());
        }
    }

    fn list<T: Serialize>(&self, values: &[T], head: &str, line: impl Fn(&T) -> String) {
        self.one(&values, || values.iter().fold(format!("{head}\n"), |all, value| all + &line(value) + "\n"));
    }
}

const ACCOUNTS: &str = "number   id                                sessions  used        vault                 letters  findable";

fn account_line(account: &AccountSummary) -> String {
    let vault = format!("{} ({} bytes)", account.vault_records, account.vault_bytes);
    let used = account.used.as_deref().unwrap_or("never");
    let findable = if account.is_findable { "yes" } else { "no" };
    format!(
        "{:<8} {:<33} {:<9} {used:<11} {vault:<21} {:<8} {findable}",
        account.number, account.id, account.sessions, account.inbox_letters
    )
}

/// Whether messages go earlier than before.
fn shortens(retention_s: Option<i64>, days: u32) -> bool {
    retention_s.is_none_or(|before| i64::from(days) * 24 * 60 * 60 < before)
}

fn confirmed(yes: bool, what: &str) -> Result<(), Failure> {
    if yes {
        return Ok(());
    }
    Err(Failure::new(format!("this would delete {what}"), "say --yes to do it; it cannot be undone"))
}

fn room_id(text: &str) -> Result<RoomId, Failure> {
    let bytes = args::from_base16::<16>(text).map(RoomId::new);
    bytes.ok_or_else(|| failure(AdminError::NotFound("room")))
}

fn failure(error: AdminError) -> Failure {
    let help = error.help();
    Failure::new(error, help)
}

impl Person {
    fn who(&self) -> Option<Who> {
        let name = self.name.clone().map(Who::Name);
        name.or(self.number.map(Who::Number)).or(self.id.map(|id| Who::Id(id.0)))
    }

    fn needed(&self) -> Result<Who, Failure> {
        self.who().ok_or_else(|| Failure::new("no account is named", "name it with --name, --number or --id"))
    }
}
