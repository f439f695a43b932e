nav-retention = Retention
retention-title = Retention
retention-lead = What is kept, for how long, and how it ends. When its time is over, the key of a message is destroyed: no copy of it can be read any more.
retention-times = Days that the policy keeps messages
retention-what = What was found
retention-days-held = Nobody decided
retention-days-released = After a release
retention-days-refused = After a refusal
retention-all = Every message
retention-rest = Everything else
retention-events = { $n ->
    [one] What happened, without any content, is kept for 1 day.
   *[other] What happened, without any content, is kept for { $n } days.
}
retention-kept = What is kept now
retention-count-button = Count what is kept
retention-counting = It is being counted since
retention-count-failed = It could not be counted. IT finds the reason in the log.
retention-counted = Counted on
retention-messages = { $n ->
    [one] The text of 1 message is kept.
   *[other] The text of { $n } messages is kept.
}
retention-soon = { $n ->
    [0] None of it ends in the next 7 days.
    [one] 1 ends in the next 7 days.
   *[other] { $n } end in the next 7 days.
}
retention-undecided = { $n ->
    [one] 1 message that nobody has decided ends in the next 7 days. It will never arrive.
   *[other] { $n } messages that nobody has decided end in the next 7 days. They will never arrive.
}
retention-undecided-link = See what waits
retention-legal = { $n ->
    [one] A legal hold keeps 1 message beyond its time.
   *[other] Legal holds keep { $n } messages beyond their time.
}
retention-by = Kept messages by outcome and what was found. A message with several findings counts for each.
retention-outcome = Outcome
retention-outcome-held = Nobody decided yet
retention-outcome-released = Released
retention-outcome-refused = Refused
retention-number = Messages
retention-size = MiB
retention-end-soon = End in 7 days
retention-next = Next end
retention-proof-title = Proof of an end
retention-proof-lead = Shows that the text of a message is gone: when its key was destroyed, the ledger’s entry that says so, and the signature over it.
retention-proof-id = Which message?
retention-proof-hint = Its reference, or the 16 letters and digits of its id.
retention-proof-button = Show the proof
retention-proof-none = The ledger knows of no end of this message. Either it is still kept, or the reference is wrong.
retention-gone = The text of this message is gone
retention-came-back = The text of this message is there again
retention-came-back-help = A restore from a backup brought it back. The next hourly round of retention ends it anew.
retention-message = Message
retention-ended = Ended
retention-entry = Entry in the ledger
retention-file = Sealed file
retention-file-gone = Gone
retention-file-there = Still there, without its key: nobody can read it. It is swept within a day.
retention-ledger-holds = Checked from the first entry to the last: it holds
retention-checkpoint = Signed checkpoint that covers the entry
retention-unsigned = Not signed yet. The next checkpoint covers it, within the hour.
done-retention-count = What is kept was counted, or is being counted.
