//! The description of the HTTP part, and the relay as it is: they say the same, and schemathesis finds nothing that contradicts.

use crate::client::*;
use crate::support::TestRelay;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sotto_test_services::find_python_tool;
use std::path::Path;
use std::process::Command;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn schemathesis_finds_no_fault_in_the_answers_to_anybody() {
    let relay = TestRelay::start_with(|config| config.accounts.rates = sotto_relay::Rates::unlimited()).await;
    // Without a session those are all refused alike: some are enough.
    let left_out = "/v1/account/(vault|inbox|proof|password|record|findable|sessions/add)";
    run_schemathesis(&relay.authority(), &["--exclude-path-regex", left_out]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn schemathesis_finds_no_fault_in_the_answers_to_a_session() {
    let relay = TestRelay::start_with(|config| config.accounts.rates = sotto_relay::Rates::unlimited()).await;
    let person = Person::registered(&relay.authority(), "ada").await;
    let token = format!("Authorization: Bearer {}", URL_SAFE_NO_PAD.encode(person.token.expose()));
    // Those two would end the session, or give it another token.
    let only = "/v1/account/(?!sessions/(end|refresh)|register|login|recovery)";
    run_schemathesis(&relay.authority(), &["--header", &token, "--include-path-regex", only]).await;
    assert!(person.call(&sotto_protocol::account::ListVault {}).await.is_ok(), "the session is still good");
}

async fn run_schemathesis(authority: &str, more: &[&str]) {
    let tool = find_python_tool("schemathesis");
    let tool = tool.expect("schemathesis is not installed; `cargo xtask setup` does that");
    let tools = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/tools");
    let folder = tempfile::tempdir().unwrap();
    let url = format!("http://{authority}");
    let mut command = Command::new(tool);
    command.arg("--config-file").arg(tools.join("schemathesis.toml"));
    command.args(["run", &format!("{url}/openapi.json"), "--max-examples", "30", "--seed", "1"]);
    command.args(["--checks", "not_a_server_error,status_code_conformance,content_type_conformance"]);
    command.args(["--checks", "response_schema_conformance,negative_data_rejection,unsupported_method"]);
    command.args(["--mode", "all", "--workers", "1", "--no-color", "--generation-database", "none"]);
    command.args(more).current_dir(folder.path());
    command.env("SOTTO_RELAY_URL", &url).env("PYTHONPATH", &tools).env("PYTHONDONTWRITEBYTECODE", "1");
    command.env("SCHEMATHESIS_HOOKS", "schemathesis_hooks");
    let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
}
