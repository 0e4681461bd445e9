//! Accounts after a restore: what was ended since the copy stays ended.

use crate::client::{Person, call};
use crate::process::{Program, command};
use crate::support::database_url;
use sotto_protocol::account::{AccountErrorCode, EndSession, ListSessions, Which};
use std::path::Path;
use std::process::Command;

fn program(data: &Path, arguments: &[&str]) -> String {
    let mut program = Command::new(env!("CARGO_BIN_EXE_sotto-relay"));
    program.args(arguments).arg("--data").arg(data);
    program.envs(command(data, "127.0.0.1:0").get_envs().map(|(name, value)| (name, value.unwrap())));
    let output = program.output().unwrap();
    let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success(), "{text}");
    text
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restore_ends_all_sessions_and_says_what_it_revives() {
    let folders = tempfile::tempdir().unwrap();
    let [data, copy, back] = ["data", "copy", "back"].map(|name| folders.path().join(name));
    let relay = Program::start(&data);
    let mut ada = Person::registered(&relay.authority, "ada").await;
    let stolen = ada.log_in().await.unwrap();
    program(&data, &["backup", copy.to_str().unwrap()]);
    // Ended, and the password replaced, because another person had both.
    ada.prove().await;
    let end = EndSession { which: Which::One(stolen.session), proof: Some(ada.proof.clone()) };
    assert_eq!(ada.call(&end).await.unwrap().ended, 1);
    drop(relay);

    let elsewhere = tempfile::tempdir().unwrap();
    let mut restore = Command::new(env!("CARGO_BIN_EXE_sotto-relay"));
    restore.arg("restore").arg(&copy).arg("--data").arg(&back);
    let url = database_url(elsewhere.path());
    if let Some(url) = &url {
        restore.env("SOTTO_RELAY_DATABASE", url);
    }
    let restored = restore.output().unwrap();
    let said = String::from_utf8_lossy(&restored.stdout).into_owned();
    assert!(restored.status.success(), "{restored:?}");
    assert!(said.contains("All sessions are ended") && said.contains("is valid again"), "{said}");
    if let Some(url) = url {
        std::fs::write(back.join("test-database"), url).unwrap();
    }
    let relay = Program::start(&back);
    for before in [&stolen, &ada] {
        let listed = call(&relay.authority, Some(&before.token), &ListSessions {}).await;
        assert_eq!(listed.unwrap_err().code, AccountErrorCode::SessionNeeded);
    }
}
