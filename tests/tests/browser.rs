//! Stories of people in browsers and terminals together, in real headless Chromium.

use anyhow::{Result, ensure};
use sotto_tests::{
    browser::{Browser, Driver},
    person::Person,
    relay::Relay,
};
use thirtyfour::WindowHandle;

/// Blocked by the Content-Security-Policy, thrown, or not found: none of it may show in the console.
async fn no_complaints(browser: &Browser) -> Result<()> {
    let complaints: Vec<String> = browser
        .console()
        .await
        .into_iter()
        .filter(|line| !line.contains("WebSocket connection to"))
        .collect();
    ensure!(complaints.is_empty(), "the console says: {complaints:#?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_terminal_and_browsers_talk_through_everything() -> Result<()> {
    let mut relay = Relay::start();
    let chrome = Driver::start()?;
    let ada = Person::new("Ada", &relay.address());
    ada.creates("Garden");
    let link = ada.invites("Garden");
    let listener = ada.listens();

    // A browser joins by the link: both directions.
    let bob = Browser::open(&chrome).await?;
    bob.joins(&link, "Bob").await?;
    ensure!(
        !bob.driver.current_url().await?.as_str().contains(&link[link.len() - 40..]),
        "the link left the address"
    );
    ada.says("Garden", "hello from the terminal");
    bob.sees("hello from the terminal").await?;
    bob.says("hello from the browser").await?;
    listener.hears("hello from the browser");
    ensure!(listener.joined() == ["Bob"]);

    // A third person, in another browser.
    let cy = Browser::open(&chrome).await?;
    cy.joins(&link, "Cy").await?;
    cy.says("and hello from Cy").await?;
    bob.sees("and hello from Cy").await?;
    listener.hears("and hello from Cy");
    bob.waits_for("seeing Cy come in", "return document.body.innerText.includes('Cy joined')").await?;
    ensure!(ada.members("Garden") == ["Ada", "Bob", "Cy"]);

    // Reload: the same person, the same room, the same history.
    let before = bob.texts().await?;
    ensure!(
        before == ["hello from the terminal", "hello from the browser", "and hello from Cy"],
        "{before:?}"
    );
    bob.driver.refresh().await?;
    bob.sees("and hello from Cy").await?;
    ensure!(bob.texts().await? == before, "{:?}", bob.texts().await?);
    bob.says("still me").await?;
    listener.hears("still me");
    let last = ada.history("Garden").pop().expect("history");
    ensure!(last["sender"] == "Bob", "{last}");

    // A second tab of the same person: both show everything once, and both can speak.
    let first: WindowHandle = bob.driver.window().await?;
    let second = bob.driver.new_tab().await?;
    bob.driver.switch_to_window(second.clone()).await?;
    bob.goes_to(&relay.address()).await?;
    bob.clicks("room-row").await?;
    bob.sees("still me").await?;
    bob.says("from the second tab").await?;
    listener.hears("from the second tab");
    bob.driver.switch_to_window(first.clone()).await?;
    bob.sees("from the second tab").await?;
    bob.says("from the first tab").await?;
    bob.driver.switch_to_window(second.clone()).await?;
    bob.sees("from the first tab").await?;
    ada.says("Garden", "to both tabs");
    for tab in [&second, &first] {
        bob.driver.switch_to_window(tab.clone()).await?;
        bob.sees("to both tabs").await?;
        let texts = bob.texts().await?;
        let once = texts.iter().filter(|text| *text == "to both tabs").count();
        ensure!(once == 1 && texts.len() == 7, "{texts:?}");
    }

    // The relay goes away in the middle: what is written meanwhile waits, and goes once when it is back.
    relay.kill();
    cy.finds("offline-bar").await?;
    cy.says("written while the relay is down").await?;
    cy.finds_css("[data-testid='message'][data-state='queued']").await?;
    relay.start_again();
    listener.hears("written while the relay is down");
    bob.sees("written while the relay is down").await?;
    ada.says("Garden", "all well again");
    for browser in [&bob, &cy] {
        browser.sees("all well again").await?;
        let texts = browser.texts().await?;
        let once = texts.iter().filter(|text| text.contains("relay is down")).count();
        ensure!(once == 1, "{texts:?}");
    }
    ensure!(listener.texts() == ada.texts("Garden"), "the terminal heard everything once");
    for browser in [bob, cy] {
        ensure!(!browser.has("[data-testid='alarm']").await, "an alarm: {}", browser.page_text().await);
        no_complaints(&browser).await?;
        browser.closes().await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_room_made_in_the_browser_is_joined_from_the_terminal() -> Result<()> {
    let relay = Relay::start();
    let chrome = Driver::start()?;
    let ada = Browser::open(&chrome).await?;
    ada.makes_room(&relay.address(), "Kitchen", "Ada").await?;
    ada.clicks("open-details").await?;
    ada.clicks("make-invite").await?;
    let link = ada.finds("invite-link").await?.prop("value").await?.unwrap_or_default();
    let bob = Person::new("Bob", &relay.address());
    bob.joins(&link);
    bob.says("Kitchen", "<b>not bold</b> & \u{202e}fine");
    ada.sees("<b>not bold</b> & fine").await?;
    ada.says("dinner is ready").await?;
    let listener = bob.listens();
    listener.hears("dinner is ready");
    ensure!(bob.members("Kitchen") == ["Ada", "Bob"]);

    // Too long: refused with the limit, and the text stays.
    let script = "const field = document.querySelector(\"[data-testid='composer']\"); field.value = 'x'.repeat(65537); \
                  field.dispatchEvent(new Event('input', { bubbles: true }));";
    ada.driver.execute(script, Vec::new()).await?;
    ada.clicks("send").await?;
    let error = ada.finds("composer-error").await?.text().await?;
    ensure!(error.contains("64") || error.contains("65"), "the limit is named: {error}");
    let kept = ada.finds("composer").await?.prop("value").await?.unwrap_or_default();
    ensure!(kept.len() == 65_537, "the text stays");

    // Revoked: the link opens nothing any more, and says so.
    ada.clicks("revoke-invite").await?;
    ada.waits_for("the link to go", "return !document.querySelector(\"[data-testid='invite-link']\")")
        .await?;
    let cy = Browser::open(&chrome).await?;
    cy.goes_to(&link).await?;
    cy.fills("display-name-field", "Cy").await?;
    cy.clicks("join-button").await?;
    let error = cy.finds("form-error").await?.text().await?;
    ensure!(error.contains("closed") && error.contains("new invite link"), "{error}");
    no_complaints(&ada).await?;
    no_complaints(&cy).await?;
    ada.closes().await?;
    cy.closes().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broken_link_says_so_and_the_browsers_storage_conforms() -> Result<()> {
    let relay = Relay::start();
    let chrome = Driver::start()?;
    let cy = Browser::open(&chrome).await?;
    cy.goes_to(&format!("{}/join#AZEyEsnUOYttvMMnynv7mBA", relay.address())).await?;
    cy.fills("display-name-field", "Cy").await?;
    cy.clicks("join-button").await?;
    let error = cy.finds("form-error").await?.text().await?;
    ensure!(error.contains("not a whole invite link"), "{error}");
    cy.goes_to(&format!("{}/#/check", relay.address())).await?;
    cy.driver.refresh().await?;
    cy.finds_css("[data-testid='storage-check'][data-outcome='passed']").await?;
    no_complaints(&cy).await?;
    cy.closes().await
}

/// A browser's own Ed25519, behind the checks that `docs/PROTOCOL.md`, "Signatures", names, judges as we do at every edge.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ed25519_of_the_browser_with_our_checks_gives_our_answers() -> Result<()> {
    const SCRIPT: &str = r"
        const [lines, done] = arguments;
        const hex = text => Uint8Array.from(text.match(/../g), digits => parseInt(digits, 16));
        const small = new Set([
            '0100000000000000000000000000000000000000000000000000000000000000',
            'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
            '0000000000000000000000000000000000000000000000000000000000000000',
            '0000000000000000000000000000000000000000000000000000000000000080',
            '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
            '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85',
            'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
            'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa',
            '0100000000000000000000000000000000000000000000000000000000000080',
            'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff']);
        const p = (1n << 255n) - 19n;
        const y = text => BigInt('0x' + text.match(/../g).reverse().join('')) & ((1n << 255n) - 1n);
        const good = text => y(text) < p && !small.has(text);
        const verifies = async (key, signature, message) => {
            if (!good(key) || !good(signature.slice(0, 64))) return false;
            try {
                const public_ = await crypto.subtle.importKey('raw', hex(key), 'Ed25519', false, ['verify']);
                return await crypto.subtle.verify('Ed25519', public_, hex(signature), hex(message));
            } catch (error) { return error.name === 'DataError' ? false : String(error); }
        };
        Promise.all(lines.map(line => verifies(line[1], line[2], line[3]))).then(done);
    ";
    let lines: Vec<Vec<&str>> = include_str!("../known-answers/data/ed25519-edges.txt")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| line.split(' ').collect())
        .collect();
    let relay = Relay::start();
    let chrome = Driver::start()?;
    let browser = Browser::open(&chrome).await?;
    browser.driver.goto(relay.address()).await?;
    let answers = browser.driver.execute_async(SCRIPT, vec![serde_json::to_value(&lines)?]).await?;
    let answers: Vec<serde_json::Value> = answers.convert()?;
    for (line, answer) in lines.iter().zip(&answers) {
        ensure!(*answer == (line[4] == "valid"), "{}: {answer}", line[0]);
    }
    ensure!(answers.len() == 52);
    Ok(())
}
