//! Each mark of automatic forwarding, and everything that must not be taken for it, as mail systems write them.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use beadle::extract::{FileFact, Location, Place};
use beadle::mail::{Address, Domain, Envelope};
use beadle::policy::case::CaseMessage;
use beadle::policy::{Action, AutomationState, Policy, automation, decide, mailbox_owner};
use jiff::civil::date;

/// A message by its envelope and header section; folded lines are unfolded as the MIME floor does.
struct Fixture {
    name: &'static str,
    from: &'static str,
    to: &'static [&'static str],
    headers: &'static str,
    state: AutomationState,
    evidence: &'static str,
    owner: &'static str,
}

fn policy() -> Policy {
    let domain = |text| Domain::parse(text).unwrap();
    let internal = [domain("trust.example"), domain("trust.onmicrosoft.example")];
    Policy::embedded("standard")
        .unwrap()
        .with_domains(&internal, &[domain("council.example")])
}

fn message(from: &str, to: &[&str], headers: &str) -> CaseMessage {
    let from = (!from.is_empty()).then(|| Address::parse(from).unwrap());
    let to = to.iter().map(|text| Address::parse(text).unwrap());
    let mut message = CaseMessage::new(Envelope::of(from, to));
    let mut unfolded: Vec<String> = Vec::new();
    for line in headers.lines().filter(|line| !line.trim().is_empty()) {
        match unfolded.last_mut() {
            Some(last) if line.starts_with([' ', '\t']) => last.push_str(line),
            _ => unfolded.push(line.to_owned()),
        }
    }
    for line in unfolded {
        let (name, value) = line.split_once(':').unwrap();
        message.add_header(name, value.trim());
    }
    message
}

use AutomationState::{
    AutoForward, AutoReply, Journal, List, ManualRedirect, None as Nothing, Report, Suspected,
};

const OUT: &[&str] = &["jo.private@mail.example"];
const PARENT: &[&str] = &["parent@home.example"];

/// Must be held.
const FORWARDS: &[Fixture] = &[
    Fixture {
        name: "af_exo_inbox_forward",
        from: "jo@trust.example",
        to: OUT,
        headers: "From: Jo <jo@trust.example>\nTo: jo.private@mail.example\nSubject: FW: Trip\nAuto-Submitted: auto-generated\n\
                  X-MS-Exchange-Generated-Message-Source: Mailbox Rules Agent\nX-MS-Exchange-Parent-Message-Id: <1@home.example>\n\
                  X-MS-Exchange-Inbox-Rules-Loop:\n jo@trust.example\n",
        state: AutoForward,
        evidence: "F1",
        owner: "jo@trust.example",
    },
    Fixture {
        name: "af_exo_inbox_forward of a mailbox whose address is not known",
        from: "jo@trust.example",
        to: OUT,
        headers: "From: Jo <jo@trust.example>\nSubject: FW: Trip\nAuto-Submitted: auto-generated\n\
                  X-MS-Exchange-Generated-Message-Source: Transport Agent,Mailbox Rules Agent\n\
                  X-MS-Exchange-Parent-Message-Id: <1@home.example>\nX-MS-Exchange-Inbox-Rules-Loop: jo@alias.example\n",
        state: AutoForward,
        evidence: "F1",
        owner: "",
    },
    Fixture {
        name: "af_exo_forward_attachment",
        from: "jo@trust.example",
        to: OUT,
        headers: "From: Jo <jo@trust.example>\nSubject: FW: Trip\nX-MS-Has-Attach: yes\nAuto-Submitted: auto-generated\n\
                  X-MS-Exchange-Inbox-Rules-Loop: jo@trust.example\n",
        state: AutoForward,
        evidence: "F2",
        owner: "jo@trust.example",
    },
    Fixture {
        name: "af_exo_redirect_resentfrom",
        from: "jo@trust.example",
        to: OUT,
        headers: "From: <parent@home.example>\nTo: <jo@trust.example>\nResent-From: <jo@trust.example>\nReturn-Path: <jo@trust.example>\n",
        state: AutoForward,
        evidence: "F3",
        owner: "jo@trust.example",
    },
    Fixture {
        name: "af_exo_forwardingsmtp_srs",
        from: "bounces+SRS=xxxxx=YYYYY@trust.onmicrosoft.example",
        to: OUT,
        headers: "From: parent@home.example\nTo: jo@trust.example\nX-MS-Exchange-ForwardingLoop: jo@trust.example;\n\
                  \t11111111-2222-4333-8444-555555555555\nX-OriginatorOrg: trust.example\n",
        state: AutoForward,
        evidence: "F4",
        owner: "jo@trust.example",
    },
    Fixture {
        name: "af_exo_forwardingsmtp_nosrs",
        from: "parent@home.example",
        to: OUT,
        headers: "From: parent@home.example\nTo: jo@trust.example\nx-ms-exchange-forwardingloop: Jo@Trust.example;44d81603-6a98-429d-8ab9-bb947b669639\n",
        state: AutoForward,
        evidence: "F4",
        owner: "jo@trust.example",
    },
    Fixture {
        name: "af_exo_forwardinghandled",
        from: "jo@trust.example",
        to: OUT,
        headers: "From: head@trust.example\nX-MS-Exchange-ForwardingLoop: ForwardingHandled;11111111-2222-4333-8444-555555555555\n",
        state: AutoForward,
        evidence: "F4",
        owner: "",
    },
    Fixture {
        name: "af_transport_rule",
        from: "parent+SRS=ab=cd=home.example=parent@trust.example",
        to: OUT,
        headers: "From: parent@home.example\nTo: jo@trust.example\nX-MS-Exchange-Transport-Rules-Loop: 1\n",
        state: AutoForward,
        evidence: "F7",
        owner: "",
    },
    Fixture {
        name: "a transport rule without rewriting",
        from: "head@trust.example",
        to: OUT,
        headers: "From: head@trust.example\nTo: jo@trust.example\nX-MS-Exchange-Transport-Rules-Loop: 1\n",
        state: Suspected,
        evidence: "F5",
        owner: "",
    },
    Fixture {
        name: "an Outlook rule over a trusted connector",
        from: "jo@trust.example",
        to: OUT,
        headers: "From: jo@trust.example\nX-MS-Exchange-Organization-AutoForwarded: true\n",
        state: AutoForward,
        evidence: "F6",
        owner: "",
    },
    Fixture {
        name: "af_exim_srs0",
        from: "SRS0=/4SVgk=LD=home.example=parent@trust.example",
        to: OUT,
        headers: "From: parent@home.example\nTo: jo@trust.example\n",
        state: AutoForward,
        evidence: "F7",
        owner: "",
    },
    Fixture {
        name: "srs of a second hop",
        from: "srs1+ab=mid.example==cd=ef=home.example=parent@trust.example",
        to: OUT,
        headers: "From: parent@home.example\nTo: jo@trust.example\n",
        state: AutoForward,
        evidence: "F7",
        owner: "",
    },
    Fixture {
        name: "af_powerautomate_forward",
        from: "jo@trust.example",
        to: OUT,
        headers: "From: jo@trust.example\nTo: jo.private@mail.example\nx-ms-mail-application: Microsoft Power Automate; User-Agent:\n \
                  azure-logic-apps/1.0 (workflow 1c04d8943a3348d1a16448e57ef7f4c1; version\n 08585764530080217437) microsoft-flow/1.0\n\
                  x-ms-mail-operation-type: Forward\nx-ms-mail-environment-id: default-11111111-2222-4333-8444-555555555555\n",
        state: AutoForward,
        evidence: "F9",
        owner: "",
    },
    Fixture {
        name: "af_gmail_caf",
        from: "jo+caf_=jo.private=mail.example@trust.example",
        to: OUT,
        headers: "From: parent@home.example\nTo: jo@trust.example\n",
        state: AutoForward,
        evidence: "F10",
        owner: "jo@trust.example",
    },
    Fixture {
        name: "af_gmail_xforwarded",
        from: "jo@trust.example",
        to: OUT,
        headers: "X-Forwarded-To: jo.private@mail.example\nX-Forwarded-For: jo@trust.example jo.private@mail.example\nFrom: parent@home.example\nTo: jo@trust.example\n",
        state: AutoForward,
        evidence: "F10",
        owner: "jo@trust.example",
    },
    Fixture {
        name: "workspace routing",
        from: "head@trust.example",
        to: OUT,
        headers: "X-Gm-Original-To: jo@trust.example\nFrom: head@trust.example\nTo: jo@trust.example\n",
        state: Suspected,
        evidence: "F11",
        owner: "",
    },
    Fixture {
        name: "af_postfix_dotforward",
        from: "parent@home.example",
        to: OUT,
        headers: "Delivered-To: jo@trust.example\nReceived: from mx.home.example by mail.trust.example for <jo@trust.example>; x\nFrom: parent@home.example\nTo: jo@trust.example\n",
        state: AutoForward,
        evidence: "F12",
        owner: "jo@trust.example",
    },
    Fixture {
        name: "a .forward of mail from a colleague",
        from: "head@trust.example",
        to: OUT,
        headers: "Delivered-To: jo@trust.example\nFrom: head@trust.example\nTo: jo@trust.example\n",
        state: AutoForward,
        evidence: "F12",
        owner: "jo@trust.example",
    },
    Fixture {
        name: "af_postfix_alias_structural",
        from: "parent@home.example",
        to: OUT,
        headers: "Received: by relay.trust.example; x\nReceived: from mx.home.example by mail.trust.example for <jo@trust.example>; x\nFrom: parent@home.example\nTo: jo@trust.example\n",
        state: AutoForward,
        evidence: "envelope",
        owner: "jo@trust.example",
    },
    Fixture {
        name: "an outside author under an envelope sender of the trust",
        from: "jo@trust.example",
        to: OUT,
        headers: "Received: by relay.trust.example; x\nReceived: from mx.home.example by mail.trust.example for <jo@trust.example>; x\nFrom: parent@home.example\nTo: jo@trust.example\n",
        state: Suspected,
        evidence: "F24",
        owner: "jo@trust.example",
    },
    Fixture {
        name: "an author's signature under an envelope sender of the trust",
        from: "jo@trust.example",
        to: OUT,
        headers: "DKIM-Signature: v=1; a=rsa-sha256; d=home.example; s=1; b=x\nFrom: parent@home.example\nTo: jo.private@mail.example\n",
        state: Suspected,
        evidence: "F25",
        owner: "",
    },
    Fixture {
        name: "an outside envelope sender with an author of the trust",
        from: "bounce@service.example",
        to: OUT,
        headers: "From: office@trust.example\nTo: jo.private@mail.example\n",
        state: Suspected,
        evidence: "envelope",
        owner: "",
    },
    Fixture {
        name: "af_sieve_redirect",
        from: "jo@trust.example",
        to: OUT,
        headers: "X-Sieve: Pigeonhole Sieve 0.5.21\nX-Sieve-Redirected-From: jo@trust.example\nFrom: head@trust.example\nTo: jo@trust.example\n",
        state: AutoForward,
        evidence: "F13",
        owner: "jo@trust.example",
    },
    Fixture {
        name: "a sieve redirect of mail without a sender",
        from: "",
        to: OUT,
        headers: "X-Sieve-Redirected-From: jo@trust.example\nFrom: parent@home.example\nTo: jo@trust.example\nAuto-Submitted: auto-replied\n",
        state: AutoForward,
        evidence: "F13",
        owner: "jo@trust.example",
    },
    Fixture {
        name: "af_zimbra",
        from: "jo@trust.example",
        to: OUT,
        headers: "X-Zimbra-Forwarded: jo@trust.example\nFrom: head@trust.example\n",
        state: AutoForward,
        evidence: "F17",
        owner: "jo@trust.example",
    },
    Fixture {
        name: "af_hmail_forward",
        from: "jo@trust.example",
        to: OUT,
        headers: "X-hMailServer-LoopCount: 1\nFrom: parent@home.example\nTo: jo@trust.example\n",
        state: AutoForward,
        evidence: "F18",
        owner: "",
    },
    Fixture {
        name: "af_autosubmitted_forwarded",
        from: "jo@trust.example",
        to: OUT,
        headers: "Auto-Submitted: auto-forwarded\nFrom: jo@trust.example\n",
        state: AutoForward,
        evidence: "F21",
        owner: "",
    },
    Fixture {
        name: "x400",
        from: "jo@trust.example",
        to: OUT,
        headers: "Autoforwarded: TRUE\nFrom: jo@trust.example\n",
        state: AutoForward,
        evidence: "F22",
        owner: "",
    },
    Fixture {
        name: "a newsletter that a mailbox forwards, List headers and all",
        from: "bounce-77@letters.example",
        to: OUT,
        headers: "From: news@letters.example\nList-Id: <news.letters.example>\nList-Unsubscribe: <https://letters.example/u>\nTo: jo@trust.example\n",
        state: AutoForward,
        evidence: "envelope",
        owner: "",
    },
    Fixture {
        name: "an outsider's vacation reply that a mailbox forwards",
        from: "jo@trust.example",
        to: OUT,
        headers: "Auto-Submitted: auto-replied\nFrom: parent@home.example\nX-MS-Exchange-Inbox-Rules-Loop: jo@trust.example\n",
        state: AutoForward,
        evidence: "F1",
        owner: "jo@trust.example",
    },
    Fixture {
        name: "an outsider who writes as the trust and as a vacation reply, forwarded",
        from: "x@far.example",
        to: OUT,
        headers: "Auto-Submitted: auto-replied\nFrom: office@trust.example\nTo: jo@trust.example\n",
        state: Suspected,
        evidence: "envelope",
        owner: "",
    },
    Fixture {
        name: "the same under a rewritten sender",
        from: "srs0=ab=cd=far.example=x@trust.example",
        to: OUT,
        headers: "Auto-Submitted: auto-replied\nFrom: office@trust.example\nTo: jo@trust.example\n",
        state: AutoForward,
        evidence: "F7",
        owner: "",
    },
    Fixture {
        name: "a forward of mail without a sender, dressed as an out-of-office reply",
        from: "",
        to: OUT,
        headers: "From: jo@trust.example\nSubject: FW: Undeliverable\nX-Auto-Response-Suppress: All\nauto-submitted: auto-generated\nX-MS-Exchange-Inbox-Rules-Loop: jo@trust.example\n",
        state: AutoForward,
        evidence: "F1",
        owner: "jo@trust.example",
    },
];

/// Must not be held for forwarding.
const OTHERS: &[Fixture] = &[
    Fixture {
        name: "neg_exchange_oof",
        from: "",
        to: PARENT,
        headers: "Return-Path: <>\nFrom: jo@trust.example\nTo: parent@home.example\nSubject: Automatic reply: Trip\nX-Auto-Response-Suppress: All\n\
                  X-MS-Exchange-Inbox-Rules-Loop: jo@trust.example\nx-ms-exchange-parent-message-id: <1@home.example>\n\
                  auto-submitted: auto-generated\nx-ms-exchange-generated-message-source: Mailbox Rules Agent\n",
        state: AutoReply,
        evidence: "F1",
        owner: "",
    },
    Fixture {
        name: "neg_exchange_template_reply",
        from: "",
        to: PARENT,
        headers: "From: jo@trust.example\nTo: parent@home.example\nSubject: RE: Trip\nX-Auto-Response-Suppress: DR, OOF, AutoReply\n\
                  X-MS-Exchange-Inbox-Rules-Loop: jo@trust.example\nAuto-Submitted: auto-generated\n",
        state: AutoReply,
        evidence: "F1",
        owner: "",
    },
    Fixture {
        name: "neg_gmail_vacation",
        from: "jo@trust.example",
        to: PARENT,
        headers: "From: jo@trust.example\nPrecedence: bulk\nX-Autoreply: yes\nAuto-Submitted: auto-replied\n",
        state: AutoReply,
        evidence: "",
        owner: "",
    },
    Fixture {
        name: "neg_sieve_vacation",
        from: "",
        to: PARENT,
        headers: "From: jo@trust.example\nX-Sieve: Pigeonhole Sieve 0.5.21\nAuto-Submitted: auto-replied (vacation)\nPrecedence: bulk\n",
        state: AutoReply,
        evidence: "",
        owner: "",
    },
    Fixture {
        name: "neg_zimbra_vacation",
        from: "",
        to: PARENT,
        headers: "From: jo@trust.example\nX-Zimbra-Forwarded: jo@trust.example\nAuto-Submitted: auto-replied (zimbra; vacation)\n",
        state: AutoReply,
        evidence: "F17",
        owner: "",
    },
    Fixture {
        name: "neg_hmail_vacation",
        from: "jo@trust.example",
        to: PARENT,
        headers: "From: jo@trust.example\nAuto-Submitted: auto-replied\nX-hMailServer-LoopCount: 1\n",
        state: AutoReply,
        evidence: "",
        owner: "",
    },
    Fixture {
        name: "neg_list_mailman_own",
        from: "parents-bounces@lists.trust.example",
        to: PARENT,
        headers: "From: someone@home.example\nTo: parents@lists.trust.example\nList-Id: Parents <parents.lists.trust.example>\nList-Post: <mailto:parents@lists.trust.example>\nDelivered-To: parents@lists.trust.example\nPrecedence: list\n",
        state: List,
        evidence: "F12",
        owner: "",
    },
    Fixture {
        name: "neg_newsletter_human_fwd",
        from: "jo@trust.example",
        to: OUT,
        headers: "From: jo@trust.example\nTo: jo.private@mail.example\nSubject: Fwd: News\nUser-Agent: Mozilla Thunderbird\nX-Forwarded-Message-Id: <1@letters.example>\n",
        state: Nothing,
        evidence: "",
        owner: "",
    },
    Fixture {
        name: "neg_thunderbird_fwd",
        from: "jo@trust.example",
        to: OUT,
        headers: "Subject: Fwd: Trip\nFrom: jo@trust.example\nTo: jo.private@mail.example\nIn-Reply-To: <1@home.example>\nX-Forwarded-Message-Id: <1@home.example>\nUser-Agent: Mozilla Thunderbird\n",
        state: Nothing,
        evidence: "",
        owner: "",
    },
    Fixture {
        name: "neg_outlook_fwd",
        from: "jo@trust.example",
        to: OUT,
        headers: "Subject: FW: Trip\nThread-Index: AQHZ\nFrom: jo@trust.example\nTo: jo.private@mail.example\nX-MS-Has-Attach: yes\nX-Auto-Response-Suppress: DR\n",
        state: Nothing,
        evidence: "",
        owner: "",
    },
    Fixture {
        name: "neg_manual_resend",
        from: "jo@trust.example",
        to: OUT,
        headers: "Resent-From: jo@trust.example\nResent-To: jo.private@mail.example\nResent-Date: Mon, 23 Nov 2026 09:00:00 +0000\nResent-Message-ID: <2@trust.example>\nDelivered-To: jo@trust.example\nReceived: from a by b for <jo@trust.example>; x\nFrom: parent@home.example\nTo: jo@trust.example\n",
        state: ManualRedirect,
        evidence: "F12",
        owner: "",
    },
    Fixture {
        name: "neg_ldprocessed_extaddr",
        from: "jo@trust.example",
        to: OUT,
        headers: "From: jo@trust.example\nTo: jo.private@mail.example\nX-LD-Processed: 11111111-2222-4333-8444-555555555555,ExtAddr\n",
        state: Nothing,
        evidence: "",
        owner: "",
    },
    Fixture {
        name: "neg_ldprocessed_extfwd",
        from: "jo@trust.example",
        to: OUT,
        headers: "From: jo@trust.example\nTo: jo.private@mail.example\nX-LD-Processed: 11111111-2222-4333-8444-555555555555,ExtFwd\n",
        state: Nothing,
        evidence: "",
        owner: "",
    },
    Fixture {
        name: "neg_phish_report_rfc822_with_loop_headers_inside",
        from: "jo@trust.example",
        to: &["helpdesk@support.example"],
        headers: "From: jo@trust.example\nTo: helpdesk@support.example\nSubject: FW: is this real?\nContent-Type: multipart/mixed; boundary=b\n",
        state: Nothing,
        evidence: "",
        owner: "",
    },
    Fixture {
        name: "neg_journal",
        from: "journal@trust.example",
        to: &["in@vault.example"],
        headers: "From: journal@trust.example\nX-MS-Journal-Report:\nX-MS-Exchange-Generated-Message-Source: Journal Agent\nAuto-Submitted: auto-generated\nX-MS-Exchange-Transport-Rules-Loop: 1\n",
        state: Journal,
        evidence: "F5",
        owner: "",
    },
    Fixture {
        name: "neg_meeting_forward",
        from: "jo@trust.example",
        to: OUT,
        headers: "From: jo@trust.example\nTo: jo.private@mail.example\nX-MS-Exchange-MeetingForward-Message: Forward\n",
        state: Nothing,
        evidence: "",
        owner: "",
    },
    Fixture {
        name: "neg_dsn",
        from: "",
        to: PARENT,
        headers: "From: postmaster@trust.example\nAuto-Submitted: auto-replied\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\nX-MS-Exchange-Transport-Rules-Loop: 1\n",
        state: Report,
        evidence: "F5",
        owner: "",
    },
    Fixture {
        name: "a bounce in plain text",
        from: "",
        to: PARENT,
        headers: "From: Mail Delivery System <MAILER-DAEMON@mail.trust.example>\n",
        state: Report,
        evidence: "",
        owner: "",
    },
    Fixture {
        name: "neg_internal_autoforward",
        from: "parent@home.example",
        to: &["head@trust.example"],
        headers: "From: parent@home.example\nX-MS-Exchange-ForwardingLoop: jo@trust.example;1\nX-MS-Exchange-Inbox-Rules-Loop: jo@trust.example\n",
        state: Nothing,
        evidence: "F4",
        owner: "",
    },
    Fixture {
        name: "a delegate rule of Exchange",
        from: "jo@trust.example",
        to: &["pa@trust.example"],
        headers: "From: jo@trust.example\nX-MS-Exchange-Generated-Message-Source: Mailbox Rules Agent.DelegateAccess\nX-MS-Exchange-Parent-Message-Id: <1@x.example>\n",
        state: Nothing,
        evidence: "",
        owner: "",
    },
    Fixture {
        name: "a blind copy",
        from: "jo@trust.example",
        to: OUT,
        headers: "From: jo@trust.example\nTo: undisclosed-recipients:;\n",
        state: Nothing,
        evidence: "",
        owner: "",
    },
    Fixture {
        name: "a flow that sends a notification",
        from: "jo@trust.example",
        to: PARENT,
        headers: "From: jo@trust.example\nTo: parent@home.example\nx-ms-mail-application: Microsoft Power Automate; User-Agent: microsoft-flow/1.0\nx-ms-mail-operation-type: Send\n",
        state: Nothing,
        evidence: "F9",
        owner: "",
    },
    Fixture {
        name: "a proxy's header of the same name as Gmail's",
        from: "jo@trust.example",
        to: PARENT,
        headers: "From: jo@trust.example\nTo: parent@home.example\nX-Forwarded-For: 192.0.2.7\n",
        state: Nothing,
        evidence: "",
        owner: "",
    },
    Fixture {
        name: "an outsider's mark quoted in a display name",
        from: "jo@trust.example",
        to: PARENT,
        headers: "From: jo@trust.example\nTo: parent@home.example\nX-Loop: \"jo@trust.example\" <list@far.example>\n",
        state: Nothing,
        evidence: "",
        owner: "",
    },
    Fixture {
        name: "a web form that writes in a visitor's name but is addressed openly",
        from: "www@trust.example",
        to: PARENT,
        headers: "From: visitor@home.example\nSender: www@trust.example\nTo: parent@home.example\n",
        state: Nothing,
        evidence: "",
        owner: "",
    },
];

fn judge(fixture: &Fixture) {
    let policy = policy();
    let message = message(fixture.from, fixture.to, fixture.headers);
    let facts = message.facts();
    let automation = automation(&facts, &policy.classes);
    let name = fixture.name;
    assert_eq!(
        automation.state, fixture.state,
        "{name}: {:?}",
        automation.evidence
    );
    let evidence = &automation.evidence;
    if fixture.evidence.is_empty() {
        assert!(evidence.is_empty(), "{name}: {evidence:?}");
    } else {
        assert!(
            evidence.iter().any(|id| **id == *fixture.evidence),
            "{name}: {evidence:?}"
        );
    }
    let verdict = decide(&policy, &facts, date(2026, 11, 23).at(10, 0, 0, 0));
    let held = verdict.hits.iter().any(|hit| &*hit.rule == "auto-forward");
    assert_eq!(held, automation.is_forward(), "{name}");
    assert_ne!(verdict.action, Action::Refuse, "{name}");
    if automation.is_forward() {
        let owner = mailbox_owner(&facts, &policy.classes).map(|owner| owner.key());
        assert_eq!(owner.unwrap_or_default(), fixture.owner, "{name}");
        assert_eq!(automation.owner_known, !fixture.owner.is_empty(), "{name}");
    } else {
        assert_eq!(verdict.action, Action::Deliver, "{name}");
    }
}

#[test]
fn every_mark_is_recognised_and_held() {
    for fixture in FORWARDS {
        judge(fixture);
        assert!(matches!(fixture.state, AutoForward | Suspected));
    }
}

#[test]
fn nothing_else_is_taken_for_a_forward() {
    for fixture in OTHERS {
        judge(fixture);
    }
}

#[test]
fn a_device_that_may_write_for_others_is_not_judged_by_the_envelope() {
    let policy = policy();
    let headers = "From: parent@home.example\nTo: jo.private@mail.example\n";
    let mut message = message("parent@home.example", OUT, headers);
    assert_eq!(
        automation(&message.facts(), &policy.classes).state,
        AutoForward
    );
    message.client.own_server = false;
    assert_eq!(automation(&message.facts(), &policy.classes).state, Nothing);
}

#[test]
fn without_known_domains_only_headers_speak() {
    let policy = Policy::embedded("standard").unwrap();
    let plain = message(
        "jo@trust.example",
        OUT,
        "From: jo@trust.example\nTo: jo.private@mail.example\n",
    );
    assert_eq!(automation(&plain.facts(), &policy.classes).state, Nothing);
    let marked = message(
        "jo@trust.example",
        OUT,
        "X-MS-Exchange-ForwardingLoop: jo@trust.example;1\n",
    );
    assert_eq!(
        automation(&marked.facts(), &policy.classes).state,
        AutoForward
    );
}

#[test]
fn an_out_of_office_reply_carries_no_files() {
    let oof = &OTHERS[0];
    let mut message = message(oof.from, oof.to, oof.headers);
    message.content.files.push(FileFact {
        location: Location::of(Place::Body).inside("original.eml"),
        kind: "message/rfc822".to_owned(),
        bytes: 1000,
        mismatch: false,
    });
    assert_eq!(
        automation(&message.facts(), &policy().classes).state,
        AutoForward
    );
}

#[test]
fn a_journal_goes_to_the_archive_only_when_one_is_named() {
    let text = "name = \"a\"\ntitle = \"a\"\n[classes]\ninternal = { domains = [\"trust.example\"] }\narchive = { domains = [\"vault.example\"] }\n";
    let policy = Policy::parse("a.toml", text).unwrap();
    let headers = "From: journal@trust.example\nX-MS-Journal-Report:\nX-MS-Exchange-Transport-Rules-Loop: 1\n";
    let right = message("journal@trust.example", &["in@vault.example"], headers);
    assert_eq!(automation(&right.facts(), &policy.classes).state, Journal);
    let wrong = message("journal@trust.example", OUT, headers);
    assert_eq!(automation(&wrong.facts(), &policy.classes).state, Suspected);
}
