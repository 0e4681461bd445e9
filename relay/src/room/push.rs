//! Where devices want to be woken when they are not connected.

use super::held::open_fully;
use super::operation::Operation;
use super::writer::Writer;
use super::{ReplyTo, Rooms};
use crate::limit::whole_ms;
use crate::push::{GonePush, NoPush, Owner};
use sotto_protocol::{ErrorCode, Subscribe, Unsubscribe, WireError, limits};
use std::sync::Arc;
use tokio::sync::mpsc::UnboundedReceiver;

impl Rooms {
    /// Wakes a device from now on.
    pub(crate) fn subscribe(&self, subscribe: &Subscribe, reply_to: ReplyTo) {
        let Subscribe { room, subscription } = subscribe;
        let Some((open, _)) = open_fully(&reply_to, room) else {
            return reply_to.error(ErrorCode::RoomNotOpen);
        };
        let Some(push) = &self.push else { return reply_to.error(ErrorCode::PushUnavailable) };
        if subscription.endpoint.len() > limits::PUSH_ENDPOINT_MAX_BYTES {
            let limit = limits::PUSH_ENDPOINT_MAX_BYTES as u64;
            return reply_to.error(WireError::with_limit(ErrorCode::LimitExceeded, limit));
        }
        if !reply_to.session().may_subscribe(room, &subscription.tag) {
            let limit = limits::PUSH_SUBSCRIPTIONS_OF_CONNECTION_MAX as u64;
            return reply_to.error(WireError::with_limit(ErrorCode::LimitExceeded, limit));
        }
        if let Err(wait) = push.count(reply_to.session().id()) {
            return reply_to.error(WireError::with_delay(ErrorCode::SlowDown, whole_ms(wait)));
        }
        match push.take(Owner::Room(open.grant.room), subscription) {
            Ok(push) => {
                self.writer.submit(Operation::Subscribe { room: *room, grant: open.grant, push }, reply_to)
            }
            Err(NoPush::Endpoint) => reply_to.error(ErrorCode::PushUnavailable),
            Err(NoPush::Key) => reply_to.error(ErrorCode::MalformedFrame),
            Err(NoPush::Fault) => reply_to.error(ErrorCode::Internal),
        }
    }

    /// Wakes a device no more. Whoever cannot open the room any more has been cut, and the subscription with it.
    pub(crate) fn unsubscribe(&self, unsubscribe: &Unsubscribe, reply_to: ReplyTo) {
        let Unsubscribe { room, tag } = unsubscribe;
        let Some(open) = reply_to.session().room(room) else {
            return reply_to.error(ErrorCode::RoomNotOpen);
        };
        let Some(push) = &self.push else { return reply_to.error(ErrorCode::PushUnavailable) };
        let id = push.id(Owner::Room(open.grant.room), tag);
        self.writer.submit(Operation::Unsubscribe { room: *room, grant: open.grant, id }, reply_to);
    }
}

/// Removes subscriptions that push services do not know any more. It ends when nobody sends.
pub(super) fn start_forgetting(writer: Arc<Writer>, mut gone: UnboundedReceiver<GonePush>) {
    tokio::spawn(async move {
        while let Some(gone) = gone.recv().await {
            // What is not removed now shows again with the next message.
            writer.submit_own(Operation::ForgetPush(gone));
        }
    });
}
