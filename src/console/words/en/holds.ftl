# The list of what is held.
nav-holds = Held messages
holds-title = Held messages
holds-find = Find a message
holds-text = Words, names or addresses
holds-text-hint = Looks in addresses, subjects and the names of files with findings. What you type is not recorded.
holds-state = State
holds-rule = Why it was held
holds-any-rule = Any reason
holds-category = What was found
holds-any-category = Anything
holds-school = School
holds-from-day = Received from
holds-until-day = Received until
holds-order = Order
holds-oldest-first = Longest wait first
holds-newest-first = Newest first
holds-show = Show these messages
holds-clear = Show everything that waits
holds-range = { $n ->
    [one] 1 message
   *[other] { $from } to { $to } of { $n } messages
}
holds-range-more = { $from } to { $to } of more than { $n } messages
holds-none = Nothing waits for a decision.
holds-none-found = No message matches. Take a condition away, or choose “Any state”.
holds-none-yet = None on this page. Go on to the next one.
holds-search-ended = Your search has ended with your last sign-in. Type it again.
holds-indexing = Older messages are still being made searchable. A search may miss some for now.
holds-tick = Choose
holds-tick-one = Choose message { $reference }
holds-col-message = Message
holds-col-why = Why it was held
holds-col-people = From and to
holds-col-waits = Waiting for
holds-no-subject = (no subject)
holds-no-sender = No sender (an automatic message)
holds-gone = Deleted under your retention times
holds-to = to
holds-to-more = { $some } and { $n } more
holds-urgent = Urgent
holds-release-wanted = Sender asks for release
holds-word = Sender wrote to you
holds-own = You sent this
holds-legal = Legal hold
holds-yours = You have it
holds-claimed-by = { $who } has it
holds-decided-by = by { $who }
holds-bulk = Decide the chosen messages together
holds-pages = Pages of messages
holds-previous = Previous page
holds-next = Next page

hold-state-waiting = Waiting for a decision
hold-state-mine = Claimed by me
hold-state-held = Waiting
hold-state-claimed = Being looked at
hold-state-awaiting = Waiting for a second person
hold-state-released = Released
hold-state-refused = Refused
hold-state-expired = Expired, not sent
hold-state-purged = Decided, content deleted
hold-state-all = Any state

hold-found-pupil-name = Pupil’s name
hold-found-pupil-id = Pupil number (UPN, ULN)
hold-found-personal-id = Official number of a person
hold-found-personal-detail = Birth date, address or telephone
hold-found-credential = Password or key
hold-found-marking = Protective marking
hold-found-financial = Bank or card details
hold-found-medical = Health, SEN or safeguarding
hold-found-offensive = Offensive language
hold-found-chain-letter = Chain letter
hold-found-suspect = Possible phishing
hold-found-auto-forward = Automatic forwarding
hold-found-protected = Protected file

hold-span-moment = less than a minute
hold-span-minutes = { $n ->
    [one] 1 minute
   *[other] { $n } minutes
}
hold-span-hours = { $n ->
    [one] 1 hour
   *[other] { $n } hours
}
hold-span-days = { $n ->
    [one] 1 day
   *[other] { $n } days
}

live-new = { $n ->
    [one] 1 new message waits. Show it.
   *[other] { $n } new messages wait. Show them.
}

# Saved searches.
views-title = Saved searches
views-name = Name for this search
views-name-hint = Only you see it. No names of pupils.
views-save = Save this search
views-delete = Delete
views-unnamed = Write a name of at most 200 characters
views-many = You have 50 saved searches. Delete one first.
done-view-saved = The search is saved.
done-view-deleted = The search is deleted.
