//! Whom to look for: pupils, staff and contacts, imported from the trust's own files.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]
