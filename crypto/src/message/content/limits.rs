//! The limits of what a message says, in one table. They hold when a message is written and when it is read.

use crate::CryptoError;
use sotto_protocol::limits::MESSAGE_CONTENT_MAX_BYTES;

/// Longest text, in bytes of UTF-8.
pub const TEXT_MAX_BYTES: usize = MESSAGE_CONTENT_MAX_BYTES;
/// Longest content with everything that goes with it, encoded, in bytes. With its envelope and padding it fits an entry.
pub const ENCODED_MAX_BYTES: usize = 72 * 1024;
/// Most people that one message mentions.
pub const MENTIONS_MAX: usize = 64;
/// Longest emoji (a sequence of code points may be one), in bytes of UTF-8.
pub const EMOJI_MAX_BYTES: usize = 64;
/// Longest name of a file, in bytes of UTF-8.
pub const FILE_NAME_MAX_BYTES: usize = 255;
/// Longest media type, in bytes.
pub const MEDIA_TYPE_MAX_BYTES: usize = 127;
/// Longest thumbnail, in bytes.
pub const THUMBNAIL_MAX_BYTES: usize = 32 * 1024;
/// Longest caption, in bytes of UTF-8.
pub const CAPTION_MAX_BYTES: usize = 4 * 1024;
/// Most files of one message.
pub const FILES_MAX: usize = 16;
/// Longest waveform, a byte for each place.
pub const WAVEFORM_MAX_BYTES: usize = 256;
/// Longest placeholder (a ThumbHash has 5 to 25 bytes), in bytes.
pub const PLACEHOLDER_MAX_BYTES: usize = 32;
/// Longest description of a file, a sticker or a page, in bytes of UTF-8.
pub const DESCRIPTION_MAX_BYTES: usize = 1024;
/// Longest title of a page or a pack, in bytes of UTF-8.
pub const TITLE_MAX_BYTES: usize = 256;
/// Longest name of a model, and of who said what is forwarded, in bytes of UTF-8.
pub const NAME_MAX_BYTES: usize = 128;
/// Most previews of one message.
pub const PREVIEWS_MAX: usize = 4;
/// Longest link of a preview, in bytes.
pub const LINK_MAX_BYTES: usize = 2048;
/// Most pictures of a pack.
pub const PICTURES_MAX: usize = 64;
/// Longest sticker pack, encoded, in bytes.
pub const PACK_MAX_BYTES: usize = 128 * 1024;
/// Longest question of a poll, in bytes of UTF-8.
pub const QUESTION_MAX_BYTES: usize = 1024;
/// Fewest options of a poll.
pub const OPTIONS_MIN: usize = 2;
/// Most options of a poll.
pub const OPTIONS_MAX: usize = 20;
/// Longest option of a poll, in bytes of UTF-8.
pub const OPTION_MAX_BYTES: usize = 256;
/// Most parts of a streamed text.
pub const STREAM_PARTS_MAX: u32 = 4096;
/// Longest data of a system note, in bytes.
pub const SYSTEM_MAX_BYTES: usize = 16 * 1024;
/// Longest statement of leaving, in bytes.
pub const LEAVE_MAX_BYTES: usize = 1024;

/// Whether `actual` is within the limit of `what`.
pub(super) const fn check(what: &'static str, actual: usize, max: usize) -> Result<(), CryptoError> {
    if actual > max { Err(CryptoError::OverLimit { what, actual, max }) } else { Ok(()) }
}
