//! Any bytes as a server's replies: no panic, bounded memory, and the same replies however they are split.
#![no_main]

use beadle::smtp::reply::Reply;
use beadle::smtp::reply_reader::{MAX_REPLY, Offered, ReplyReader};
use libfuzzer_sys::fuzz_target;

fn read<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> (Vec<Reply>, bool) {
    let mut reader = ReplyReader::new();
    let mut failed = false;
    let mut replies = Vec::new();
    for piece in pieces {
        failed |= reader.push(piece).is_err();
        replies.extend(std::iter::from_fn(|| reader.next_reply()));
    }
    (replies, failed)
}

fuzz_target!(|bytes: &[u8]| {
    let whole = read(std::iter::once(bytes));
    assert_eq!(whole, read(bytes.chunks(1)));
    for reply in &whole.0 {
        assert!((200..600).contains(&reply.code) && !reply.lines.is_empty());
        assert!(reply.lines.iter().map(String::len).sum::<usize>() <= 3 * MAX_REPLY);
        assert!(!reply.lines.iter().any(|line| line.contains(['\r', '\n', '\0'])));
        let _ = Offered::from_ehlo(reply);
    }
});
