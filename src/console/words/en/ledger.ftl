nav-ledger = Ledger
ledger-title = Ledger
ledger-lead = Everything that was done, by whom and when. Each entry is bound to the one before it, so a change can be found. It holds no text of messages.
ledger-end = { $n ->
    [one] 1 entry.
   *[other] { $n } entries.
}
ledger-signed-to = Signed up to entry { $entry }
ledger-verify-button = Check the whole ledger
ledger-what = What
ledger-everything = Everything
ledger-about = On which message, policy or account
ledger-about-hint = Its reference, such as ENTD-2V8S, or the 16 letters and digits of its id.
ledger-about-wrong = Write a reference of 8 letters and digits, or an id of 16.
ledger-none = There are no such entries.
ledger-caption = Entries, newest first
ledger-number = Entry
ledger-when = When
ledger-who = Who
ledger-on = On
ledger-detail = Details
ledger-detail-of = of entry { $entry }
ledger-pages = Pages of the ledger
ledger-looked = Looked through back to entry { $entry }.
ledger-older = Older entries
ledger-verify-title = Does the ledger hold?
ledger-holds = The ledger holds to entry { $entry }
ledger-broken = The ledger is not what it was
ledger-broken-help = It is good up to entry { $entry }. Write down what stands below, keep the last checkpoint that you have elsewhere, and ask IT who had access to the database.
ledger-followed = { $n ->
    [one] 1 entry was followed.
   *[other] { $n } entries were followed.
}
ledger-checkpoints = { $n ->
    [0] None of them was signed before.
    [one] 1 signed checkpoint agrees with it.
   *[other] { $n } signed checkpoints agree with it.
}
ledger-erased = { $n ->
    [one] 1 name was erased, and an entry says so.
   *[other] { $n } names were erased, and entries say so.
}
ledger-faults = What is wrong
ledger-wrong = What
ledger-from = May begin at
ledger-verified = Checked on
ledger-hash = Hash of entry { $entry }
ledger-running = The ledger is being checked since
ledger-failed = The check could not be ended. IT finds the reason in the log.
ledger-not-yet = It has not been checked since this service started.
ledger-checkpoint = Checkpoint to keep elsewhere
ledger-checkpoint-help = The relay signed entry { $entry } on
ledger-checkpoint-text = Text of the checkpoint
ledger-checkpoint-do = Copy it to a place that nobody who runs this service can change, such as the minutes of the board. IT checks the ledger against it with: beadle ledger verify --checkpoints FILE
ledger-unsigned = Nothing has been signed yet. The relay signs the ledger every hour.
ledger-fault-changed = The entry was changed
ledger-fault-missing = An entry is missing
ledger-fault-inserted = An entry was put in
ledger-fault-reordered = Entries stand in another order
ledger-fault-rewritten = It, or one before it, was written anew with hashes that fit: it is not what was signed
ledger-fault-truncated = The end of the ledger was cut off
ledger-fault-name-changed = The name beside the entry is not the one that was entered
ledger-fault-name-missing = The name beside the entry is gone, and no entry says that it was erased
ledger-fault-checkpoint-unsigned = A checkpoint is not signed by the ledger’s key, or was changed
ledger-fault-checkpoint-missing = A checkpoint that was kept elsewhere is not in the database
ledger-fault-checkpoint-changed = A checkpoint in the database is not the one that it says it is
ledger-fault-other-key = The ledger signs with another key than the one that was noted down
ledger-action-held = Held
ledger-action-turned-away = Refused at once by policy
ledger-action-opened = Looked at, evidence masked
ledger-action-read = Message read
ledger-action-unmasked = Evidence shown in clear
ledger-action-saved = Saved to a file
ledger-action-claimed = Taken by a reviewer
ledger-action-unclaimed = Given back
ledger-action-requested = Second person asked
ledger-action-approved = Release approved by a second person
ledger-action-declined = Release declined by a second person
ledger-action-withdrawn = Request withdrawn
ledger-action-released = Released
ledger-action-refused = Refused by a reviewer
ledger-action-delivered = Delivered to the next mail server
ledger-action-undelivered = Could not be delivered
ledger-action-expired = Ended undecided; content destroyed
ledger-action-purged = Content destroyed after its time
ledger-action-told = Somebody was told
ledger-action-judged = Judged right or wrong
ledger-action-legal-hold = Legal hold placed
ledger-action-legal-hold-lifted = Legal hold lifted
ledger-action-policy-proposed = Policy proposed
ledger-action-policy-approved = Policy approved
ledger-action-policy-emergency = Policy put into force by one person
ledger-action-policy-rejected = Policy rejected
ledger-action-policy-adopted = First policy adopted
ledger-action-policy-changed = Another policy enforced
ledger-action-signed-in = Signed in
ledger-action-signed-out = Signed out
ledger-action-account-created = Account made
ledger-action-account-changed = Account changed
ledger-action-account-removed = Account removed
ledger-action-credentials-set = Password and code set
ledger-action-recovery-used = Recovery code used
ledger-action-token-created = Token made
ledger-action-token-revoked = Token revoked
ledger-action-incident-opened = Breach recorded
ledger-action-incident-changed = Breach changed
ledger-action-incident-closed = Breach closed
ledger-action-queue-retried = Delivery tried again
ledger-action-queue-cancelled = Delivery taken out
ledger-action-started = Relay started
ledger-action-stopped = Relay stopped
ledger-action-configuration = Configuration in force
ledger-action-roster = Roster in force
ledger-action-person-erased = Name erased
ledger-action-ledger-key = Signing key made
ledger-action-queue-resumed = Queue resumed after a restore
ledger-action-backed-up = Backup made
ledger-action-restored = Restored from a backup
ledger-action-key-added = Master key added
ledger-action-key-rewrapped = Keys wrapped anew
ledger-action-key-dropped = Master key dropped
ledger-by = By whom
ledger-by-hint = The name as it stands in the ledger.
