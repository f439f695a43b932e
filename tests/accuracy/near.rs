//! What only looks like the kinds of [`crate::kinds`]: zones and licences that fail their checks, talk about passwords, confidentiality
//! and transfer files.

use crate::kinds::{carrier, carry};
use crate::papers::{licence, padded, passport_line, wrong_at};
use crate::random::Random;
use crate::sample::Sample;

/// Messages a class.
const COUNT: usize = 208;

/// Makes one text.
type Make = fn(&mut Random) -> String;
/// What only looks like each kind.
const NEAR: &[(&str, Make)] = &[
    ("near-miss zones", |r| {
        let optional = [14, 7][r.below(2)];
        let line = passport_line(r, optional);
        match r.below(6) {
            0 => wrong_at(&line, r.below(6)),
            1 => wrong_at(&line, 13 + r.below(6)),
            2 => line[1..].to_owned(),
            3 => format!("{line}0"),
            4 => padded("P<UTONOBODY<<NO", 44),
            _ => format!(
                "Serial {}",
                (0..44)
                    .map(|_| char::from(b"ABCDEFGHJKMNPQRSTUVWXYZ"[r.below(23)]))
                    .collect::<String>()
            ),
        }
    }),
    ("near-miss licences", |r| {
        let good = licence(r);
        match r.below(6) {
            0 => format!(
                "Driving licence {}{}{}",
                &good[..6],
                63 + r.below(30),
                &good[8..]
            ),
            1 => format!(
                "Licence number {}{}{}",
                &good[..8],
                32 + r.below(60),
                &good[10..]
            ),
            2 => format!("part {good} is out of stock"),
            3 => format!("Licence key {}-{}", &good[..8], &good[8..]),
            4 => format!("https://shop.example/item/{good}"),
            _ => format!("Product code X{good}7"),
        }
    }),
    ("talk about passwords", |r| {
        r.pick(&[
            "The password policy was updated: twelve characters, no names, see the handbook.",
            "Please reset your password by Friday. IT will never ask for it.",
            "I forgot my password. Can you help? My user name is jsmith.",
            "Password: see separate message",
            "The password for the attached file follows by telephone.",
            "Passwords must have 12 characters, one digit and one sign such as ! or ?.",
            "Reset your password: https://portal.example/reset?token=Kestrel42",
            "Password: ********",
            "Door codes change on Monday; ask Philippa for the new one.",
            "PIN boards are in the art store, 25 of them.",
            "The PIN is on the card inside the envelope.",
            "Your password expires in 14 days.",
            "Password managers: a talk for staff, Tuesday at 16:00.",
            "Access code of practice (2015) at https://www.gov.example/code",
            "The pass rate was 84% and the bus pass costs 120 pounds.",
            "Two-step login: you need your password and a code from the app.",
            "Passcode: will be texted on the day",
            "The key: value pairs in config.json hold no token.",
            "AKIA is a prefix, ghp_ another; our keys live in the vault.",
            "-----BEGIN CERTIFICATE-----\nEXAMPLE\n-----END CERTIFICATE-----",
        ])
        .to_owned()
    }),
    ("confidential in prose", |r| {
        r.pick(&[
            "This e-mail and any attachments are confidential and intended for the addressee only.",
            "We keep what you tell us confidential.",
            "The helpline is confidential and free, day and night.",
            "Confidential waste is collected on Tuesday.",
            "Documents marked OFFICIAL-SENSITIVE must be locked away.",
            "The meeting is for governors only.",
            "This door is staff only, please use the front.",
            "The photocopier in the hall is for internal use only.",
            "PRIVATE AND CONFIDENTIAL\n\nDear Mr Brown\n\nThank you for your interest in the post.",
            "CONFIDENTIAL: This email is for the named recipient. If it is not you, delete it.",
            "Please do not forward this to the whole list, it clogs the server.",
            "He is an official. Sensitive matters go to the head.",
            "Confidentiality training is on Monday.",
            "She spoke in confidence, and that is how we will treat it.",
        ])
        .to_owned()
    }),
    ("talk about transfer files", |r| {
        r.pick(&[
            "Please send the CTF by Friday.",
            "The CTF import failed with error 1530.",
            "How to make a CTF: a guide for the office.",
            "CTfile is the name of its root element.",
            "The file is called 999_CTF_1.xml by mistake.",
            "CTF stands for common transfer file; ctf is also a game.",
        ])
        .to_owned()
    }),
];

/// All of them.
pub fn samples() -> Vec<Sample> {
    let mut out = Vec::new();
    for (class, make) in NEAR {
        let mut random = Random::of(class);
        for turn in 0..COUNT {
            let text = make(&mut random);
            let carrier = carrier(turn, &text);
            out.push(Sample::negative(
                class,
                carry(carrier, &text),
                &format!("{carrier:?} {text:?}"),
            ));
        }
    }
    out
}
