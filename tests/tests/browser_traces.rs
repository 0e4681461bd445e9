//! What a browser keeps of a room, what a member's message can do to what is seen, and how pages are laid out for those who do not see
//! them: in real headless Chromium.

use anyhow::{Result, ensure};
use sotto_tests::{
    browser::{Browser, Driver},
    person::Person,
    relay::Relay,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn neither_invites_nor_rooms_stay_in_addresses_and_titles() -> Result<()> {
    let relay = Relay::start();
    let chrome = Driver::start()?;
    let ada = Person::new("Ada", &relay.address());
    ada.creates("Garden");
    let link = ada.invites("Garden");
    let (_, secret) = link.split_once('#').expect("has a fragment");

    // The invite is out of the address at once, and a reload before the join loses nothing.
    let bob = Browser::open(&chrome).await?;
    bob.goes_to(&link).await?;
    bob.finds("display-name-field").await?;
    for _ in 0..2 {
        let address = bob.driver.current_url().await?;
        ensure!(address.fragment().unwrap_or_default().is_empty() && address.path() == "/join", "{address}");
        bob.driver.refresh().await?;
        bob.finds("display-name-field").await?;
        ensure!(!bob.has("[data-testid='link-field']").await, "the invite is lost");
    }
    bob.fills("display-name-field", "Bob").await?;
    bob.clicks("join-button").await?;
    bob.finds("composer").await?;
    let kept = bob
        .driver
        .execute("return JSON.stringify(Object.assign({}, sessionStorage, localStorage))", Vec::new())
        .await?;
    let kept: String = kept.convert()?;
    ensure!(!kept.contains(secret), "the invite is kept after the join");

    // In the room: neither its name nor its id is in address or title; reload, back and forward lead where they should.
    bob.finds("open-details").await?;
    let room = bob.finds("conversation").await?.attr("data-room").await?.unwrap_or_default();
    let says_nothing = async || -> Result<()> {
        let (address, title) = (bob.driver.current_url().await?, bob.driver.title().await?);
        ensure!(!address.as_str().contains(&room) && !address.as_str().contains(secret), "{address}");
        ensure!(title == "Sotto" || title.ends_with(") Sotto"), "{title}");
        Ok(())
    };
    says_nothing().await?;
    bob.driver.refresh().await?;
    bob.finds("composer").await?;
    bob.clicks("open-details").await?;
    bob.finds("details").await?;
    says_nothing().await?;
    bob.driver.refresh().await?;
    bob.finds("details").await?;
    bob.driver.back().await?;
    bob.waits_for("the details to close", "return !document.querySelector(\"[data-testid='details']\")")
        .await?;
    bob.finds("composer").await?;

    // On a phone, too, back leads from the conversation to the rooms, also for who came by a link.
    bob.looks(390, 844, "light").await?;
    bob.driver.back().await?;
    bob.finds("room-row").await?;
    ensure!(!bob.has("[data-testid='composer']").await, "the rooms are not alone");
    bob.driver.forward().await?;
    bob.finds("composer").await?;
    says_nothing().await?;

    // A room opened in another tab: its id leaves the address there.
    bob.goes_to(&format!("{}/#/room/{room}", relay.address())).await?;
    bob.driver.refresh().await?;
    bob.finds("composer").await?;
    says_nothing().await?;

    // Put aside, an invite is forgotten.
    let other = ada.invites("Garden");
    let cy = Browser::open(&chrome).await?;
    cy.goes_to(&other).await?;
    cy.finds("display-name-field").await?;
    cy.clicks("not-now").await?;
    cy.finds("welcome").await?;
    let kept =
        cy.driver.execute("return sessionStorage.length === 0", Vec::new()).await?.convert::<bool>()?;
    ensure!(kept, "the invite is kept");
    bob.closes().await?;
    cy.closes().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_typed_is_kept_from_forms_and_spelling_services_and_from_other_relays() -> Result<()> {
    let relay = Relay::start();
    let chrome = Driver::start()?;
    let ada = Browser::open(&chrome).await?;
    let is_private = "return [...document.querySelectorAll('input:not([readonly]), textarea')].every(field => \
                      field.autocomplete === 'off' && !field.spellcheck && field.getAttribute('writingsuggestions') === 'false')";
    ada.goes_to(&relay.address()).await?;
    ada.clicks("welcome-make").await?;
    ada.finds("room-name-field").await?;
    ada.waits_for("private fields", is_private).await?;
    ada.fills("room-name-field", "Kitchen").await?;
    ada.fills("display-name-field", "Ada").await?;
    ada.clicks("make-room-button").await?;
    ada.finds("composer").await?;
    ada.waits_for("a private composer", is_private).await?;
    ada.clicks("open-link").await?;
    ada.finds("link-field").await?;
    ada.waits_for("a private field for links", is_private).await?;

    // A link of another relay is not followed: it says where it leads.
    let bob = Person::new("Bob", &relay.address());
    bob.creates("Elsewhere");
    let link = bob.invites("Elsewhere").replace(&relay.address(), "http://relay.example");
    ada.fills("link-field", &link).await?;
    ada.clicks("join-button").await?;
    let error = ada.finds("form-error").await?.text().await?;
    ensure!(error.contains("http://relay.example"), "{error}");
    ensure!(
        ada.driver.current_url().await?.as_str().starts_with(&relay.address()),
        "the page has gone elsewhere"
    );
    ada.closes().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_neither_freezes_the_page_nor_hides_where_its_links_lead() -> Result<()> {
    let relay = Relay::start();
    let chrome = Driver::start()?;
    let ada = Person::new("Ada", &relay.address());
    ada.creates("Garden");
    let bob = Browser::open(&chrome).await?;
    bob.joins(&ada.invites("Garden"), "Bob").await?;

    ada.says("Garden", "\u{202e}moc.elpmaxe//:sptth https://evil.example/\u{202e}fdp.exe");
    bob.sees("moc.elpmaxe//:sptth https://evil.example/fdp.exe").await?;
    let script = "const link = document.querySelector(\"[data-testid='message-text'] a\"); const style = getComputedStyle(link); \
                  return link.textContent === 'https://evil.example/fdp.exe' && style.direction === 'ltr' \
                  && style.unicodeBidi === 'isolate' && [...link.parentElement.children].every(part => getComputedStyle(part).unicodeBidi === 'isolate')";
    bob.waits_for("the link to stand apart", script).await?;

    // A Cyrillic letter in the host.
    ada.says("Garden", "https://b\u{430}nk.example/login and https://bank.example/\u{430}");
    bob.sees("https://b\u{430}nk.example/login and https://bank.example/\u{430}").await?;
    let script = "return JSON.stringify([...document.querySelectorAll(\"[data-testid='real-host']\")].map(host => host.dataset.host))";
    let hosts: String = bob.driver.execute(script, Vec::new()).await?.convert()?;
    ensure!(hosts == r#"["xn--bnk-6cd.example"]"#, "{hosts}");

    // The longest message there is, made to be slow.
    let hostile = format!("{}{}", "http:///".repeat(4000), ")".repeat(32_000));
    ada.says("Garden", &hostile);
    let begin = std::time::Instant::now();
    ada.says("Garden", "after it");
    bob.sees("after it").await?;
    ensure!(begin.elapsed().as_secs() < 20, "the page stood still for {:?}", begin.elapsed());
    bob.says("still here").await?;
    bob.sees("still here").await?;

    // Marks heaped on one letter: drawing them as one takes the square of their number.
    ada.says("Garden", &format!("a{}", "\u{301}\u{316}".repeat(15_000)));
    ada.says("Garden", "after the heap");
    bob.sees("after the heap").await?;
    let script = "[...document.querySelectorAll(\"[data-testid='show-whole']\")].at(-1).click()";
    let begin = std::time::Instant::now();
    bob.driver.execute(script, Vec::new()).await?;
    bob.waits_for("the heap", "return [...document.querySelectorAll(\"[data-testid='message-text']\")].some(text => text.textContent.length > 30000 && text.offsetHeight > 0)")
        .await?;
    ensure!(begin.elapsed().as_secs() < 3, "the page stood still for {:?}", begin.elapsed());

    // Drawn whole only where someone asks for it.
    bob.waits_for("a part of it", "return [...document.querySelectorAll(\"[data-testid='message-text']\")].filter(text => text.textContent.startsWith('http')).every(text => text.textContent.length < 10000)")
        .await?;
    bob.clicks("show-whole").await?;
    bob.sees(&hostile).await?;
    ensure!(!bob.has("[data-testid='show-whole']").await);
    bob.says("and still here").await?;
    bob.sees("and still here").await?;
    bob.closes().await
}

/// What is wrong with how the page is laid out: one main part, one first heading, no level of heading left out, a name for everything
/// that can be used, no id twice.
const FAULTS: &str = "
    const seen = element => element.checkVisibility() && element.getClientRects().length > 0;
    const all = selector => [...document.querySelectorAll(selector)].filter(seen);
    const faults = [];
    if (all('main').length !== 1) faults.push(all('main').length + ' main');
    if (all('main main, main aside, aside main').length) faults.push('a landmark in another');
    const levels = all('h1, h2, h3, h4').map(heading => Number(heading.tagName[1]));
    if (levels.filter(level => level === 1).length !== 1) faults.push('levels ' + levels);
    const outside = all('.pane, .page, .conversation, .details').flatMap(part => {
        const own = [...part.querySelectorAll('h1, h2, h3, h4')].filter(seen).map(heading => Number(heading.tagName[1]));
        return own.filter((level, at) => at > 0 && level > own[at - 1] + 1);
    });
    if (outside.length) faults.push('a level of heading is left out');
    for (const element of all('button, a[href], input, textarea')) {
        const label = element.id && document.querySelector(`label[for='${element.id}']`);
        if (!(element.getAttribute('aria-label') || element.textContent.trim() || label)) faults.push(element.outerHTML);
    }
    const ids = [...document.querySelectorAll('[id]')].map(element => element.id);
    if (new Set(ids).size !== ids.length) faults.push('an id is there twice');
    if (document.documentElement.scrollWidth > innerWidth) faults.push('wider than the window');
    return faults.join('; ')";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_page_has_one_main_part_and_one_first_heading_wide_and_narrow() -> Result<()> {
    let relay = Relay::start();
    let chrome = Driver::start()?;
    let ada = Browser::open(&chrome).await?;
    let is_sound = async |page: &str| -> Result<()> {
        for (width, height) in [(1280, 900), (390, 844)] {
            ada.looks(width, height, "light").await?;
            let faults: String = ada.driver.execute(FAULTS, Vec::new()).await?.convert()?;
            ensure!(faults.is_empty(), "{page} at {width} px: {faults}");
        }
        ada.looks(1280, 900, "light").await
    };
    ada.goes_to(&relay.address()).await?;
    ada.finds("welcome").await?;
    is_sound("the first page").await?;
    ada.clicks("open-about").await?;
    let about = ada.finds("about").await?.text().await?;
    ensure!(about.contains("AGPL-3.0-or-later") && about.contains("Source code"), "{about}");
    ensure!(ada.finds("version").await?.text().await? == env!("CARGO_PKG_VERSION"));
    is_sound("the page about itself").await?;
    ada.makes_room(&relay.address(), "Kitchen", "Ada").await?;
    is_sound("an empty room").await?;
    ada.says("hello").await?;
    ada.sees("hello").await?;
    is_sound("a room").await?;
    ada.clicks("open-details").await?;
    ada.finds("details").await?;
    is_sound("details").await?;
    for (button, field) in [("new-room", "room-name-field"), ("open-link", "link-field")] {
        ada.clicks(button).await?;
        ada.finds(field).await?;
        is_sound(field).await?;
    }
    ada.goes_to(&format!("{}/#/", relay.address())).await?;
    ada.driver.refresh().await?;
    ada.finds("room-row").await?;
    is_sound("the rooms").await?;
    ada.clicks("open-about").await?;
    ada.finds("about").await?;
    ada.closes().await
}
