//! Who a person is: local accounts, and the trust's own sign-in.

pub mod oidc;
