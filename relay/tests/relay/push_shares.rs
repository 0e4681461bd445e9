//! Subscriptions of strangers that lead nowhere: whom they keep waiting.

use crate::push::begin;
use crate::push_service::{Device, EVERY};
use crate::support::*;
use sotto_protocol::{Reply, Request, Subscribe, limits};
use std::time::{Duration, Instant};
use tokio::net::TcpListener;

/// So many subscriptions of strangers, in rooms of their own, which are then woken for. How long a wake-up takes beside it, at most.
async fn slowest_beside(strangers: impl Fn(usize) -> Device) -> Duration {
    const ROOMS: usize = 5;
    const SUBSCRIPTIONS: usize = 900;
    let (relay, mut client, room, mut service, _device) = begin().await;
    client.append(&room, &entry(0, b"first")).await;
    service.next().await;
    let mut all = Vec::new();
    for number in 0..ROOMS {
        let (mut stranger, room) = (relay.connect().await, Room::new());
        stranger.create(&room).await;
        stranger.open(&room).await;
        for subscription in 0..SUBSCRIPTIONS {
            if subscription > 0 && subscription % limits::PUSH_SUBSCRIPTIONS_OF_CONNECTION_MAX == 0 {
                stranger = relay.connect().await;
                stranger.open(&room).await;
            }
            let mut subscription = strangers(number * SUBSCRIPTIONS + subscription).subscription(0);
            subscription.tag = random();
            let request = Request::Subscribe(Subscribe { room: room.id, subscription });
            assert_eq!(stranger.ask(request).await, Reply::Done);
        }
        all.push((stranger, room));
    }
    let mut slowest = Duration::ZERO;
    for _ in 0..5 {
        for (stranger, room) in &mut all {
            stranger.append(room, &entry(0, b"wake them all")).await;
        }
        tokio::time::sleep(EVERY + Duration::from_millis(100)).await;
        client.append(&room, &entry(0, b"hello")).await;
        let begin = Instant::now();
        service.next().await;
        slowest = slowest.max(begin.elapsed());
    }
    slowest
}

#[tokio::test]
async fn names_that_lead_nowhere_keep_nobody_else_waiting() {
    let slowest = slowest_beside(|number| Device::of(format!("http://n{number}.nowhere.invalid/x"))).await;
    assert!(slowest < Duration::from_millis(1500), "{slowest:?}");
}

#[tokio::test]
async fn services_that_never_answer_keep_nobody_else_waiting() {
    let silent = TcpListener::bind("0.0.0.0:0").await.unwrap();
    let port = silent.local_addr().unwrap().port();
    tokio::spawn(async move {
        let mut accepted = Vec::new();
        while let Ok((stream, _)) = silent.accept().await {
            accepted.push(stream);
        }
    });
    let strangers =
        |number| Device::of(format!("http://127.0.{}.{}:{port}/x", 1 + number / 250, 1 + number % 250));
    let slowest = slowest_beside(strangers).await;
    assert!(slowest < Duration::from_millis(1500), "{slowest:?}");
}
