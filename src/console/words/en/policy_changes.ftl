propose-title = Propose a change of the policy
propose-lead = Change the text below, which is in force now, or put the text of a file in its place. It is checked, and then a second person decides. Nothing changes until then.
propose-text = Text of the policy
propose-text-hint = The whole file, not only what changes.
propose-reason = Why?
propose-reason-hint = The second person reads this. No names of pupils.
propose-button = Check and propose it
propose-problems = { $n ->
    [one] 1 thing must be mended
   *[other] { $n } things must be mended
}
propose-line = Line { $line }:
policy-title = Policy
policy-reason = Why
policy-host = What is left to do on the host
policy-host-save = Save the text below to a file, exactly as it stands.
policy-host-file = Put it in the place of { $path }, which the relay reads.
policy-host-built-in = Set trust.policy, now { $name }, to the path of that file.
policy-host-reload = Reload the relay: systemctl reload beadle
policy-host-why = The relay reads its policy from the host, so that nobody changes it from a browser alone. It enforces this very text and no other.
policy-changes = What changes, in words
policy-no-changes = Nothing that changes an outcome.
policy-unread = One of both cannot be read by this version any more.
policy-replay = See what it would have done with the messages of the past
policy-decide = Approve or reject it
policy-decide-help = You did not propose this, so you can be the second person. Read what changes, and see what it would have done.
policy-approve-why = Why do you approve it?
policy-approve = Approve this policy
policy-reject-why = Why do you reject it?
policy-reject = Reject this policy
policy-own = You proposed this
policy-own-help = Somebody else must approve it. You can take it back.
policy-withdraw-why = Why do you take it back?
policy-withdraw = Take it back
policy-emergency = It cannot wait for a second person
policy-emergency-help = You can put it into force alone. That is an alarm on every page of health until a second person approves or rejects it.
policy-emergency-why = What is the emergency?
policy-emergency-button = Put it into force alone
policy-lines = What changes, line by line
policy-no-lines = The text is the same.
policy-too-many = Too much differs to be shown line by line.
policy-text = The whole text
policy-text-label = Text of the policy, to be saved as a file
done-proposed = It is proposed. A second person decides.
done-policy-approved = The policy is approved. See what is left to do on the host.
done-policy-emergency = The policy may be enforced. A second person must still approve it.
done-policy-rejected = The policy is rejected.
replay-title = What it would have done
replay-back = Policy { $id }
replay-lead = Judges what is on record of past messages by this policy. Nothing is sent and nothing is changed.
replay-messages = { $n ->
    [one] 1 message was looked at.
   *[other] { $n } messages were looked at.
}
replay-changed = { $n ->
    [0] Nothing would have been done otherwise.
    [one] 1 would have been treated otherwise.
   *[other] { $n } would have been treated otherwise.
}
replay-stricter = { $n ->
    [0] None more strictly.
    [one] 1 more strictly.
   *[other] { $n } more strictly.
}
replay-more = There are more than 500,000 messages in these days; these are the first of them.
replay-doubtful = { $n ->
    [one] Of 1 message less is on record than there was.
   *[other] Of { $n } messages less is on record than there was.
}
replay-moved = What would have been otherwise
replay-was = What was done
replay-would-be = What would have been done
replay-rules = Rules for which something would change
replay-fired = Met
replay-would-fire = Would be met
replay-examples = Messages to look at
replay-reference = Reference
replay-untried = Rules that cannot be tried: this header is not on record
replay-done = Tried on
replay-running = It is being tried since
replay-failed = It could not be tried. IT finds the reason in the log.
replay-days = Days back from now
replay-button = Try it
