# One held message.
hold-title = Held message
hold-title-reference = Held message { $reference }
hold-received = received { $when }
hold-back = Back to the message

# What happens next.
hold-next-others = This message waits for a reviewer’s decision
hold-next-approve-others = { $who } asks for its release: a second person must agree
hold-next-held = This message waits for your decision
hold-next-yours = You have this message: decide when you are ready
hold-next-claimed = { $who } is looking at this message
hold-next-asked = You asked for its release: a second person must now agree
hold-next-approve = { $who } asks for its release: do you agree?
hold-next-released = { $who } released this message
hold-next-refused = { $who } refused this message: it was not sent
hold-next-held-text = Nothing has been sent. Without a decision it is deleted unsent on { $when }, in { $left }.
hold-next-decided-text = Its content is deleted on { $when }.
hold-next-legal-text = A legal hold keeps its content until that is lifted. Nothing has to be decided today because of it.
hold-urgent = Urgent: it may be about somebody’s safety. Look at it now.
hold-two-people = Two people must agree before it is released.
hold-own = You sent this message, so somebody else decides on it.
hold-go-decide = Go to the decision

hold-sender-says = What the sender says
hold-asks = asks for release
hold-why = Why it was held
hold-also-noted = also noted
hold-clause = Your policy:
hold-who = Who
hold-from = From
hold-recipients = { $n ->
    [one] To 1 address
   *[other] To { $n } addresses
}
hold-address = Address
hold-known = Who that is
hold-evidence = What was found
hold-evidence-caption = Findings
hold-confidential = This message goes to a confidential channel, such as a union or occupational health. Nobody reads its content here.
hold-no-evidence = No personal data was found. See above why it was held.
hold-people = { $n ->
    [one] It is about 1 person.
   *[other] It is about { $n } people.
}
hold-masked = What was found is masked.
hold-more-evidence = { $n ->
    [one] And 1 more finding.
   *[other] And { $n } more findings.
}
hold-col-kind = Kind
hold-col-what = What
hold-col-where = Where
hold-col-sure = How sure
hold-place-body = Text
hold-place-subject = Subject line
hold-sure-low = Possible
hold-sure-medium = Likely
hold-sure-high = Sure
hold-attachments = Attachments
hold-protected = protected: { $how }
hold-bound = cannot be left out: { $why }
hold-read = Read the message, findings masked
hold-unmask = Read the message in clear
hold-read-noted = That you read it is recorded, with your name and the time.

# A second person.
hold-request = What was asked for
hold-request-by = Asked by
hold-request-why = Why
hold-request-to = To
hold-request-form = What is sent
hold-approve-heading = Agree or decline
hold-approve-do = Agree and release
hold-decline-why = Why not?
hold-decline-do = Decline: it keeps waiting
hold-withdraw = Take my request back

# Deciding.
hold-decide = Decide
hold-taken = Somebody else is looking at it. Speak to them before you take it over: they can see that you did.
hold-take-over = Take it over
hold-claim = Tell others that I am looking at it
hold-claim-hint = For 30 minutes nobody else decides on it, unless they take it over.
hold-unclaim = Give it back to the others
hold-reason = Reason
hold-choose = Choose a reason
hold-text = In your own words
hold-text-hint = Your board or the regulator may read this. Leave out names of pupils.
hold-special-hint = It holds health, special needs or safeguarding data, so you must write why it may go. Leave out names of pupils.
hold-refuse-text-hint = The sender reads this if you tell them. Say what they should change.
hold-refuse-heading = Refuse it
hold-refuse-text = It is not sent to anybody.
hold-refuse-do = Refuse this message
hold-tell = Tell the sender?
hold-tell-yes = Yes, with your words
hold-tell-no = No
hold-release-heading = Release it
hold-release-text = You see what will be sent, and to whom, before anything leaves.
hold-to = Send it to
hold-form = Send what?
hold-form-held = The message as it is
hold-form-initials = The message with initials for pupils’ names
hold-form-without = The message without the attachments ticked below
hold-leave-out = Leave out
hold-encrypt = Send it only by the route that encrypts
hold-release-next = Check before release
hold-judge = Was it right to stop this message?
hold-judge-right = Yes
hold-judge-partly = Partly: some of it was a false alarm
hold-judge-wrong = No, a false alarm
hold-judge-do = Save
hold-judged-right = Judged: it was right to stop it.
hold-judged-partly = Judged: partly a false alarm.
hold-judged-wrong = Judged: a false alarm.

hold-release-entitled = The recipients may have this data
hold-release-agreed = The parent or the person concerned agreed
hold-release-checked = I checked with the sender
hold-release-urgent-care = Needed now for somebody’s safety or care
hold-release-no-data = A false alarm: there is no personal data in it
hold-release-other = Another reason
hold-refuse-wrong-person = It goes to the wrong person
hold-refuse-too-much = It holds more than the recipient needs
hold-refuse-unprotected = It must be sent by a protected way
hold-refuse-own-mailbox = School data must not go to a private mailbox
hold-refuse-not-work = It does not belong in work mail
hold-refuse-other = Another reason

# What is wrong with the form.
hold-choose-reason = Choose a reason
hold-choose-recipients = Choose at least one person to send it to
hold-choose-attachments = Choose the attachments to leave out
hold-choose-judgement = Choose whether it was right to stop it
hold-text-needed = Write the reason in your own words
hold-special-text = Write why this may go: it holds health, special needs or safeguarding data
hold-no-encryption = There is no route that encrypts: your IT team has not set one up
hold-first = { $who } was first. The message is now: { $state }. Nothing of yours was done.
hold-changed = The message was changed while you looked at it. It is now: { $state }. Nothing of yours was done: check it, and decide again.
hold-claimed-first = { $who } is looking at this message. Nothing of yours was done.
hold-same-person = You asked for this release, so another person must agree to it.
hold-cannot-tell = The sender cannot be told, because the message has no sender or no notice could be written. Nothing was done. Refuse it without telling them.
hold-not-done = Nothing was done: { $why }.

# Before a release.
hold-confirm-title = Check before release
hold-plan-all = { $n ->
    [one] It goes to the 1 person it was for.
   *[other] It goes to all { $n } people it was for.
}
hold-plan-some = It goes to { $n } of { $of } people.
hold-plan-inside = None of them is outside the trust and its partners.
hold-plan-outside = { $of ->
    [one] 1 person outside the trust and its partners gets it.
   *[other] { $n } of { $of } people outside the trust and its partners get it.
}
hold-plan-held = It is sent as it is.
hold-plan-initials = It is sent with initials for pupils’ names.
hold-plan-without = { $n ->
    [one] It is sent without 1 attachment.
   *[other] It is sent without { $n } attachments.
}
hold-plan-encrypt = Only by the route that encrypts.
hold-plan-usual = By your usual mail route.
hold-plan-to = Gets it
hold-plan-not-to = Does not get it
hold-plan-left-out = Left out
hold-plan-way = Route
hold-plan-names = { $n ->
    [one] 1 name becomes initials.
   *[other] { $n } names become initials.
}
hold-plan-passes = Your policy would let this version go.
hold-plan-still = { $n ->
    [0] Your policy would still hold this version.
    [one] Your policy would still hold this version: 1 finding is left in it.
   *[other] Your policy would still hold this version: { $n } findings are left in it.
}
hold-plan-asks = Nothing is sent yet: a second person must agree first.
hold-plan-final = It is sent at once and cannot be called back.
hold-release-do = Release this message
hold-ask-do = Ask a second person
hold-cancel = Go back, release nothing

# Kept for a case.
hold-legal-open = Keep it for a case (legal hold)
hold-legal-lift-open = Kept for a case (legal hold)
hold-legal-text = Reference of the case
hold-legal-place = Keep it
hold-legal-lift = Keep it no longer

# What happened.
hold-history = What happened
hold-by-service = the service
hold-act-held = Held
hold-act-opened = Opened
hold-act-read = Read, findings masked
hold-act-unmasked = Read in clear
hold-act-saved = Saved as a file
hold-act-claimed = Taken to look at
hold-act-unclaimed = Given back
hold-act-requested = Release asked for
hold-act-approved = Release agreed to
hold-act-declined = Release declined
hold-act-withdrawn = Request taken back
hold-act-legal-hold = Kept for a case
hold-act-legal-hold-lifted = Kept for the case no longer
hold-act-released = Released
hold-act-refused = Refused
hold-act-expired = Content deleted undecided
hold-act-purged = Content deleted
hold-act-judged = Judged whether it was right to stop it
hold-act-justified = The sender wrote to the reviewer
hold-act-release-wanted = The sender asked for release
hold-act-sent-by-sender = Sent by its sender, with initials
hold-act-withdrawn-by-sender = Taken back by its sender
hold-act-told = People were told
hold-similar = Messages like this one
hold-like-values = { $n ->
    [one] 1 finding is the same
   *[other] { $n } findings are the same
}
hold-like-sender = same sender
hold-like-rule = same reason

# The message itself.
message-title = The message, findings masked
message-clear-title = The message in clear
message-about = Held message { $reference }. That you read it has been recorded. You can come back to this page for 15 minutes.
message-fields = Who wrote to whom
message-all-fields = All header fields
message-field-masked = (stands in the text below, masked)
message-text = Text
message-marked = This is the text that was searched. Findings stand in brackets, masked.
message-marked-clear = This is the text that was searched. Findings stand in brackets.
message-empty = It holds no text.
message-cut = The message is longer than what is shown here. Save it to read all of it.
message-part-cut = { $n ->
    [0] The rest is not shown.
    [one] The rest is not shown, with 1 finding in it.
   *[other] The rest is not shown, with { $n } findings in it.
}
message-in-file = In attachment { $n }
message-page = The message as a page ({ $n })
message-page-hint = Pictures from the internet are not loaded and links do not work. It looks plainer than in a mail program.
message-files = Files
message-file-name = Name
message-file-kind = Kind and size
message-file-save = Save
message-save-file = Save file { $n }
message-save-hint = A saved file leaves this service’s protection. Saving is recorded. The file gets a neutral name: give it its own ending to open it.
message-save = Save the whole message
message-file-mismatch = it is not what its name says
message-file-unread = could not be read: { $kind }
message-file-recognised = text read from pictures, which makes mistakes
message-versions = Compare it with the version with initials
versions-title = With initials for pupils’ names
versions-before = As it is held
versions-after = With initials
versions-still = Your policy would still hold this version.

done-hold-released = Released. The message is on its way.
done-hold-asked = Asked. A second person must now agree.
done-hold-refused = Refused. Nothing was sent, and nobody was told.
done-hold-refused-told = Refused. Nothing was sent, and the sender is being told.
done-hold-claimed = You have this message for 30 minutes.
done-hold-unclaimed = Given back. Others can decide on it.
done-hold-approved = Agreed. The message is on its way.
done-hold-declined = Declined. The message keeps waiting.
done-hold-withdrawn = Your request is taken back.
done-hold-judged = Saved. It counts in the reports.
done-hold-kept = It is kept for the case.
done-hold-not-kept = It is kept for the case no longer.
done-hold-look-over = The 15 minutes to read are over. Ask to read it again below.
