//! Takes pictures of a conversation in the browser, wide and narrow, light and dark:
//! `cargo run --package sotto-tests --example screenshots -- FOLDER`.

use anyhow::{Context as _, Result};
use sotto_tests::{
    browser::{Browser, Driver},
    person::Person,
    relay::Relay,
};
use std::path::PathBuf;

#[tokio::main]
async fn main() -> Result<()> {
    let folder = PathBuf::from(std::env::args().nth(1).context("name a folder for the pictures")?);
    std::fs::create_dir_all(&folder)?;
    let relay = Relay::start();
    let chrome = Driver::start()?;
    let browser = Browser::open(&chrome).await?;
    let shoot = async |name: &str| -> Result<()> {
        for (width, height) in [(1280, 800), (390, 844)] {
            for scheme in ["light", "dark"] {
                browser.looks(width, height, scheme).await?;
                browser.driver.screenshot(&folder.join(format!("{name}-{width}-{scheme}.png"))).await?;
            }
        }
        browser.looks(1280, 800, "light").await
    };
    browser.goes_to(&relay.address()).await?;
    browser.finds("welcome").await?;
    shoot("welcome").await?;
    browser.clicks("open-about").await?;
    browser.finds("source").await?;
    shoot("about").await?;

    let (ada, cy) = (Person::new("Ada", &relay.address()), Person::new("Cy", &relay.address()));
    ada.creates("Garden");
    let link = ada.invites("Garden");
    cy.joins(&link);
    browser.goes_to(&link).await?;
    browser.finds("display-name-field").await?;
    shoot("invited").await?;
    browser.fills("display-name-field", "Bob").await?;
    browser.clicks("join-button").await?;
    browser.finds("composer").await?;
    shoot("empty").await?;
    for (text, is_bob) in [
        ("Good morning! Shall we water the tomatoes before it gets hot?", false),
        ("Yes please", true),
        ("I can bring the long hose. The beans need some too.", true),
    ] {
        if is_bob {
            browser.says(text).await?
        } else {
            ada.says("Garden", text)
        }
        browser.sees(text).await?;
    }
    cy.says("Garden", "Count me in, see you at nine.\nWho has the key to the shed?");
    ada.says("Garden", "Under the third pot");
    browser.sees("Under the third pot").await?;
    browser.says("Found it. The list is at https://example.org/garden").await?;
    browser.sees("Found it. The list is at https://example.org/garden").await?;
    browser
        .waits_for("everything to be sent", "return !document.querySelector(\"[data-state='queued']\")")
        .await?;
    shoot("conversation").await?;
    browser.clicks("open-details").await?;
    browser.clicks("make-invite").await?;
    browser.finds("invite-link").await?;
    shoot("details").await?;
    browser.closes().await
}
