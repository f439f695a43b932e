//! Any octets in any reads: the session does not panic, always makes progress, and leaves no more than a line unused.
#![no_main]

use beadle::smtp::extension::Offered;
use beadle::smtp::reply::{EnhancedCode, Reply};
use beadle::smtp::server::{Event, Session, Settings};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|reads: Vec<Vec<u8>>| {
    let mut session = Session::new(Settings::default());
    session.banner();
    let (mut unused, mut begun, mut octets) = (Vec::new(), false, 0usize);
    for read in reads {
        unused.extend_from_slice(&read);
        let input = std::mem::take(&mut unused);
        let mut used = 0;
        loop {
            let (taken, event) = session.poll(&input[used..]);
            used += taken;
            let Some(event) = event else { break };
            match event {
                Event::Hello => session.greet(Offered {
                    size: 1000,
                    starttls: true,
                    dsn: true,
                    smtputf8: true,
                    xforward: true,
                    recipients: 10,
                }),
                Event::Body => (begun, octets) = (true, 0),
                Event::Data(data) => {
                    assert!(begun && !data.is_empty());
                    octets += data.len();
                    assert!(octets <= 1000, "more than SIZE was handed on");
                }
                Event::Discarded => assert!(std::mem::take(&mut begun)),
                Event::Complete(envelope) => {
                    assert!(std::mem::take(&mut begun) && !envelope.rcpts.is_empty());
                    session.answer(&Reply::new(250, EnhancedCode(2, 0, 0), "ok"));
                }
                Event::Mail { .. } | Event::Rcpt(_) => {
                    session.answer(&Reply::new(250, EnhancedCode(2, 1, 0), "ok"));
                }
                Event::StartTls => session.secured(),
                Event::Close => {}
            }
        }
        unused = input[used..].to_vec();
        assert!(unused.len() < 4096);
        session.output().clear();
    }
});
