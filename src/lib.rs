//! Beadle: an outbound SMTP relay for school trusts. Each module is a floor and imports downward only
//! (`tests/layering.rs` holds the table; `docs/ARCHITECTURE.md` explains it).

// Floor 0: the words.
pub mod limits;
pub mod mail;

// Floor 1: protocol and format cores. Bytes in, values out; no async, clock, file or socket.
pub mod mime;
pub mod smtp;

// Floor 2: what a message's parts say.
pub mod extract;

// Floor 3: whom and what to look for, and finding it.
pub mod detect;
pub mod roster;

// Floor 4: what the trust's rules make of it.
pub mod policy;

// Floor 5: what must survive a crash.
pub mod store;

// Floor 6: work on what is stored, on the wire's far side, and in sandboxed readers.
pub mod quarantine;
pub mod relay;
pub mod report;
pub mod worker;

// Floor 7: the way of a message.
pub mod pipeline;

// Floor 8: sockets, and the pages for people.
pub mod console;
pub mod net;

// Floor 9: the roof.
pub mod app;
