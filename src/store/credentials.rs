//! stub
pub fn recovery_sha256(_: &str) -> [u8; 32] {
    [0; 32]
}
pub fn verify_password(_: Option<&str>, _: &str) -> bool {
    false
}
pub fn verify_totp(_: &[u8], _: &str, _: std::time::SystemTime) -> Option<i64> {
    None
}
