//! Ways in: the first visit, making a room, joining one.

mod form;
mod make_room;
mod open_link;
mod welcome;

pub use form::Failure;
pub use make_room::MakeRoom;
pub use open_link::OpenLink;
pub use welcome::Welcome;
